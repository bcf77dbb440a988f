"""Files of the WMT general translation task: test set, submission, and what is wrong with one.

    test set     one line a document: {"doc_id", "src_text", "refs"?: {...} | "ref"?: text}; or one line a paragraph:
                 {"doc_id", "seg" | "line", "src", "ref"?, "hyps"?: {system: text}}
    submission   one line a document: {"doc_id", "hypothesis"}, paragraphs joined by two newlines

A doc_id reads "en-ja_JP_#_literary_#_rink_rats_chapter1". Trap: in the speech domain it carries a `vid_` prefix that
the organisers' score files lack; `score_key` bridges it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.errors import In2xError
from in2x.evaluate.inputs import read_jsonl
from in2x.metrics.strings import Score, score

SEPARATOR = "_#_"
PARAGRAPHS = "\n\n"


@dataclass(frozen=True)
class TestDocument:
    """One document of a test set, paragraph by paragraph. `references` and `hypotheses` may be empty."""

    __test__ = False

    doc_id: str
    domain: str
    paragraphs: list[str]
    references: list[str]
    hypotheses: dict[str, list[str]]


def parse_doc_id(doc_id: str) -> tuple[str, str, str]:
    """(language pair, domain, name) of a doc_id; pair and domain are "" where it has no such parts (older years)."""
    parts = doc_id.split(SEPARATOR)
    return (parts[0], parts[1], SEPARATOR.join(parts[2:])) if len(parts) >= 3 else ("", "", doc_id)


def score_key(doc_id: str) -> tuple[str, str]:
    """(domain, document_id) by which the organisers' score files know a document: without the `vid_` of speech."""
    _, domain, name = parse_doc_id(doc_id)
    return domain, name.removeprefix("vid_") if domain == "speech" else name


def read_testset(file: Path, pair: str | None = None) -> dict[str, TestDocument]:
    """Documents in file order, those of `pair` if given.

    Raises:
        In2xError: a line has no doc_id or source, or nothing is left for `pair`.
    """
    found: dict[str, TestDocument] = {}
    pairs: set[str] = set()
    for number, row in read_jsonl(file):
        doc_id = row.get("doc_id")
        source = next((row[k] for k in ("src_text", "src") if isinstance(row.get(k), str)), None)
        if not isinstance(doc_id, str) or source is None:
            raise In2xError(
                'no "doc_id" and source', file=file, line=number, mend='give "doc_id" and "src_text" (or "src")'
            )
        lp = parse_doc_id(doc_id)[0] or str(row.get("lp", ""))
        pairs.add(lp)
        if pair is not None and lp != pair:
            continue
        domain = str(row.get("domain") or parse_doc_id(doc_id)[1])
        document = found.setdefault(doc_id, TestDocument(doc_id, domain, [], [], {}))
        whole = "src_text" in row
        document.paragraphs.extend(source.split(PARAGRAPHS) if whole else [source])
        reference = _reference(row)
        if reference is not None:
            document.references.extend(reference.split(PARAGRAPHS) if whole else [reference])
        for system, text in (row.get("hyps") or {}).items():
            document.hypotheses.setdefault(str(system), []).extend(text.split(PARAGRAPHS) if whole else [text])
    if not found:
        known = ", ".join(sorted(p for p in pairs if p)) or "none"
        raise In2xError(f"no document of {pair or 'any pair'}", file=file, mend=f"pairs in this file: {known}")
    return found


def _reference(row: Mapping[str, Any]) -> str | None:
    """The reference of a row: "ref", or the first of "refs" (a text or {"ref": text} each)."""
    if isinstance(row.get("ref"), str):
        return str(row["ref"])
    refs = row.get("refs")
    first = next(iter(refs.values()), None) if isinstance(refs, Mapping) else None
    if isinstance(first, Mapping):
        first = first.get("ref")
    return first if isinstance(first, str) else None


@dataclass(frozen=True)
class Submission:
    """What one system handed in for a pair.

    Attributes:
        documents: paragraphs by doc_id.
        others: number of documents of each further pair in the file (a system hands in one file for all its pairs).
    """

    documents: dict[str, list[str]]
    others: dict[str, int]


