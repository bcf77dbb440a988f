"""Open instruction sets in the layouts they are published in, read row by row (METHOD 2.1).

| layout | rows |
|---|---|
| alpaca | instruction, input, output (or response, answer, completion) |
| dolly | instruction, context, response, category (some versions: the same, or input and output) |
| oasst | flat messages: message_id, parent_id, text, role, lang, rank, deleted |
| oasst-tree | trees: prompt {text, role, lang, replies [...]} |
| sharegpt, messages, preference | conversations and TRL's rows: see `in2x/chat/turns.py` |
| prompted | FLAN and T0: inputs and targets; prompt and completion, response, answer or output; question and response |
| question | MGSM and the like: question, answer_number or answer |
| seed-tasks | Self-Instruct: instruction, instances [{input, output}] |
| plain | instruction alone |

Sets of classic language tasks are read through the templates of `classic.py`. From a message tree the path of
best-ranked replies is taken. A row that cannot be read is set aside and counted by reason (`records.Aside`).
Licences are recorded per item: the row's own, else the recipe's, else a hub card's.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from in2x import hub
from in2x.chat.turns import SAID, LeftOut, cut, exchange, is_conversation, messages_of, text_of
from in2x.errors import In2xError
from in2x.instructions import classic
from in2x.instructions.config import SetConfig
from in2x.language.example import HUB
from in2x.language.identify import language_of
from in2x.language.numbers import parse_numeral
from in2x.language.reasoning import without_reasoning
from in2x.records import Aside, Instruction, Message, content_id, sound

Row = Mapping[str, Any]
_SUFFIX = r"\.(?:jsonl|json|parquet)(?:\.gz)?$"
_END = re.compile(r"(?:<\|endoftext\|>|</s>)\s*$")


def sets_of(source: SetConfig) -> list[SetConfig]:
    """`source` itself, or one for each set of the folder that it names. Raises In2xError for a folder without sets."""
    folder = Path(source.path)
    if not folder.is_dir():
        return [source]
    files = [f for f in sorted(folder.iterdir()) if re.search(_SUFFIX, f.name) and f.is_file()]
    if not files:
        raise In2xError("no instruction sets in this folder", file=folder,
                        mend="put .jsonl, .jsonl.gz, .json or .parquet files there")  # fmt: skip
    return [source.model_copy(update={"path": str(file)}) for file in files]


def read_set(source: SetConfig, aside: Aside | None = None) -> Iterator[Instruction]:
    """The instructions of one open set: a file or a hub set.

    Args:
        source: the set.
        aside: counts the rows that are left out.

    Raises:
        In2xError: no such file or hub set, no row of it can be read, too many cannot, a cyclic message tree.
    """
    aside = aside or Aside(source.path, source.max_bad_share, "instruct.sets.max_bad_share")
    name = re.sub(_SUFFIX, "", Path(source.path).name)
    got = False
    for item in _items(_sound_rows(source, aside), source, name, aside):
        got = True
        yield item
    if not aside.rows:
        raise In2xError("the instruction set is empty", file=source.path, mend="leave it out or give another")
    aside.check(got)


def _sound_rows(source: SetConfig, aside: Aside) -> Iterator[tuple[int, Row]]:
    for line, row in _rows(source, aside):
        if not isinstance(row, Mapping):
            aside.odd(line, "not a JSON object", mend="one object a line")
            continue
        yield line, sound(row)


def _items(rows: Iterator[tuple[int, Row]], source: SetConfig, name: str, aside: Aside) -> Iterator[Instruction]:
    first = next(rows, None)
    if first is None:
        return
    every = chain((first,), rows)
    if source.format == "oasst" or (source.format == "auto" and _layout(first[1]) == "oasst"):
        yield from _oasst(every, source, name, aside)
        return
    for line, row in every:
        layout = source.format if source.format != "auto" else _layout(row)
        if layout is None:
            keys = ", ".join(map(repr, sorted(map(str, row))[:8]))
            aside.odd(line, f"no known layout has the keys [{keys}]", mend="name instruct.sets.format")
            continue
        try:
            found = list(_classic(layout, row)) if layout in classic.TASKS else [_READERS[layout](row)]
        except LeftOut as reason:
            aside.leave(line, str(reason))
            continue
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            aside.odd(line, f"not a row of the {layout} layout", f"{error.__class__.__name__}: {error}",
                      "mend the row or name another format")  # fmt: skip
            continue
        for messages, answer, extra in found:
            yield _instruction(messages, answer, extra, row, source, name)


def _classic(layout: str, row: Row) -> Iterator[Found]:
    for lang, prompt, answer, verifier in classic.TASKS[layout](row):
        task = "translate" if layout == "translation" else layout
        yield _joined(prompt, None), answer, {"task": task, "verifier": verifier or None, "lang": lang}


SUFFIXES = (".json", ".jsonl", ".gz", ".parquet")


def _rows(source: SetConfig, aside: Aside) -> Iterator[tuple[int, Any]]:
    """What stands in each row, with its line (or row) number; `aside` counts them and takes what is no JSON."""
    path, file = source.path, Path(source.path)
    if not file.exists():
        if hub.is_name(path) and file.suffix not in SUFFIXES:
            for aside.rows, row in enumerate(hub.rows(path), 1):
                yield aside.rows, row | ({"license": source.license} if source.license else {})
            return
        raise In2xError("there is no such instruction set", file=path, mend="give a file or a hub name (owner/name)")
    try:
        if file.suffix == ".parquet":
            with pq.ParquetFile(file) as parquet:
                for batch in parquet.iter_batches(1024):
                    for row in batch.to_pylist():
                        aside.rows += 1
                        yield aside.rows, row
            return
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as stream:
            lines: Iterable[bytes] = stream
            if ".json" in file.suffixes:
                whole = stream.read()
                rows = _whole(whole)
                if rows is not None:
                    for aside.rows, row in enumerate(rows, 1):
                        yield aside.rows, row
                    return
                lines = whole.splitlines()  # JSON Lines under the name of JSON
            for number, raw in enumerate(lines, 1):
                if not raw.strip():
                    continue
                aside.rows += 1
                try:
                    yield number, json.loads(raw.decode("utf-8").lstrip("\ufeff"))
                except UnicodeDecodeError:
                    aside.odd(number, "not UTF-8", mend="convert the file, for example with iconv")
                except RecursionError:
                    aside.odd(number, "nested too deep")
                except json.JSONDecodeError as error:
                    aside.odd(number, "not JSON", error.msg, "mend the line")
                except ValueError:
                    aside.odd(number, "not JSON", "a number of too many digits", "mend the line")
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        what = str(error).split("\n")[0]
        raise In2xError(f"the set cannot be read ({what})", file=file, mend="give it whole, plain or .gz") from None


def _whole(raw: bytes) -> list[Any] | None:
    """The rows of one JSON value; None where there is more than one, or none."""
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else [value]


def _layout(row: Row) -> str | None:
    keys = row.keys()
    for layout, needed in (
        ("oasst", {"message_id", "parent_id", "text", "role"}), ("oasst-tree", {"prompt", "message_tree_id"}),
        ("sharegpt", {"conversations"}), ("sharegpt", {"conversation"}), ("messages", {"messages"}),
        ("preference", {"chosen", "rejected"}), ("seed-tasks", {"instruction", "instances"}),
        ("dolly", {"instruction", "context", "response"}), ("alpaca", {"instruction", "output"}),
        *(("alpaca", {"instruction", said}) for said in SAID), ("prompted", {"inputs", "targets"}),
        ("question", {"question", "answer"}), ("question", {"question", "answer_number"}), ("plain", {"instruction"}),
        ("prompted", {"prompt"}), ("prompted", {"question", "response"}), *classic.KEYS,
    ):  # fmt: skip
        if needed <= keys:
            return layout
    return None


_ASKED = ("inputs", "prompt", "question")
"""Fields that hold the task of a row, the surer before."""


def _said(row: Row) -> str | None:
    """The answer of a row, under whichever name; None where it has none."""
    answer = next((row[name] for name in SAID if name in row), None)
    return None if answer is None else _END.sub("", answer).strip()


Found = tuple[list[Message], str | None, dict[str, Any]]
"""Messages up to the user's last turn, the answer, further fields of the record."""


