"""Whether an answer is in the language asked for, all of it; and what language a text is in."""

from __future__ import annotations

import importlib.util
import math
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.language.identify import identify, identify_lines, split_languages
from in2x.language.misfit import misfit
from in2x.language.written import foreign, written

ROOT = Path(__file__).resolve().parents[1]
OWN = {
    "en": "The harbour wakes early, and the boats are already leaving.",
    "ja": "港の朝は早く、船はもう出ていきます。",
    "zh": "港口的早晨很早，船已经开走了。",
    "zh-Hant": "港口的早晨總是來得很早，船已經開走了。",
    "ko": "항구의 아침은 이르고, 배는 벌써 떠나고 있습니다.",
    "de": "Der Hafen erwacht früh, und die Boote fahren schon hinaus.",
    "fr": "Le port se réveille tôt, et les bateaux partent déjà.",
    "es": "El puerto despierta temprano, y los barcos ya están saliendo.",
    "it": "Il porto si sveglia presto, e le barche stanno già uscendo.",
    "pt": "O porto acorda cedo, e os barcos já estão a sair.",
    "ru": "Гавань просыпается рано, и лодки уже уходят в море.",
    "hi": "बंदरगाह जल्दी जाग जाता है, और नावें निकल रही हैं।",
    "vi": "Bến cảng thức dậy sớm, và những chiếc thuyền đã ra khơi.",
}
"""One sentence of two clauses in each language."""


@pytest.mark.parametrize("code", OWN)
def test_a_language_knows_its_own_sentence_and_no_other(code: str) -> None:
    for lang, text in OWN.items():
        assert written(text, code) is (lang == code), (code, lang)


@pytest.mark.parametrize("code", OWN)
def test_a_clause_of_another_language_is_found_where_it_stands(code: str) -> None:
    joint = "" if code in ("ja", "zh", "zh-Hant") else " "
    for lang, text in OWN.items():
        if lang == code or {lang, code} == {"zh", "zh-Hant"}:
            continue
        answer = OWN[code] + joint + text
        assert written(answer, code, lang) is False, (code, lang)
        spans = foreign(answer, code, lang)
        found = sum(max(0, end - max(start, len(OWN[code]))) for start, end in spans)
        outside = sum(max(0, min(end, len(OWN[code])) - start) for start, end in spans)
        assert found > 0.5 * len(text) and outside <= 0.3 * len(OWN[code]), (code, lang, spans)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("de", "Ich war gestern in New York bei Apple."), ("ja", "iPhone 15 ProをAmazonで買いました。"),
        ("ja", "昨日「Gone with the Wind」を見た。"), ("en", "She ordered sushi (寿司) and a crème brûlée."),
        ("fr", "J'ai regardé The Lord of the Rings hier soir."), ("ru", "Я купил iPhone в магазине Apple."),
        ("ko", "김 씨(金氏)는 Microsoft Office를 씁니다."), ("zh", "我们昨天去了「スターバックス」喝咖啡。"),
        ("hi", "मैंने WhatsApp पर फ़ोटो भेजा।"), ("es", "Vive en São Paulo con Müller."), ("vi", "Tôi dùng Google Maps."),
        ("ja", "積極的被害者支援対策実施要綱"), ("en", "See `für_alle()` at https://example.org/der-die-das"),
    ],
)  # fmt: skip
def test_names_terms_titles_and_code_are_no_strays(code: str, text: str) -> None:
    assert foreign(text, code) == []
    assert written(text, code) is True


@pytest.mark.parametrize(("code", "text"), [("ja", "42"), ("de", "…?!"), ("ja", "iPhone"), ("fr", ""), ("en", "Tokyo")])
def test_what_cannot_be_told_is_none(code: str, text: str) -> None:
    assert written(text, code) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [("ru", "Я не знаю, що це таке, але мені подобається."), ("hi", "मला माहित नाही की तो कुठे आहे आणि काय करतो."),
     ("de", "Ik weet niet wat ik daarvan moet denken."), ("en", "Jag vet inte vad jag ska göra nu."),
     ("zh", "請問車站在哪裡？我們找不到。"), ("zh-Hant", "请问车站在哪里？我们找不到。")],
)  # fmt: skip
def test_kindred_languages_and_writings(code: str, text: str) -> None:
    assert written(text, code) is False


