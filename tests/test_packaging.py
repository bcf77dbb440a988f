"""The wheel and the source archive: built, installed into a fresh environment, and used there as `pipx` would."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from in2x import __version__

ROOT = Path(__file__).resolve().parents[1]
MAKE = "from setuptools import build_meta; print(build_meta.build_{}('dist'))"
pytestmark = pytest.mark.slow


def call(*command: object, cwd: Path | None = None, **more: str) -> str:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | more
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=900,
                          check=False)  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both archives, made from a copy: a build writes beside its sources."""
    folder = tmp_path_factory.mktemp("build")
    tracked = [name for name in call("git", "ls-files", "-z", cwd=ROOT).split("\0") if name]
    for name in tracked:
        target = folder / "src" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    for kind in ("sdist", "wheel"):
        call(sys.executable, "-c", MAKE.format(kind), cwd=folder / "src")
    dist = folder / "src" / "dist"
    return {"wheel": next(dist.glob("*.whl")), "sdist": next(dist.glob("*.tar.gz"))}


def test_they_hold_what_the_package_reads(built: dict[str, Path]) -> None:
    wanted = [str(f.relative_to(ROOT / "src")) for f in (ROOT / "src" / "in2x").rglob("*")
              if f.is_file() and "__pycache__" not in f.parts]  # fmt: skip
    inside = set(zipfile.ZipFile(built["wheel"]).namelist())
    assert [name for name in wanted if name not in inside] == []
    with tarfile.open(built["sdist"]) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert [name for name in wanted if f"src/{name}" not in packed] == []
    assert {"LICENSE", "README.md", "pyproject.toml"} <= packed


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_runs_in_a_fresh_environment(built: dict[str, Path], kind: str, tmp_path: Path) -> None:
    """What it depends on comes from this environment's folder, by a path file: a gigabyte less to fetch."""
    wheel = built["wheel"]
    if kind == "sdist":
        with tarfile.open(built["sdist"]) as archive:
            archive.extractall(tmp_path / "unpacked", filter="data")
        [source] = (tmp_path / "unpacked").iterdir()
        wheel = source / "dist" / call(sys.executable, "-c", MAKE.format("wheel"), cwd=source).split()[-1]
    call(sys.executable, "-m", "venv", tmp_path / "venv")
    python, command = (tmp_path / "venv" / "bin" / name for name in ("python", "in2x"))
    call(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel)
    place = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())
    (place / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    assert call(command, "--version", cwd=tmp_path) == f"in2x {__version__}\n"
    assert str(place) in call(python, "-c", "import in2x; print(in2x.__file__)", cwd=tmp_path)
    (tmp_path / "lines.txt").write_text("駅はどこですか。\n", encoding="utf-8")
    assert call(command, "language", "register", "lines.txt", cwd=tmp_path) == "polite\n"
    call(command, "sample", "files", "tryout", cwd=tmp_path)
    there = [line.split()[0] for line in call(command, "recipes", cwd=tmp_path).splitlines()]
    assert there == sorted(file.stem for file in (ROOT / "recipes").glob("*.yaml"))
    assert '"stage": "rl"' in call(command, "plan", "demo", "--json", cwd=tmp_path)
    assert '"items"' in call(command, "evaluate", "express", "--baseline", "copy", "--json", cwd=tmp_path)


def alone(wheel: Path, folder: Path) -> Path:
    """A copy of the wheel that needs nothing."""
    with zipfile.ZipFile(wheel) as given, zipfile.ZipFile(folder / wheel.name, "w") as copy:
        for one in given.infolist():
            raw = given.read(one)
            if one.filename.endswith("/METADATA"):
                raw = b"".join(line for line in raw.splitlines(True) if not line.startswith(b"Requires-Dist"))
            copy.writestr(one, raw)
    return folder / wheel.name


def test_pipx_installs_it(built: dict[str, Path], tmp_path: Path) -> None:
    """As the README says. What the package needs is borrowed again, and so is not in the list that pipx looks up."""
    call(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    if subprocess.run([python, "-m", "pip", "install", "-q", "pipx"], capture_output=True, timeout=300).returncode:
        pytest.skip("no package index can be reached")
    homes = {f"PIPX_{name}": str(tmp_path / name.lower()) for name in ("HOME", "BIN_DIR", "MAN_DIR")}
    call(python, "-m", "pipx", "install", alone(built["wheel"], tmp_path), "--python", sys.executable, **homes)
    [place] = (tmp_path / "home" / "venvs" / "in2x").glob("lib/python*/site-packages")
    (place / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    command = tmp_path / "bin_dir" / "in2x"
    assert call(command, "--version", cwd=tmp_path) == f"in2x {__version__}\n"
    assert "demo " in call(command, "recipes", cwd=tmp_path)
    assert call(command, "recipes", "demo", cwd=tmp_path) == (ROOT / "recipes" / "demo.yaml").read_text("utf-8")
    assert '"stage": "rl"' in call(command, "plan", "demo", "--json", cwd=tmp_path)


def test_what_it_needs_can_be_had(built: dict[str, Path], tmp_path: Path) -> None:
    """The pins of the package agree with each other and with what the index has, for somebody who has nothing yet."""
    asked = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(tmp_path), "packaging"]
    if subprocess.run(asked, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("no package index can be reached")
    call(sys.executable, "-m", "venv", tmp_path / "venv")
    call(tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "--dry-run", "-q", built["wheel"])
