"""`in2x merge-models`: several models of one base into one, on any Hugging Face folders."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from in2x.commands.show import progress, tell
from in2x.disk import told_when_full
from in2x.errors import In2xError, UsageError
from in2x.merge.config import Method, MixConfig, Saliency

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from in2x.training.batches import Example

LONGEST = 1024
"""Tokens of a calibration text that are read (our choice)."""
DEFAULT = MixConfig()


def merge_models(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="Model folders.", show_default=False)],
    base: Annotated[Path, typer.Option("--base", help="The model folder that all of them come from.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The new model folder.", show_default=False)],
    method: Annotated[Method, typer.Option("--method", help="How changes are combined.")] = DEFAULT.method,
    weights: Annotated[
        str, typer.Option("--weights", metavar="W,W", help="Weight of each model (linear, ties).  [default: equal]")
    ] = "",
    density: Annotated[
        float, typer.Option("--density", help="Share of the positions that each model may change (ties, obim).")
    ] = DEFAULT.density,
    scale: Annotated[float, typer.Option("--scale", help="Factor of the merged change.")] = DEFAULT.scale,
    saliency: Annotated[
        Saliency, typer.Option("--saliency", help="What obim weighs a squared change by.")
    ] = DEFAULT.saliency,
    calibration: Annotated[
        list[Path] | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="What the saliency is measured on: a text a line, or conversations as .jsonl. Once for all models, or "
            "once for each in their order.",
        ),
    ] = None,
    iterations: Annotated[
        int, typer.Option("--iterations", help="Rounds in which obim gives positions away.")
    ] = DEFAULT.iterations,
    shard_mb: Annotated[int, typer.Option("--shard-mb", min=1, help="Largest weight file, in MB.")] = 2000,
) -> None:
    """Merge models that come from one base: by the mean of their changes, TIES, or OBIM (no position is an average).

    Works tensor by tensor, in less memory than the largest one of all models takes. A killed merge goes on where it
    stopped. manifest.json of the new folder tells inputs, hashes and which model owns what.
    """
    from in2x.artifact import begin, finish
    from in2x.merge.card import write_merge_card
    from in2x.merge.checks import check_folders, check_space
    from in2x.merge.engine import merge
    from in2x.run import room, versions
    from in2x.training.model import load_tokenizer

    began = time.monotonic()
    how = _how(len(models), method=method, weights=weights, density=density, scale=scale, saliency=saliency,
               iterations=iterations)  # fmt: skip
    files = _calibration_files(how, calibration or [], len(models))
    if out.exists():
        raise UsageError("this is there already", file=out, mend="give the name of a new folder, or remove it")
    if not out.resolve().parent.is_dir():
        raise UsageError("there is no folder to make this in", file=out, mend=f"mkdir -p {out.parent}")
    named = dict(zip(_names(models), models, strict=True))
    if len(named) < len(models):
        raise UsageError("a model is given twice", mend="give each model once")
    check_folders(base, named)
    hashes = _hashes([base, *models])
    _check_different(dict(zip(["the base", *named], hashes, strict=True)))
    inputs = {
        "base": {"path": str(base.resolve()), "sha256": hashes[0]},
        "models": {
            name: {"path": str(path.resolve()), "sha256": found}
            for (name, path), found in zip(named.items(), hashes[1:], strict=True)
        },
        "calibration": [{"path": str(f.resolve()), "sha256": _sha256(f)} for f in dict.fromkeys(files)],
    }
    made_of = {"inputs": inputs, "how": how.model_dump(), "shard_mb": shard_mb, "code": room("merge").code()}
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]
    partial = out.resolve().parent / f".{out.name}.merging"
    with told_when_full(partial.parent):
        resumed = begin(partial, key)
        if resumed:
            tell("going on where an earlier merge stopped")
        check_space(partial, base, len(models), how, sum(f.stat().st_size for f in partial.rglob("*") if f.is_file()))
        (partial / "work").mkdir(exist_ok=True)

        def texts(name: str) -> list[Example]:
            return list(read_texts(files[list(named).index(name)], load_tokenizer(named[name])))

        survey = merge(partial, partial / "work", base, named, how, texts, shard_mb * 1_000_000, progress)
        manifest: dict[str, Any] = {
            "made_by": "in2x merge-models", "key": key, "config": how.model_dump(), **inputs,
            "figures": survey.figures(), "owners": survey.owners(), "versions": versions(),
            "seconds": round(time.monotonic() - began, 1), "resumed": resumed,
            "command": " ".join(["in2x", *sys.argv[1:]]),
        }  # fmt: skip
        write_merge_card(partial, manifest)
        finish(partial, out.resolve(), manifest)
    for line in survey.said():
        tell(line)
    print(out)


def _how(models: int, *, weights: str, **knobs: Any) -> MixConfig:
    """The knobs, checked. Raises UsageError with the first thing that is wrong."""
    from pydantic import ValidationError

    try:
        numbers = tuple(float(part) for part in weights.split(",")) if weights else ()
        how = MixConfig(weights=numbers, **knobs)
        how.shares(models)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"--{first['loc'][0]}: {first['msg'].lower()}", mend="see in2x merge-models --help") from None
    except ValueError as error:
        raise UsageError(f"--weights: {error}", mend="give one number for each model: 0.5,0.5") from None
    return how


def _calibration_files(how: MixConfig, files: list[Path], models: int) -> list[Path]:
    """The calibration file of each model; [] where none is needed."""
    if how.method != "obim" or how.saliency == "magnitude":
        if files:
            raise UsageError("--calibration is read by --method obim alone, with --saliency hessian or fisher",
                             mend="leave it out")  # fmt: skip
        return []
    if len(files) not in (1, models):
        raise UsageError(f"{len(files)} calibration files for {models} models", mend="give --calibration FILE once, or "
                         "once for each model; --saliency magnitude needs none")  # fmt: skip
    for file in files:
        if not file.is_file():
            raise UsageError("no such file", file=file, mend="give a text a line, or conversations as .jsonl")
    return files if len(files) == models else files * models


def read_texts(file: Path, tokenizer: PreTrainedTokenizerBase) -> Iterator[Example]:
    """Calibration texts as tokens, each cut off at `LONGEST`: lines of text, or rows of .jsonl (.gz).

    A row is a conversation in a layout of `in2x.chat.turns`, or has a `text`. One that is neither, or too short for a
    loss, is left out.

    Raises:
        In2xError: not UTF-8, not JSON, or nothing is left.
    """
    from in2x.training.batches import Example

    found: Iterator[Example]
    if ".jsonl" in file.suffixes[-2:]:
        found = _rows(file, tokenizer)
    else:
        try:
            lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except UnicodeDecodeError:
            raise In2xError("not UTF-8", file=file, mend="convert the file, for example with iconv") from None
        found = (Example(tokenizer.encode(line), 1) for line in lines)
    count = 0
    for example in found:
        if min(len(example.tokens), LONGEST) > example.answer_start:
            count += 1
            yield Example(example.tokens[:LONGEST], example.answer_start)
    if not count:
        raise In2xError("no text to calibrate on", file=file, mend="give a text a line, or conversations as .jsonl")


def _rows(file: Path, tokenizer: PreTrainedTokenizerBase) -> Iterator[Example]:
    from in2x.chat.turns import LeftOut, exchange, is_conversation
    from in2x.data.reader import rows
    from in2x.records import Instruction
    from in2x.training.batches import Example
    from in2x.training.examples import chat_examples

    for number, row in rows(file):
        if isinstance(row.get("text"), str) and not is_conversation(row):
            yield Example(tokenizer.encode(row["text"]), 1)
            continue
        try:
            messages, answer = exchange(row)
        except LeftOut:
            continue
        except (TypeError, KeyError, ValueError):
            raise In2xError("neither a conversation nor a text", file=file, line=number,
                            mend='give {"messages": [...]} or {"text": "..."}') from None  # fmt: skip
        asked = Instruction(id=str(number), lang="", task="", messages=messages, answer=answer)
        yield from chat_examples(tokenizer, [asked])


def _names(models: list[Path]) -> list[str]:
    """What to call the models: the last folder of their paths in which they differ, or the paths."""
    parts = [path.resolve().parts for path in models]
    while len({p[-1:] for p in parts}) == 1 and min(map(len, parts)) > 2 and len(models) > 1:
        parts = [p[:-1] for p in parts]
    names = [p[-1] for p in parts]
    return names if len({*names, "base", "merged"}) == len(names) + 2 else [str(path) for path in models]


def _hashes(folders: list[Path]) -> list[dict[str, str]]:
    """SHA-256 of each file of each folder."""
    files = [sorted(file for file in folder.iterdir() if file.is_file()) for folder in folders]
    size = sum(file.stat().st_size for group in files for file in group)
    with progress("hash models (MB)", round(size / 1e6)) as advance:
        return [{file.name: _sha256(file, advance) for file in group} for group in files]


def _sha256(file: Path, advance: Any = lambda megabytes: None) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 22):
            digest.update(block)
            advance(len(block) / 1e6)
    return digest.hexdigest()


def _check_different(hashes: dict[str, dict[str, str]]) -> None:
    """Raise UsageError where two folders hold the same weights."""
    seen: dict[tuple[str, ...], str] = {}
    for name, files in hashes.items():
        weights = tuple(digest for file, digest in files.items() if file.endswith(".safetensors"))
        if (twin := seen.setdefault(weights, name)) != name:
            raise UsageError(f"{name} has the weights of {twin}", mend="give models that differ")
