"""The pages keep their word: files, links, commands, options, knobs and make targets that they name are there.

What is ours to keep is told by rule, not by a list of exceptions. A path counts as ours if it begins with a folder of
the repository (`docs/ src/ recipes/ benchmarks/ tests/`) or ends in `.py`; what stands under `runs/` is made by a run,
and bare names (`train.jsonl`, `recipe.yaml`) are the reader's.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml
from pydantic import BaseModel

from in2x import __version__
from in2x.cli import app
from in2x.recipe import Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "in2x"
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md")) + sorted(PACKAGE.rglob("README.md"))
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
OURS = re.compile(r"(?<![\w/.~*-])(?:docs|src|recipes|benchmarks|tests)/[\w./*-]*[\w/*]")
SCRIPT = re.compile(r"[\w./-]*\w\.py\b")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    return FENCE.sub("", text_of(page))


def inline_code(page: Path) -> list[str]:
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def fenced(page: Path, *languages: str) -> list[str]:
    return [body for _, language, body in FENCE.findall(text_of(page)) if language in languages]


def simple_commands(shell: str) -> list[list[str]]:
    """The commands of a shell text as words, without comments, redirections, here-documents, and pipes taken apart."""
    shell = re.sub(r"<<'?(\w+)'?\n.*?^\1$", "", shell, flags=re.DOTALL | re.MULTILINE).replace("\\\n", " ")
    out = []
    lines = [re.sub(r"(^|\s)#(\s.*)?$", "", line) for line in shell.splitlines()]
    while lines:
        for count in range(1, len(lines) + 1):  # what is quoted may go on in the next line
            try:
                split = shlex.split("\n".join(lines[:count]))
                break
            except ValueError:
                continue
        else:  # an apostrophe in running text
            count, split = 1, []
        del lines[:count]
        words: list[str] = []
        for word in [*split, ";"]:
            if word in ("|", "&&", "||", ";", "&"):
                out += [words] if words else []
                words = []
            else:
                words.append(word)
    return [words[: words.index(">")] if ">" in words else words for words in out]


def commands(program: str) -> list[Any]:
    """Every command of `program` that a page shows: where, its words, and whether it is to be typed as it stands."""
    shown = {}
    for page in PAGES:
        found = [(words, True) for block in fenced(page, "bash", "") for words in simple_commands(block)]
        found += [(words, False) for code in inline_code(page) for words in simple_commands(code)]
        for words, whole in found:
            if words and words[0] == program:  # `<1>` reads as a redirection of nothing
                shown.setdefault((shlex.join(words), whole), (page.relative_to(ROOT), words, whole))
    return [pytest.param(*rest, id=f"{rest[0]}: {text}") for (text, _), rest in shown.items()]


def slugs(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    heads = re.findall(r"^#+ (.*)", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in slugs(there)):
            wrong.append(target)
    assert not wrong, f"links that lead nowhere: {wrong}"


@each_page
def test_files_are_there(page: Path) -> None:
    missing = {path for path in OURS.findall(text_of(page)) if not any(ROOT.glob(path.rstrip("/")))}
    for code in [*inline_code(page), *fenced(page, "bash", "", "python")]:
        for path in SCRIPT.findall(code):
            path = path.removeprefix(".../")
            places = [base / path for base in (ROOT, PACKAGE, PACKAGE.parent)]
            by_name = "/" not in path and any(PACKAGE.rglob(path))
            if not by_name and not any(place.is_file() for place in places):
                missing.add(path)
    assert not missing, f"named, and not there: {sorted(missing)}"


@each_page
def test_folders_are_there(page: Path) -> None:
    """`name/` in running text is a folder of the package or the repository, or one that the page's own commands use."""
    own = "\n".join([*fenced(page, "bash", ""), *inline_code(page)])
    for code in inline_code(page):
        if re.fullmatch(r"[a-z]\w*(/\w+)*/", code) and not code.startswith("runs/"):
            used = len(re.findall(rf"(?<![\w/]){re.escape(code)}", own)) > inline_code(page).count(code)
            assert used or any((base / code).is_dir() for base in (PACKAGE, ROOT, page.parent)), (
                f"no such folder: {code}"
            )


@each_page
def test_python_names_are_there(page: Path) -> None:
    """`in2x.a.b.c` is a module, or a name in one; but for changes that add some (`test_extending.py` applies them)."""
    text = FENCE.sub(lambda block: "" if block[2] == "diff" else block[0], text_of(page))
    for name in set(re.findall(r"\bin2x(?:\.\w+)+", text)):
        parts = name.split(".")[1:]
        depth = next((n for n in range(len(parts), 0, -1) if (spec := module(parts[:n])) is not None), 0)
        assert depth, f"no such module: {name}"
        for rest in parts[depth:]:
            assert re.search(rf"\b{rest}\b", spec.read_text(encoding="utf-8")), f"no such name: {name}"


def module(parts: list[str]) -> Path | None:
    place = PACKAGE.joinpath(*parts)
    return next((f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()), None)


def test_there_are_commands() -> None:
    assert len(commands("in2x")) > 40
    assert len(commands("python")) > 20


