"""Whatever a model writes, the analysers and checks answer: no exception, spans inside the text, labels of the set."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.language.identify import language_of, written_in
from in2x.language.japanese import REGISTERS, analyse, formality, keigo_class, politeness, sentences, tokenise
from in2x.language.japanese.consistency import narration, narration_consistency
from in2x.language.japanese.names import name_drift
from in2x.language.numbers import numbers
from in2x.language.register import register_of
from in2x.principles.case import Case
from in2x.principles.fundamental import check_principles
from in2x.principles.verdict import share
from in2x.records import Instruction
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.code import walls
from in2x.rl.rewards.registry import REWARDS
from in2x.rl.rewards.route import Scorer

MARKS = "。、！？「」…()（）《》｜\n\t \u3000\x00\u200b\ufeff\ud83d"
WORDS = "です ます お ご になる いただく れる ございます 食べ 行く 俺 じゃ か よ ね て 12 三分の一 Kyle カイル 说 :) w"
pieces = st.sampled_from([*MARKS, *WORDS.split()])
any_text = st.one_of(st.text(max_size=60), st.lists(pieces, max_size=25).map("".join))


@given(any_text)
@settings(max_examples=400, deadline=None)
def test_analysers(text: str) -> None:
    for lang in ("ja", "zh", "en"):
        assert register_of(text, lang) in REGISTERS
        assert written_in(text, lang) in (True, False, None)
    assert formality(text) in ("formal", "informal")
    assert keigo_class(text) in ("sonkei", "kenjou", "teinei", "none")
    assert 0 <= politeness(text) + 1 < 10
    assert language_of(text) in ("en", "ja", "zh", None)
    assert len(narration(text)) == len(text)
    narration_consistency([text])
    name_drift([text], [text])
    numbers(text)
    for token in tokenise(text):
        assert text[token.start : token.end] == token.surface
    assert [token for sentence in sentences(text) for token in sentence.tokens] == list(tokenise(text))
    for finding in analyse(text):
        assert 0 <= finding.start < finding.end <= len(text)


LANGUAGES = [
    "en",
    "ja",
    "zh",
    "zh-Hant",
    "ko",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "ru",
    "hi",
    "vi",
    "sw",
    "th",
    "ka",
    "ar",
    "haw",
]
WORLD = (
    "ﬁn ｶﾞ が e\u0301 한국어 ᄒ हिन्दी как ты Können Sie ты́ 你好 您 说话 İ ß ǆ ﷺ 🙂 (note: x) <b> https://a.b/c The of"
)
world_text = st.one_of(any_text, st.lists(st.sampled_from([*MARKS, *WORLD.split(), " "]), max_size=25).map("".join))


@given(world_text, world_text, st.sampled_from(LANGUAGES), st.sampled_from(LANGUAGES),
       st.sampled_from([None, "plain", "polite", "honorific", "casual", "literary"]))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_principles(source: str, answer: str, source_lang: str, target_lang: str, register: str | None) -> None:
    checks = {"traps": [source[:5]], "natural": [answer[:4]], "names": {source[:3]: "カイル"}}
    results = check_principles(Case(source, source_lang, target_lang, register, None, checks), answer)
    for verdict in results.values():
        assert verdict.kept in (True, False, None)
        assert verdict.why or verdict.kept
        assert (verdict.start, verdict.end) == (-1, -1) or 0 <= verdict.start < verdict.end <= len(answer)
    value = share(results.values())
    assert value is None or 0 <= value <= 1


@given(any_text, any_text)
@settings(max_examples=150, deadline=None)
def test_rewards(answer: str, wanted: str) -> None:
    verifiers = [
        {"name": "translation", "from": "en", "to": "ja", "source": wanted, "register": "polite"},
        {"name": "number", "value": "12"}, {"name": "choice", "value": "B"}, {"name": "exact", "value": wanted},
        {"name": "set", "values": [wanted]}, {"name": "contains", "all": [wanted]}, {"name": "format", "max_chars": 20},
    ]  # fmt: skip
    items = [
        RewardItem(Instruction("i", "ja", "qa", [{"role": "user", "content": wanted}], wanted, v), answer)
        for v in verifiers
    ]
    weights = {name: 1.0 for name in REWARDS if name != "code" or walls()}
    scores = asyncio.run(Scorer(weights).score(items))
    assert scores.failures == {}
    assert all(total is None or -1 <= total <= 1 for total in scores.total), "below 0: a principle is broken"
