"""`in2x push`: a model or data to the Hugging Face hub, with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from in2x.commands.show import tell


def push(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A model folder, or a finished stage with data: "
                                           "runs/demo/model, runs/demo/instruct.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="What it is called there.", show_default=False)],
    private: Annotated[bool, typer.Option("--private", help="Nobody else sees it, where it is new.")] = False,
    license: Annotated[str | None, typer.Option("--license", metavar="ID", help="Licence that the card names, for "
                                                "example apache-2.0.", show_default=False)] = None,
    revision: Annotated[str | None, typer.Option("--revision", metavar="BRANCH", help="Branch, made where there is "
                                                 "none.  [default: main]", show_default=False)] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only list the files that would go.")] = False,
) -> None:  # fmt: skip
    """Put a model or a stage's data onto the Hugging Face hub, with its card; the token is read from HF_TOKEN.

    Manifests stay here. What is there already stays, files of the same name are replaced, in one commit.
    """
    from in2x.push import contents
    from in2x.push import push as upload

    if dry:
        for file in contents(folder)[1]:
            print(file)
        return
    pushed = upload(folder, name, private=private, license=license, revision=revision)
    tell(f"{len(pushed.files)} files as a {pushed.kind}:")
    print(pushed.url)
