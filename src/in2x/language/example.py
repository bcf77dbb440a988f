"""The worked example of the project: English as hub, Japanese as the language to become expressive in, Chinese beside.

Defaults of recipes and commands come from here; no other place outside `language/` names a language.
"""

from __future__ import annotations

HUB = "en"
"""Also what is assumed where a text shows no language."""
TARGET = "ja"
OTHERS = ("zh",)
