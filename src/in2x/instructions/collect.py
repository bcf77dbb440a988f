"""Open instruction sets in the layouts they are published in, read row by row (METHOD 2.1).

| layout | rows |
|---|---|
| alpaca | instruction, input, output |
| dolly | instruction, context, response, category (some versions: the same, or input and output) |
| oasst | flat messages: message_id, parent_id, text, role, lang, rank, deleted |
| oasst-tree | trees: prompt {text, role, lang, replies [...]} |
| sharegpt | conversations [{from, value}] |
| messages | messages [{role, content}] |
| prompted | FLAN and T0: inputs and targets, or prompt and completion |
| question | MGSM and the like: question, answer_number or answer |
| seed-tasks | Self-Instruct: instruction, instances [{input, output}] |
| plain | instruction alone |

Sets of classic language tasks are read through the templates of `classic.py`. From a message tree the path of
best-ranked replies is taken. Licences are recorded per item: the row's own, else the recipe's, else a hub card's.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from in2x.errors import In2xError
from in2x.instructions import classic
from in2x.instructions.config import SetConfig
from in2x.language.example import HUB
from in2x.language.identify import language_of
from in2x.language.numbers import parse_numeral
from in2x.records import Instruction, Message, content_id

Row = Mapping[str, Any]
_ROLES = {"human": "user", "user": "user", "prompter": "user", "gpt": "assistant", "assistant": "assistant",
          "chatgpt": "assistant", "bot": "assistant", "system": "system"}  # fmt: skip
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


def read_set(source: SetConfig) -> Iterator[Instruction]:
    """The instructions of one open set: a file or a hub set.

    Raises:
        In2xError: no such file or hub set, a row that is not of the layout (with its line), a cyclic message tree.
    """
    rows = _rows(source)
    name = re.sub(_SUFFIX, "", Path(source.path).name)
    if source.format == "oasst":
        yield from _oasst(rows, source, name)
        return
    first = next(rows, None)
    if first is None:
        raise In2xError("the instruction set is empty", file=source.path, mend="leave it out or give another")
    if source.format == "auto" and _layout(first[1]) == "oasst":
        yield from _oasst(_chain(first, rows), source, name)
        return
    for line, row in _chain(first, rows):
        layout = source.format if source.format != "auto" else _layout(row)
        if layout is None:
            raise In2xError(f"no known layout has the keys {sorted(row)[:8]}", file=source.path, line=line,
                            mend="name instruct.sets.format")  # fmt: skip
        try:
            found = list(_classic(layout, row)) if layout in classic.TASKS else [_READERS[layout](row)]
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise In2xError(
                f"not a row of the {layout} layout ({error.__class__.__name__}: {error})", file=source.path, line=line,
                mend="mend the row or name another format",
            ) from None  # fmt: skip
        for item in found:
            if item is not None:
                messages, answer, extra = item
                yield _instruction(messages, answer, extra, row, source, name)


def _classic(layout: str, row: Row) -> Iterator[Found]:
    for lang, prompt, answer, verifier in classic.TASKS[layout](row):
        task = "translate" if layout == "translation" else layout
        yield _joined(prompt, None), answer, {"task": task, "verifier": verifier or None, "lang": lang}


def _chain(first: tuple[int, Row], rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    yield first
    yield from rows


def _rows(source: SetConfig) -> Iterator[tuple[int, Row]]:
    """Rows with their line (or row) numbers."""
    path, file = source.path, Path(source.path)
    if not file.exists():
        if re.fullmatch(r"[\w.-]+/[\w.-]+", path) and not file.suffix:
            yield from _hub(path, source.license)
            return
        raise In2xError("there is no such instruction set", file=path, mend="give a file or a hub name (owner/name)")
    if file.suffix == ".parquet":
        number = 0
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(1024):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
        return
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
            if file.suffix == ".json":
                whole = json.load(stream)
                if not isinstance(whole, list):
                    raise In2xError("a .json set is one list of rows", file=file, line=1, mend="give JSON Lines")
                yield from enumerate(whole, 1)
                return
            for number, line in enumerate(stream, 1):
                if line.strip():
                    row = json.loads(line) if line.lstrip().startswith("{") else None
                    if not isinstance(row, dict):
                        raise In2xError("not a JSON object", file=file, line=number, mend="one object a line")
                    yield number, row
    except json.JSONDecodeError as error:
        at = error.lineno if file.suffix == ".json" else number
        raise In2xError(f"not JSON ({error.msg})", file=file, line=at, mend="mend the line") from None
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise In2xError(f"the set cannot be read ({error})", file=file, mend="give UTF-8, plain or .gz") from None


def _hub(name: str, given: str | None) -> Iterator[tuple[int, Row]]:
    from datasets import load_dataset

    try:
        table = load_dataset(name, split="train", streaming=True)
        card = {"license": given or table.info.license or None}
        for number, row in enumerate(table, 1):
            yield number, card | row
    except Exception as error:  # the hub's client raises many kinds, all meaning the same to the user
        raise In2xError(f"the hub set cannot be read ({str(error).splitlines()[0][:120]})", file=name,
                        mend="check the name and the network, or give a file") from None  # fmt: skip


def _layout(row: Row) -> str | None:
    keys = row.keys()
    for layout, needed in (
        ("oasst", {"message_id", "parent_id", "text", "role"}), ("oasst-tree", {"prompt", "message_tree_id"}),
        ("sharegpt", {"conversations"}), ("messages", {"messages"}), ("seed-tasks", {"instruction", "instances"}),
        ("dolly", {"instruction", "context", "response"}), ("alpaca", {"instruction", "output"}),
        ("prompted", {"inputs", "targets"}), ("prompted", {"prompt", "completion"}),
        ("question", {"question", "answer"}), ("question", {"question", "answer_number"}), ("plain", {"instruction"}),
        *classic.KEYS,
    ):  # fmt: skip
        if needed <= keys:
            return layout
    return None


Found = tuple[list[Message], str | None, dict[str, Any]] | None
"""Messages up to the user's last turn, the answer, further fields of the record. None: the row has no exchange."""


