"""The house: imports run down the floors of ARCHITECTURE.md, rooms meet at their doors, nothing goes in circles."""

from __future__ import annotations

import graphlib
import re
import shutil
from pathlib import Path

import pytest

from in2x import closure
from in2x.run import ROOMS

PAGE = Path(__file__).parents[1] / "ARCHITECTURE.md"
KNOWN = closure.modules("in2x")


def tables() -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    """Floor -> rooms in order, and room -> its doors, as the page has them."""
    floors, doors = {}, {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[0] in ("floor", "room") or set(cells[0]) <= {"-"}:
            continue
        names = re.findall(r"`([\w.]+)`", cells[1])
        if len(cells) == 3 and not cells[0].startswith("`") and names:
            floors[cells[0]] = names
        elif len(cells) == 2 and cells[0].startswith("`") and names and "." not in names[0]:
            doors[cells[0].strip("`")] = set(names)
    return floors, doors


FLOORS, DOORS = tables()
ORDER = {room: number for number, room in enumerate(room for rooms in FLOORS.values() for room in rooms)}
ARROWS = [
    (module, other)
    for module, file in KNOWN.items()
    for other in sorted(closure.imported(file, KNOWN))
    if module != "in2x" and other != "in2x"
]


def room(module: str) -> str:
    return module.split(".")[1]


def test_the_page_names_every_room_and_no_other() -> None:
    assert set(ORDER) == {room(module) for module in KNOWN if module != "in2x"}


def test_imports_run_down() -> None:
    up = [f"{a} imports {b}" for a, b in ARROWS if ORDER[room(b)] > ORDER[room(a)]]
    assert not up, "these imports run up the floors of ARCHITECTURE.md:\n" + "\n".join(up)


def test_rooms_of_the_method_meet_at_their_doors() -> None:
    method = set(FLOORS["method"])
    inside = [
        f"{a} imports {b}"
        for a, b in ARROWS
        if room(a) in method | set(FLOORS["faces"])
        and room(b) in method - {room(a)}
        and (len(b.split(".")) < 3 or b.split(".")[2] not in DOORS.get(room(b), ()))
    ]
    assert not inside, "these imports reach into another room past its doors:\n" + "\n".join(inside)


def test_every_door_is_used() -> None:
    used = {(room(b), b.split(".")[2]) for a, b in ARROWS if room(a) != room(b) and len(b.split(".")) > 2}
    unused = [f"{name}.{door}" for name, doors in DOORS.items() for door in doors if (name, door) not in used]
    assert not unused


def test_no_file_imports_itself_in_a_circle() -> None:
    graph = {a: {b for x, b in ARROWS if x == a and b != a and not a.startswith(f"{b}.")} for a in KNOWN}
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail("these files import each other in a circle: " + " -> ".join(error.args[1]))


def test_the_recipe_is_known_to_the_roof_alone() -> None:
    assert {room(a) for a, b in ARROWS if b == "in2x.recipe"} <= set(FLOORS["roof"])


# The languages that the project speaks of by name stand in language/, in the micro-world, in the express suite (into
# Japanese by design) and in prompts; everything else asks the pack.
BY_NAME = re.compile(r"""(?<!html lang=)["'](?:ja|zh|en)["']|\b(?:Japanese|Chinese)\b""")
AT_HOME = ("language/", "sample/", "evaluate/express/", "commands/express.py")


def test_languages_are_named_at_home_only() -> None:
    root = KNOWN["in2x"].parent
    found = []
    for file in sorted([*root.rglob("*.py"), *root.rglob("*.jinja")]):
        name = file.relative_to(root).as_posix()
        if not name.startswith(AT_HOME):
            lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
            found += [f"{name}:{number}: {line.strip()}" for number, line in lines if BY_NAME.search(line)]
    assert not found, "these lines know a language by name:\n" + "\n".join(found)


def keys() -> dict[str, str]:
    return {stage.name: stage.code() for stage in ROOMS}


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Change a source as an editor would, in a copy of the package that the keys are then computed from."""
    root = KNOWN["in2x"].parent
    copy = tmp_path / "in2x"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("__pycache__"))
    files = {name: copy / file.relative_to(root) for name, file in KNOWN.items()}
    monkeypatch.setattr(closure, "_files", lambda package: files)

    def edit(name: str, text: str = "\nEDITED = 1\n") -> None:
        file = copy / name
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")

    return edit


@pytest.mark.parametrize(
    ("source", "reruns", "stay"),
    [
        ("language/japanese/keigo.py", {"rl", "evaluate"}, {"instruct", "select", "sft", "merge", "base", "pretrain"}),
        ("principles/text_checks.py", {"rl", "evaluate"}, {"data", "corpus", "instruct", "select", "sft", "merge"}),
        ("training/loop.py", {"base", "pretrain", "sft", "rl"}, {"data", "select"}),
        ("instructions/prompts/critic.md", {"instruct"}, {"data", "corpus", "select", "sft", "rl"}),
        ("pages/charts.py", {"report"}, {"data", "corpus", "instruct", "select", "sft", "rl", "merge", "evaluate"}),
        ("stage.py", set(), {stage.name for stage in ROOMS}),
    ],
)
def test_a_key_follows_the_sources_that_a_stage_imports(edited, source, reruns, stay) -> None:
    before = keys()
    edited(source)
    after = keys()
    changed = {name for name in before if before[name] != after[name]}
    assert reruns <= changed and not changed & stay, changed


def test_comments_and_docstrings_belong_to_no_key(edited) -> None:
    before = keys()
    edited("training/loop.py", '\n\n# why\n"""A word more."""\n')
    assert keys() == before
