"""A translation made elsewhere, read beside its source: segment by segment, of any format.

Plain text is matched line by line, every other format by the number of the segment. A file that holds both sides (PO,
XLIFF, TMX) is its own source. Where the counts differ, the sentence says from where on the lines stop fitting.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.formats.document import Options, Segment, Tag, Text
from in2x.formats.registry import READERS, read_document
from in2x.principles.shift import Shift, shifted
from in2x.principles.verdict import KEPT, Verdict, not_applicable
from in2x.translate.findings import Rules, layout, verdicts


@dataclass(frozen=True, slots=True)
class Pair:
    """A segment and its translation."""

    number: int
    """For people, from 1: the line of plain text, the segment of any other format."""
    segment: Segment
    answer: Text
    lines: tuple[str, ...] = ()
    """Those of the answer, where its file breaks it into lines."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A segment with the verdicts on its translation."""

    pair: Pair
    verdicts: dict[str, Verdict]

    @property
    def broken(self) -> dict[str, Verdict]:
        """Those that say it is broken."""
        return {name: verdict for name, verdict in self.verdicts.items() if verdict.kept is False}


def is_lines(file: Path) -> bool:
    """Whether a file is taken as plain text, a segment a line: .txt, .gz and what has no format here."""
    return READERS.get(file.suffix.lower(), "plain") == "plain"


def sides_of(file: Path) -> list[tuple[str, str]]:
    """Each text of a file, and the translation that stands beside it ("" where the file holds one side)."""
    segments = read_document(file, Options(), "txt" if is_lines(file) else None).segments
    return [(one.text, one.done) for one in segments]


def read_pairs(source: Path, translation: Path, source_lang: str, target_lang: str) -> list[Pair]:
    """Read both files.

    Raises:
        In2xError: a file cannot be read, or the two have different numbers of segments.
    """
    if is_lines(source) and is_lines(translation):
        return _lines(source, translation, source_lang, target_lang)
    options = Options(source_lang, target_lang)
    given, made = read_document(source, options).segments, read_document(translation, options).segments
    if not given:
        raise In2xError("the file has no text", file=source, mend="give one with text to translate")
    answers = [_done(one) if any(other.done for other in made) else Text(one.text, one.tags) for one in made]
    if len(given) != len(answers):
        where = _apart([one.text for one in given], [one.text for one in answers], source_lang, target_lang)
        raise In2xError(f"{len(answers)} segments, where {source} has {len(given)}{where}", file=translation,
                        mend="give a translation of the same file")  # fmt: skip
    shown = [one.lines for one in made]
    return [Pair(n, *both) for n, both in enumerate(zip(given, answers, shown, strict=True), 1)]


def _lines(source: Path, translation: Path, source_lang: str, target_lang: str) -> list[Pair]:
    given, made = _text(source), _text(translation)
    if len(given) != len(made):
        gap = len(made) - len(given)
        much = f"{abs(gap)} line{'s' if abs(gap) > 1 else ''} too {'many' if gap > 0 else 'few'}"
        where = _apart(given, made, source_lang, target_lang)
        raise In2xError(f"{much} ({len(made)}, where {source} has {len(given)}){where}", file=translation,
                        line=min(len(given), len(made)) + 1, mend="give one line a segment")  # fmt: skip
    group = 1
    pairs: list[Pair] = []
    for number, (text, answer) in enumerate(zip(given, made, strict=True), 1):
        if not text.strip() and not answer.strip():
            group += bool(pairs) and pairs[-1].segment.group == f"paragraph {group}"
            continue
        pairs.append(Pair(number, Segment(text, place=f"line {number}", group=f"paragraph {group}"), Text(answer)))
    if not pairs:
        raise In2xError("the file is empty", file=source, mend="give at least one line")
    return pairs


def _text(file: Path) -> list[str]:
    """The lines of a text file (.gz too), cut at line feeds only."""
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines = raw.decode("utf-8-sig").split("\n")
    except (OSError, EOFError) as error:
        raise In2xError(f"cannot be read ({error.__class__.__name__})", file=file, mend="give a text file") from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise In2xError("not UTF-8", file=file, line=line, mend="convert the file to UTF-8") from None
    return [line.rstrip("\r") for line in (lines if lines[-1] else lines[:-1])]


def _apart(sources: Sequence[str], answers: Sequence[str], source_lang: str, target_lang: str) -> str:
    """From where on two texts of different length stop fitting, as a clause; "" where it cannot be told."""
    size = min(len(sources), len(answers))
    moved = shifted(sources[:size], answers[:size], source_lang, target_lang)
    return f"; from {moved[0].line + 1} on they stop fitting" if moved else ""


def _done(segment: Segment) -> Text:
    """The translation that a file of both sides has, with the source's tags found in it again."""
    tags: list[Tag] = []
    text, rest = "", segment.done
    for tag in segment.tags:
        at = rest.find(tag.raw)
        if at < 0:
            continue
        text, rest = text + rest[:at], rest[at + len(tag.raw) :]
        tags.append(replace(tag, at=len(text)))
    return Text(text + rest, tuple(tags))


def check_pairs(
    pairs: Sequence[Pair],
    rules: Rules,
    source_lang: str,
    target_lang: str,
    register: str | None = None,
    done: Callable[[int], None] | None = None,
) -> list[Checked]:
    """The verdicts on every translation, and "shift": whether it stands at its own line.

    Args:
        pairs: the segments with their translations.
        rules: glossary and characters.
        source_lang: code of the source.
        target_lang: code of the translation.
        register: that was asked for, if any.
        done: called with the number of segments finished.
    """
    segments = [one.segment for one in pairs]
    named = [replace(one, speaker=one.speaker or rules.characters.spoken_by(one.text)) for one in segments]
    answers = [one.answer.text for one in pairs]
    moved = {one.line: one for one in shifted([one.text for one in segments], answers, source_lang, target_lang)}
    found = []
    for at, (pair, segment) in enumerate(zip(pairs, named, strict=True)):
        source = Source(segment.text, source_lang, target_lang, register=register)
        rows = verdicts(source, pair.answer, rules, segment)
        if pair.lines:  # reading joined them
            rows["layout"] = _shown(pair, segment)
        rows["shift"] = _shift(moved.get(at), pairs)
        found.append(Checked(replace(pair, segment=segment), rows))
        if done is not None:
            done(1)
    return found


def _shown(pair: Pair, segment: Segment) -> Verdict:
    verdict = layout("\n".join(pair.lines), segment.limit)
    if verdict.start < 0:
        return verdict
    line = "\n".join(pair.lines)[verdict.start : verdict.end]
    at = pair.answer.text.find(line)
    return replace(verdict, start=at, end=at + len(line) if at >= 0 else -1)


def _shift(shift: Shift | None, pairs: Sequence[Pair]) -> Verdict:
    if len(pairs) < 2:
        return not_applicable("a single segment cannot be moved")
    if shift is None:
        return KEPT
    fits = pairs[shift.line - shift.by]
    return Verdict(False, f"it fits {fits.segment.place or f'segment {fits.number}'} better than its own source")
