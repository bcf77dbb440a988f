"""Whose voice a Japanese text speaks in: final particles, person words, titles, gendered speech.

The tables are ours; each entry says what to look for and what it tells, in English and Japanese. The speech by which
fiction marks its figures is in `roles.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from in2x.language.finding import Finding
from in2x.language.japanese.morphology import Token, sentences, tokenise
from in2x.language.japanese.predicate import closing_predicate
from in2x.language.voices import Gender


class Word(NamedTuple):
    """What a word tells about who speaks to whom."""

    role: str
    """"neutral" | "masculine" | "feminine" | "formal" | "rough" | "elder" | "samurai" | "humble" | "archaic"."""
    en: str
    ja: str


PARTICLES = {
    "よ": Word("neutral", "tells the listener something", "聞き手に知らせる"),
    "ね": Word("neutral", "seeks agreement", "同意を求める"),
    "な": Word("masculine", "muses, or seeks agreement bluntly", "詠嘆・男性的な同意要求"),
    "ぞ": Word("masculine", "asserts forcefully", "強い主張（男性的）"),
    "ぜ": Word("masculine", "asserts with swagger", "気安い主張（男性的）"),
    "わ": Word("feminine", "asserts softly", "柔らかい主張（女性的）"),
    "さ": Word("masculine", "asserts offhandedly", "軽い断定"),
    "の": Word("feminine", "explains or asks softly", "柔らかい説明・問い"),
    "かしら": Word("feminine", "wonders", "自問（女性的）"),
    "け": Word("neutral", "tries to recall", "記憶の確認"),
    "もの": Word("feminine", "gives a reason, childlike or feminine", "理由を訴える（女性・子供）"),
    "じゃん": Word("neutral", "points out, young and casual", "くだけた確認"),
    "のう": Word("elder", "seeks agreement, as an old man", "老人語の同意要求"),
    "べい": Word("rural", "conjectures or invites, rural", "方言的な推量・勧誘"),
    "ねん": Word("kansai", "explains, Kansai dialect", "関西方言の説明"),
    "か": Word("neutral", "asks", "問い"),
}
"""Sentence-final particles by lemma."""

FIRST_PERSON = {
    "私": Word("neutral", "I, neutral or polite", "一人称（中立・丁寧）"),
    "わたくし": Word("formal", "I, very polite", "一人称（改まり）"),
    "あたし": Word("feminine", "I, feminine and casual", "一人称（女性・くだけ）"),
    "僕": Word("masculine", "I, masculine and mild", "一人称（男性・穏やか）"),
    "俺": Word("masculine", "I, masculine and casual", "一人称（男性・くだけ）"),
    "わし": Word("elder", "I, an old man", "一人称（老人）"),
    "拙者": Word("samurai", "I, a samurai", "一人称（武士）"),
    "某": Word("samurai", "I, a samurai", "一人称（武士）"),
    "おいら": Word("masculine", "I, boyish or rural", "一人称（少年・田舎）"),
    "我が輩": Word("archaic", "I, pompous", "一人称（尊大）"),
    "我": Word("archaic", "I, archaic or solemn", "一人称（古風）"),
    "小生": Word("humble", "I, humble, in letters of men", "一人称（書簡・謙称）"),
    "余": Word("archaic", "I, a sovereign", "一人称（君主）"),
    "朕": Word("archaic", "I, an emperor", "一人称（天子）"),
    "わらわ": Word("archaic", "I, a lady of rank", "一人称（高貴な女性）"),
    "あっし": Word("masculine", "I, a craftsman or gambler of old", "一人称（職人・渡世人）"),
    "我々": Word("formal", "we", "一人称複数"),
    "うち": Word("feminine", "I, feminine, western Japan or young", "一人称（女性・西日本、若者）"),
    "わて": Word("kansai", "I, Osaka of old", "一人称（大阪・古風）"),
    "おら": Word("rural", "I, rural", "一人称（田舎）"),
    "わっち": Word("archaic", "I, a courtesan or craftsman of old", "一人称（廓言葉・職人）"),
    "麻呂": Word("archaic", "I, a courtier", "一人称（公家）"),
    "こちとら": Word("rough", "we, blunt, of old Edo", "一人称複数（江戸っ子）"),
    "身共": Word("samurai", "I, a samurai", "一人称（武士）"),
    "拙僧": Word("humble", "I, a monk", "一人称（僧）"),
    "愚僧": Word("humble", "I, a monk", "一人称（僧）"),
    "小職": Word("humble", "I, an official or employee, in letters", "一人称（書簡・官職）"),
    "本官": Word("formal", "I, an officer", "一人称（官吏）"),
    "当方": Word("formal", "we, in business", "一人称（商用）"),
}
SECOND_PERSON = {
    "貴方": Word("neutral", "you, neutral", "二人称（中立）"),
    "あんた": Word("rough", "you, blunt", "二人称（ぞんざい）"),
    "君": Word("masculine", "you, to an equal or a junior", "二人称（同等・目下）"),
    "御前": Word("rough", "you, to an inferior or a close friend", "二人称（目下・親しい相手）"),
    "てまえ": Word("rough", "you, hostile", "二人称（敵意）"),
    "貴様": Word("rough", "you, hostile", "二人称（敵意）"),
    "其方": Word("archaic", "you, archaic, to an inferior", "二人称（古風・目下）"),
    "汝": Word("archaic", "thou", "二人称（文語）"),
    "御主": Word("elder", "you, old man or samurai", "二人称（老人・武士）"),
    "貴公": Word("samurai", "you, of samurai to an equal", "二人称（武士・同輩）"),
    "貴殿": Word("samurai", "you, formal, in letters or of samurai", "二人称（書簡・武士）"),
    "貴女": Word("formal", "you, to a woman", "二人称（女性に）"),
    "貴兄": Word("formal", "you, in letters of men", "二人称（書簡・男性）"),
    "御宅": Word("neutral", "you, distant", "二人称（よそよそしい）"),
    "諸君": Word("formal", "you all, to inferiors or equals", "二人称複数（目下・同等）"),
}
TITLES = {
    "様": Word("formal", "high respect", "高い敬意"),
    "さん": Word("neutral", "ordinary respect", "普通の敬意"),
    "君": Word("masculine", "to an equal or junior, mostly male", "同等・目下（主に男性）"),
    "ちゃん": Word("feminine", "affection", "親愛"),
    "殿": Word("formal", "official respect", "公的な敬意"),
    "氏": Word("formal", "written respect", "書き言葉の敬意"),
    "先生": Word("formal", "teacher, doctor, author", "師・医師・作家"),
    "先輩": Word("neutral", "senior of one's group", "目上の仲間"),
    "陛下": Word("formal", "sovereign", "君主"),
    "殿下": Word("formal", "prince", "王族"),
    "閣下": Word("formal", "excellency", "高官"),
    "社長": Word("formal", "company president", "役職"),
    "部長": Word("formal", "department head", "役職"),
    "課長": Word("formal", "section head", "役職"),
    "博士": Word("formal", "doctor of science", "学位"),
    "猊下": Word("formal", "prelate", "高僧・聖職者"),
    "卿": Word("formal", "lord", "貴族"),
    "姫": Word("formal", "princess", "姫君"),
    "嬢": Word("feminine", "young lady", "若い女性"),
    "夫人": Word("feminine", "wife of a man of standing", "既婚女性"),
    "女史": Word("feminine", "learned woman", "学識ある女性"),
    "坊": Word("neutral", "affection for a boy", "親愛（男児）"),
    "たん": Word("neutral", "cute affection", "親愛（幼児語）"),
    **{
        office: Word("formal", "office or rank", "役職・階級")
        for office in (
            "会長",
            "専務",
            "常務",
            "係長",
            "主任",
            "院長",
            "校長",
            "教授",
            "監督",
            "選手",
            "議員",
            "大臣",
            "首相",
            "大統領",
            "師匠",
            "上人",
            "王",
            "女王",
            "公爵",
            "侯爵",
            "伯爵",
            "子爵",
            "男爵",
            "将軍",
            "大将",
            "中将",
            "少将",
            "大佐",
            "中佐",
            "少佐",
            "大尉",
            "中尉",
            "少尉",
            "警部",
            "刑事",
        )
    },
}
_RANKS = {"陛下", "殿下", "閣下", "猊下"}
"""Titles that also stand behind an office (国王陛下) or alone, as an address (陛下、こちらへ)."""
_FORMS = {
    "あたし": "あたし",
    "わたくし": "わたくし",
    "あんた": "あんた",
    "あたくし": "わたくし",
    "そなた": "其方",
    "あっし": "あっし",
    "わらわ": "わらわ",
    "おら": "おら",
    "お主": "御主",
    "おぬし": "御主",
}
_NOUNS = {
    "拙者", "小生", "貴殿", "わらわ", "小職", "本官", "当方", "愚僧", "諸君", "貴女",
}  # fmt: skip
"""Person words that UniDic files as nouns."""
"""Spoken forms that UniDic files under another lemma."""


def final_particles(text: str) -> list[Finding]:
    """The particles that close each sentence, as one finding a particle."""
    found = []
    for sentence in sentences(text):
        tokens = [token for token in sentence.tokens if token.pos not in ("補助記号", "記号", "空白")]
        while tokens and tokens[-1].pos == "助詞" and tokens[-1].lemma in PARTICLES and tokens[-1].pos2 != "格助詞":
            token = tokens.pop()
            word = PARTICLES[token.lemma]
            found.append(_finding("particle", token.surface, token, word))
    return sorted(found, key=lambda finding: finding.start)


def person_words(text: str) -> list[Finding]:
    """Words for "I" and "you"; labels are the words themselves."""
    found = []
    for token in tokenise(text):
        if token.pos not in ("代名詞", "名詞"):
            continue
        lemma = _FORMS.get(token.surface, token.lemma.partition("-")[0])
        if token.pos == "名詞" and lemma not in _NOUNS:
            continue
        if lemma in FIRST_PERSON:
            found.append(_finding("first person", token.surface, token, FIRST_PERSON[lemma]))
        elif lemma in SECOND_PERSON:
            found.append(_finding("second person", token.surface, token, SECOND_PERSON[lemma]))
    return found


def titles(text: str) -> list[Finding]:
    """Honorific titles behind a name or a word for a person, and those that address alone; the label is the title."""
    found = []
    before: Token | None = None
    for token in tokenise(text):
        lemma = token.lemma.partition("-")[0]
        named = before is not None and before.pos == "名詞" and before.end == token.start
        proper = named and before is not None and before.pos2 == "固有名詞"
        if lemma in TITLES and (lemma in _RANKS or proper or (named and token.pos == "接尾辞")):
            found.append(_finding("title", lemma, token, TITLES[lemma]))
        before = token
    return found


def _finding(kind: str, label: str, token: Token, word: Word) -> Finding:
    return Finding(kind, label, token.start, token.end, f"{token.surface}: {word.en}", f"{token.surface}：{word.ja}")


_MASCULINE_ENDING = re.compile(r"(?:[ぞぜ]|だろ|かよ|だな|[るたい]な|じゃねえか|たまえ)(?=[。！？!?…]|$)")
_FEMININE_ENDING = re.compile(
    r"(?:(?<![んぇえーや])(?<!とる)(?<!どる)わ|わよ|わね|わよね|(?:ます|です|たい|った)の|のよ|のね|なの|なのよ|なのね|かしら|かしらね|てよ|もの|たの)(?=[。！？!?…]|$)"
    r"|(?<![だんぁ-ん])(?:よ|よね|ね)(?=[。！？!?…]|$)"
)


_ROUGH = re.compile(
    "まじ|マジ|くそ|クソ|うざ|ウザ|むかつ|ムカつ|やべ|ヤベ|うるさ|うるせ|うっせ|だる|アホ|ボケ|バカ|腹減|腹立"
)
"""Beside these a falling わ is anyone's: マジうけるわ."""