def read_submission(file: Path, pair: str) -> Submission:
    """A submission file; documents whose doc_id names another pair than `pair` are counted, not read.

    Raises:
        In2xError: a line without "doc_id" or "hypothesis", a document given twice, or none of `pair`.
    """
    found: dict[str, list[str]] = {}
    others: dict[str, int] = {}
    for number, row in read_jsonl(file):
        doc_id, text = row.get("doc_id"), row.get("hypothesis")
        if not isinstance(doc_id, str) or not isinstance(text, str):
            raise In2xError('no "doc_id" and "hypothesis"', file=file, line=number, mend="give both as texts")
        own = parse_doc_id(doc_id)[0]
        if own and own != pair:
            others[own] = others.get(own, 0) + 1
            continue
        if doc_id in found:
            raise In2xError(f"document {doc_id} is given twice", file=file, line=number, mend="keep one of the lines")
        found[doc_id] = text.split(PARAGRAPHS)
    if not found:
        known = f"pairs in this file: {', '.join(sorted(others))}" if others else "give one line a document"
        raise In2xError(f"the submission has no document of {pair}", file=file, mend=known)
    return Submission(found, others)


def check_submission(
    submission: Mapping[str, Sequence[str]], testset: Mapping[str, TestDocument], system: str
) -> list[str]:
    """What is wrong with a submission, one sentence a fault naming system and document; empty when all is well."""
    faults = []
    for doc_id, document in testset.items():
        paragraphs = submission.get(doc_id)
        if paragraphs is None:
            near = next((d for d in submission if score_key(d) == score_key(doc_id)), None)
            hint = f" (there is {near}: the vid_ prefix differs)" if near else ""
            faults.append(f"{system}: document {doc_id} is missing{hint}.")
            continue
        if len(paragraphs) != len(document.paragraphs):
            faults.append(f"{system}: document {doc_id} has {len(paragraphs)} paragraphs, its source "
                          f"{len(document.paragraphs)}.")  # fmt: skip
            continue
        for number, (text, source) in enumerate(zip(paragraphs, document.paragraphs, strict=True), start=1):
            if not text.strip() and source.strip():
                faults.append(f"{system}: document {doc_id}, paragraph {number} is empty.")
            elif text.strip() == source.strip() and any(c.isalpha() for c in source):
                faults.append(f"{system}: document {doc_id}, paragraph {number} is its source, untranslated.")
    known = {score_key(d) for d in testset}
    for doc_id in submission:
        if doc_id not in testset and score_key(doc_id) not in known:
            faults.append(f"{system}: document {doc_id} is not in the test set (of another year).")
    return faults


def align(submission: Mapping[str, Sequence[str]], testset: Mapping[str, TestDocument], system: str) -> list[str]:
    """The paragraphs of a submission in the order of the test set.

    Raises:
        In2xError: the first fault that `check_submission` finds, empty and untranslated paragraphs apart.
    """
    faults = [f for f in check_submission(submission, testset, system) if "paragraph " not in f]
    if faults:
        raise In2xError(faults[0].rstrip("."), mend="mend the submission (`in2x evaluate wmt` lists all faults)")
    return [paragraph for doc_id in testset for paragraph in submission[doc_id]]


def chrf_by_domain(
    testset: Mapping[str, TestDocument], paragraphs: Sequence[str], lang: str, *, metric: str = "chrF"
) -> dict[str, Score]:
    """A string metric over each domain, then "all"; `paragraphs` in test-set order.

    Raises:
        In2xError: a document has no reference.
    """
    references: dict[str, list[str]] = {"all": []}
    hypotheses: dict[str, list[str]] = {"all": []}
    at = 0
    for document in testset.values():
        size = len(document.paragraphs)
        if len(document.references) != size:
            raise In2xError(f"document {document.doc_id}: {len(document.references)} reference paragraphs for {size}",
                            mend="give a test set with references")  # fmt: skip
        for key in (document.domain, "all"):
            references.setdefault(key, []).extend(document.references)
            hypotheses.setdefault(key, []).extend(paragraphs[at : at + size])
        at += size
    domains = [*(d for d in references if d != "all"), "all"]
    return {d: score(hypotheses[d], references[d], metric, lang=lang) for d in domains}
