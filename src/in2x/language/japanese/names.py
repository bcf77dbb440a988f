"""Name drift: one source name written in several katakana forms over a document (カイル and ケイル for Kyle).

A katakana word is a form of a source name when it sounds like it and stands where the name stands. Sound is compared by
consonant skeletons (Kyle -> k r, ケイル -> k r), because English spelling tells little about vowels; place by the
segments of the document in which both occur. Our choice; no list of names is needed.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from in2x.language.han_sounds import FOREIGN_NAME
from in2x.language.japanese.morphology import tokenise
from in2x.language.japanese.sound import sounds_like, spelt_like

_NAME = re.compile(r"(?<![\w'’.-])[A-Z][a-zà-öø-ÿ]+(?:['’]?[A-Z]?[a-zà-öø-ÿ]+)*")
_LONGEST_NAME = 5
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
    """The names in the segments of a document, with the segments they occur in.

    In Latin letters: capitalised words that are never written small and do not only open sentences. In Chinese: runs
    of characters that write foreign sounds; some are no names, but sound like no katakana beside them.
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
    names = {name: places for name, places in found.items() if name in inside}
    return names | _chinese_names(segments)


def _chinese_names(segments: Sequence[str]) -> dict[str, set[int]]:
    """Stretches of characters that write foreign sounds; of one inside another, that which more segments have, else
    the longer."""
    found: dict[str, set[int]] = defaultdict(set)
    for index, text in enumerate(segments):
        for run in FOREIGN_NAME.findall(text):
            for start in range(len(run)):
                for end in range(start + 2, min(len(run), start + _LONGEST_NAME) + 1):
                    found[run[start:end]].add(index)
    return {
        name: places
        for name, places in found.items()
        if not any(
            other != name
            and ((name in other and found[other] == places) or (other in name and len(places) == 1 < len(seen)))
            for other, seen in found.items()
            if name in other or other in name
        )
    }


def name_drift(
    sources: Sequence[str], targets: Sequence[str], *, sound: float = 0.75, place: float = 0.7
) -> list[NameDrift]:
    """Source names that the targets of one document spell in more than one katakana way.

    Each name is first given one form (the best assignment of all forms to all names): Alan and Ellen, who sound alike,
    have one each. A form that is left over is a variant of the name that it is nearest to.

    Args:
        sources: the segments of the document in Latin letters or Chinese, in order.
        targets: their translations, one each.
        sound: least likeness of skeletons (our choice).
        place: least share of a form's segments in which the name stands as well (our choice).

    Raises:
        ValueError: the two have different lengths.
    """
    if len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources and {len(targets)} targets")
    where: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for index, text in enumerate(targets):
        for match in _KATAKANA.finditer(text):
            where[match[0]].append((index, match.start(), match.end()))
    names = source_names(sources)
    likely: dict[str, dict[str, float]] = {}
    for form, places in where.items():
        segments = {index for index, _, _ in places}
        if _is_loan_of_a_word(form, [sources[index] for index in sorted(segments)]):
            continue
        weights = {}
        for name, named in names.items():
            likeness, together = sounds_like(name, form), len(segments & named) / len(segments)
            plausible = abs(len(form) - len(name)) <= max(3, len(name) // 2)
            if likeness >= sound and together >= place and plausible:
                weights[name] = likeness + together + spelt_like(name, form) + 0.1 * math.log(len(places))
        if weights:
            likely[form] = weights
    drifts = []
    for name, forms in _forms_by_name(likely).items():
        counts = sorted(((form, len(where[form])) for form in forms), key=lambda item: (-item[1], item[0]))
        kept = _variants(name, counts, where, sources)
        if len(kept) > 1:
            rest = [form for form, _ in kept[1:]]
            places_of = tuple((form, *place_) for form in rest for place_ in where[form])
            drifts.append(NameDrift(name, kept, places_of))
    return sorted(drifts, key=lambda drift: (-sum(count for _, count in drift.forms[1:]), drift.name))


def _forms_by_name(likely: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """Name -> its forms: one by the best assignment of forms to names, then those that are left over."""
    forms, names = sorted(likely), sorted({name for weights in likely.values() for name in weights})
    weights = np.array([[likely[form].get(name, 0.0) for name in names] for form in forms]).reshape(
        len(forms), len(names)
    )
    from scipy.optimize import linear_sum_assignment  # slow to import, and seldom asked

    first = zip(*linear_sum_assignment(weights, maximize=True), strict=True)
    owner = {forms[i]: names[j] for i, j in first if weights[i, j] > 0}
    found: dict[str, list[str]] = defaultdict(list)
    for form in forms:
        found[owner.get(form) or max(likely[form], key=lambda name: likely[form][name])].append(form)
    return found


def _is_loan_of_a_word(form: str, sources: Sequence[str]) -> bool:
    """Whether `form` is an everyday loan (ゴール) whose English word stands in every segment that it translates."""
    tokens = tokenise(form)
    if len(tokens) != 1 or "-" not in tokens[0].lemma:
        return False
    word = tokens[0].lemma.split("-", 1)[1]
    return word[:1].islower() and all(re.search(rf"\b{re.escape(word)}", text) for text in sources)


def _variants(
    name: str,
    forms: Sequence[tuple[str, int]],
    where: Mapping[str, Sequence[tuple[int, int, int]]],
    sources: Sequence[str],
) -> tuple[tuple[str, int], ...]:
    """Forms that vary the most frequent one: near it in spelling, no longer compound that holds it, and never beside it
    where the source has the name once (those are two people)."""
    head = forms[0][0]
    kept = [forms[0]]
    for form, count in forms[1:]:
        compound = form != head and (form.startswith(head) or head.startswith(form)) and abs(len(form) - len(head)) > 1
        shared = {index for index, _, _ in where[head]} & {index for index, _, _ in where[form]}
        beside = any(sources[index].count(name) < 2 for index in shared)
        near = _distance(head, form) <= max(1, (max(len(head), len(form)) + 1) // 2)
        if near and not compound and not beside:
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
