"""Consistency of voice over a Japanese document: does a speaker keep to one register and one word for "I"?

A person may change register with the listener; so turns are grouped by speaker and listener where the listener is
known. Narration is a speaker of its own: what is quoted in 「」 does not count for it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from in2x.language.finding import Finding
from in2x.language.japanese.morphology import sentences
from in2x.language.japanese.predicate import closing_predicate
from in2x.language.japanese.register import register_of
from in2x.language.japanese.voice import person_words
from in2x.language.voices import Break, SpeakerVoice

STYLE = {"polite": "polite", "honorific": "polite", "plain": "plain", "casual": "plain"}
"""Register -> the style that a speaker keeps to; casual and plain mix freely in speech."""

_QUOTED = re.compile(r"「[^「」]*(?:「[^「」]*」[^「」]*)*」|『[^『』]*』|“[^”]*”")


def narration(text: str) -> str:
    """`text` with quoted speech blanked out (same length, so that offsets keep their meaning)."""
    return _QUOTED.sub(lambda match: "「" + "\u3000" * (len(match[0]) - 2) + "」", text)


def speaker_consistency(
    turns: Sequence[str], speakers: Sequence[str], listeners: Sequence[str | None] | None = None
) -> list[SpeakerVoice]:
    """The voice of each speaker (and listener) of a dialogue, with the turns that break it.

    Args:
        turns: what is said, in order.
        speakers: who says it, one for each turn.
        listeners: whom it is said to, where that is known.

    Raises:
        ValueError: the sequences have different lengths.
    """
    heard = listeners if listeners is not None else [None] * len(turns)
    if not len(turns) == len(speakers) == len(heard):
        raise ValueError(f"{len(turns)} turns, {len(speakers)} speakers and {len(heard)} listeners")
    groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for index, key in enumerate(zip(speakers, heard, strict=True)):
        groups[key].append(index)
    return [_voice(speaker, listener, turns, where) for (speaker, listener), where in groups.items()]


def _voice(speaker: str, listener: str | None, turns: Sequence[str], where: Sequence[int]) -> SpeakerVoice:
    styles = {index: STYLE.get(register_of(turns[index]), "none") for index in where}
    counts = Counter(style for style in styles.values() if style != "none")
    usual = max(counts, key=lambda style: (counts[style], style)) if counts else "none"
    breaks = [
        Break(index, Finding("register break", styles[index], 0, len(turns[index]),
                             f"{speaker} usually speaks in the {usual} style, here in the {styles[index]} one",
                             f"{speaker}は普段{_JA[usual]}だが、ここは{_JA[styles[index]]}"))
        for index in where
        if styles[index] not in ("none", usual)
    ]  # fmt: skip
    words = [(index, f) for index in where for f in person_words(turns[index]) if f.kind == "first person"]
    first = Counter(finding.label for _, finding in words)
    if first:
        own = max(first, key=lambda word: (first[word], word))
        breaks += [
            Break(index, Finding("first person", f.label, f.start, f.end,
                                 f"{speaker} usually says {own}, here {f.label}",
                                 f"{speaker}の一人称は普段「{own}」だが、ここは「{f.label}」"))
            for index, f in words
            if f.label != own
        ]  # fmt: skip
    return SpeakerVoice(
        speaker, listener, usual, dict(counts), dict(first), tuple(sorted(breaks, key=lambda b: b.turn))
    )


_JA = {"polite": "丁寧体", "plain": "常体", "none": "不明"}


def narration_consistency(paragraphs: Sequence[str]) -> SpeakerVoice:
    """The style of the narration of a document, sentence by sentence, quoted speech left out.

    `turn` of a break is the paragraph, its span the sentence's predicate.
    """
    seen: list[tuple[int, str, int, int]] = []
    for index, paragraph in enumerate(paragraphs):
        for sentence in sentences(narration(paragraph)):
            predicate = closing_predicate(sentence)
            if predicate.full and predicate.style in STYLE:
                seen.append((index, STYLE[predicate.style], predicate.start, predicate.end))
    counts = Counter(style for _, style, _, _ in seen)
    usual = max(counts, key=lambda style: (counts[style], style)) if counts else "none"
    breaks = tuple(
        Break(index, Finding("register break", style, start, end,
                             f"the narration is in the {usual} style, this sentence in the {style} one",
                             f"地の文は{_JA[usual]}だが、この文は{_JA[style]}"))
        for index, style, start, end in seen
        if style != usual
    )  # fmt: skip
    return SpeakerVoice("narration", None, usual, dict(counts), {}, breaks)
