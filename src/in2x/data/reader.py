"""The user's files: pairs and instructions in JSON Lines, read as a stream; errors name file, line and mend.

Of a set that is learned from, rows that cannot be read are set aside and counted (`records.Aside`); a held-out set is
read whole or not at all, for a figure over a part of it would be another figure. Both sides of a training pair are put
in order as raw text is (`language/characters.py`); held-out pairs keep their characters.
"""

from __future__ import annotations

import glob
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from in2x import hub, store
from in2x.chat.turns import SAID, LeftOut, exchange, is_conversation
from in2x.errors import In2xError
from in2x.language import language
from in2x.language.characters import orderly
from in2x.language.pack import REGISTERS
from in2x.records import Aside, Instruction, Message, Pair, content_id, sound


@dataclass(frozen=True)
class Line:
    """One line of pairs: sentence by language, and the register of the sentence in the target language."""

    texts: Mapping[str, str]
    register: str | None
    domain: str
    doc_id: str | None
    checks: dict[str, Any]


class Fault(Exception):
    """What is wrong with a row, and what mends it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


def rows(path: Path | str, aside: Aside | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each non-blank line of a .jsonl or .jsonl.gz file, or of each row of a data set.

    Args:
        path: the file; the URL of objects in a store, whose lines are counted on from one to the next; or a data set of
            the hub, hub:OWNER/NAME, or the folder of one.
        aside: takes the lines that are no JSON object; without it the first one is an error.

    Raises:
        In2xError: no such file, not gzip; a line that is not UTF-8, not JSON, not an object; a store that gives
            nothing.
    """
    if store.is_url(path):
        before = number = 0
        for one in store.find(str(path)):
            for number, row in _json_lines(one.url, store.opened(one.url), aside, before):
                yield number, row
            before = number
        return
    path = Path(path)
    if str(path).startswith(hub.PREFIX) or path.is_dir():
        for number, row in enumerate(hub.rows(str(path)), 1):
            if aside is not None:
                aside.rows += 1
            yield number, row
        return
    if not path.is_file():
        raise In2xError("no such file", file=path, mend="give the path of a JSON Lines file (.jsonl or .jsonl.gz)")
    with path.open("rb") as stream:
        yield from _json_lines(path, stream, aside)


