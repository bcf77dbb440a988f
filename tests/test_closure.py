"""The import closure of a module, read from sources of every shape that a stage may load another module by."""

from __future__ import annotations

import importlib

import pytest

from in2x import closure
from in2x.errors import In2xError

SOURCES = {
    "__init__": "",
    "room/__init__": '"""A room."""',
    "room/stage": """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        import shapes.deep.down
        from shapes.other import thing
        from shapes import plain as p
        if TYPE_CHECKING:
            from shapes.typed import Kind
        def late():
            from shapes.heavy import load
            import importlib
            importlib.import_module(f"shapes.plugins.{late}")
            return {"a": "shapes.named"}
    """,
    "deep/__init__": "import shapes.by_init",
    "deep/down": "",
    "by_init": "",
    "other": "thing = 1",
    "plain": "",
    "typed": "",
    "heavy": "from shapes.heavier import x",
    "heavier": "x = 1",
    "named": "",
    "plugins/__init__": "",
    "plugins/one": "",
    "plugins/two": "",
    "idle": "import shapes.room.stage",
}


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    for name, text in SOURCES.items():
        file = tmp_path / "shapes" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines()
        file.write_text("\n".join(line.removeprefix("        ") for line in lines))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    closure._files.cache_clear()
    yield tmp_path / "shapes"
    closure._files.cache_clear()


def short(names):
    return {name.removeprefix("shapes.") for name in names}


def test_everything_that_runs_is_found_and_nothing_else(shapes):
    found = short(closure.closure("shapes.room.stage"))
    assert found == {
        "room", "room.stage", "deep", "deep.down", "by_init", "other", "plain", "heavy", "heavier", "named",
        "plugins", "plugins.one", "plugins.two",
    }  # fmt: skip


def test_types_count_only_where_asked(shapes):
    known = closure.modules("shapes")
    assert "shapes.typed" in closure.imported(known["shapes.room.stage"], known)
    assert "shapes.typed" not in closure.imported(known["shapes.room.stage"], known, types=False)


def test_what_is_left_out_takes_along_what_only_it_imports(shapes):
    found = short(closure.closure("shapes.room.stage", lambda name: name == "shapes.heavy"))
    assert "heavy" not in found and "heavier" not in found and "other" in found


def test_data_beside_a_package_counts_and_a_package_below_does_not(shapes):
    (shapes / "room" / "words").mkdir()
    (shapes / "room" / "words" / "a.yaml").write_text("a: 1")
    (shapes / "deep" / "page.jinja").write_text("<p>")
    files = closure.sources({"shapes.room", "shapes.room.stage"})
    assert {file.name for file in files} == {"__init__.py", "stage.py", "a.yaml"}


def test_comments_docstrings_and_blank_lines_are_no_code_but_texts_are(shapes):
    file = shapes / "other.py"

    def key() -> str:
        return closure.code_hash([file], shapes)

    file.write_text('"""Old."""\nPROMPT = """\n# a heading\n\nend"""\n')
    before = key()
    file.write_text('"""New,\n\nlonger."""\n\n# why\nPROMPT = """\n# a heading\n\nend"""\n')
    assert key() == before
    file.write_text('"""Old."""\nPROMPT = """\n# another heading\n\nend"""\n')
    assert key() != before, "a line inside of a text is no comment"
    file.write_text('"""Old."""\nPROMPT = """\n# a heading\nend"""\n')
    assert key() != before, "nor is an empty line inside of one"


def test_a_package_that_is_not_there(shapes):
    with pytest.raises(In2xError, match="there is no package 'nowhere'"):
        closure.modules("nowhere")
