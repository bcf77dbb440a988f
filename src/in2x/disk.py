"""A full disk in one sentence, whichever library met it: Python, Arrow, Daft, and those written in Rust or C++."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from in2x.errors import In2xError

_FULL = {errno.ENOSPC: "no space is left", errno.EDQUOT: "the quota is used up", errno.EFBIG: "a file may not grow"}


@contextmanager
def told_when_full(folder: Path) -> Iterator[None]:
    """Turn what is raised while `folder`'s disk is full into one sentence; what is finished stays for a resume.

    Raises:
        In2xError: the disk is full.
    """
    try:
        yield
    except In2xError:
        raise
    except Exception as error:
        # safetensors and tokenizers say it in words of their own, Daft's writer no more than that a channel is closed:
        # so on any error look whether the disk is full.
        what = _FULL.get(getattr(error, "errno", None) or 0) or _why_full(folder)
        if what is None:
            raise
        mend = "make room, and give the same command again: what is finished is kept"
        raise In2xError(f"the disk is full ({what})", file=folder, mend=mend) from None


def _why_full(folder: Path) -> str | None:
    """Why a megabyte cannot be written into `folder`; None where it can."""
    probe = folder / "probe.partial"
    try:
        probe.write_bytes(bytes(1 << 20))
    except OSError as error:
        return _FULL.get(error.errno or 0)
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return None
