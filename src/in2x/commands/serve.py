"""`in2x serve`: a model behind the interfaces that clients have already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from in2x.commands.options import once_each
from in2x.errors import UsageError
from in2x.translate.open import Combine

WORDING, LIMITS, DOORS, RUNNING = "Wording", "Limits", "Who may call", "What is kept"


def serve(
    model: Annotated[
        list[str],
        typer.Option("--model", callback=once_each("--model"),
                     help="Model folder, hub name, or address of an OpenAI-compatible server; again to combine them."),
    ],
    host: Annotated[str, typer.Option("--host", help="Address to listen on; any but this machine's own needs "
                                      "tokens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8080,
    name: Annotated[str, typer.Option("--name", help="The model, as lists of models call it.")] = "in2x",
    source_lang: Annotated[
        str | None,
        typer.Option("--from", metavar="LANG", rich_help_panel=WORDING, show_default=False,
                     help="Language of a text that does not show its own."),
    ] = None,
    target_lang: Annotated[
        str | None,
        typer.Option("--to", metavar="LANG", rich_help_panel=WORDING, show_default=False,
                     help="Language wanted where a request names none."),
    ] = None,
    checks: Annotated[
        Literal["off", "mark", "repair"],
        typer.Option("--checks", rich_help_panel=WORDING, help="What a translation breaks: say so, or ask again."),
    ] = "repair",
    profile: Annotated[
        str | None,
        typer.Option("--profile", rich_help_panel=WORDING, show_default=False,
                     help="How the model is asked: a profile's name, a file, or chat for any.  [default: the model's]"),
    ] = None,
    probed: Annotated[
        bool,
        typer.Option("--probe/--no-probe", rich_help_panel=WORDING, show_default=False,
                     help="Whether a model of others translates a first sentence before it is ready.  "
                          "[default: probe]"),
    ] = True,
    combine: Annotated[
        Combine, typer.Option("--combine", rich_help_panel=WORDING, help="Several models: how they work together.")
    ] = "tokens",
    tokens: Annotated[
        Path | None,
        typer.Option("--tokens", metavar="FILE", rich_help_panel=DOORS, show_default=False,
                     help="Tokens, one a line; also from the environment variable IN2X_SERVE_TOKENS."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", rich_help_panel=DOORS, show_default=False,
                     help="Name under which it may be asked; again for more.  [default: this machine's; any with a "
                          "token]"),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", metavar="ORIGIN", rich_help_panel=DOORS, show_default=False,
                     help="Site whose scripts may call (https://example.org); again for more."),
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=0.01, rich_help_panel=LIMITS,
                                        help="Requests a second that a client may go on making.")] = 50.0,
    waiting: Annotated[int, typer.Option("--waiting", min=100, metavar="CHARACTERS", rich_help_panel=LIMITS,
                                         help="Most that waits for people; half of it from one client.")] = 200_000,
    deadline: Annotated[float, typer.Option("--deadline", min=0.1, metavar="SECONDS", rich_help_panel=LIMITS,
                                            help="Longest that an answer may take.")] = 300.0,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", rich_help_panel=RUNNING, show_default=False,
                     help="Glossaries and documents of clients; several servers may share it.  [default: kept as long "
                          "as it runs]"),
    ] = None,
    quota: Annotated[int, typer.Option("--quota", min=0, metavar="CHARACTERS", rich_help_panel=LIMITS,
                                       help="That a client may have translated in a month; 0 for any number.")] = 0,
    at_once: Annotated[
        int | None,
        typer.Option("--at-once", min=1, metavar="N", rich_help_panel=LIMITS, show_default=False,
                     help="Batches that are with the model at once.  [default: 1; 8 at a server]"),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, metavar="N", rich_help_panel=RUNNING,
                                         help="Processes behind the address, each with the model.")] = 1,
) -> None:  # fmt: skip
    """Serve a model to the clients that people have: DeepL's, LibreTranslate's, OpenAI's, Ollama's, extensions.

    Prints its address. /docs lists every call; /ready says when the model is warm.
    """
    from in2x.chat.profile import PromptProfile
    from in2x.language import canonical
    from in2x.serve.access import Access
    from in2x.serve.config import Config
    from in2x.serve.loading import Loading
    from in2x.serve.server import check_open, listener
    from in2x.serve.server import serve as run
    from in2x.serve.workers import serve_with_workers
    from in2x.translate.open import profile_at
    from in2x.translate.request import TranslationRequest, check_request

    source, target = (canonical(code) if code else None for code in (source_lang, target_lang))
    profiles = [profile_at(one, profile) for one in model]
    if source and target:
        for one in profiles:
            check_request(one or PromptProfile(), TranslationRequest(source, target))
    loading = Loading(tuple(model), source, combine, profile, probed, checks, at_once, waiting)
    if at_once and at_once > 1 and not loading.elsewhere:
        raise UsageError(
            f"--at-once {at_once} is for a server", mend="a model in this process takes one batch at a time"
        )
    config = Config(name, source, target, Access.read(tokens, rate, 4 * rate), tuple(allow_host or ()),
                    tuple(allow_origin or ()), deadline=deadline, data=data, characters=quota)  # fmt: skip
    check_open(host, config)
    if workers > 1:
        serve_with_workers(loading, config, host, port, workers)
        return
    where = listener(host, port)
    run(loading.engine(), config, where)
