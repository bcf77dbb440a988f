"""Labels in two levels, "Mathematics" and "Quadratic equations" (METHOD 3), without a language model.

Level 1 is the field of the task. Level 2 is taken, in this order, from

1. the labels that an instruction brings along;
2. what its verifier says: direction and register of a translation, idiom or slang;
3. the nearest labelled medoid: the cluster centre, of the same task, that carries a label 1 or 2 by majority;
4. where nothing of a task is labelled, a topic: the cluster centres of the task are grouped, and a group is named by
   the word that tells it apart best.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from in2x.selection.cells import coarse_cells, nearest, nearest_of_many
from in2x.selection.ngrams import normalise

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Label = tuple[str, str]
TOPICS = 12
"""Most topics that a task without any label is grouped into (our choice)."""
NAMED_BY = 20_000
"""Texts that topics are named by, at most; more would all be held at once (our choice)."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


@cache
def _fields() -> dict[str, str]:
    fields: dict[str, str] = yaml.safe_load(resources.files(__package__).joinpath("tasks.yaml").read_text("utf-8"))
    return fields


def field_of(task: str) -> str:
    """The level-1 label of a task."""
    return _fields().get(task) or task.replace("_", " ").strip().capitalize() or "Other"


def own_label(task: str, given: Sequence[str] | None, verifier: dict[str, Any]) -> Label | None:
    """The label that an instruction carries itself (rules 1 and 2 of the module docstring); None where it has none."""
    if given:
        first = given[0].strip()
        return first, (given[1].strip() if len(given) > 1 else first)
    if verifier.get("name") == "translation" and verifier.get("from") and verifier.get("to"):
        parts = [f"{verifier['from']} to {verifier['to']}"]
        if verifier.get("register"):
            parts.append(str(verifier["register"]))
        if verifier.get("traps") or verifier.get("natural"):
            parts.append("idiom or slang")
        return field_of(task), ", ".join(parts)
    if verifier.get("register"):
        return field_of(task), f"{verifier['register']} register"
    return None


def words(text: str) -> set[str]:
    """The distinct words of a text; of unspaced scripts the character bigrams."""
    found: set[str] = set()
    for word in _WORD.findall(normalise(text)):
        if _UNSPACED.search(word):
            found |= {word[i : i + 2] for i in range(len(word) - 1)}
        else:
            found.add(word)
    return found


def label_all(
    own: Sequence[Label | None], tasks: Sequence[str], contents: Sequence[str], clusters: Ints, centres: Floats
) -> list[Label]:
    """A label for every item.

    Args:
        own: what `own_label` gave for each.
        tasks, contents: task and text of each.
        clusters: int64 [n], cluster of each.
        centres: float32 [k, d], centre of each cluster.
    """
    labels: list[Label | None] = list(own)
    for task in sorted({task for task, label in zip(tasks, own, strict=True) if label is None}):
        rows = [i for i, t in enumerate(tasks) if t == task]
        votes: dict[int, Counter[Label]] = {}
        for i in rows:
            label = own[i]
            if label is not None:
                votes.setdefault(int(clusters[i]), Counter())[label] += 1
        bare = [i for i in rows if own[i] is None]
        members = np.unique(clusters[bare])
        if votes:
            # Majority in a cluster; a tie goes to the label first in the alphabet.
            medoids = sorted(votes)
            names = [min(votes[m].items(), key=lambda item: (-item[1], item[0]))[0] for m in medoids]
            near = nearest_of_many(centres[members], centres[np.array(medoids)])
            of_cluster = {int(m): names[n] for m, n in zip(members, near.tolist(), strict=True)}
        else:
            groups = nearest(centres[members], coarse_cells(centres[members], min(TOPICS, len(members))))
            shown = bare[:: 1 + len(bare) // NAMED_BY]
            named = _topics([contents[i] for i in shown], groups[np.searchsorted(members, clusters[shown])])
            named |= {g: f"topic {g + 1}" for g in range(TOPICS) if g not in named}
            of_cluster = {int(m): (field_of(task), named[g]) for m, g in zip(members, groups.tolist(), strict=True)}
        for i in bare:
            labels[i] = of_cluster[int(clusters[i])]
    return [label for label in labels if label is not None]


def _topics(texts: Sequence[str], groups: Ints) -> dict[int, str]:
    """For each group the word with the largest gain of its share of texts over the share in all; names are distinct."""
    everywhere: Counter[str] = Counter()
    inside: dict[int, Counter[str]] = {}
    for text, group in zip(texts, groups.tolist(), strict=True):
        found = words(text)
        everywhere.update(found)
        inside.setdefault(group, Counter()).update(found)
    sizes = np.bincount(groups)
    names: dict[int, str] = {}
    for group in sorted(inside, key=lambda g: (-int(sizes[g]), g)):
        ranked = sorted(
            ((everywhere[word] / len(texts) - count / sizes[group], word) for word, count in inside[group].items()),
        )
        free = [word for _, word in ranked if word not in names.values()]
        names[group] = free[0] if free else f"topic {group + 1}"
    return names