def _joined(instruction: str, material: str | None) -> list[Message]:
    text = f"{instruction.strip()}\n\n{material.strip()}" if material and material.strip() else instruction.strip()
    return [{"role": "user", "content": text}]


def _alpaca(row: Row) -> Found:
    return _joined(row["instruction"], row.get("input")), row["output"].strip(), {}


def _dolly(row: Row) -> Found:
    labels = [str(row["category"]), ""] if row.get("category") else None
    answer = row["response"] if "response" in row else row["output"]
    return _joined(row["instruction"], row.get("context") or row.get("input")), answer.strip(), {"labels": labels}


def _turns(pairs: Sequence[tuple[str, str]]) -> Found:
    messages: list[Message] = [{"role": _ROLES[role.lower()], "content": text} for role, text in pairs]
    while messages and messages[-1]["role"] != "assistant":
        messages.pop()
    if len(messages) < 2 or messages[-2]["role"] != "user":
        return None
    return messages[:-1], messages[-1]["content"].strip(), {}


def _sharegpt(row: Row) -> Found:
    return _turns([(turn["from"], turn["value"]) for turn in row["conversations"]])


def _messages(row: Row) -> Found:
    return _turns([(turn["role"], turn["content"]) for turn in row["messages"]])


def _prompted(row: Row) -> Found:
    ask, answer = ("inputs", "targets") if "inputs" in row else ("prompt", "completion")
    return _joined(row[ask], None), _END.sub("", row[answer]).strip(), {}


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
    return _turns(turns)


def _rank(message: Row) -> float:
    return float("inf") if message.get("rank") is None else float(message["rank"])


_READERS: Mapping[str, Callable[[Row], Found]] = {
    "alpaca": _alpaca, "dolly": _dolly, "sharegpt": _sharegpt, "messages": _messages, "prompted": _prompted,
    "question": _question, "seed-tasks": _seed_tasks, "plain": _plain, "oasst-tree": _tree,
}  # fmt: skip


def _oasst(rows: Iterable[tuple[int, Row]], source: SetConfig, name: str) -> Iterator[Instruction]:
    """Trees from flat messages: for each root, the path of best-ranked replies."""
    messages: dict[str, Row] = {}
    lines: dict[str, int] = {}
    replies: dict[str | None, list[str]] = {}
    for line, row in rows:
        try:
            number, parent = str(row["message_id"]), row["parent_id"]
            row["text"], row["role"]
        except KeyError as error:
            raise In2xError(f"a message without {error}", file=source.path, line=line, mend="mend the row") from None
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
        found = _turns(turns)
        if found is not None:
            yield _instruction(found[0], found[1], {}, messages[root], source, name)


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
    lang = given or language_of(answer or "") or language_of(messages[-1]["content"])
    fields = {"task": "chat", "verifier": None, "labels": None, **extra}
    return Instruction(
        id=content_id(f"collected:{name}", messages, answer), lang=lang or HUB, messages=messages, answer=answer,
        origin=f"collected:{name}", license=row.get("license") or source.license, task=fields["task"],
        verifier=fields["verifier"], labels=fields["labels"],
    )  # fmt: skip


def _given_language(row: Row) -> str | None:
    given = row.get("lang") or row.get("language")
    return given.lower()[:2] if isinstance(given, str) and re.fullmatch(r"[A-Za-z]{2}(?:[-_]\w+)?", given) else None
