"""`in2x translate`: a file of any known format, a folder of them, standard input, or a talk at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from in2x.artifact import write_text
from in2x.commands.options import From, check_writable, once_each, told
from in2x.commands.show import tell
from in2x.errors import In2xError, UsageError
from in2x.translate.open import Combine

if TYPE_CHECKING:
    from in2x.formats.document import Options
    from in2x.translate.files import Paper
    from in2x.translate.outcome import Outcome
    from in2x.translate.request import TranslationRequest
    from in2x.translate.translator import Translated, Translator

WORDING, CHECKING, DECODING, RUNNING = "Wording", "Checks", "Decoding", "Files and runs"


def translate(
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            help="Model folder, hub name, or address of an OpenAI-compatible server; again for more, see --combine.",
            callback=once_each("--model"),
        ),
    ],
    target_lang: Annotated[str, typer.Option("--to", metavar="LANG", help="Language wanted: ja, en, de, ...")],
    source_lang: From = None,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|FOLDER|-", help="A document, a tree of them, or - for stdin.",
                       show_default=False),
    ] = "-",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write here; the journal lies beside it.", show_default=False),
    ] = None,
    register: Annotated[
        str | None,
        typer.Option("--register", rich_help_panel=WORDING, show_default=False,
                     help="One that the language tells: plain, polite, honorific, casual or literary."),
    ] = None,
    glossary: Annotated[
        Path | None,
        typer.Option("--glossary", rich_help_panel=WORDING, help="Agreed terms: TSV, CSV or TBX.", show_default=False),
    ] = None,
    characters: Annotated[
        Path | None,
        typer.Option("--characters", rich_help_panel=WORDING, show_default=False,
                     help="YAML: who they are, how they speak, and to whom."),
    ] = None,
    synopsis: Annotated[
        str, typer.Option("--synopsis", rich_help_panel=WORDING, help="What the text is about: words, or a file.",
                          show_default=False),
    ] = "",
    style: Annotated[
        str, typer.Option("--style", rich_help_panel=WORDING, help="Wish for the style, in a few words.",
                          show_default=False),
    ] = "",
    context: Annotated[
        int | None,
        typer.Option("--context", min=0, metavar="N", rich_help_panel=WORDING, show_default=False,
                     help="Segments before that the model is told.  [default: 12 if it takes any]"),
    ] = None,
    checks: Annotated[
        Literal["off", "mark", "repair"],
        typer.Option("--checks", rich_help_panel=CHECKING, help="What a translation breaks: say so, or ask again."),
    ] = "repair",
    repairs: Annotated[
        int, typer.Option("--repairs", min=0, metavar="N", rich_help_panel=CHECKING,
                          help="Most times that a segment is asked for again."),
    ] = 2,
    review: Annotated[
        bool,
        typer.Option("--qe", rich_help_panel=CHECKING,
                     help="Say what to look at, on stderr; with -o a table OUT.review.tsv, riskiest first, whose last "
                          "column is for --edits."),
    ] = False,
    edits: Annotated[
        Path | None,
        typer.Option("--edits", metavar="TSV", rich_help_panel=CHECKING, show_default=False,
                     help="Your own words for some segments; they outrank all and stay."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="HTML", rich_help_panel=CHECKING, show_default=False,
                     help="Write a page: terms, names, voices, findings, coverage, cost."),
    ] = None,
    mbr: Annotated[
        int,
        typer.Option("--mbr", min=0, metavar="N", rich_help_panel=DECODING,
                     help="Draw N samples (of each model) and take the one the others agree with."),
    ] = 0,
    best: Annotated[
        int,
        typer.Option("--best", min=0, metavar="N", rich_help_panel=DECODING,
                     help="Draw N samples (of each model) and take the one that breaks the least."),
    ] = 0,
    combine: Annotated[
        Combine,
        typer.Option("--combine", rich_help_panel=DECODING,
                     help="Several models: average their probabilities, or choose among answers (--mbr, --best)."),
    ] = "tokens",
    temperature: Annotated[
        float,
        typer.Option("--temperature", min=0.01, rich_help_panel=DECODING,
                     help="Of the samples: 1 is the model's own distribution."),
    ] = 1.0,
    beam: Annotated[
        int | None,
        typer.Option("--beam", min=1, metavar="N", rich_help_panel=DECODING, show_default=False,
                     help="Beam search with so many beams.  [default: as the profile]"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, rich_help_panel=DECODING, help="Of what is drawn.")] = 0,
    profile: Annotated[
        str | None,
        typer.Option("--profile", rich_help_panel=RUNNING, show_default=False,
                     help="How the model is asked: a profile's name, a file, or chat for any.  [default: the model's]"),
    ] = None,
    probed: Annotated[
        bool,
        typer.Option("--probe/--no-probe", rich_help_panel=RUNNING, show_default=False,
                     help="Whether a model of others translates a first sentence before the work.  [default: probe]"),
    ] = True,
    kind: Annotated[
        str | None,
        typer.Option("--format", metavar="SUFFIX", rich_help_panel=RUNNING, show_default=False,
                     help="What the file is, where its name does not say: srt, md, epub, ..."),
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="PATH", rich_help_panel=RUNNING, show_default=False,
                     help="Which fields are text (JSON path, column); again for more.  [default: all that look it]"),
    ] = None,
    redo: Annotated[
        bool, typer.Option("--redo", rich_help_panel=RUNNING, help="Also what the file has a translation of.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", rich_help_panel=RUNNING, help="Write over a file that is there.")
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option("--batch", min=1, metavar="N", rich_help_panel=RUNNING, show_default=False,
                     help="Segments translated together.  [default: 64; 256 at a server]"),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option("--cache", rich_help_panel=RUNNING, show_default=False,
                     help="SQLite file that keeps a server's answers for good."),
    ] = None,
) -> None:  # fmt: skip
    """Translate a document, a folder of documents, or lines.

    Plain text: one line in, one line out. Every segment is kept in OUT.journal.jsonl the moment it is done: the same
    command again goes on from there. A segment that could not be translated stays as it is, is named on stderr, and
    makes the exit code 3.
    """
    from in2x.formats.document import Options
    from in2x.llm.cache import Cache
    from in2x.llm.config import is_address
    from in2x.translate.detect import known_to
    from in2x.translate.open import profile_at
    from in2x.translate.request import TranslationRequest, check_request
    from in2x.translate.translator import Translator

    if 1 in (mbr, best):
        raise UsageError(f"--{'mbr' if mbr else 'best'} 1 leaves nothing to choose from", mend="give 2 or more")
    if mbr and best:
        raise UsageError("--mbr and --best choose differently", mend="give one of them")
    if cache and not any(map(is_address, model)):
        raise UsageError("--cache keeps what a server answers", mend="leave it out for a model in this process")
    for written in filter(None, (output, report)):
        _check_writable(written, Path(file).is_dir() and written is output)
    if output is None and (edits or report):
        raise UsageError("--edits and --report belong to a document", mend="give -o")
    profiles = [profile_at(one, profile) for one in model]
    options = Options(source_lang or "", target_lang, tuple(fields or ()), redo)
    source: _Lines | _Papers = (
        _Lines(batch) if file == "-" and output is None else _Papers(Path(file), output, options, kind)
    )
    if source_lang is None:
        source_lang = told(source.first_texts(), target_lang, known=known_to(profiles))
    wanted = TranslationRequest(source_lang, target_lang, register)
    for one in profiles:
        wanted = check_request(one, wanted)
    wishes: dict[str, Any] = {
        "register": register, "style": style, "synopsis": _synopsis(synopsis), "glossary": glossary,
        "characters": characters, "context": context, "checks": checks, "repairs": repairs, "seed": seed,
        "redo": redo, "beams": beam, "step": batch, "say": tell,
    }  # fmt: skip
    with Cache(cache) if cache else nullcontext() as answers:

        def load() -> Translator:
            return Translator.load(
                model, combine=combine, samples=mbr or best, choose="principles" if best else "agreement",
                temperature=temperature, cache=answers, profile=profile, probed=not probed,
            )  # fmt: skip

        if isinstance(source, _Lines):
            failures = _stream(load(), source, wanted, wishes, review)
        else:
            failures = _documents(load, source, wanted, force, wishes, (edits, review, report))
    if failures:
        again = "" if output is None else "; the same command asks for them again, and for nothing else"
        tell(f"not translated, left as they were: {failures:,}{again}")
        raise typer.Exit(3)


def _check_writable(file: Path, folder: bool) -> None:
    if not folder or not file.is_dir():
        check_writable(file)


def _synopsis(words: str) -> str:
    """The words, or those in the file of that name."""
    if not words or len(words) > 255 or "\n" in words or not Path(words).is_file():
        return words
    try:
        return Path(words).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise In2xError("not UTF-8 text", file=words, mend="save it as UTF-8") from None


class _Lines:
    """Standard input, line by line."""

    def __init__(self, batch: int | None) -> None:
        """Translated `batch` together; at a terminal each alone."""
        from in2x.translate.lines import AT_ONCE, read_lines

        self.talk = sys.stdin.isatty()
        self.together = 1 if self.talk else batch or AT_ONCE
        self.lines = read_lines(sys.stdin.buffer, "standard input")

    def first_texts(self) -> list[str]:
        """The lines that are translated first, and those up to one with letters; they are not lost."""
        if self.talk:
            tell("A line at a time; Ctrl-D ends. The first tells the language.")
        first: list[str] = []
        for line in self.lines:
            first.append(line)
            if len(first) >= self.together and any(map(str.isalpha, "".join(first))):
                break
        self.lines = chain(first, self.lines)
        return first


class _Papers:
    """A file, a folder of them, or standard input as a document."""

    def __init__(self, file: Path, output: Path | None, options: Options, kind: str | None) -> None:
        """As options and arguments name them."""
        self.file, self.output, self.options, self.kind = file, output, options, kind
        self.raw = sys.stdin.buffer.read() if str(file) == "-" else b""

    def first_texts(self) -> Iterator[str]:
        """The texts, in the order of the documents."""
        return (segment.text for paper in self.read() for segment in paper.document.segments)

    def read(self, unread: Callable[[str, str], None] = lambda name, why: None) -> Iterator[Paper]:
        """The documents; `unread` is told of what is none, and why."""
        from in2x.translate.files import read_folder, read_paper, read_stdin

        if not self.file.is_dir():
            yield (read_stdin(self.raw, self.output, self.options, self.kind) if str(self.file) == "-"
                   else read_paper(self.file, self.output, self.options, self.kind))  # fmt: skip
        elif self.output is None:
            raise UsageError("a folder is translated into another one", file=self.file, mend="give -o FOLDER")
        else:
            yield from read_folder(self.file, self.output, self.options, unread)


def _stream(
    translator: Translator, source: _Lines, wanted: TranslationRequest, wishes: dict[str, Any], review: bool
) -> int:
    """Standard input to standard output, as it comes; the number of lines that are not translated."""
    from in2x.translate.lines import translate_lines

    if source.talk:
        tell(f"{translator.name}: {wanted.source_lang} to {wanted.target_lang}, a line at a time; Ctrl-D ends.")
    failures = 0

    def write(number: int, line: str, outcome: Outcome | None) -> None:
        nonlocal failures
        sys.stdout.write(f"{line}\n")
        if outcome is None:
            return
        if outcome.origin == "failed":
            failures += 1
            _say_failed("standard input", f"line {number}", outcome.fault)
        elif review or source.talk:
            _say_found("" if source.talk else f"line {number}", outcome)

    translate_lines(translator, source.lines, wanted, wishes, write, sys.stdout.flush, source.together)
    return failures


def _say_failed(name: str, place: str, why: str) -> None:
    tell(f"{name}, {place}: not translated ({why})")


def _say_found(place: str, outcome: Outcome) -> None:
    """What a review would look at, if anything."""
    if outcome.findings:
        found = "; ".join(f"{one.principle}: {one.why}" for one in outcome.findings)
        tell(f"{place}, risk {outcome.risk:g}: {found}" if place else f"  {found}", style="dim")


def _documents(
    load: Callable[[], Translator], source: _Papers, wanted: TranslationRequest, force: bool, wishes: dict[str, Any],
    asked: tuple[Path | None, bool, Path | None],
) -> int:  # fmt: skip
    """A file or a folder; the number of segments that are not translated."""
    from in2x.commands.show import progress
    from in2x.translate.files import check_ours, open_journal
    from in2x.translate.journal import review_of
    from in2x.translate.page import page
    from in2x.translate.review import check_given_back, read_edits, review_table
    from in2x.translate.summary import summary

    edits, review, report = asked
    file, output, langs = source.file, source.output, (wanted.source_lang, wanted.target_lang)
    source.options = replace(source.options, source_lang=langs[0], target_lang=langs[1])
    known = read_edits(edits) if edits else None
    papers = list(source.read(lambda name, why: tell(f"{name}: left out ({why})")))
    if not papers:
        raise In2xError("there is no document in this folder", file=file, mend="give a folder with documents")
    total = sum(len(paper.document.segments) for paper in papers)
    name = papers[0].name if len(papers) == 1 else file.name
    parts: list[tuple[str, Translated]] = []
    with open_journal(file, output, *langs) if output else nullcontext() as journal:
        if journal and not force:
            check_ours(papers, journal)
        if journal and known:
            journal.take_edits(known)
        if journal and output and review and not force:
            check_given_back(review_of(output), journal.edits)
        translator = load()
        with progress("translate", total) as advance:
            for paper in papers:
                one = translator.translate(paper.document, *langs, journal=journal, **wishes,
                                           done=lambda number, outcome: advance(1)).fitted()  # fmt: skip
                raw = one.write()
                if journal:
                    paper.write(raw)
                    journal.note_output(paper.name, raw)
                else:
                    sys.stdout.buffer.write(raw)
                    sys.stdout.flush()
                parts.append((paper.name, one))
                for failed in one.failed:
                    _say_failed(name, failed.segment.place, failed.fault)
        if journal and output:
            journal.finish()
            found = summary(name, translator.name, parts)
            if review:
                write_text(review_of(output), review_table(found.outcomes))
            if report:
                write_text(report, page(found))
            for line in found.lines():
                tell(line)
            if review:
                tell(f"to review: {review_of(output)}")
        elif review:
            for _, one in parts:
                for outcome in one.outcomes:
                    _say_found(outcome.segment.place, outcome)
    return sum(len(one.failed) for _, one in parts)
