"""The user's files: pairs and instructions in JSON Lines, read as a stream; errors name file, line and mend."""

from __future__ import annotations

import glob
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.errors import In2xError
from in2x.language import language
from in2x.language.pack import REGISTERS
from in2x.records import Instruction, Message, Pair, content_id


@dataclass(frozen=True)
class Line:
    """One line of pairs: sentence by language, and the register of the sentence in the target language."""

    texts: Mapping[str, str]
    register: str | None
    domain: str
    doc_id: str | None
    checks: dict[str, Any]


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each non-blank line of a .jsonl or .jsonl.gz file.

    Raises:
        In2xError: no such file, not UTF-8, not gzip, not JSON, not an object.
    """
    if not path.is_file():
        raise In2xError("no such file", file=path, mend="give the path of a JSON Lines file (.jsonl or .jsonl.gz)")
    number = 0
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        try:
            for number, raw in enumerate(stream, 1):
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    continue
                value = json.loads(text)
                if not isinstance(value, dict):
                    raise In2xError("the line is not a JSON object", file=path, line=number,
                                    mend='write one object a line, like {"CODE": "...", "CODE": "..."}')  # fmt: skip
                yield number, value
        except UnicodeDecodeError:
            raise In2xError(
                "not UTF-8", file=path, line=number, mend="convert the file, for example with iconv"
            ) from None
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise In2xError("not a whole gzip file", file=path, line=number + 1, mend="compress it anew") from None
        except json.JSONDecodeError as error:
            raise In2xError(f"not JSON ({error.msg} at character {error.pos + 1})", file=path, line=number,
                            mend="mend or remove the line") from None  # fmt: skip


def lines(path: Path, languages: Sequence[str], target: str, limit: int | None = None) -> Iterator[Line]:
    """The sentence pairs of a file.

    Args:
        languages: the languages whose fields are read; a line holds two or more of them.
        target: the language that the field "register" speaks of.
        limit: stop after this many lines.

    Raises:
        In2xError: as `rows`; a field missing, empty or not text; a register that the target language does not tell; no
            line at all.
    """
    registers = language(target).registers or REGISTERS
    count = 0
    for number, value in rows(path):
        texts: dict[str, str] = {}
        for lang in languages:
            if lang not in value:
                continue
            if not isinstance(value[lang], str):
                raise In2xError(f"the field {lang!r} is not text", file=path, line=number, mend="put it in quotes")
            texts[lang] = " ".join(value[lang].split())
            if not texts[lang]:
                raise In2xError(
                    f"the field {lang!r} is empty", file=path, line=number, mend="fill it or remove the line"
                )
        if len(texts) < 2:
            missing = [lang for lang in languages if lang not in texts]
            raise In2xError(
                f"the field {missing[0]!r} is missing", file=path, line=number,
                mend=f"give a field for each of {', '.join(languages[:2])}, named by language code",
            )  # fmt: skip
        register = value.get("register")
        if register is not None and register not in registers:
            raise In2xError(f"{language(target).name} has no register {str(register)[:40]!r}", file=path, line=number,
                            mend=f"use one of {', '.join(registers)}")  # fmt: skip
        checks = value.get("checks") or {}
        if not isinstance(checks, dict):
            raise In2xError("the field 'checks' is not an object", file=path, line=number, mend="remove it")
        doc = value.get("doc_id")
        yield Line(texts, register, str(value.get("domain") or "general"), None if doc is None else str(doc), checks)
        count += 1
        if count == limit:
            return
    if not count:
        raise In2xError("the data set is empty", file=path, mend="give a file with at least one pair")


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

    The name of a data set of the hub (`hub:owner/name`) stays as it is; the corpus stage fetches it.
    """
    if pattern.startswith("hub:"):
        return [pattern]
    path = Path(pattern).expanduser()
    if path.exists():
        return [str(path.resolve())]
    found = sorted(glob.glob(str(path), recursive=True))
    if not found:
        raise In2xError("no raw documents here", file=pattern, mend="give a folder, a glob or a file that exists")
    return [str(Path(f).resolve()) for f in found]


def instructions(path: Path, default_lang: str) -> Iterator[Instruction]:
    """The instructions of a file: rows with "instruction" (and "input", "output") or with "messages".

    Raises:
        In2xError: as `rows`, or a row holds neither.
    """
    for number, value in rows(path):
        answer: str | None = None
        if "messages" in value:
            messages = _messages(value["messages"], path, number)
            if messages[-1]["role"] == "assistant":
                answer = messages.pop()["content"]
            if not messages or messages[-1]["role"] != "user":
                raise In2xError("the messages do not end with a user's turn (and its answer)", file=path, line=number,
                                mend="give user and assistant turns in order")  # fmt: skip
        elif isinstance(value.get("instruction"), str) and value["instruction"].strip():
            extra = value.get("input")
            content = value["instruction"] + (f"\n\n{extra}" if isinstance(extra, str) and extra.strip() else "")
            messages = [{"role": "user", "content": content}]
            output = value.get("output")
            answer = output if isinstance(output, str) and output.strip() else None
        else:
            raise In2xError('neither "instruction" nor "messages" is given', file=path, line=number,
                            mend='write {"instruction": "...", "output": "..."} or {"messages": [...]}')  # fmt: skip
        verifier, licence = value.get("verifier"), value.get("license")
        yield Instruction(
            id=content_id(messages, answer), lang=str(value.get("lang") or default_lang),
            task=str(value.get("task") or "open"), messages=messages, answer=answer,
            verifier=verifier if isinstance(verifier, dict) else None, origin=f"collected:{path.name}",
            license=licence if isinstance(licence, str) else None,
        )  # fmt: skip


def _messages(value: Any, path: Path, number: int) -> list[Message]:
    ok = isinstance(value, list) and value and all(
        isinstance(m, dict) and m.get("role") in ("system", "user", "assistant") and isinstance(m.get("content"), str)
        for m in value
    )  # fmt: skip
    if not ok:
        raise In2xError('"messages" is not a list of {"role", "content"}', file=path, line=number,
                        mend="use the roles system, user and assistant")  # fmt: skip
    return [{"role": m["role"], "content": m["content"]} for m in value]
