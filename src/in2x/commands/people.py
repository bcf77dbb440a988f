"""`in2x people ...`: make a campaign, invite people, serve the pages they judge on, keep a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from in2x.commands import people_analyse
from in2x.commands.options import check_writable
from in2x.commands.people_analyse import DEFAULT, CampaignName, StoreUrl
from in2x.commands.show import AsJson, emit, tell
from in2x.commands.shown_help import App
from in2x.errors import UsageError

app = App("Human judgement: campaigns, the page people judge on, results.")


@app.command()
def campaign(
    file: Annotated[Path, typer.Argument(metavar="RECIPE", help="YAML file, or a name of `in2x recipes`.")],
    store: StoreUrl = DEFAULT,
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a knob; again for "
                                                      "more.")] = None,
    knobs: Annotated[bool, typer.Option("--knobs", help="Only list the knobs with their values.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make a campaign from a recipe: choose documents, assign them, plant controls, make a link for each annotator.

    Prints the links (one line an annotator) and, for a fresh store, the organiser's token. Both are shown this once.
    """
    from in2x.commands.knobs import knobs as listed
    from in2x.commands.show import progress
    from in2x.people.campaign import build
    from in2x.people.config import CampaignConfig
    from in2x.people.roster import Roster
    from in2x.people.store import Store
    from in2x.recipe import load_config

    config = load_config(file, CampaignConfig, changes or ())
    if knobs:
        for knob in listed(config):
            source = f" [{knob.source}]" if knob.source else ""
            print(f"{knob.name} = {knob.value!r}{f' {knob.unit}' if knob.unit else ''}: {knob.doc}{source}")
        return
    with Store.open(store, create=True) as opened:
        if config.name in opened.campaigns():
            raise UsageError(
                f"the store {store} has a campaign {config.name!r} already", mend="choose another: --set name=..."
            )
        built = build(config, progress)
        opened.add_campaign(built.campaign, built.assignments, seed=config.seed)
        roster = Roster(opened)
        links = {person: f"/a/{roster.invite(config.name, person)}" for person in built.assignments}
        token = roster.new_admin_token() if not roster.has_admin() else None
    if as_json:
        body = {"campaign": config.name, "links": links, "admin_token": token, "screens": len(built.campaign.screens),
                "seconds": built.seconds, "twice": built.twice}  # fmt: skip
        emit(body)
        return
    for person, link in links.items():
        print(f"{person}\t{link}")
    items = [len(s.items) for s in built.campaign.screens]
    longest = max(built.seconds.values()) / 60
    tell(
        f"{config.name}: {sum(items)} items on {len(items)} screens for {len(links)} annotators, at most {longest:.0f} "
        f"minutes each; {built.twice:.0%} of the segments are judged twice."
    )
    if len(links) == 1:
        tell("One annotator: nothing can be said about agreement.")
    if token:
        tell(f"The organiser's token for /admin, shown this once: {token}")
    tell(f"Next: in2x people serve --store {store}; a link goes after the address it prints.")


@app.command()
def serve(
    store: StoreUrl = DEFAULT,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; any but this machine's own needs "
                                      "--allow-host.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8100,
    allow_host: Annotated[list[str] | None, typer.Option("--allow-host", metavar="NAME", help="Name under which "
                          "browsers ask for it (of a reverse proxy, say); again for more.")] = None,
) -> None:  # fmt: skip
    """Serve the annotators' page and the organiser's (/admin) until interrupted."""
    from in2x.people.server import serve as run

    run(store, host, port, allow_host or ())


@app.command()
def invite(
    annotator: Annotated[str, typer.Argument(help="Id of the annotator.")],
    store: StoreUrl = DEFAULT,
    name: CampaignName = None,
    days: Annotated[float | None, typer.Option("--days", min=0.01, help="How long the link is good.  [default: for "
                                               "ever]", show_default=False)] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="The links given before are good no longer.")] = False,
) -> None:  # fmt: skip
    """Make a further link for an annotator and print it."""
    from in2x.people.roster import Roster
    from in2x.people.store import Store

    with Store.open(store) as opened:
        roster, which = Roster(opened), opened.the_campaign(name)
        roster.person(which, annotator)
        if revoke:
            roster.revoke(which, annotator)
        print(f"/a/{roster.invite(which, annotator, days)}")


@app.command("admin-token")
def admin_token(
    store: StoreUrl = DEFAULT,
    only: Annotated[bool, typer.Option("--only", help="Earlier tokens are good no longer.")] = False,
) -> None:
    """Make a further token for the organiser and print it."""
    from in2x.people.roster import Roster
    from in2x.people.store import Store

    with Store.open(store) as opened:
        print(Roster(opened).new_admin_token(only=only))


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(help="File to write, .jsonl.gz.")],
    store: StoreUrl = DEFAULT,
) -> None:
    """Write the whole store as it is at one moment to a file; the server may go on."""
    from in2x.people.backup import backup as write
    from in2x.people.store import Store

    check_writable(out)
    with Store.open(store) as opened:
        count = write(opened, out)
    tell(f"{out}: {count:,} rows.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `in2x people backup` wrote.")],
    store: StoreUrl = DEFAULT,
) -> None:
    """Put a backup into an empty store, of either kind of database."""
    from in2x.people.backup import restore as read
    from in2x.people.store import Store

    with Store.open(store, create=True) as opened:
        count = read(opened, file)
    tell(f"{store}: {count:,} rows.")


people_analyse.register(app)
