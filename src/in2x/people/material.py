"""What is judged: documents with their sources, references and every system's translations, from whatever is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import fastchrf

from in2x.errors import In2xError, UsageError
from in2x.evaluate.express.answers import read_answers
from in2x.evaluate.express.baselines import BASELINES
from in2x.evaluate.express.item import choose
from in2x.evaluate.inputs import read_jsonl, read_lines
from in2x.evaluate.outputs import Output
from in2x.evaluate.wmt import align, parse_doc_id, read_submission, read_testset
from in2x.language import canonical
from in2x.people.config import CampaignConfig, ExpressConfig, OutputsConfig, TextsConfig, WmtConfig
from in2x.records import read_records

REFERENCE, CONSENSUS = "reference", "consensus"
"""Names of the hidden systems."""


@dataclass(frozen=True)
class Segment:
    """One segment of the test set."""

    id: str
    source: str
    phenomena: tuple[str, ...] = ()
    register: str | None = None
    """That a model is asked for."""
    note: str = ""
    speaker: str = ""
    listener: str = ""
    relation: str = ""


@dataclass(frozen=True)
class Document:
    """One document. Each of `translations` has a text a segment; the references are one of them (`REFERENCE`)."""

    id: str
    domain: str
    segments: tuple[Segment, ...]
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def first(self, count: int) -> Document:
        """The document cut after `count` segments."""
        return replace(self, segments=self.segments[:count],
                       translations={name: texts[:count] for name, texts in self.translations.items()})  # fmt: skip


Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(what is done, how much of it) -> what is called with how much is finished."""


def read_material(config: CampaignConfig, progress: Progress) -> list[Document]:
    """The documents that `config` names, translated by its models as well, with the hidden systems it wants.

    Raises:
        In2xError: a file is missing or does not fit the others, a reference is empty, or there is no system.
    """
    if config.texts is not None:
        documents = _texts(config.texts)
    elif config.wmt is not None:
        documents = _wmt(config.wmt, config.source_lang, config.target_lang)
    elif config.outputs is not None:
        documents = _outputs(config.outputs, f"{config.source_lang}-{config.target_lang}")
    else:
        assert config.express is not None
        documents = _express(config.express, config.source_lang)
    documents = [d for d in (document.first(config.sampling.longest) for document in documents) if d.segments]
    for name in config.models:
        documents = _translated(documents, name, config, progress)
    systems = [name for name in documents[0].translations if name != REFERENCE]
    if not systems:
        raise UsageError("there is no system to judge", mend="give systems, submissions, answers, baselines or models")
    if config.consensus:
        if len(systems) < 3:
            raise UsageError("a consensus needs three systems or more", mend="set consensus: false")
        documents = [with_consensus(document, systems) for document in documents]
    if not config.references:
        documents = [replace(d, translations={n: t for n, t in d.translations.items() if n != REFERENCE})
                     for d in documents]  # fmt: skip
    for document in documents:
        for name, texts in document.translations.items():
            empty = next((s.id for s, text in zip(document.segments, texts, strict=True) if not text.strip()), None)
            if empty is not None and name == REFERENCE:
                raise In2xError(f"the reference of segment {empty} is empty", mend="fill it, or set references: false")
    return documents


def _texts(given: TextsConfig) -> list[Document]:
    sources = read_lines(given.source)
    while sources and not sources[-1].strip():
        sources.pop()
    files = {**({REFERENCE: given.references} if given.references else {}), **given.systems}
    texts = {name: _lines(file, len(sources)) for name, file in files.items()}
    names = _lines(given.documents, len(sources)) if given.documents else _numbered(sources)
    rows = [at for at, source in enumerate(sources) if source.strip()]
    if not rows:
        raise In2xError("there is no source in this file", file=given.source, mend="give one segment a line")
    about = _about(given.about, len(sources))
    documents = []
    for name, group in groupby(rows, key=lambda at: names[at]):
        places = list(group)
        segments = tuple(replace(about[at], id=str(at + 1), source=sources[at]) for at in places)
        documents.append(
            Document(name, "", segments, {s: tuple(lines[at] for at in places) for s, lines in texts.items()})
        )
    if twice := _first_twice([document.id for document in documents]):
        raise In2xError(f"document {twice!r} comes in two places", file=given.documents, mend="keep its lines together")
    return documents


