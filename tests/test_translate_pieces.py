"""Texts taken apart into what a model reads and the frame that stays; questions, keys and the order of the work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.chat.source import Source
from in2x.formats.document import Segment, Tag
from in2x.translate.characters import Character, Characters, Relation
from in2x.translate.findings import Rules
from in2x.translate.glossary import Glossary, Term
from in2x.translate.identity import fingerprint, identity
from in2x.translate.job import Job
from in2x.translate.pieces import list_marks, pieces, whole
from in2x.translate.plan import units, waves


@st.composite
def tagged_texts(draw: st.DrawFn) -> Segment:
    text = draw(st.text(alphabet="ab1.- \n\r\t•猫。<>", max_size=40))
    tags: list[Tag] = []
    for number in range(1, draw(st.integers(0, 3)) + 1):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        if draw(st.booleans()):
            tags += [Tag(start, "<b>", number, "open"), Tag(end, "</b>", number, "close")]
        else:
            tags.append(Tag(start, "<br/>", number))
    return Segment(text, tuple(sorted(tags, key=lambda tag: tag.at)))


@given(tagged_texts(), st.booleans())
@settings(max_examples=300)
def test_nothing_of_a_text_is_lost_between_its_pieces(segment: Segment, marked: bool) -> None:
    parts = pieces(segment, marked)
    back = whole(segment, parts, [part.body for part in parts])
    assert back.text == segment.text
    assert sorted((tag.number, tag.raw, tag.kind) for tag in back.tags) == sorted(
        (tag.number, tag.raw, tag.kind) for tag in segment.tags
    )
    assert all(0 <= tag.at <= len(part.body.text) for part in parts for tag in part.body.tags)


def bodies(text: str, kind: str = "text", marked: bool = False) -> list[str]:
    return [part.body.text for part in pieces(Segment(text, kind=kind), marked)]  # type: ignore[arg-type]


def test_lines_indentation_and_marks_of_lists_stay_outside() -> None:
    assert bodies("  - Bring water.\n\n\t* Bring bread.  \n---\n") == ["Bring water.", "Bring bread."]
    assert bodies("- 5 apples") == ["5 apples"]
    assert bodies("-5 degrees") == ["-5 degrees"], "a minus is no mark"
    assert bodies("1. Wash it.", marked=True) == ["Wash it."]
    assert bodies("1. Wash it.") == ["1. Wash it."]
    assert bodies("We came\nhome late.", "subtitle") == ["We came home late."], "the format breaks it anew"


def test_a_number_is_a_mark_where_a_neighbour_counts_on() -> None:
    lines = ["1. Wash it.", "2. Dry it.", "Then", "3. April was cold.", "(1) x", "(2) y", "二、海", "1、山"]
    assert list_marks(lines) == [True, True, False, False, True, True, False, False]


def test_tags_in_several_lines_stay_in_theirs() -> None:
    segment = Segment("one two\nthree", (Tag(4, "<b>", 1, "open"), Tag(10, "</b>", 1, "close")))
    first, second = pieces(segment)
    assert [tag.raw for tag in first.body.tags] == ["<b>"] and [tag.raw for tag in second.body.tags] == ["</b>"]
    assert all(tag.kind == "alone" for part in (first, second) for tag in part.body.tags)
    assert whole(segment, (first, second), [first.body, second.body]).tags == segment.tags


# --- questions and keys -----------------------------------------------------------------------------------------------

JOB = Job("en", "ja")
LINES = [Segment(f"This is line number {n}.", place=f"line {n}", group="one") for n in range(1, 30)]


def keys(segments: list[Segment], job: Job = JOB, context: int = 3, identity: str = "model") -> list[str]:
    return [unit.key for unit in units(segments, job, context, True, identity) if unit]


def changed(one: list[str], other: list[str]) -> list[int]:
    return [n for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]


def test_a_key_holds_the_text_its_context_and_what_is_wished() -> None:
    base = keys(LINES)
    assert len(set(base)) == len(base)
    other = [replace(s, text="Something else.") if n == 10 else s for n, s in enumerate(LINES)]
    assert changed(base, keys(other)) == [10, 11, 12, 13], "the segment, and the three that have it before them"
    assert changed(base, keys(LINES, identity="other")) == list(range(29))
    assert changed(base, keys(LINES, replace(JOB, register="polite"))) == list(range(29))
    assert changed(keys(LINES, context=0), keys(other, context=0)) == [10]


def test_a_key_holds_only_the_terms_that_are_used_in_it() -> None:
    text = [Segment("The harbour was quiet."), Segment("The cat slept."), Segment("Two cats came.")]

    def of(*terms: Term) -> list[str]:
        return keys(text, Job("en", "ja", rules=Rules(Glossary(terms, "en", "ja"))), 0)

    base = of(Term("harbour", "港"))
    assert changed(base, of(Term("harbour", "港"), Term("mast", "帆柱"))) == []
    assert changed(base, of(Term("harbour", "港"), Term("cat", "猫"))) == [1, 2], "in any inflection"
    assert changed(base, of(Term("harbour", "波止場"))) == [0]


def test_who_speaks_to_whom_decides_register_scene_and_names() -> None:
    kyle = Character("Kyle", "カイル", register="casual", to=(("Emma", Relation("polite")),))
    people = Characters((kyle, Character("Emma", "エマ")), "ja")
    text = [Segment("Emma, wait!", speaker="Kyle"), Segment("Yes?", speaker="Emma"), Segment("Rain fell.")]
    one, two, three = units(text, Job("en", "ja", register="plain", rules=Rules(characters=people)), 0, True, "m")
    assert one and two and three
    assert one.questions[0].register == "polite" and "Emma" in one.questions[0].scene
    assert one.questions[0].terms == (("Emma", "エマ"),)
    assert three.questions[0].register == "plain" and not three.questions[0].scene


def test_a_key_knows_models_by_their_weights(tmp_path: Path) -> None:
    """Also two that are alike at both ends of their files, as a model and its low-rank adaptation may be."""
    folders = []
    for name, middle in (("one", b"a"), ("same", b"a"), ("other", b"b")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"x" * 200_000 + middle * 6_000_000 + b"x" * 200_000)
        folders.append(folder)
    one, same, other = (fingerprint(folder) for folder in folders)
    assert one == same != other
    (folders[1] / "config.json").write_text('{"layers": 2}')
    assert fingerprint(folders[1]) != one
    assert fingerprint("owner/model") == "owner/model"

    def of(*paths: Path) -> str:
        first, *others = paths
        models = [SimpleNamespace(name_or_path=str(path)) for path in others]
        return identity(SimpleNamespace(folder=first, others=models), 0)  # type: ignore[arg-type]

    assert of(folders[0], folders[0]) != of(folders[0], folders[2]), "an ensemble is all its members"


def test_what_stands_before_is_told_with_its_translation_and_bounded() -> None:
    plan = units(LINES, JOB, 3, True, "m")
    asked = plan[5].asked(lambda n: f"訳{n}" if n < 4 else "")  # type: ignore[union-attr]
    assert asked[0].before == (
        ("This is line number 3.", "訳2"), ("This is line number 4.", "訳3"), ("This is line number 5.", ""),
    )  # fmt: skip
    long = [Segment("word " * 700, place=str(n)) for n in range(4)]
    assert len(units(long, JOB, 3, True, "m")[3].before) == 1, "not more than a model can read"  # type: ignore[union-attr]


@pytest.mark.parametrize("context", [0, 3])
def test_the_work_has_every_unit_once_and_each_after_its_context(context: int) -> None:
    segments = [Segment(f"Line {n}.", place=f"{n}", group=f"chapter {n // 200}") for n in range(700)]
    plan = units(segments, JOB, context, True, "m")
    todo = {unit.number for unit in plan if unit}
    seen: list[int] = []
    early: list[int] = []
    for side in waves(plan, todo, context, 10, 40):
        assert sum(map(len, side)) <= 40
        early += [row[0].number for row in side if row[0].before and row[0].number - 1 not in seen]
        seen += [unit.number for row in side for unit in row]
        for row in side:
            assert [unit.number for unit in row] == list(range(row[0].number, row[0].number + len(row)))
    assert sorted(seen) == list(range(700))
    if context:
        assert early == [200, 400, 600], "only the beginnings of stretches, which are chapters here, do not wait"


def test_what_is_asked_together_does_not_depend_on_what_is_done() -> None:
    """A run that was killed asks the same questions as before, so that answers on the way are found again."""
    segments = [Segment(f"Line {n}.", place=f"{n}") for n in range(100)]
    plan = units(segments, JOB, 3, True, "m")
    rows = [[unit.number for unit in row] for side in waves(plan, range(100), 3, 10, 40) for row in side]
    left = [n for n in range(100) if n > 29 or n == 7]
    again = [[unit.number for unit in row] for side in waves(plan, left, 3, 10, 40) for row in side]
    assert again == [[7], *rows[3:]]


def test_a_file_that_has_a_translation_keeps_it_unless_told_otherwise() -> None:
    text = [Segment("Open", done="開く"), Segment("---"), Segment("Close")]
    assert [unit is not None for unit in units(text, JOB, 2, True, "m")] == [False, False, True]
    assert [unit is not None for unit in units(text, replace(JOB, redo=True), 2, True, "m")] == [True, False, True]


def test_a_question_has_placeholders_only_for_a_model_that_takes_them() -> None:
    segment = Segment("See the map now.", (Tag(8, "<b>", 1, "open"), Tag(11, "</b>", 1, "close")))
    [taken] = units([segment], JOB, 0, True, "m")
    [bare] = units([segment], JOB, 0, False, "m")
    assert taken and bare
    assert taken.questions[0].text == "See the<1> map</1> now." and taken.questions[0].tagged
    assert bare.questions[0] == Source("See the map now.", "en", "ja")
