"""Best of N by principles: what breaks least is taken, and what the others agree with where that is equal."""

from __future__ import annotations

import pytest

from in2x.chat.source import Source
from in2x.translate.backend import Translation
from in2x.translate.best import BestBackend, findings_of
from in2x.translate.identity import identity
from in2x.translate.mbr import MbrBackend
from in2x.translate.request import TranslationRequest


class Fixed:
    """A translator with given answers to every question."""

    def __init__(self, greedy: str, *drawn: str) -> None:
        self.greedy, self.drawn = greedy, drawn

    def translations(self, sources, *_):
        return [Translation(self.greedy)] * len(sources)

    def candidates(self, sources, *_):
        return [[Translation(text) for text in self.drawn]] * len(sources)


def best(source: Source | str, greedy: str, *drawn: str) -> str:
    backend = BestBackend([Fixed(greedy, *drawn)], len(drawn))
    (one,) = backend.translations([source], TranslationRequest("en", "ja"))
    return one.text


@pytest.mark.parametrize(
    ("source", "wrong", "right"),
    [
        (Source("He bought 12 books.", "en", "ja"), "彼は本を10冊買った。", "彼は12冊の本を購入した。"),
        (Source("Thank you.", "en", "ja"), "Thank you.", "ありがとう。"),
        (Source("Press <1>OK</1> now.", "en", "ja", tagged=True), "今すぐOKを押してください。",
         "今すぐ<1>OK</1>を押しましょう。"),
        (Source("The knight left.", "en", "ja", terms=(("knight", "騎士"),)), "武士は去った。", "騎士が出発した。"),
        (Source("I read it.", "en", "ja", register="polite"), "それを読んだよ。", "それを読みました。"),
    ],
)  # fmt: skip
def test_the_one_that_breaks_least_is_taken(source, wrong, right):
    """However often the wrong one is drawn."""
    assert findings_of(source, wrong) and not findings_of(source, right)
    assert best(source, wrong, wrong, wrong, right) == right


def test_of_equal_ones_the_others_decide():
    assert (
        best("Cats sleep in the garden.", "雪が降る", "猫が庭で眠る", "猫は庭で眠る", "猫が庭で寝る") == "猫が庭で眠る"
    )


def test_lost_tags_are_one_finding():
    lost = findings_of(Source("Press <1>OK</1> now.", "en", "ja", tagged=True), "<1>OKを押す。")
    assert [(one.principle, one.severity) for one in lost] == [("tags", "critical")]
    assert "</1>" in lost[0].why


def test_what_chooses_belongs_to_the_answers_name():
    one = Fixed("a")
    assert identity(BestBackend([one], 4), 0) != identity(MbrBackend([one], 4), 0)
    assert "chrF2" in MbrBackend.signature and "findings" in BestBackend.signature
