"""Rules about the letters of an answer: broken encodings, characters that another writing alone has."""

from __future__ import annotations

import html
import re

from in2x.instructions.rules.draft import CODE
from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.talk import QUOTED
from in2x.language.characters import mojibake
from in2x.language.han import sides
from in2x.language.language import language
from in2x.language.script import HAN, make_up
from in2x.language.wording import search

_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{2,5}|#x[0-9a-f]{2,4});", re.IGNORECASE)
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|(?<=[^\s\\])\\n(?=[^\W\d_])|%[0-9A-F]{2}%[0-9A-F]{2}%[0-9A-F]{2}")
_HAN = re.compile(f"[{HAN}]")
_ASKED = re.compile(r"(?<![\w/.=&?-])[a-z]+\?[a-z]+(?![\w/.=&?-])")
_LOST = "\ufffd"


def encoding(view: View) -> Evidence | None:
    """Letters that a wrong decoding left ("cafÃ©"), and entities or escapes outside code that nobody speaks of."""
    for part, text in view.parts:
        if _LOST in text:
            return {"part": part, "found": text[max(0, text.index(_LOST) - 20) :][:40]}
        if (match := search("garbled", text)) and not search("about_code", view.prompt):
            return {"part": part, "found": match.group(0)[:40], "why": "decoded in the wrong encoding"}
        if len(lost := _ASKED.findall(text)) > 1 and not search("about_marks", view.prompt):
            return {"part": part, "found": lost[0], "why": "a question mark for a letter"}
        if mojibake(text)[1]:
            return {"part": part, "found": text[:60], "why": "decoded in the wrong encoding"}
    if view.given_text or search("about_marks", view.prompt):
        return None
    bare = CODE.sub(" ", view.answer)
    if (match := _ESCAPE.search(bare)) and match.group(0) not in view.prompt and not search("about_code", view.prompt):
        return {"part": "answer", "found": match.group(0)}
    for match in _ENTITY.finditer(bare):
        if html.unescape(match.group(0)) != match.group(0) and match.group(0) not in view.prompt:
            return {"part": "answer", "found": match.group(0)}
    return None


def writing(view: View) -> Evidence | None:
    """Characters that only the simplified writing has in an answer with kana, outside of quotations."""
    if language(view.item.lang).scripts[0] != "Jpan" or view.given_text or search("about_languages", view.prompt):
        return None
    bare = QUOTED.sub(" ", view.answer)
    if make_up(bare).kana == 0:
        return None
    found = [char for char in _HAN.findall(bare) if sides(char) == "s" and char not in view.prompt]
    return {"part": "answer", "found": "".join(found[:20])} if found else None
