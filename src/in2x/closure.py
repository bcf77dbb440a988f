"""Which sources a module runs: its import closure inside its own package, found from the code.

A stage's key is made from it (`run.py`), so that nobody keeps a list of what a stage depends on; the test of the floors
draws its arrows from the same reading. Nothing is imported and nothing is run: files are read as text.

What differs from asking Python: imports inside functions count (a stage may load what is heavy late); imports for type
checkers alone do not run and can be left out. A module that is loaded by its name counts where the name stands as a
text of its own, or where `import_module` is given the beginning of it ("in2x.language.address." + code takes the whole
folder).
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from in2x.errors import In2xError


@lru_cache(maxsize=8)
def _files(package: str) -> dict[str, Path]:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise In2xError(f"there is no package {package!r}", mend="install it or mend PYTHONPATH")
    root = Path(next(iter(found.submodule_search_locations)))
    files = {}
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        files[".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = file
    return files


def modules(package: str) -> dict[str, Path]:
    """Dotted name -> file of every module of an installed package; a package stands for its `__init__.py`.

    Raises:
        In2xError: there is no such package.
    """
    return dict(_files(package))


def imported(file: Path, known: dict[str, Path], *, types: bool = True) -> set[str]:
    """The modules among `known` that a file names in its imports, anywhere in it.

    Args:
        file: a Python source.
        known: as `modules` gives them.
        types: whether imports under `if TYPE_CHECKING:` count.
    """
    return set(_imported(*_state(file), tuple(known), types))


@lru_cache(maxsize=4096)
def _imported(file: Path, changed: int, size: int, names: tuple[str, ...], types: bool) -> frozenset[str]:
    known = frozenset(names)
    found: set[str] = set()
    for node in _nodes(_parse(file, changed, size), types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= parts & known
            if parts - known:  # something that the module itself defines
                found.add(node.module)
        elif isinstance(node, ast.Constant) and node.value in known:
            found.add(node.value)
        elif isinstance(node, ast.Call) and _name(node.func) == "import_module" and node.args:
            head, whole = _beginning(node.args[0])
            found |= {name for name in known if head and not whole and name.startswith(head)}
    return frozenset(found & known)


def closure(module: str, leave: Callable[[str], bool] = lambda name: False) -> set[str]:
    """`module`, the modules of its package that it imports, those that they import, and so on.

    A module runs the `__init__` of each package that it lies in (that of the whole package is left out: it says only
    which version this is). `leave` says what is left out, with what only that imports.
    """
    known = _files(module.partition(".")[0])
    found: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in found or name not in known or "." not in name or leave(name):
            continue
        found.add(name)
        todo += [name.rpartition(".")[0], *imported(known[name], known, types=False)]
    return found


def sources(names: set[str], leave: Callable[[Path], bool] = lambda path: False) -> list[Path]:
    """The files of the modules `names` and the data files that lie beside them, sorted.

    A package's data files are all that is no Python in its folder and in those below that are no packages.
    """
    files: set[Path] = set()
    for name in names:
        file = _files(name.partition(".")[0])[name]
        files.add(file)
        if file.name == "__init__.py":
            files |= set(_data(file.parent))
    return sorted(file for file in files if not leave(file))


def _data(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            yield from _data(path)
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            yield path


def code_hash(files: list[Path], root: Path) -> str:
    """SHA-256 (hex, 32 digits) over names (relative to `root`) and contents of `files`.

    Of Python only what runs counts: comments on lines of their own, docstrings and blank lines do not.
    """
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root)}\0".encode())
        digest.update(_running(*_state(file)).encode() if file.suffix == ".py" else file.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()[:32]


@lru_cache(maxsize=2048)
def _running(file: Path, changed: int, size: int) -> str:
    """A source without docstrings, blank lines and lines of comment; the lines inside of other strings all stay."""
    lines = file.read_text(encoding="utf-8").splitlines()
    kept: set[int] = set()
    dropped: set[int] = set()
    for node in ast.walk(_parse(file, changed, size)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            dropped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno:
            kept |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return "\n".join(
        line.rstrip()
        for number, line in enumerate(lines, 1)
        if number in kept - dropped or (number not in dropped and line.strip() and not line.lstrip().startswith("#"))
    )


def _state(file: Path) -> tuple[Path, int, int]:
    """A file as a key of a cache: it is read anew where it changed."""
    stat = file.stat()
    return file, stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=2048)
def _parse(file: Path, changed: int, size: int) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def _nodes(tree: ast.AST, types: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING" and not types:
            for other in node.orelse:
                yield other
                yield from _nodes(other, types)
            continue
        yield node
        yield from _nodes(node, types)


def _name(node: ast.AST) -> str:
    """The last part of a name: `import_module` for `importlib.import_module`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _beginning(node: ast.AST) -> tuple[str, bool]:
    """The text that an expression begins with, as far as it is written out, and whether that is all of it."""
    if isinstance(node, ast.Constant):
        return str(node.value), True
    if isinstance(node, ast.JoinedStr) and node.values:
        return _beginning(node.values[0])[0], len(node.values) == 1
    if isinstance(node, ast.BinOp):
        return _beginning(node.left)[0], False
    return "", False
