"""Address and speech level of Korean, Hindi, Russian and Vietnamese: the grammar that tells them, and what must stay
unlabelled. All sentences are ours."""

from __future__ import annotations

import pytest

from in2x.language.address import hi, ko, ru, vi

KOREAN = {
    "honorific": (
        "곧 안내해 드리겠습니다.",
        "여기에 앉으십시오.",
        "회장님께서 말씀하셨습니다.",
        "손님, 찾으시는 물건이 있으십니까?",
    ),
    "polite": (
        "오늘은 날씨가 좋습니다.",
        "비가 옵니다.",
        "아침마다 커피를 마십니다.",
        "네, 제 생각에는 당신의 계획이",
        "어디에 가세요?",
        "커피 한 잔 주세요",
        "그럴 필요는 없어요.",
        "네, 알겠습니다.",
        "같이 갑시다.",
        "그랬군요 ㅎㅎ",
        "알겠어요~",
        "비가 올까요?",
        "그건 제 가방이에요",
        "그렇소. 나는 여기 있소.",
    ),
    "casual": (
        "어디 가?",
        "빨리 와!",
        "밥 먹자.",
        "뭐 하니?",
        "진짜 맛있다ㅋㅋ 너도 먹어 봐",
        "나 지금 집이야",
        "조용히 해라.",
        "안녕",
        "그렇대.",
        "왜 이래?",
        "너는 어제 서울에 갔다.",
    ),
    "plain": (
        "그는 문을 열고 밖으로 나갔다. 바람이 차가웠다.",
        "이 법은 내일부터 시행된다.",
        "나는 어제 서울에 갔다.",
    ),
    "none": ("", "12:30", "서울 바다", "주요 내용", "고속도로 사고", "사용자 설명서", "지진 피해"),
}
HINDI = {
    "polite": (
        "आपका नाम क्या है?",
        "कृपया यहाँ बैठिए।",
        "मुझे बता दीजिए।",
        "अपना पता बताएँ।",
        "आप क्या करते हो?",
    ),
    "casual": (
        "तुम्हारा नाम क्या है?",
        "तेरा नाम क्या है?",
        "यहाँ बैठो।",
        "क्या कर रहे हो?",
        "कल आओगे?",
        "मुझे बता दो।",
    ),
    "none": (
        "राम घर गया।",
        "मुझे दो किताबें चाहिए।",
        "यह मेरे लिए है, इसलिए मैं खुश हूँ।",
        "दरवाज़ा अपने आप खुल गया।",
        "उन्होंने काम किए और चले गए।",
        "चिट्ठी के ज़रिए खबर मिली।",
        "शायद वह बीमार हो।",
        "बच्चों को खेलने दो घंटे मिले।",
        "हम कल जाएँ।",
        "रेडियो और वीडियो बंद हैं।",
    ),
}
RUSSIAN = {
    "polite": (
        "Как вас зовут?",
        "Хотите чаю?",
        "Закройте дверь!",
        "Не волнуйтесь, пожалуйста.",
        "Здравствуйте!",
        "О чём думаете?",
        "Вы, знаешь, правы.",
    ),
    "casual": (
        "Как тебя зовут?",
        "Хочешь чаю?",
        "Закрой дверь!",
        "Не волнуйся.",
        "Поделись со мной.",
        "Скажи-ка мне правду.",
        "Ты прав, а вот вы, ребята, ошиблись.",
    ),
    "none": (
        "Он пошёл домой и лёг спать.",
        "Книги лежат на столе.",
        "В университете прошла конференция.",
        "Он стоит в старом кабинете.",
        "Мы подошли к планете.",
        "Это лишь мышь.",
        "Самый простой случай. Улей стоял в саду.",
        "Статья о развивающейся стране.",
        "За две недели он был в Дели.",
        "Подпись и печать. Роспись на стене.",
        "Ух ты, как красиво!",
        "Поцелуй был долгим.",
        "Вернувшись домой, он лёг.",
        "Ему нужно развлечься и пройтись.",
        "Дети оделись и вышли, вожди молчали, шли дожди.",
    ),
}
VIETNAMESE = {
    "polite": (
        "Anh có khỏe không ạ?",
        "Chị muốn uống gì?",
        "Thưa bà, mời bà ngồi.",
        "Dạ, em hiểu rồi.",
        "Anh ơi, cho em hỏi đường.",
        "Xin vui lòng chờ một lát.",
    ),
    "casual": (
        "Cậu đi đâu đấy?",
        "Mày làm gì thế?",
        "Bạn có thích phim không?",
        "Vâng, bạn nói đúng.",
        "Tôi đoán là bạn thích cà phê.",
        "Cháu thích môn nào nhất?",
        "Bạn ạ, trời lại mưa rồi.",
    ),
    "none": (
        "Anh ấy đi làm về muộn.",
        "Ông tôi sống ở Huế.",
        "Cô giáo bước vào lớp.",
        "Tôi có nhiều bạn bè ở Hà Nội.",
        "Nước Anh nằm ở châu Âu.",
        "Tôi và anh ấy là bạn.",
        "Ông Nam là giám đốc.",
        "Cô ấy đau dạ dày.",
        "Ông già và biển cả",
        "Các bạn trẻ thích du lịch.",
    ),
}


def _cases(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(text, label) for label, texts in table.items() for text in texts]


@pytest.mark.parametrize(("text", "label"), _cases(KOREAN))
def test_korean(text: str, label: str) -> None:
    assert ko.decide(text) == label


@pytest.mark.parametrize(("text", "label"), _cases(HINDI))
def test_hindi(text: str, label: str) -> None:
    assert hi.decide(text) == label


@pytest.mark.parametrize(("text", "label"), _cases(RUSSIAN))
def test_russian(text: str, label: str) -> None:
    assert ru.decide(text) == label


@pytest.mark.parametrize(("text", "label"), _cases(VIETNAMESE))
def test_vietnamese(text: str, label: str) -> None:
    assert vi.decide(text) == label


def test_quoted_korean_speech_is_not_the_level_of_the_text() -> None:
    assert ko.decide('그 사람이 "빨리 와!"라고 했어요.') == "polite"
    assert ko.decide('선생님이 "앉으세요"라고 했어.') == "casual"
    assert ko.decide('"빨리 와!"') == "casual"  # all that there is


def test_one_korean_sentence_to_oneself_does_not_make_a_polite_text_casual() -> None:
    assert ko.decide("어디에 뒀더라? 아니면 버렸나? 아무튼 다시 찾아볼게요. 기다려 주세요.") == "polite"


def test_spellings_of_hindi_are_one() -> None:
    assert hi.normal("ज़रूर तुम्\u200dहें") == hi.normal("जरूर तुम्हें")
    assert hi.decide("तुम्\u200dहारा घर") == hi.decide("तुम्हारा घर") == "casual"


def test_stress_marks_and_case_of_russian_do_not_matter() -> None:
    assert ru.decide("ВЫ ЗНА\u0301ЕТЕ?") == "polite"
    assert ru.decide("ТЫ ГДЕ?") == "casual"


def test_decomposed_vietnamese_is_read() -> None:
    import unicodedata

    assert vi.decide(unicodedata.normalize("NFD", "Quý vị hiểu chứ?")) == "polite"


@pytest.mark.parametrize("decide", [ko.decide, hi.decide, ru.decide, vi.decide])
def test_a_text_without_letters_of_the_language_shows_nothing(decide: object) -> None:
    assert callable(decide)
    for text in ("", "   ", "?!", "2026", "The report is on the table.", "😀"):
        assert decide(text) == "none"