@lru_cache(maxsize=4096)
def gendered_speech(text: str) -> Gender:
    """Count the endings and person words that convention gives to women and to men.

    A noun or な-adjective with bare よ or ね (素敵ね) is conventionally feminine, だよ and だね are not.
    """
    count: Counter[str] = Counter()
    for sentence in sentences(text):
        shown = text[sentence.start : sentence.end]
        literary = closing_predicate(sentence).literary
        if not literary:
            endings = _FEMININE_ENDING.findall(shown)
            count["feminine"] += len(endings) - (endings.count("わ") if _ROUGH.search(shown) else 0)
            count["masculine"] += len(_MASCULINE_ENDING.findall(shown))
    for finding in person_words(text):
        table = FIRST_PERSON if finding.kind == "first person" else SECOND_PERSON
        for lemma, word in table.items():
            if word.role in ("feminine", "masculine") and finding.label in (lemma, *_spoken(lemma)):
                count[word.role] += 1
    feminine, masculine = count["feminine"], count["masculine"]
    label = "neutral" if feminine == masculine else "feminine" if feminine > masculine else "masculine"
    return Gender(label, feminine, masculine)


def _spoken(lemma: str) -> tuple[str, ...]:
    return {"俺": ("オレ", "おれ"), "僕": ("ボク", "ぼく"), "君": ("キミ", "きみ"), "あたし": ("アタシ",)}.get(
        lemma, ()
    )
