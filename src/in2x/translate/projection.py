"""Put lost tags back by alignment: of a translation whose placeholders are missing or broken, always all tags.

The words of the answer stay. A pair goes around what surely stands for the words that it holds in the source
(`language/anchors.py`), or else around the stretch between the neighbouring anchors that their lengths point to; a mark
stands beside the anchor that it touches. Placeholders that the model did set soundly stay where they are as far as the
others allow. Tags stand between words, never inside a grapheme, and are nested as in the source. Our choice; the
simpler known way is to go by the share of the length alone.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from in2x.chat.placeholders import Holder, Layout, layout, nested
from in2x.formats.document import Text
from in2x.language import language, segment
from in2x.language.anchors import Anchor, anchors
from in2x.language.content import names_of
from in2x.language.script import KATAKANA, LATIN
from in2x.translate.tags import without_placeholders

Span = tuple[int, int]
_NAME = re.compile(rf"[{KATAKANA}]{{2,}}|[{LATIN}]{{3,}}")
_JOINERS = "\u200d\ufe0e\ufe0f"


def projected(
    source: Text,
    answer: str,
    source_lang: str,
    target_lang: str,
    terms: Iterable[tuple[str, str]] = (),
    hints: Mapping[int, Span] = MappingProxyType({}),
) -> Text:
    """The translation in `answer` with all tags of `source`, well nested.

    Args:
        source: the text that was asked.
        answer: its translation, with or without (some of) the placeholders.
        source_lang, target_lang: codes of the languages.
        terms: (form in the source, its rendering), of which some may stand there.
        hints: placeholder -> where the model has its words (`occlusion.py`).
    """
    found = layout(source)
    words, kept = without_placeholders(answer, source, target_lang)
    wanted: dict[int, Span] = {}
    for place in kept:
        wanted[place.number] = (wanted.get(place.number, (place.at,))[0], place.at)
    agreed = [*terms, *_names(found.body, words)]
    sure = anchors(found.body, words, source_lang, target_lang, agreed)
    allowed = cuts(words, target_lang)
    line = _line(sure, [(h, wanted[h.number]) for h in found.holders if h.number in wanted], found, len(words))
    firm = set(wanted)
    for holder in found.holders:
        if holder.number not in wanted:
            aim = _aligned(holder, found.body, sure, line)
            hint = hints.get(holder.number)
            if hint is not None and not _exact(holder, sure):
                aim = float(hint[0]), float(hint[1])
            wanted[holder.number] = _snapped(aim, words, allowed, holder, found)
    for holder in reversed(found.holders):  # a pair reaches around what it holds
        if holder.parent in wanted and holder.parent is not None:
            (start, end), (low, high) = wanted[holder.parent], wanted[holder.number]
            if holder.number in firm and holder.parent not in firm:
                wanted[holder.parent] = (min(start, low), max(end, high))
    held = {h.number for h in found.holders if any(h.start <= a.start and a.end <= h.end for a in sure)} | set(hints)
    rank = {h.number: 0 if h.number in firm else 1 if h.pair and h.number in held else 2 for h in found.holders}
    spans = _settle(len(words), found, wanted, rank, allowed, words)
    return found.text(words, nested(found, spans))


def _names(source: str, target: str) -> list[tuple[str, str]]:
    """(name in the source, what sounds like it in the translation)."""
    heard = {(name, word) for word in _NAME.findall(target) for name in names_of(word, source)}
    return sorted(pair for pair in heard if pair[0] != pair[1])


@lru_cache(maxsize=1 << 10)
def cuts(text: str, lang: str) -> tuple[int, ...]:
    """Where a tag may stand in `text`, from 0 to its length: between words, by the grammar where spaces part none.

    Where neither spaces nor a grammar part words, between any two graphemes that are no Latin letters or digits.
    """
    tongue = language(lang)
    inside = {at for word in segment.words(text, lang) for at in range(word.start + 1, word.end)}
    between = (at for at in range(1, len(text)) if not _one_word(text[at - 1], text[at], tongue.spaced))
    return tuple(sorted({0, len(text), *(at for at in between if at not in inside and not _one_grapheme(text, at))}))


def _one_word(before: str, after: str, spaced: bool) -> bool:
    if not spaced and not (before.isascii() and after.isascii()):
        return False
    return (before.isalnum() or before in "'’-_") and (after.isalnum() or after in "'’-_")


def _one_grapheme(text: str, at: int) -> bool:
    """Whether `at` lies inside what is seen as one character (the usual part of Unicode's rules, UAX 29)."""
    before, after = text[at - 1], text[at]
    if unicodedata.category(after)[0] == "M" or after in _JOINERS or before == "\u200d" or "🏻" <= after <= "🏿":
        return True
    if "\U0001f1e6" <= after <= "\U0001f1ff":  # flags are pairs
        run = len(text[:at]) - len(text[:at].rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
        return run % 2 == 1
    return (before == "\r" and after == "\n") or "\u1160" <= after <= "\u11ff" or "\U000e0020" <= after <= "\U000e007f"


def _line(
    sure: Sequence[Anchor], kept: Sequence[tuple[Holder, Span]], found: Layout, length: int
) -> list[tuple[int, int]]:
    """Points (offset in the source, offset in the translation) that rise in both, by which the rest is placed."""
    points = {(anchor.start, anchor.target_start) for anchor in sure}
    points |= {(anchor.end, anchor.target_end) for anchor in sure}
    for holder, (start, end) in kept:
        points |= {(holder.start, start), (holder.end, end)}
    # The longest chain that rises, by patience sorting; of one source offset at most one point is in it.
    tails: list[int] = []
    tops: list[int] = []
    ordered = sorted(points, key=lambda point: (point[0], -point[1]))
    before: list[int] = []
    for n, (_, up) in enumerate(ordered):
        pile = bisect_left(tails, up)
        before.append(tops[pile - 1] if pile else -1)
        tails[pile : pile + 1], tops[pile : pile + 1] = [up], [n]
    chain: list[tuple[int, int]] = []
    at = tops[-1] if tops else -1
    while at >= 0:
        chain.append(ordered[at])
        at = before[at]
    chain.reverse()
    ends = [(0, 0), *(p for p in chain if p > (0, 0) and p[0] < len(found.body)), (len(found.body), length)]
    return [*dict(ends).items()]


def _along(line: Sequence[tuple[int, int]], at: int) -> float:
    """Where offset `at` of the source falls in the translation."""
    for (x, y), (right, up) in pairwise(line):
        if x <= at <= right:
            return y if right == x else y + (up - y) * (at - x) / (right - x)
    return float(line[-1][1])


def _exact(holder: Holder, sure: Sequence[Anchor]) -> bool:
    return any((a.start, a.end) == (holder.start, holder.end) for a in sure)


def _aligned(holder: Holder, body: str, sure: Sequence[Anchor], line: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Where a placeholder should stand, words aside."""
    if not holder.pair:
        at = holder.start
        touching = next((a.target_end for a in sure if a.end == at), None)
        if touching is None:
            touching = next((a.target_start for a in sure if a.start == at), None)
        place = _along(line, at) if touching is None else float(touching)
        return place, place
    start, end = holder.start, holder.end
    whole = [a for a in sure if (a.start, a.end) == (start, end)]
    while start < end and not body[start].isalnum():
        start += 1
    while end > start and not body[end - 1].isalnum():
        end -= 1
    inside = [a for a in sure if start <= a.start and a.end <= end]
    exact = [*whole, *(a for a in inside if (a.start, a.end) == (start, end))]
    if exact:
        return float(exact[0].target_start), float(exact[0].target_end)
    low, high = _along(line, holder.start), _along(line, holder.end)
    if inside:
        first, last = min(a.target_start for a in inside), max(a.target_end for a in inside)
        # What of the words is no anchor lies around it, as long as it is in the source.
        scale = line[-1][1] / max(1, line[-1][0])
        before, after = min(a.start for a in inside) - start, end - max(a.end for a in inside)
        low, high = first - before * scale, last + after * scale
    return low, high


def _snapped(aim: tuple[float, float], words: str, allowed: Sequence[int], holder: Holder, found: Layout) -> Span:
    """The places for tags nearest to `aim`; a pair that holds words begins and ends with some."""
    start = _nearest(allowed, aim[0])
    end = max(start, _nearest(allowed, aim[1]))
    if not holder.pair:
        return start, start
    inner = found.body[holder.start : holder.end].strip()
    if inner[:1].isalnum():
        while start < end and not words[start].isalnum():
            start += 1
    if inner[-1:].isalnum():
        while end > start and not words[end - 1].isalnum():
            end -= 1
    return start, end


def _nearest(allowed: Sequence[int], aim: float) -> int:
    at = bisect_left(allowed, aim)
    near = allowed[max(0, at - 1) : at + 1] or allowed[-1:]
    return min(near, key=lambda cut: abs(cut - aim))


def _settle(
    length: int, found: Layout, wanted: Mapping[int, Span], rank: Mapping[int, int], allowed: Sequence[int], words: str
) -> dict[int, Span]:
    """The places of all placeholders: as wanted, but inside their parents and clear of each other.

    Those of the lowest `rank` choose first.
    """
    children: dict[int | None, list[Holder]] = {}
    for holder in found.holders:
        children.setdefault(holder.parent, []).append(holder)
    spans: dict[int, Span] = {}
    todo: list[tuple[int | None, Span]] = [(None, (0, length))]
    while todo:
        parent, room = todo.pop()
        taken: list[Span] = []
        for holder in sorted(children.get(parent, ()), key=lambda one: (rank[one.number], not one.pair)):
            worded = holder.pair and bool(found.body[holder.start : holder.end].strip())
            start, end = (min(max(at, room[0]), room[1]) for at in wanted[holder.number])
            gaps = _gaps(room, taken)
            if worded:
                gaps = [gap for gap in gaps if words[gap[0] : gap[1]].strip()] or gaps
            low, high = max(gaps, key=lambda gap: (min(gap[1], end) - max(gap[0], start), gap[1] - gap[0]))
            start, end = (min(max(at, low), high) for at in (start, end))
            if worded and not words[start:end].strip():
                start, end = _some_words(start, (low, high), allowed, words)
            if holder.pair or start not in (room[0], room[1]):
                taken.append((start, end))
            spans[holder.number] = start, end
            todo.append((holder.number, (start, end)))
    return spans


def _gaps(room: Span, taken: Sequence[Span]) -> list[Span]:
    """What is free of `room`; a place between two that touch is one of no length."""
    edges = [room[0], *(at for span in sorted(taken) for at in span), room[1]]
    return [(low, high) for low, high in zip(edges[::2], edges[1::2], strict=True) if low <= high]


def _some_words(at: int, room: Span, allowed: Sequence[int], words: str) -> Span:
    """A stretch with words near `at` in `room`, as short as it can be; nothing at `at` where there are none."""
    inside = sorted({*(cut for cut in allowed if room[0] <= cut <= room[1]), *room})
    stretches = [(low, high) for low, high in pairwise(inside) if words[low:high].strip()]
    lettered = [span for span in stretches if any(map(str.isalnum, words[span[0] : span[1]]))] or stretches
    return min(lettered, key=lambda span: abs(span[0] + span[1] - 2 * at), default=(at, at))
