"""From a model's answer with placeholders (`chat/placeholders.py`) back to a text with its tags.

    Source(marked(text), ..., tagged=bool(placeholders(text)))     asks
    unmarked(answer, text, target_lang)                            reads, or says what is lost

What is lost is asked for again, or placed by alignment (`projection.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from in2x.chat.placeholders import PLACEHOLDER, Holder, Layout, Place, layout, marked, placeholders
from in2x.formats.document import Text
from in2x.language import language
from in2x.language.script import script_group

__all__ = ["TagsLost", "marked", "placeholders", "unmarked", "without_placeholders"]

_SPACE = " \t\u00a0"
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}»”’…。、，．：；！？）】」』")
_NO_SPACE_AFTER = frozenset("([{«“‘（【「『")


class TagsLost(Exception):
    """An answer does not hold the placeholders of its source as it must; `why` is a sentence for model and people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def unmarked(answer: str, source: Text, target_lang: str = "") -> Text:
    """The translation in `answer` with the tags of `source` where the model put their placeholders.

    White space around the whole is the source's. Spaces that the model set at placeholders are put in order: outside of
    a pair, none where `target_lang` parts no words, one where it does and the source has no word that goes on there.

    Args:
        answer: what the model said to `marked(source)`.
        source: the text that was asked.
        target_lang: code of the answer's language; "" leaves single spaces as they are.

    Raises:
        TagsLost: a placeholder is missing, doubled, crosses another, stands in another pair than in the source, or a
            pair that holds words holds none.
    """
    found = layout(source)
    pieces, marks = _read(answer, found)
    _check(marks, found)
    body, places = _spaced(pieces, marks, found, target_lang)
    _check_content(body, places, found)
    return found.text(body, places)


def without_placeholders(answer: str, source: Text, target_lang: str = "") -> tuple[str, list[Place]]:
    """The words of `answer`, and those placeholders in it that are whole, there once, and nested as in the source."""
    found = layout(source)
    pieces, marks = _read(answer, found)
    body, places = _spaced(pieces, marks, found, target_lang)
    kept: set[int] = set()
    for holder in found.holders:
        trial = kept | {holder.number}
        chosen = [n for n, (number, _) in enumerate(marks) if number in trial]
        try:
            _check([marks[n] for n in chosen], found, trial)
            _check_content(body, [places[n] for n in chosen], found)
        except TagsLost:
            continue
        kept = trial
    return body, [place for place in places if place.number in kept]


def _read(answer: str, found: Layout) -> tuple[list[str], list[tuple[int, str]]]:
    """`answer` cut at its placeholders: n + 1 texts, and (number, "open" | "close" | "alone") of n placeholders."""
    pairs = {holder.number: holder.pair for holder in found.holders}
    text, at = answer.strip(), 0
    pieces: list[str] = []
    marks: list[tuple[int, str]] = []
    for match in PLACEHOLDER.finditer(text):
        number = int(match[2])
        if number not in pairs:
            continue
        kind = "close" if match[1] else "alone" if match[3] else "open"
        between, at = text[at : match.start()], match.end()
        if not pairs[number]:
            if kind == "close" and marks[-1:] == [(number, "alone")] and not between.strip():
                continue  # <2></2> for <2/>
            kind = "alone"
        pieces.append(between)
        marks.append((number, kind))
    return [*pieces, text[at:]], marks


def _check(marks: Sequence[tuple[int, str]], found: Layout, only: Collection[int] | None = None) -> None:
    """Raises TagsLost where the placeholders (those of `only`) are not there once each, nested as in the source."""
    by_number, there = {holder.number: holder for holder in found.holders}, Counter(marks)
    wanted = [holder for holder in found.holders if only is None or holder.number in only]
    for holder in wanted:
        for name, kind in zip(holder.names, ("open", "close") if holder.pair else ("alone",), strict=True):
            seen = there[holder.number, kind]
            if seen != 1:
                raise TagsLost(f"the placeholder {name} {'stands there more than once' if seen else 'is missing'}")
        if holder.pair and there[holder.number, "alone"]:
            raise TagsLost(f"the placeholder <{holder.number}/> is not in the source")
    inside: list[int] = []
    for number, kind in marks:
        if kind == "close":
            if number not in inside:
                raise TagsLost(f"the placeholder </{number}> stands before <{number}>")
            if inside[-1] != number:
                raise TagsLost(f"the placeholders {number} and {inside[-1]} cross each other")
            inside.pop()
            continue
        parent = by_number[number].parent
        while parent is not None and only is not None and parent not in only:
            parent = by_number[parent].parent
        if parent != (inside[-1] if inside else None):
            where = f"inside <{parent}>…</{parent}>" if parent else "inside no other"
            raise TagsLost(f"the placeholder {by_number[number].names[0]} must stand {where}")
        if kind == "open":
            inside.append(number)