def _lines(file: Path, count: int) -> list[str]:
    """The lines of a file of one line a source; empty ones at its end do not count."""
    lines = read_lines(file)
    if len(lines) < count or any(line.strip() for line in lines[count:]):
        raise In2xError(f"{len(lines)} lines for {count} sources", file=file, mend="give one line a source")
    return lines[:count]


def _about(file: Path | None, count: int) -> list[Segment]:
    """What is known about each source beside its text."""
    if file is None:
        return [Segment("", "")] * count
    found = []
    for line, row in read_jsonl(file):
        strange = set(row) - {"speaker", "listener", "relation", "note", "phenomena"}
        if strange:
            raise In2xError(f"unknown key {sorted(strange)[0]!r}", file=file, line=line,
                            mend="give speaker, listener, relation, note, phenomena")  # fmt: skip
        words = {key: str(row.get(key, "")) for key in ("speaker", "listener", "relation", "note")}
        found.append(Segment("", "", tuple(map(str, row.get("phenomena", ()))), **words))
    if len(found) != count:
        raise In2xError(f"{len(found)} objects for {count} sources", file=file, mend="give one line a source")
    return found


def _numbered(sources: Sequence[str]) -> list[str]:
    """A name for each line: an empty one parts documents."""
    number, apart, names = 0, True, []
    for source in sources:
        number += bool(source.strip()) and apart
        apart = not source.strip()
        names.append(f"document {number}")
    return names


def _first_twice(names: Sequence[str]) -> str | None:
    return next((name for at, name in enumerate(names) if name in names[:at]), None)


def _wmt(given: WmtConfig, source_lang: str, target_lang: str) -> list[Document]:
    named = {parse_doc_id(name)[0] for name in read_testset(given.testset)}
    pair = next((name for name in sorted(named) if _is_pair(name, source_lang, target_lang)), None)
    if pair is None and named != {""}:
        raise In2xError(f"no document from {source_lang} into {target_lang}", file=given.testset,
                        mend=f"pairs in this file: {', '.join(sorted(named))}")  # fmt: skip
    testset = read_testset(given.testset, pair)
    handed = {
        name: align(read_submission(file, pair or "").documents, testset, name)
        for name, file in given.submissions.items()
    }
    documents, at = [], 0
    for doc in testset.values():
        size = len(doc.paragraphs)
        segments = tuple(Segment(f"{doc.doc_id}#{n}", text) for n, text in enumerate(doc.paragraphs, start=1))
        translations = {name: tuple(lines[at : at + size]) for name, lines in handed.items()}
        for name in given.hypotheses:
            if len(doc.hypotheses.get(name, ())) != size:
                raise In2xError(f"document {doc.doc_id} has no translation by {name!r}", file=given.testset,
                                mend="name systems that the test set holds")  # fmt: skip
            translations[name] = tuple(doc.hypotheses[name])
        if len(doc.references) == size:
            translations[REFERENCE] = tuple(doc.references)
        documents.append(Document(doc.doc_id, doc.domain, segments, translations))
        at += size
    if len({REFERENCE in d.translations for d in documents}) > 1:
        documents = [replace(d, translations={n: t for n, t in d.translations.items() if n != REFERENCE})
                     for d in documents]  # fmt: skip
    return documents


def _is_pair(name: str, source_lang: str, target_lang: str) -> bool:
    """Whether the pair of a doc_id ("cs-de_DE") is of these languages."""
    source, _, target = name.partition("-")
    try:
        return canonical(source) == source_lang and canonical(target) == target_lang
    except UsageError:
        return False


