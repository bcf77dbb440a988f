"""What `in2x serve` is told at its start, for every interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from in2x.serve.access import Access
from in2x.serve.metrics import Workers


@dataclass(frozen=True, slots=True)
class Config:
    """The server's settings."""

    name: str = "in2x"
    """The model, as lists of models call it: no path and no address."""
    source_lang: str | None = None
    """Taken where a request names none and the text shows none."""
    target_lang: str | None = None
    """Taken where a request names none."""
    access: Access = field(default_factory=lambda: Access(()))
    """Who may call."""
    hosts: tuple[str, ...] = ()
    """Names beside those of this machine under which it may be asked."""
    origins: tuple[str, ...] = ()
    """Sites whose scripts may call."""
    largest: int = 1 << 20
    """Bytes of a body."""
    largest_file: int = 1 << 26
    """Bytes of a body with a document."""
    deadline: float = 300.0
    """Seconds that an answer may take."""
    data: Path | None = None
    """Folder of glossaries and documents; None keeps them as long as the server runs."""
    characters: int = 0
    """Characters that a client may have translated in a month; 0 for any number."""
    workers: Workers | None = None
    """The processes of this server, where there are several."""
