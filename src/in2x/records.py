"""The records that rooms exchange, and how each is laid down in Parquet.

A record is a frozen dataclass; a table of records is a Parquet file whose schema stands beside it. Free-form parts
(`verifier`, `evidence`, `checks`) travel as JSON text, so that a reader in any language can open the file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from in2x.errors import In2xError

Message = dict[str, str]
"""`{"role": "system" | "user" | "assistant", "content": text}`."""


# Made once: `json.dumps` with arguments makes an encoder each time.
_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_ANY_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str).encode


def content_id(*parts: object) -> str:
    """A stable 16-hex-digit id of `parts` (BLAKE2b over their JSON), the same on every machine."""
    return hashlib.blake2b(_ANY_JSON(parts).encode(), digest_size=8).hexdigest()


def sound(value: Any) -> Any:
    """`value` (text, or JSON that holds texts) without lone surrogates, which no file can hold: U+FFFD instead."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, Mapping):
        return {sound(key): sound(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sound(item) for item in value]
    return value


FEW = 10
"""Odd rows of a set that are set aside whatever their share."""


class Aside:
    """Rows of a set from outside that do not go in, counted by reason; the set goes on up to a share of odd ones.

    Attributes:
        rows: rows seen.
        reasons: how many were left out, by reason.
        first: line of the first row that was left out for each reason.
    """

    def __init__(self, file: str | Path, most: float, knob: str) -> None:
        """`most` is the share of odd rows from which `file` is refused, the value of `knob`."""
        self.file, self.most, self.knob = file, most, knob
        self.rows = self.odd_rows = 0
        self.reasons: Counter[str] = Counter()
        self.first: dict[str, int] = {}
        self._odd: tuple[int, str, str] | None = None

    def leave(self, line: int, reason: str) -> None:
        """A sound row without use for us."""
        self.reasons[reason] += 1
        self.first.setdefault(reason, line)

    def odd(self, line: int, reason: str, detail: str = "", mend: str = "mend or remove the line") -> None:
        """A row that cannot be read. Raises In2xError where they have become too many."""
        self.leave(line, reason)
        self.odd_rows += 1
        self._odd = self._odd or (line, f"{reason} ({detail})" if detail else reason, mend)
        if self.rows >= 1000:
            self.check()

    def check(self, got: bool = True) -> None:
        """Whether the set may be used; `got`: something of it was read.

        Raises:
            In2xError: nothing was, or more than `FEW` rows and the share `most` are odd.
        """
        if not got and self.first:
            first = min(self.first, key=lambda reason: self.first[reason])
            line, what, mend = self._odd or (self.first[first], first, "give rows of other kinds, too")
            raise In2xError(what, file=self.file, line=line, mend=mend)
        if self._odd is None:
            return
        line, what, mend = self._odd
        if self.odd_rows > FEW and self.odd_rows > self.most * self.rows:
            raise In2xError(f"{self.odd_rows:,} of the first {self.rows:,} rows cannot be read, this one: {what}",
                            file=self.file, line=line, mend=f"{mend}, or raise {self.knob}")  # fmt: skip

    def figures(self) -> dict[str, Any]:
        """Rows seen and left out, by reason."""
        return {"rows": self.rows, "left_out": dict(self.reasons.most_common())}

    def said(self) -> str | None:
        """One line for the terminal; None where every row went in."""
        if not self.reasons:
            return None
        listed = ", ".join(f"{count:,} {why} (line {self.first[why]})" for why, count in self.reasons.most_common())
        return f"{Path(self.file).name}: left out {self.reasons.total():,} of {self.rows:,} rows: {listed}"


@cache
def _names(kind: type[Record]) -> tuple[str, ...]:
    """The fields of a kind of record."""
    return tuple(one.name for one in dataclasses.fields(kind))  # type: ignore[arg-type]


class Record:
    """Base of all records: to and from Parquet rows. Subclasses set `SCHEMA` and `JSON_FIELDS`."""

    SCHEMA: pa.Schema
    JSON_FIELDS: frozenset[str] = frozenset()

    def to_row(self) -> dict[str, Any]:
        """The record as one Parquet row (JSON fields become text)."""
        row = {name: getattr(self, name) for name in _names(type(self))}  # type: ignore[arg-type]
        for name in self.JSON_FIELDS:
            if row[name] is not None:
                row[name] = _JSON(row[name])
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record of one Parquet row; unknown columns are ignored (a later version may add some)."""
        values = {name: row[name] for name in _names(cls) if name in row}  # type: ignore[arg-type]
        for name in cls.JSON_FIELDS:
            if isinstance(values.get(name), str):
                values[name] = json.loads(values[name])
        return cls(**values)


_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


@dataclass(frozen=True, slots=True)
class Document(Record):
    """One text of the corpus."""

    id: str
    text: str
    lang: str
    """ISO 639-1 code; "mul" for a bilingual document."""
    domain: str = "knowledge"
    """"knowledge" | "creative" | "bilingual" (METHOD 1)."""
    source: str = ""
    perplexity: float | None = None
    """Per-token perplexity under the per-language n-gram model (lower is more usual text)."""
    quality: float | None = None
    """0 (discard) .. 1 (best)."""
    tokens: int | None = None
    classifier: float | None = None
    """Probability of being good text by the trained classifier, where one was asked for."""
    lm_perplexity: float | None = None
    """Per-token perplexity under a causal language model, where one was named."""
    bucket: str | None = None
    """"head" | "middle" | "tail": third of its language by perplexity."""

    SCHEMA = pa.schema(
        [
            ("id", pa.string()), ("text", pa.large_string()), ("lang", pa.string()), ("domain", pa.string()),
            ("source", pa.string()), ("perplexity", pa.float64()), ("quality", pa.float64()), ("tokens", pa.int64()),
            ("classifier", pa.float64()), ("lm_perplexity", pa.float64()), ("bucket", pa.string()),
        ]
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair(Record):
    """One aligned segment in two languages, with what is known about a good rendering of it."""

    id: str
    src_lang: str
    tgt_lang: str
    source: str
    target: str
    register: str | None = None
    """The register of `target` where one is asked for: "plain" | "polite" | "honorific" | "casual" | "literary"."""
    domain: str = "general"
    """For tables by domain: "general", "idiom", "slang", "dialogue", "story", ..."""
    doc_id: str | None = None
    checks: dict[str, Any] = field(default_factory=dict)
    """Code-checkable facts about a rendering, keys as in `in2x.principles.fundamental`: "traps" (list of literal
    renderings that must not appear), "natural" (accepted idiomatic renderings, one must appear), "names"
    (source name -> target name), "speaker", "listener"."""

    SCHEMA = pa.schema(
        [
            ("id", pa.string()), ("src_lang", pa.string()), ("tgt_lang", pa.string()), ("source", pa.string()),
            ("target", pa.string()), ("register", pa.string()), ("domain", pa.string()), ("doc_id", pa.string()),
            ("checks", pa.string()),
        ]
    )  # fmt: skip
    JSON_FIELDS = frozenset({"checks"})

    def reversed(self) -> Pair:
        """The same segment in the other direction; checks and register speak of the old target and are dropped."""
        return Pair(
            id=content_id(self.id, "reversed"), src_lang=self.tgt_lang, tgt_lang=self.src_lang,
            source=self.target, target=self.source, domain=self.domain, doc_id=self.doc_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instruction(Record):
    """One instruction for SFT or RL. `messages` ends with the user's turn; `answer` is the wanted reply."""

    id: str
    lang: str
    """Language of the answer."""
    task: str
    """"translate" | "rewrite" | "math" | "story" | "qa" | ... ; rewards are routed by it."""
    messages: list[Message]
    answer: str | None = None
    verifier: dict[str, Any] | None = None
    """How an answer is checked: {"name": "translation", "from": "fr", "to": "de", "source": ..., "register": ...,
    **Pair.checks} or {"name": "number", "value": "12"} ... (see `in2x.rl.rewards`)."""
    origin: str = ""
    """Where it came from: "collected:<set>", "rewritten:<kind>", "magpie", "self-instruct", "pairs"."""
    license: str | None = None
    labels: list[str] | None = None
    """[level 1, level 2], for example ["Mathematics", "Quadratic equations"]."""
    difficulty: int | None = None
    """1 (very simple) .. 5 (very difficult)."""
    pass_rate: float | None = None
    cluster: int | None = None

    SCHEMA = pa.schema(
        [
            ("id", pa.string()), ("lang", pa.string()), ("task", pa.string()), ("messages", _MESSAGES),
            ("answer", pa.string()), ("verifier", pa.string()), ("origin", pa.string()), ("license", pa.string()),
            ("labels", pa.list_(pa.string())), ("difficulty", pa.int8()), ("pass_rate", pa.float64()),
            ("cluster", pa.int64()),
        ]
    )  # fmt: skip
    JSON_FIELDS = frozenset({"verifier"})


@dataclass(frozen=True, slots=True)
class Verdict(Record):
    """Why an item was kept or not, at one gate."""

    id: str
    stage: str
    """The gate: "clean.language", "dedup.exact", "verify.rules", "verify.critic", ..."""
    kept: bool
    reason: str = ""
    evidence: dict[str, Any] | None = None

    SCHEMA = pa.schema(
        [
            ("id", pa.string()), ("stage", pa.string()), ("kept", pa.bool_()), ("reason", pa.string()),
            ("evidence", pa.string()),
        ]
    )  # fmt: skip
    JSON_FIELDS = frozenset({"evidence"})


class RecordWriter:
    """Records to one Parquet file as they come, written beside and renamed when whole: a context manager."""

    def __init__(self, path: Path, kind: type[Record], chunk: int = 4096) -> None:
        self.count = 0
        """How many were given."""
        self._path, self._kind, self._chunk = path, kind, chunk
        self._partial = path.with_name(path.name + ".partial")
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        """Begin the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._partial, self._kind.SCHEMA, compression="zstd")
        return self

    def append(self, record: Record) -> None:
        """Add one."""
        self._rows.append(record.to_row())
        self.count += 1
        if len(self._rows) == self._chunk:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._kind.SCHEMA))
            self._rows = []

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """End the file; it has its name only where nothing went wrong."""
        if kind is None:
            self._flush()
        self._writer.close()
        if kind is None:
            self._partial.rename(self._path)


def write_records(path: Path, records: Iterable[Record], kind: type[Record], chunk: int = 4096) -> int:
    """Stream `records` to one Parquet file, written beside and renamed when whole. Returns how many were written."""
    with RecordWriter(path, kind, chunk) as writer:
        for record in records:
            writer.append(record)
    return writer.count


READ = 4096
"""Rows that are read together: as Python objects they take a hundred times their room in a file."""
R = TypeVar("R", bound="Record")


def read_records(path: Path, kind: type[R]) -> Iterator[R]:
    """Stream the records of a Parquet file, or of every `*.parquet` (sorted) of a folder."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(READ):
                for row in batch.to_pylist():
                    yield kind.from_row(row)


def strings(value: Any) -> Iterator[str]:
    """Every text inside a JSON value, whatever it is nested in, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