def _check_content(body: str, places: Sequence[Place], found: Layout) -> None:
    """Raises TagsLost where a pair that holds words in the source holds none; of the pairs at `places`."""
    spans: dict[int, list[int]] = {}
    for place in places:
        spans.setdefault(place.number, []).append(place.at)
    for holder in found.holders:
        if holder.pair and holder.number in spans and found.body[holder.start : holder.end].strip():
            start, end = spans[holder.number]
            if not body[start:end].strip():
                raise TagsLost(f"nothing stands between <{holder.number}> and </{holder.number}>")


def _spaced(
    pieces: Sequence[str], marks: Sequence[tuple[int, str]], found: Layout, target_lang: str
) -> tuple[str, list[Place]]:
    """The text of `pieces` with the white space at placeholders in order, and where each placeholder stands in it."""
    by_number = {holder.number: holder for holder in found.holders}
    spaced = language(target_lang).spaced if target_lang else None
    body, places = pieces[0], []
    n = 0
    while n < len(marks):
        end = n + 1  # placeholders with nothing but space between them
        while end < len(marks) and not pieces[end].strip(_SPACE):
            end += 1
        cluster, gaps = marks[n:end], [*pieces[n + 1 : end]]
        left = body.rstrip(_SPACE)
        right = pieces[end].lstrip(_SPACE)
        gaps = [body[len(left) :], *gaps, pieces[end][: len(pieces[end]) - len(right)]]
        gaps = _ordered(gaps, cluster, left[-1:], right[:1], by_number, found, spaced)
        body = left + gaps[0]
        for (number, kind), gap in zip(cluster, gaps[1:], strict=True):
            places.append(Place(len(body), number, kind == "close"))
            body += gap
        body += right
        n = end
    lead = len(body) - len(body.lstrip())
    bare = body.strip()
    return bare, [Place(min(max(p.at - lead, 0), len(bare)), p.number, p.closes) for p in places]


def _ordered(
    gaps: list[str], cluster: Sequence[tuple[int, str]], left: str, right: str, holders: Mapping[int, Holder],
    found: Layout, spaced: bool | None,
) -> list[str]:  # fmt: skip
    """The white space between the characters `left` and `right`, before, between and behind the placeholders."""
    kinds = [kind for _, kind in cluster]
    if spaced is False and (_wide(left) or _wide(right) or not left or not right):
        return ["" for _ in gaps]
    if all(kind == "alone" for kind in kinds):
        return gaps
    # Outside of pairs: behind what closes, before what opens.
    outer = next((n for n, kind in enumerate(kinds) if kind == "open"), len(kinds))
    outer = max([outer, *(n + 1 for n, kind in enumerate(kinds) if kind == "close")]) if "close" in kinds else outer
    outside, inside = gaps[outer], next((gap for n, gap in enumerate(gaps) if gap and n != outer), "")
    space = outside or inside
    if not outside and inside and (right in _NO_SPACE_BEFORE or left in _NO_SPACE_AFTER):
        space = ""
    mark = cluster[min(outer, len(cluster) - 1)]
    if not space and spaced and left.isalnum() and right.isalnum() and not _joined(mark, holders, found):
        space = " "
    return [space if n == outer else "" for n in range(len(gaps))]


def _joined(mark: tuple[int, str], holders: Mapping[int, Holder], found: Layout) -> bool:
    """Whether a word of the source goes on across this placeholder."""
    holder = holders[mark[0]]
    at = holder.end if mark[1] == "close" else holder.start
    before, after = found.body[at - 1 : at], found.body[at : at + 1]
    return before.isalnum() and after.isalnum() and not (_wide(before) or _wide(after))


def _wide(char: str) -> bool:
    """Whether a character is of a script that parts no words, or a sign of such a script."""
    return (
        script_group(char) in ("Hani", "Hans", "Hant", "Thai", "Laoo", "Khmr", "Mymr")
        or "\u3000" < char < "\u3040"
        or "\uff00" < char < "\uffe0"
    )
