"""Cut a text that is longer than the model translates whole, at the best place near its middle; join its pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.language import language
from in2x.translate.backend import Translation, one_line

BOUNDARIES = (
    re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[。！？…]+[」』”）]*"),
    re.compile(r"[,;:]\s+|[、，；：]"),
    re.compile(r"\s+"),
)
"""Ends of sentences, of clauses, of words: the first kind that the text has is used."""


def cut(source: Source, profile: PromptProfile, fits: Callable[[str], bool]) -> list[str]:
    """The pieces of `source` to translate: what is `sentences` of it, cut until each `fits`."""
    return [piece for part in sentences(source, profile) for piece in split_text(part, fits)]


def sentences(source: Source, profile: PromptProfile) -> list[str]:
    """What of `source` is asked apart: its sentences, where the model wants one at a time; else the text."""
    text = one_line(source.text)
    return (language(source.source_lang).sentences(text) if profile.one_sentence else []) or [text]


def joined(parts: Sequence[Translation], target_lang: str) -> Translation:
    """The translations of a text's pieces as one, with the first fault of theirs."""
    joint = " " if language(target_lang).spaced else ""
    faulty = next((part for part in parts if part.fault), Translation(""))
    return Translation(joint.join(part.text for part in parts if part.text), faulty.fault, faulty.unasked)


def split_text(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Pieces of `text`, in order, each of which `fits`; a single character is kept even if it does not.

    Nothing is lost: the pieces joined differ from `text` only in white space at the cuts.
    """
    if fits(text) or len(text) < 2:
        return [text]
    middle = len(text) // 2
    for boundary in BOUNDARIES:
        cuts = [m.end() for m in boundary.finditer(text) if 0 < m.end() < len(text)]
        if cuts:
            cut = min(cuts, key=lambda c: abs(c - middle))
            break
    else:
        cut = middle
    head, tail = text[:cut].strip(), text[cut:].strip()
    return [piece for part in (head, tail) if part for piece in split_text(part, fits)]
