"""An artifact: one directory with a manifest, written beside and renamed when whole.

    runs/demo/
      corpus/                 a finished artifact
        manifest.json         stage, key, config, inputs, versions, seed, figures, wall time, command
        ...                   whatever the stage lays down
      .partial/sft/           a stage at work, or one that was killed
        .key                  what it was started for: resumed only if that is unchanged

A reader trusts the manifest, never a file name pattern.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.errors import In2xError

MANIFEST = "manifest.json"


def write_text(path: Path, text: str) -> None:
    """Write `text` beside `path`, then rename: a reader sees the old file or the new one, never half of one."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON (UTF-8, keys in given order), beside and renamed."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


def hash_files(files: Iterable[Path], root: Path | None = None) -> str:
    """SHA-256 (hex, 32 digits) over names (relative to `root`) and contents of `files`, in sorted order."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file.relative_to(root) if root else file.name).encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        digest.update(b"\0")
    return digest.hexdigest()[:32]


def hash_values(values: Any) -> str:
    """SHA-256 (hex, 32 digits) over plain JSON values, in which the order of keys says nothing."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Artifact:
    """A finished artifact, read through its manifest."""

    path: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> Artifact:
        """Open the artifact at `path`. Raises In2xError where there is none or its manifest cannot be read."""
        file = path / MANIFEST
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise In2xError("no finished artifact here", file=path, mend="run the stage that writes it") from None
        except json.JSONDecodeError as error:
            raise In2xError(
                "the manifest is not JSON", file=file, line=error.lineno, mend="delete the folder and run the stage"
            ) from None
        return cls(path, manifest)

    @property
    def key(self) -> str:
        """The hash of config, code and inputs that this artifact was made from."""
        return str(self.manifest["key"])

    @property
    def figures(self) -> Mapping[str, Any]:
        """Counts and measures that the stage recorded."""
        figures: Mapping[str, Any] = self.manifest.get("figures", {})
        return figures


def borrow(source: Path, partial: Path, final: Path) -> Artifact:
    """The finished artifact at `source` as `final` too: hard links where the disk allows, since nobody writes into one.

    Raises In2xError where there is none.
    """

    Artifact.open(source)
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, copy_function=_link, symlinks=True)
    partial.rename(final)
    return Artifact.open(final)


def take_up(final: Path, partial: Path) -> None:
    """Lay the files of the finished artifact at `final`, which stays, down as work that goes on in `partial`."""

    def lay(file: str, copy: str) -> None:
        # The others may be written on.
        (_link if file.endswith((".safetensors", ".parquet", ".npy", ".npz")) else shutil.copy2)(file, copy)

    beside = partial.with_name(partial.name + ".taking")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(final, beside, copy_function=lay, symlinks=True)
    (beside / MANIFEST).unlink()
    write_text(beside / ".key", str(Artifact.open(final).key))
    beside.rename(partial)


def _link(file: str, copy: str) -> None:
    try:
        os.link(file, copy)
    except OSError:
        shutil.copy2(file, copy)


def begin(partial: Path, key: str, *, keep: bool = False) -> bool:
    """Prepare the directory a stage works in. Returns True where it goes on from work that is there.

    Work that was started for another key is set aside as `aside(partial)` until the stage is finished.

    Args:
        partial: the directory.
        key: what the stage is started for.
        keep: go on from what is there, or was set aside, whatever it was started for.
    """
    mark, old = partial / ".key", aside(partial)
    if keep and old.exists():
        shutil.rmtree(partial, ignore_errors=True)
        old.rename(partial)
    if partial.exists():
        if mark.exists() and (keep or mark.read_text(encoding="utf-8") == key):
            write_text(mark, key)
            return True
        shutil.rmtree(old, ignore_errors=True)
        partial.rename(old)
    partial.mkdir(parents=True)
    write_text(mark, key)
    return False


def aside(partial: Path) -> Path:
    """Where `begin` lays work for another key."""
    return partial.with_name(partial.name + ".aside")


def finish(partial: Path, final: Path, manifest: Mapping[str, Any]) -> Artifact:
    """Drop the scratch files, write the manifest and rename `partial` to `final` (replacing an older artifact)."""
    shutil.rmtree(partial / "work", ignore_errors=True)
    shutil.rmtree(aside(partial), ignore_errors=True)
    (partial / ".key").unlink(missing_ok=True)
    write_json(partial / MANIFEST, manifest)
    if final.exists():
        old = partial.with_name(partial.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
        partial.rename(final)
        shutil.rmtree(old)
    else:
        final.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(final)
    return Artifact.open(final)
