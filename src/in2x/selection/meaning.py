"""Whether a label in another script means a known one, by the vectors of a multilingual model.

Labels in one script are told apart by their words (`teacher.same_name`), for their vectors are near where their
meanings are not: organic and inorganic chemistry, World War I and II. A label in another script has no words to
compare. It is the known one whose vector is nearest, from a cosine of `LEAST` on, where the second nearest is `APART`
farther away and both hold the same numerals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from in2x.language.signs import signs

Floats = npt.NDArray[np.float32]
LEAST, APART = 0.75, 0.03
"""Cosine of two names of one thing, and how much nearer it must be than any other (our choice)."""
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}
_ORDINAL = re.compile("第([一二三四五六七八九十])")
_EAST = ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")


class Meaning:
    """See the module docstring; `embed` gives one vector a text."""

    def __init__(self, embed: Callable[[Sequence[str]], Floats]) -> None:
        self._embed = embed
        self._vectors: dict[str, Floats] = {}

    def __call__(self, name: str, known: Sequence[str]) -> str | None:
        """The one of `known` that `name` means; None where it is none of them."""
        others = [other for other in known if not _scripts(other) & _scripts(name)]
        if not others:
            return None
        if missing := [text for text in (name, *others) if text not in self._vectors]:
            found = np.asarray(self._embed(missing), np.float32)
            norms = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
            self._vectors |= dict(zip(missing, found / norms, strict=True))
        cosines = np.array([float(self._vectors[name] @ self._vectors[other]) for other in others])
        best = int(cosines.argmax())
        second = np.delete(cosines, best).max(initial=-1.0)
        near = cosines[best] >= LEAST and cosines[best] - second >= APART
        return others[best] if near and _numerals(name) == _numerals(others[best]) else None


def _scripts(name: str) -> frozenset[str]:
    """The scripts of a name; those of China and Japan are one."""
    found = {unicodedata.name(char, "").split(" ")[0] for char in name if char.isalpha()}
    return frozenset("EAST" if script in _EAST else script for script in found)


def _numerals(name: str) -> tuple[object, ...]:
    """Numbers and signs of a name, however they are written."""
    plain = unicodedata.normalize("NFKC", name)
    found = [int(number) for number in re.findall(r"\d+", plain)]
    found += [_ROMAN[word] for word in re.findall(r"\b[IVX]+\b", plain) for word in [word.lower()] if word in _ROMAN]
    found += ["一二三四五六七八九十".index(number) + 1 for number in _ORDINAL.findall(plain)]
    return (*sorted(found), *signs(name))
