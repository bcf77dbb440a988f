"""What cannot be found in a text is not searched for: the same is found as by the patterns alone."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from in2x.instructions.rules.demands import _NUMBER, _UNIT
from in2x.instructions.rules.form import _LONG_LOOP, _LOOP, _RUN, _alike
from in2x.instructions.rules.loops import ends_twice, loops
from in2x.language import wording
from in2x.language.alphabet import strays
from in2x.language.language import language
from in2x.language.possible import BOUNDARY, Sieve, _fold, pieces
from in2x.language.words import words_of

NAMES = ("verse", "refusal", "closing", "courtesy", "greeting", "letters", "muses", "leakage", "roles", "about_marks")


def sound(pattern: str) -> set[str]:
    found = pieces(re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    return set() if found is None else {piece.replace(BOUNDARY, "|") for piece in found}


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"\b(?:poems?|ode)\b", {"|poem|", "|poems|", "|ode|"}),
        (r"x+ I[’']m [a-z]+", {" i'm ", " i’m "}),
        (r"(?:note|tip)\s*[:：]", {"note", "tip"}),
        (r"(?<=[.!])\s*Dear \w+", {"dear "}),
        (r"(?:a|b|)c?", set()),
        (r"(\w)\1{3}", set()),
        (r"(?!never)(?:(?=word)w)?once", {"once", "wonce"}),
        (r"\d+|one", set()),
    ],
)
def test_a_match_needs_these_pieces(pattern: str, wanted: set[str]) -> None:
    assert sound(pattern) == wanted


def test_letters_are_one_where_re_takes_them_for_one() -> None:
    cased = [c for c in map(chr, range(0x250)) if c.isalpha()] + [*"ΑαςΣσϐβΜµμΘϑθЖжſKÅẞßﬅﬆΐΐΰΰᏣꭣ"]
    every = "".join(cased)
    for char in cased:
        alike = re.findall(re.escape(char), every, re.IGNORECASE)
        assert {_fold(other) for other in alike} == {_fold(char)}, char


def texts() -> list[str]:
    """Words of the patterns themselves and what stands between words, in any order and case."""
    rng = random.Random(7)
    vocabulary = [
        word
        for name in NAMES
        for pattern in wording.patterns(name)
        for word in re.findall(r"[^\W\d_]{2,12}|[\"“「：:.!?\n]", pattern.pattern)
    ]
    made = []
    for _ in range(150):
        words = rng.choices(vocabulary, k=rng.randint(1, 30))
        text = rng.choice(["", " ", " ", "\n", "😀"]).join(words)
        made.append(rng.choice([text, text.upper(), text.capitalize()]))
    return made


def test_search_finds_what_the_patterns_find(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = texts()
    unit = (("NUMBER", _NUMBER), ("UNIT", _UNIT))
    hits = 0
    for warm in (1 << 60, 1):
        monkeypatch.setattr(wording, "WARM", warm)
        monkeypatch.setattr(wording, "_sieve", wording._Sieve(""))
        for text in asked[:5]:  # what was asked before the sieve is made is in it
            for name in NAMES:
                wording.search(name, text)
            wording.patterns("at_most", unit, within=text)
        if warm == 1:
            wording._sieve.make()
        for text in asked:
            for name in NAMES:
                plain = re.search("|".join(p.pattern for p in wording.patterns(name)), text, re.I | re.M)
                said = wording.search(name, text)
                assert (said and said.span()) == (plain and plain.span()), (name, text)
                hits += said is not None
                whole = wording.any_of(name, r"\A\W*{}")
                frame = wording._any_of(name, r"\A\W*{}", "")
                assert bool(whole.match(text)) == bool(frame.match(text))
            bounds = [m.span() for p in wording.patterns("at_most", unit, within=text) for m in p.finditer(text)]
            assert bounds == [m.span() for p in wording.patterns("at_most", unit) for m in p.finditer(text)]
    assert hits > 300


def test_threads_ask_at_once_while_the_sieve_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [(name, text) for text in texts()[:60] for name in NAMES]
    alone = [bool(wording.search(name, text)) for name, text in asked]
    for name, value in (("WARM", 7), ("TEXTS", 5), ("_sieve", wording._Sieve(""))):
        monkeypatch.setattr(wording, name, value)
    monkeypatch.setattr(wording._sieve, "_next", 7)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: bool(wording.search(*one)), asked)) == alone


def test_a_frame_that_matches_by_itself_is_always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_sieve", wording._Sieve(""))
    either = wording.any_of("either", r"[\W_]*(?:{})?[\W_]*")
    wording.any_of("either").search("or")
    wording._sieve.make()
    assert either.fullmatch(" , ") and not either.needed
    assert wording.any_of("either").search("water") is None


def test_a_sieve_tells_its_patterns_apart() -> None:
    sieve = Sieve()
    numbers = [sieve.add(frozenset(some)) for some in (["ode"], [f"{BOUNDARY}ode{BOUNDARY}"], ["の詩", "句"], ["zz"])]
    assert numbers == [0, 1, 2, 3]
    assert [sieve.found(text) for text in ("code", "An ODE.", "冬の詩", "俳句", "", "😀ode😀")] == [1, 3, 4, 4, 0, 3]


def test_loops_are_where_the_patterns_find_them() -> None:
    rng = random.Random(3)
    for _ in range(400):
        unit = "".join(rng.choices("ab い,", k=rng.choice([1, 2, 3, 7, 40, 41, 90, 160, 161])))
        before = "".join(rng.choices("abc ", k=rng.randint(0, 60)))
        text = before + unit * rng.randint(1, 14) + "xyz"[: rng.randint(0, 3)]
        told = loops(text)
        assert told.short == bool(_LOOP.search(text)) and told.long == bool(_LONG_LOOP.search(text)), text
        assert told.run >= bool(_RUN.search(text))
        tail = text[-600:]
        slow = any(tail.endswith(tail[-size:] * 2) for size in range(6, len(tail) // 3))
        assert ends_twice(tail, 6) == slow


def test_likeness_is_difflibs() -> None:
    from difflib import SequenceMatcher

    rng = random.Random(5)
    for _ in range(300):
        first = "".join(rng.choices("abcdefgh", k=rng.randint(5, 60)))
        second = "".join(c if rng.random() < 0.9 else rng.choice("abcdefgh") for c in first)
        assert _alike(first, second) == (SequenceMatcher(None, first, second, autojunk=False).ratio() > 0.85)


def test_no_stray_is_lost_where_the_model_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from in2x.language import alphabet

    said = [
        "I think that it is late.", "Das ist mein Haus und das ist gut so.", "He said: c'est la vie, mon ami.",
        "The cat sat on the mat.", "Ich weiß nicht, was soll es bedeuten", "Quick brown foxes jump over lazy dogs.",
    ]  # fmt: skip
    for text in said:
        for code in ("en", "de", "fr"):
            quick = strays(language(code), words_of(text), None)
            with monkeypatch.context() as patch:
                patch.setattr(alphabet, "_may_hold", lambda *_: True)
                assert strays(language(code), words_of(text), None) == quick