def _json_lines(
    path: Path | str, raw_stream: BinaryIO, aside: Aside | None, before: int = 0
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of one file, numbered from `before + 1`."""
    number = before
    with gzip.open(raw_stream, "rb") if str(path).endswith(".gz") else raw_stream as stream:
        try:
            for number, raw in enumerate(stream, before + 1):
                if not raw.strip():
                    continue
                if aside is not None:
                    aside.rows += 1
                try:
                    yield number, _object(raw)
                except Fault as fault:
                    _fault(fault, path, number, aside)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise In2xError("not a whole gzip file", file=path, line=number + 1, mend="compress it anew") from None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8").lstrip("\ufeff"))  # files that were put together have marks inside
    except UnicodeDecodeError:
        raise Fault("not UTF-8", "convert the file, for example with iconv") from None
    except json.JSONDecodeError as error:
        raise Fault(f"not JSON ({error.msg} at character {error.pos + 1})", "mend or remove the line") from None
    except RecursionError:
        raise Fault("nested too deep", "remove the line") from None
    except ValueError:
        raise Fault("not JSON (a number of too many digits)", "mend or remove the line") from None
    if not isinstance(value, dict):
        raise Fault("the line is not a JSON object", 'write one object a line, like {"CODE": "...", "CODE": "..."}')
    found: dict[str, Any] = sound(value)
    return found


def _fault(fault: Fault, path: Path | str, line: int, aside: Aside | None) -> None:
    if aside is None:
        raise In2xError(fault.what, file=path, line=line, mend=fault.mend) from None
    reason, _, detail = fault.what.partition(" (")
    aside.odd(line, reason, detail.removesuffix(")"), fault.mend)


def lines(
    path: Path | str, languages: Sequence[str], target: str, limit: int | None = None, aside: Aside | None = None,
    columns: Mapping[str, str] = {},
) -> Iterator[Line]:  # fmt: skip
    """The sentence pairs of a file or of a data set.

    Args:
        path: as in `rows`. The texts may stand in an object called "translation", as in many sets of the hub.
        languages: the languages whose fields are read; a line holds two or more of them.
        target: the language that the field "register" speaks of.
        limit: stop after this many pairs.
        aside: takes the lines that cannot be read; without it the first one is an error. With it the file is learned
            from, and its texts are put in order.
        columns: language code -> the field that holds it, where that is not called by the code.

    Raises:
        In2xError: as `rows`; a field missing, empty or not text; a register that the target language does not tell; no
            line at all.
    """
    registers = language(target).registers or REGISTERS
    count = 0
    for number, value in rows(path, aside):
        try:
            line = _line(_by_code(value, columns), languages, target, registers, in_order=aside is not None)
        except Fault as fault:
            _fault(fault, path, number, aside)
            continue
        yield line
        count += 1
        if count == limit:
            break
    if aside is not None:
        aside.check(got=count > 0)
    if not count:
        raise In2xError("the data set is empty", file=path, mend="give a file with at least one pair")


def _by_code(value: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """A row with a field for each language."""
    inner = value.get("translation")
    found = {**value, **inner} if isinstance(inner, dict) else value
    return {**found, **{lang: found[name] for lang, name in columns.items() if name in found}}


def _line(
    value: Mapping[str, Any], languages: Sequence[str], target: str, registers: Sequence[str], in_order: bool
) -> Line:
    """One row as a pair. Raises Fault."""
    texts: dict[str, str] = {}
    for lang in languages:
        if lang not in value:
            continue
        if not isinstance(value[lang], str):
            raise Fault(f"the field {lang!r} is not text", "put it in quotes")
        texts[lang] = _one_line(orderly(value[lang]) if in_order else value[lang])
        if not texts[lang]:
            raise Fault(f"the field {lang!r} is empty", "fill it or remove the line")
    if len(texts) < 2:
        missing = next(lang for lang in languages if lang not in texts)
        raise Fault(
            f"the field {missing!r} is missing",
            f"give a field for each of {', '.join(languages[:2])}, named by language code",
        )
    register = value.get("register")
    if register is not None and register not in registers:
        raise Fault(
            f"{language(target).name} has no register {str(register)[:40]!r}", f"use one of {', '.join(registers)}"
        )
    checks = value.get("checks") or {}
    if not isinstance(checks, dict):
        raise Fault("the field 'checks' is not an object", "remove it")
    doc = value.get("doc_id")
    return Line(texts, register, str(value.get("domain") or "general"), None if doc is None else str(doc), checks)


_BREAK = re.compile(r"[ \t]*[\r\n\x0b\x0c]\s*|[ \t\xa0]{2,}|[\t\xa0]")


def _one_line(text: str) -> str:
    """A sentence in one line: line breaks and runs of spaces become one space; the wide space is a character of it."""
    return _BREAK.sub(" ", text.rstrip()).lstrip(" ")


def directions(line: Line, target: str) -> Iterator[Pair]:
    """`line` as pairs in every direction; register and checks go with the direction into `target`."""
    for source in line.texts:
        for other in line.texts:
            if source != other:
                into = other == target
                yield Pair(
                    id=content_id(source, other, line.texts[source], line.texts[other]),
                    src_lang=source, tgt_lang=other, source=line.texts[source], target=line.texts[other],
                    register=line.register if into else None,
                    domain=line.domain, doc_id=line.doc_id, checks=line.checks if into else {},
                )  # fmt: skip


def raw_paths(pattern: str) -> list[str]:
    """The absolute paths that a folder, glob or file names. Raises In2xError where there are none.

    The name of a data set of the hub (`hub:owner/name`) and the URL of objects in a store stay as they are; the corpus
    stage fetches or reads them.
    """
    if pattern.startswith("hub:"):
        return [pattern]
    if store.is_url(pattern):
        store.find(pattern)
        return [pattern]
    if "://" in pattern:
        raise In2xError("no address that is read", file=pattern, mend="give s3://bucket/prefix, gs://bucket/prefix, "
                        "hub:owner/name or files; what lies elsewhere, fetch it first")  # fmt: skip
    path = Path(pattern).expanduser()
    if path.exists():
        return [str(path.resolve())]
    found = sorted(glob.glob(str(path), recursive=True))
    if not found:
        raise In2xError("no raw documents here", file=pattern, mend="give a folder, a glob or a file that exists")
    return [str(Path(f).resolve()) for f in found]


def instructions(path: Path | str, default_lang: str, aside: Aside) -> Iterator[Instruction]:
    """The instructions of a file: rows with "instruction" (and "input"; the answer in one of `SAID`), or a conversation
    in one of the layouts of `chat/turns.py`.

    Raises:
        In2xError: as `rows`, no row can be read, or too many cannot.
    """
    got = False
    for number, value in rows(path, aside):
        try:
            messages, answer = _exchange(value)
        except LeftOut as reason:
            aside.leave(number, str(reason))
            continue
        except Fault as fault:
            _fault(fault, path, number, aside)
            continue
        got = True
        verifier, licence = value.get("verifier"), value.get("license")
        yield Instruction(
            id=content_id(messages, answer), lang=str(value.get("lang") or default_lang),
            task=str(value.get("task") or "open"), messages=messages, answer=answer,
            verifier=verifier if isinstance(verifier, dict) else None, origin=f"collected:{Path(path).name}",
            license=licence if isinstance(licence, str) else None,
        )  # fmt: skip
    aside.check(got)


def _exchange(value: Mapping[str, Any]) -> tuple[list[Message], str | None]:
    """Messages and answer of one row. Raises LeftOut, Fault."""
    if is_conversation(value):
        try:
            return exchange(value, prompts=True)
        except LeftOut:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Fault(f"the turns cannot be read ({error})", "use the roles system, user and assistant") from None
    if not isinstance(value.get("instruction"), str) or not value["instruction"].strip():
        raise Fault(
            'neither "instruction" nor "messages" is given',
            'write {"instruction": "...", "output": "..."} or {"messages": [...]}',
        )
    extra, output = value.get("input"), next((value[name] for name in SAID if name in value), None)
    content = value["instruction"] + (f"\n\n{extra}" if isinstance(extra, str) and extra.strip() else "")
    return [{"role": "user", "content": content}], output if isinstance(output, str) and output.strip() else None
