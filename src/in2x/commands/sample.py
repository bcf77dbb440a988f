"""`in2x sample ...`: what the bundled micro-world offers beside its texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from in2x.commands.options import check_writable
from in2x.commands.show import tell
from in2x.commands.shown_help import App

app = App("The bundled micro-world.")


@app.command()
def files(
    folder: Annotated[Path, typer.Argument(help="Folder that they are written into.", show_default=False)],
) -> None:
    """Write documents to try the translator on: subtitles, a book, a page, their glossary and characters."""
    from in2x.sample.files import write_files

    for file in write_files(folder):
        print(file)


@app.command()
def say(
    count: Annotated[int, typer.Argument(min=1, help="How many sentences.")] = 5,
    kind: Annotated[str | None, typer.Option("--kind", help="Only one kind: everyday, clause, phrase, idiom, slang, "
                                             "dialogue or story.", show_default="all, mixed")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Draw the same again.", show_default="by chance")] = None,
) -> None:  # fmt: skip
    """Say random sentences of the micro-world and how they are rendered: what the demonstration model should know.

    Example: in2x sample say 10 --kind everyday
    """
    import random
    from itertools import islice

    from in2x.errors import UsageError
    from in2x.sample import world

    if kind is not None and kind not in world.SHARES:
        raise UsageError(f"the micro-world has no sentences of kind {kind!r}", mend=f"use {', '.join(world.SHARES)}")
    drawn = random.randrange(2**32) if seed is None else seed
    for item in islice(world.items(drawn, "say", {kind: 1.0} if kind else None), count):
        print(item.en)
        for register in (r for r in world.TOLD if r in item.ja):
            print(f"  ja {register:9}  {item.ja[register]}")
        print(f"  zh            {item.zh}\n")


@app.command()
def judge(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")]
    = 8009,
    faults: Annotated[float, typer.Option("--faults", min=0.0, max=1.0, help="Share of requests that go wrong: 500, "
                                          "429, no answer, half an answer, prose, a verdict too few.")] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="Of the faults.")] = 0,
    silence: Annotated[float, typer.Option("--silence", min=0.0, help="Seconds that a request waits which gets no "
                                           "answer.")] = 10.0,
    record: Annotated[Path | None, typer.Option("--record", help="JSON Lines that every question and answer is added "
                                                "to.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Serve the micro-world's reference judge and principle writer, as an OpenAI-compatible model."""
    from in2x.sample.server import MODEL, JudgeServer

    if record is not None:
        check_writable(record)
    with JudgeServer(port, faults=faults, seed=seed, silence=silence, record=record) as server:
        print(server.url, flush=True)
        tell(f"The judge answers as the model {MODEL}; Ctrl-C ends it.")
        server.serve_forever()
