"""What the project knows about languages: packs behind one contract, script, register, names, numbers. Pure, fast."""

from in2x.language.codes import canonical
from in2x.language.language import Language, Span, language
from in2x.language.pack import packs

__all__ = ["Language", "Span", "canonical", "language", "packs"]