def _joined(instruction: str, material: str | None) -> list[Message]:
    text = f"{instruction.strip()}\n\n{material.strip()}" if material and material.strip() else instruction.strip()
    return [{"role": "user", "content": text}]


def _alpaca(row: Row) -> Found:
    system = row.get("system") or row.get("system_prompt")
    earlier: list[Message] = [{"role": "system", "content": system}] if system else []
    for asked, said in row.get("history") or ():  # as LLaMA-Factory writes the turns before
        earlier += [{"role": "user", "content": text_of(asked)}, {"role": "assistant", "content": text_of(said)}]
    return earlier + _joined(row["instruction"], row.get("input")), _said(row), {}


def _dolly(row: Row) -> Found:
    labels = [str(row["category"]), ""] if row.get("category") else None
    answer = row["response"] if "response" in row else row["output"]
    return _joined(row["instruction"], row.get("context") or row.get("input")), answer.strip(), {"labels": labels}


def _conversation(row: Row) -> Found:
    messages, answer = exchange(row)
    return messages, answer, {}


def _prompted(row: Row) -> Found:
    if is_conversation(row) or row.get("label") is False:
        return _conversation(row)
    earlier: list[Message] = [{"role": "system", "content": row["system_prompt"]}] if row.get("system_prompt") else []
    return earlier + _joined(next(row[name] for name in _ASKED if name in row), None), _said(row), {}


