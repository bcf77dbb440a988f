"""In2x: from raw text to an expressive translator (after the system paper arXiv 2508.14472)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from in2x.translate.translator import Translator as Translator

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`in2x.Translator`, loaded when it is first asked for: torch takes seconds to import."""
    if name == "Translator":
        from in2x.translate.translator import Translator

        return Translator
    raise AttributeError(f"module 'in2x' has no attribute {name!r}")
