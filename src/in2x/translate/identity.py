"""What a model's answers depend on beside the question: the model itself, its prompt, how it decodes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from in2x.chat.profile import PromptProfile

if TYPE_CHECKING:
    from in2x.translate.backend import Backend
    from in2x.translate.mbr import MbrBackend

PLACES, BLOCK = 64, 1 << 16
"""Places of a weight file that are read, and bytes at each: hashing all of a large model takes a minute, and two models
of one kind may be alike at both ends of their files."""


def identity(backend: Backend | MbrBackend, seed: int, beams: int | None = None) -> str:
    """One text that is another where the answers could be: a model's name or its files, its prompt, samples and seed.

    A server is known by the name of its model, not by its address: the same model elsewhere answers the same.
    """
    from in2x.translate.mbr import MbrBackend

    if isinstance(backend, MbrBackend):
        parts = [identity(one, seed, beams) for one in backend.translators]
        return json.dumps([backend.signature, backend.samples, backend.temperature, seed, *parts])
    model = getattr(backend, "asker", None)
    name = model.name if model is not None else fingerprint(getattr(backend, "folder", ""))
    profile = getattr(backend, "profile", None)
    prompt = asdict(profile) if isinstance(profile, PromptProfile) else None
    others = [fingerprint(other.name_or_path) for other in getattr(backend, "others", ())]
    whole = []
    if getattr(backend, "shortlists", None) == {}:
        from in2x.inference.shortlist import FILE  # imports torch, which a server's client does without

        whole = ["whole vocabulary"] if (Path(getattr(backend, "folder", "")) / FILE).is_file() else []
    return json.dumps([name, prompt, beams, others, *whole], sort_keys=True, default=str)


def fingerprint(folder: Path | str) -> str:
    """A hash of a model folder: its settings, and size and `PLACES` of each weight file; a hub name is itself."""
    path = Path(folder)
    if not path.is_dir():
        return str(folder)
    hashed = hashlib.blake2b(digest_size=12)
    for file in sorted(path.iterdir()):
        if file.suffix not in (".safetensors", ".json", ".bin", ".model"):
            continue
        size = file.stat().st_size
        hashed.update(f"{file.name} {size} ".encode())
        with file.open("rb") as stream:
            if size <= PLACES * BLOCK:
                hashed.update(stream.read())
                continue
            for place in range(PLACES):
                stream.seek(place * (size - BLOCK) // (PLACES - 1))
                hashed.update(stream.read(BLOCK))
    return hashed.hexdigest()