def _question(row: Row) -> Found:
    value = row.get("answer_number")
    given = str(row["answer"]) if value is None else str(value)
    # GSM8K's own way to mark the result at the end of a reasoning chain.
    reasoning, mark, result = given.partition("####")
    short = (result if mark else given).strip()
    kind = "number" if parse_numeral(short.lstrip("-−")) is not None else "exact"
    answer = reasoning.strip() + f"\n{short}" if mark else short
    return _joined(row["question"], None), answer, {
        "task": "math" if kind == "number" else "qa", "verifier": {"name": kind, "value": short},
    }  # fmt: skip


def _seed_tasks(row: Row) -> Found:
    instance = row["instances"][0]
    return _joined(row["instruction"], instance.get("input")), instance["output"].strip(), {}


def _plain(row: Row) -> Found:
    return _joined(row["instruction"], row.get("input")), None, {}


def _tree(row: Row) -> Found:
    turns: list[tuple[str, str]] = []
    node: Row | None = row["prompt"]
    while node is not None:
        turns.append((node["role"], node["text"]))
        replies = [reply for reply in node.get("replies") or () if not reply.get("deleted")]
        node = min(replies, key=_rank) if replies else None
    return _path(turns)


def _path(turns: Sequence[tuple[str, str]]) -> Found:
    messages, answer = cut(messages_of([{"role": role, "content": text} for role, text in turns]))
    return messages, answer, {}


def _rank(message: Row) -> float:
    return float("inf") if message.get("rank") is None else float(message["rank"])


_READERS: Mapping[str, Callable[[Row], Found]] = {
    "alpaca": _alpaca, "dolly": _dolly, "sharegpt": _conversation, "messages": _conversation,
    "preference": _conversation, "prompted": _prompted,
    "question": _question, "seed-tasks": _seed_tasks, "plain": _plain, "oasst-tree": _tree,
}  # fmt: skip


def _oasst(
    rows: Iterable[tuple[int, Row]], source: SetConfig, name: str, aside: Aside
) -> Iterator[Instruction]:  # fmt: skip
    """Trees from flat messages: for each root, the path of best-ranked replies."""
    messages: dict[str, Row] = {}
    lines: dict[str, int] = {}
    replies: dict[str | None, list[str]] = {}
    for line, row in rows:
        try:
            number, parent = str(row["message_id"]), row["parent_id"]
            row["text"], row["role"]
        except KeyError as error:
            aside.odd(line, f"a message without {error}", mend="mend the row")
            continue
        if row.get("deleted") or row.get("review_result") is False:
            continue
        messages[number], lines[number] = row, line
        replies.setdefault(parent, []).append(number)
    reached = _reachable(replies, messages)
    for number in messages:
        # Not below a root: its parent was deleted, or the chain of parents runs in a circle.
        if number not in reached and _circular(number, messages):
            raise In2xError(f"the message tree of {number!r} runs in a circle", file=source.path, line=lines[number],
                            mend="correct parent_id")  # fmt: skip
    for root in replies.get(None, []):
        turns: list[tuple[str, str]] = []
        node: str | None = root
        while node is not None:
            turns.append((messages[node]["role"], messages[node]["text"]))
            below = replies.get(node, [])
            node = min(below, key=lambda n: _rank(messages[n])) if below else None
        try:
            found = _path(turns)
        except LeftOut as reason:
            aside.leave(lines[root], str(reason))
            continue
        yield _instruction(*found, messages[root], source, name)


def _reachable(replies: Mapping[str | None, list[str]], messages: Mapping[str, Row]) -> set[str]:
    reached: set[str] = set()
    front = list(replies.get(None, []))
    while front:
        node = front.pop()
        if node not in reached:
            reached.add(node)
            front.extend(replies.get(node, []))
    return reached


def _circular(number: str, messages: Mapping[str, Row]) -> bool:
    seen: set[str] = set()
    node: str | None = number
    while node is not None and node in messages:
        if node in seen:
            return True
        seen.add(node)
        node = messages[node]["parent_id"]
    return False


def _instruction(
    messages: list[Message], answer: str | None, extra: Mapping[str, Any], row: Row, source: SetConfig, name: str
) -> Instruction:
    given = extra.get("lang") or source.lang or _given_language(row)
    # A thought before the answer may be in another language than the answer.
    said = without_reasoning(answer, messages[-1]["content"]) if answer else ""
    lang = given or language_of(said) or language_of(messages[-1]["content"])
    fields = {"task": "chat", "verifier": None, "labels": None, **extra}
    return Instruction(
        id=content_id(f"collected:{name}", messages, answer), lang=lang or HUB, messages=messages, answer=answer,
        origin=f"collected:{name}", license=row.get("license") or source.license, task=fields["task"],
        verifier=fields["verifier"], labels=fields["labels"],
    )  # fmt: skip


def _given_language(row: Row) -> str | None:
    given = row.get("lang") or row.get("language")
    return given.lower()[:2] if isinstance(given, str) and re.fullmatch(r"[A-Za-z]{2}(?:[-_]\w+)?", given) else None