@pytest.mark.parametrize(("page", "words", "whole"), commands("in2x"))
def test_in2x_commands_parse(page: Path, words: list[str], whole: bool, tmp_path: Path) -> None:
    command: Any = typer.main.get_command(app)
    args = [word for word in words[1:] if word != "..."]
    while getattr(command, "commands", None) and args and not args[0].startswith("-"):
        for name in args.pop(0).split("|"):
            assert name in command.commands, f"no such command: {name}"
        command = command.commands[name]
    context = command.context_class(command, info_name="in2x")
    given, left, _ = command.make_parser(context).parse_args(args=list(args))
    assert not left, f"more arguments than it takes: {left}"
    if whole and "..." not in words:
        kinds = (str, list, tuple, bool)
        typed = {p.name for p in command.params if p.name in given and isinstance(given[p.name], kinds)}
        missing = [p.name for p in command.params if p.required and p.name not in typed]
        assert not missing, f"it asks for more: {missing}"
    if "recipe" in given and isinstance(given["recipe"], str):
        recipe = Path(given["recipe"])
        if "/" in given["recipe"]:
            assert (ROOT / recipe).is_file(), f"no such recipe: {recipe}"
            recipe = ROOT / recipe
        else:  # RECIPE, recipe.yaml: the reader's
            recipe = tmp_path / "any.yaml"
            recipe.write_text("name: any\n")
        load_recipe(recipe, given["sets"] if isinstance(given.get("sets"), list) else [])


@pytest.mark.parametrize(("page", "words", "whole"), commands("python"))
def test_scripts_know_their_options(page: Path, words: list[str], whole: bool) -> None:
    if words[1] == "-m":
        assert words[2].split(".")[0] != "in2x" or module(words[2].split(".")[1:]), f"no such module: {words[2]}"
    elif not words[1].startswith("-"):
        source = text_of(ROOT / words[1])
        for option in (word.partition("=")[0] for word in words[2:] if word.startswith("--")):
            assert re.search(rf"""["']{option}["']""", source), f"{words[1]} does not know {option}"


@pytest.mark.parametrize(("page", "words", "whole"), commands("make"))
def test_make_targets_are_there(page: Path, words: list[str], whole: bool) -> None:
    for target in (word for word in words[1:] if "=" not in word and word[0] != "-"):
        assert re.search(rf"^{target}:", text_of(ROOT / "Makefile"), re.MULTILINE), f"no such target: make {target}"


def known(names: list[str], kind: Any) -> bool:
    """Whether the schema `kind` has the dotted name; below a free mapping everything is known."""
    if not names:
        return True
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return names[0] in kind.model_fields and known(names[1:], kind.model_fields[names[0]].annotation)
    if kind in (dict, Any) or getattr(kind, "__origin__", None) is dict:
        return True
    return any(known(names, part) for part in get_args(kind))


@each_page
def test_knobs_are_in_the_schema(page: Path) -> None:
    """`section.knob` in running text: a name of the recipe, if `section` is one of its sections."""
    for code in inline_code(page):
        name = re.match(r"([a-z_0-9]+(?:\.[a-z_0-9]+)+)(?:[:=].*)?$", code)
        if name and not code.endswith(".py") and (parts := name[1].split("."))[0] in Recipe.model_fields:
            assert known(parts, Recipe), f"no such knob: {name[1]}"


@each_page
def test_pieces_of_recipes_are_valid(page: Path) -> None:
    for block in fenced(page, "yaml"):
        piece = yaml.safe_load(block)
        if isinstance(piece, dict) and set(piece) <= set(Recipe.model_fields):
            Recipe.model_validate({"name": "any", **piece})


@each_page
def test_python_examples_import_what_is_there(page: Path) -> None:
    for block in fenced(page, "python"):
        for name, imports in re.findall(r"^from (in2x[\w.]*) import (.*)", block, re.MULTILINE):
            where = module(name.split(".")[1:])
            assert where, f"no such module: {name}"
            for imported in imports.split(","):
                assert re.search(rf"\b{imported.strip()}\b", text_of(where)), f"{name} has no {imported}"


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "results").glob("*.md")), ids=lambda page: page.name)
def test_results_are_questions_with_conditions(page: Path) -> None:
    """Question, answer, table, conditions; and each page of results is reached from the table of claims."""
    if page.name == "README.md":
        return
    assert f"({page.name}#" in text_of(page.with_name("README.md")), f"{page.name} is not in the table of claims"
    for section in re.split(r"^#+ ", prose(page), flags=re.MULTILINE)[1:]:
        if section.partition("\n")[0].endswith("?"):
            assert re.search(r"^(Command, c|C)onditions:", section, re.MULTILINE), section.partition("\n")[0]


def test_every_benchmark_has_a_result() -> None:
    """A script that measures is named where its figures stand."""
    shown = "\n".join(text_of(page) for page in PAGES)
    for script in (ROOT / "benchmarks").glob("*.py"):
        if 'if __name__ == "__main__"' in text_of(script):
            assert f"benchmarks/{script.name}" in shown, f"no page has a figure of {script.name}"


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load(text_of(ROOT / "CITATION.cff"))
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert cited["version"] == project["version"] == __version__ and cited["license"] == project["license"]
    assert f"## {__version__}\n" in text_of(ROOT / "CHANGELOG.md")


def test_hooks_before_a_commit_run_what_lint_runs() -> None:
    [repo] = yaml.safe_load(text_of(ROOT / ".pre-commit-config.yaml"))["repos"]
    entries = [hook["entry"] for hook in repo["hooks"]]
    programs = {entry.removeprefix(".venv/bin/").partition(" --")[0] for entry in entries}
    lint = re.findall(r"^\t@\$\(BIN\)/(.*?)(?: --check)?(?: \.)?$", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert {"ruff check", "ruff format", "mypy"} <= programs & set(lint)
    assert all((ROOT / word).exists() for entry in entries for word in entry.split() if word.startswith("tests/"))