@pytest.mark.parametrize("code", ["sw", "nl", "th", "el", "uk"])
def test_languages_without_a_pack_know_another_script_and_english(code: str) -> None:
    assert written("これは日本語の文です。", code) is False
    assert written("This is a sentence in English, and nothing else.", code) is False


@given(st.text(max_size=60), st.sampled_from([*OWN, "sw", "th", "uk"]), st.sampled_from([None, *OWN]))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_verdict_and_spans_inside_it(text: str, code: str, other: str | None) -> None:
    spans = foreign(text, code, other)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left.end < right.start for left, right in pairwise(spans))
    assert written(text, code, other) in (True, False, None)
    assert not (spans and written(text, code, other) is not False)
    identify([text])
    misfit(text, code)


@pytest.mark.parametrize(
    ("text", "lang"),
    [*((text, lang.split("-")[0]) for lang, text in OWN.items()), ("Danke.", "de"), ("Thank you!", "en"),
     ("被害届受理番号", "ja"), ("自動販売機", "ja"), ("勉強中", "ja"),
     ("特別推薦的店家「ヤマシロ」，雖然不在橫町上", "zh"),
     ("我们昨天去了「スターバックス」喝咖啡。", "zh")],
)  # fmt: skip
def test_identify(text: str, lang: str) -> None:
    assert identify_lines([text + "\n"]) == [lang]


def test_japanese_lines_of_kanji_alone_stay() -> None:
    text = "これは記録である。\n総合的判断終了\n那覇市被害対策本部設置完了\n以上を報告する。"
    assert split_languages(text, "ja") == (text, 0, 0.0)


@pytest.mark.parametrize(
    ("text", "lang", "fits"),
    [("Das ist ein Satz, und er ist deutsch.", "de", True), ("This is a sentence in English.", "de", False),
     ("Übersetze: The harbour wakes early. Achte bitte auf den Ton und auf den Stil des Satzes.", "de", True),
     ("नमस्ते, आप कैसे हैं?", "ko", False), ("OK", "vi", True)],
)  # fmt: skip
def test_misfit_in_any_language(text: str, lang: str, fits: bool) -> None:
    assert (misfit(text, lang) is None) is fits


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wrong_language", ROOT / "benchmarks" / "wrong_language.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REACHED = {("de", "mixed, source"): 0.985, ("ja", "mixed, source"): 0.98, ("zh", "mixed, source"): 0.98}
"""Share caught where it is not .99 yet."""


@pytest.mark.shared
def test_wrong_answers_are_caught_and_references_pass(benchmark: ModuleType, shared_data: Path) -> None:
    """A language may be off by two standard errors of its sample."""
    counts = benchmark.measure(shared_data, each=300, seed=5, told=True)

    def share(kind: str, codes: list[str]) -> float:
        total = sum(counts[code][kind, "all"] for code in codes)
        return float(sum(counts[code][kind, "wrong"] for code in codes) / total)

    def chance(rate: float, code: str, kind: str) -> float:
        return 2 * math.sqrt(rate * (1 - rate) / counts[code][kind, "all"])

    every = list(counts)
    assert share("reference", every) <= 0.002
    for kind in benchmark.KINDS[1:]:
        assert share(kind, every) >= 0.99, kind
    for code in every:
        assert share("reference", [code]) <= 0.005 + chance(0.005, code, "reference"), code
        for kind in benchmark.KINDS[1:]:
            goal = REACHED.get((code, kind), 0.99)
            assert share(kind, [code]) >= goal - chance(goal, code, kind), (code, kind, share(kind, [code]))
