"""`in2x export`: what a run or a model gives to other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from in2x.commands.show import Out, Sets
from in2x.errors import UsageError


class Format(StrEnum):
    """What can be written."""

    verl = "verl"
    ct2 = "ct2"
    gguf = "gguf"
    shortlist = "shortlist"


def export(
    what: Annotated[Path, typer.Argument(metavar="RECIPE|MODEL", help="verl: a recipe; else a model folder.")],
    to: Annotated[
        Format,
        typer.Option(
            "--to",
            help="verl: the stage rl of a run whose sft is finished; ct2: for CTranslate2; gguf: for llama.cpp; "
            "shortlist: the tokens that answers are made of, for the model's own folder.",
        ),
    ],
    target: Annotated[Path, typer.Option("--output", "-o", help="Write into this folder.")],
    int8: Annotated[bool, typer.Option("--int8", help="ct2, gguf: weights of eight bits.")] = False,
    converter: Annotated[
        Path | None, typer.Option("--converter", help="gguf: llama.cpp's convert_hf_to_gguf.py.", show_default=False)
    ] = None,
    pairs: Annotated[
        list[Path] | None,
        typer.Option("--pairs", help="shortlist: a file as data.train; again for more.", show_default=False),
    ] = None,
    out: Out = None,
    sets: Sets = None,
) -> None:
    """Write what another program trains or translates with, or what makes a model faster: its shortlists."""
    if pairs and to is not Format.shortlist:
        raise UsageError("--pairs is for shortlists", mend="leave it out")
    if to is not Format.verl:
        if out or sets:
            raise UsageError("--out and --set are for a recipe", mend="leave them out")
        if to is Format.shortlist:
            if int8 or converter:
                raise UsageError("--int8 and --converter are for other engines", mend="leave them out")
            _shortlist(what, pairs or [], target)
        else:
            _model(what, to, target, int8, converter)
        return
    from in2x.export import verl_job
    from in2x.recipe import load_recipe

    if int8 or converter:
        raise UsageError("--int8 and --converter are for a model", mend="leave them out")
    loaded = load_recipe(what, sets or [])
    count, without = verl_job(loaded, out or Path("runs") / loaded.name, target)
    for words in without:
        print(f"not in verl: {words}")
    print(f"{count:,} prompts; train with: bash {target / 'verl.sh'}")


def _model(model: Path, to: Format, target: Path, int8: bool, converter: Path | None) -> None:
    from in2x.converted import GGUF, to_ct2, to_gguf

    if to is Format.ct2:
        to_ct2(model, target, int8=int8)
        print(f"translate with: in2x translate FILE --model {target} --to LANG")
        return
    to_gguf(model, target, converter, int8=int8)
    print(f"serve with: llama-server -m {target / GGUF} --port 8080")
    print(f"then: in2x translate FILE --model http://127.0.0.1:8080/v1 --profile {target} --to LANG")


def _shortlist(model: Path, pairs: list[Path], target: Path) -> None:
    from in2x.shortlisted import to_shortlist

    for one in to_shortlist(model, pairs, target):
        share = f"; {one.same} of {one.measured} answers are those of all" if one.measured else ""
        print(f"{one.lang}: {one.kept:,} of {one.of:,} tokens{share}")