def _outputs(given: OutputsConfig, pair: str) -> list[Document]:
    file = given.file / "outputs.parquet" if given.file.is_dir() else given.file
    if not file.exists():
        raise In2xError("there is no such file", file=file, mend="give outputs.parquet of a run's stage evaluate")
    rows = [row for row in read_records(file, Output) if row.pair == pair]
    if not rows:
        raise In2xError(
            f"it has no translation {pair}", file=file, mend="set source_lang and target_lang to a pair in it"
        )
    systems = list(given.systems) or list(dict.fromkeys(row.system for row in rows))
    said = {(row.system, row.id): row.hypothesis for row in rows}
    documents = []
    for id, row in {row.id: row for row in rows}.items():
        missing = next((system for system in systems if (system, id) not in said), None)
        if missing is not None:
            raise In2xError(
                f"system {missing!r} did not translate {id}", file=file, mend="name systems it holds: systems"
            )
        segment = Segment(id, row.source, (row.domain,), row.register)
        documents.append(Document(id, row.domain, (segment,), {REFERENCE: (row.reference,)}
                                  | {system: (said[system, id],) for system in systems}))  # fmt: skip
    return documents


def _express(given: ExpressConfig, source_lang: str) -> list[Document]:
    items = [item for item in choose(given.phenomena) if item.source_lang == source_lang]
    if not items:
        raise UsageError(f"the suite has no item of these phenomena from {source_lang!r}", mend="choose others")
    answers = {name: read_answers(file, items) for name, file in given.answers.items()}
    answers |= {name: BASELINES[name](items) for name in given.baselines}
    return [
        Document(item.id, item.phenomenon,
                 (Segment(item.id, item.source, (item.phenomenon,), item.register_wanted, item.context),),
                 {REFERENCE: (item.natural[0],)} | {name: (texts[at],) for name, texts in answers.items()})
        for at, item in enumerate(items)
    ]  # fmt: skip


def _translated(documents: Sequence[Document], name: str, config: CampaignConfig, progress: Progress) -> list[Document]:
    """The documents with what a model makes of them."""
    from in2x.llm.cache import Cache
    from in2x.translate.open import open_together
    from in2x.translate.request import TranslationRequest

    if name in documents[0].translations:
        raise UsageError(f"two systems are called {name!r}", mend="choose another name for the model")
    model = config.models[name]
    segments = [segment for document in documents for segment in document.segments]
    wanted = [model.register_wanted or segment.register for segment in segments]
    request = TranslationRequest(config.source_lang, config.target_lang, wanted, seed=config.seed)
    with (
        Cache(config.cache) if config.cache else nullcontext() as cache,
        progress(f"translate: {name}", len(segments)) as done,
    ):
        backend = open_together([model.model], samples=model.mbr, temperature=model.temperature, cache=cache)
        found = backend.translations([segment.source for segment in segments], request, done)
    texts = iter(found)
    out = []
    for document in documents:
        lines = []
        for segment in document.segments:
            answer = next(texts)
            if answer.unasked:
                raise In2xError(f"{name}: segment {segment.id} was not translated ({answer.fault})",
                                mend="see the server's log, or run again")  # fmt: skip
            lines.append(answer.text)
        out.append(replace(document, translations={**document.translations, name: tuple(lines)}))
    return out


def with_consensus(document: Document, systems: Sequence[str]) -> Document:
    """The document with one more system: of each segment the output that the others agree with most (chrF)."""
    lines = []
    for at in range(len(document.segments)):
        texts = [document.translations[system][at] for system in systems]
        scores = fastchrf.pairwise_chrf([texts], [texts])[0]
        agreed = [sum(row) - row[place] for place, row in enumerate(scores)]
        lines.append(texts[max(range(len(texts)), key=lambda place: agreed[place])])
    return replace(document, translations={**document.translations, CONSENSUS: tuple(lines)})
