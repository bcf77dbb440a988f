"""Name drift: one source name written in several katakana forms over a document (カイル and ケイル for Kyle).

A katakana word is a form of a source name when it sounds like it and stands where the name stands. Sound is compared by
consonant skeletons (Kyle -> k r, ケイル -> k r), because English spelling tells little about vowels; place by the
segments of the document in which both occur. Our choice; no list of names is needed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from in2x.language.japanese.morphology import tokenise
from in2x.language.japanese.sound import sounds_like

_NAME = re.compile(r"(?<![\w'’.-])[A-Z][a-zà-öø-ÿ]+(?:['’]?[A-Z]?[a-zà-öø-ÿ]+)*")
_KATAKANA = re.compile(r"[ァ-ヴー]{2,}")
_NOT_NAMES = frozenset(
    re.findall(
        r"\w+",
        "mr mrs ms dr sir monday tuesday wednesday thursday friday saturday sunday january february march april may "
        "june july august september october november december",
    )
)
"""Capitalised in English, but no names of persons, places or things."""


class NameDrift(NamedTuple):
    """One source name with several forms in the target."""

    name: str
    forms: tuple[tuple[str, int], ...]
    """Katakana form and how often it occurs, most frequent first."""
    places: tuple[tuple[str, int, int, int], ...]
    """Every occurrence of a form that is not the most frequent one: form, segment (0-based), start, end."""

    @property
    def consistency(self) -> float:
        """Share of the most frequent form."""
        return self.forms[0][1] / sum(count for _, count in self.forms)


def source_names(sources: Iterable[str]) -> dict[str, set[int]]:
    """Capitalised words of English segments that are never written small, with the segments they occur in.

    A word that only ever opens a sentence is taken for an ordinary word.
    """
    segments = list(sources)
    found: dict[str, set[int]] = defaultdict(set)
    inside: set[str] = set()
    small = {word for text in segments for word in re.findall(r"(?<![\w'’])[a-z]+", text)}
    for index, text in enumerate(segments):
        for match in _NAME.finditer(text):
            name = re.sub(r"['’]s$", "", match[0])
            if name.lower() in _NOT_NAMES or name.lower() in small or len(name) < 3:
                continue
            found[name].add(index)
            before = text[: match.start()].rstrip("\"“”‘'(「 ")
            if before and before[-1] not in ".!?\n:;…—-":
                inside.add(name)
    return {name: places for name, places in found.items() if name in inside}


def name_drift(
    sources: Sequence[str], targets: Sequence[str], *, sound: float = 0.75, place: float = 0.7
) -> list[NameDrift]:
    """Source names that the targets of one document spell in more than one katakana way.

    Args:
        sources: the segments of the document in English (or another language in Latin script), in order.
        targets: their translations, one each.
        sound: least likeness of skeletons (our choice).
        place: least share of a form's segments in which the name stands as well (our choice).

    Raises:
        ValueError: the two have different lengths.
    """
    if len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources and {len(targets)} targets")
    names = source_names(sources)
    where: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for index, text in enumerate(targets):
        for match in _KATAKANA.finditer(text):
            where[match[0]].append((index, match.start(), match.end()))
    owner: dict[str, str] = {}
    for form, places in where.items():
        segments = {index for index, _, _ in places}
        if _is_loan_of_a_word(form, [sources[index] for index in sorted(segments)]):
            continue
        best = (0.0, 0.0, "")
        for name, named in names.items():
            likeness = sounds_like(name, form)
            together = len(segments & named) / len(segments)
            plausible = abs(len(form) - len(name)) <= max(3, len(name) // 2)
            if likeness >= sound and together >= place and plausible:
                best = max(best, (likeness, together, name))
        if best[2]:
            owner[form] = best[2]
    drifts = []
    for name in sorted(set(owner.values())):
        counts = Counter({form: len(where[form]) for form, of in owner.items() if of == name})
        forms = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        forms = _variants(name, forms)
        if len(forms) > 1:
            rest = [form for form, _ in forms[1:]]
            places_of = tuple((form, *place_) for form in rest for place_ in where[form])
            drifts.append(NameDrift(name, forms, places_of))
    return sorted(drifts, key=lambda drift: (-sum(count for _, count in drift.forms[1:]), drift.name))


def _is_loan_of_a_word(form: str, sources: Sequence[str]) -> bool:
    """Whether `form` is an everyday loan (ゴール) whose English word stands in every segment that it translates."""
    tokens = tokenise(form)
    if len(tokens) != 1 or "-" not in tokens[0].lemma:
        return False
    word = tokens[0].lemma.split("-", 1)[1]
    return word[:1].islower() and all(re.search(rf"\b{re.escape(word)}", text) for text in sources)


def _variants(name: str, forms: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """Forms that vary the most frequent one: near it in spelling, and not merely a longer compound that holds it."""
    head = forms[0][0]
    kept = [forms[0]]
    for form, count in forms[1:]:
        compound = form != head and (form.startswith(head) or head.startswith(form)) and abs(len(form) - len(head)) > 1
        if not compound and _distance(head, form) <= max(1, (max(len(head), len(form)) + 1) // 2):
            kept.append((form, count))
    return tuple(kept)


def _distance(a: str, b: str) -> int:
    """Plain edit distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j - 1] + (x != y), previous[j] + 1, row[-1] + 1))
    return row[-1]
