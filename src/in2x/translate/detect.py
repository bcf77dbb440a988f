"""The language of what is to be translated, where nobody names it.

Few words read as anything ("Hello." is Italian to a model of languages). There the script decides, among the languages
that the translator knows; where it leaves more than one, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from in2x.chat.profile import PromptProfile
from in2x.errors import UsageError
from in2x.language import canonical, language, packs
from in2x.language.script import WORD, letters_of

Side = Literal["from", "to", "lang"]
SAMPLE = 4000
"""Characters that are read (our choice)."""
FEW = 24
"""Letters from which a text is what it reads as, whatever the translator knows (our choice: of 300 everyday sentences
three are misread, and all are shorter)."""


def known_to(profiles: Iterable[PromptProfile | None]) -> list[str]:
    """Codes of the languages that all models know of those that say so; [] where none does."""
    told = [{canonical(code) for code in one.languages} for one in profiles if one is not None and one.languages]
    return sorted(set.intersection(*told)) if told else []


def sample_of(texts: Iterable[str]) -> str:
    """The first texts, as many as `detected` reads."""
    taken, size = [], 0
    for text in texts:
        taken.append(text)
        size += len(text)
        if size >= SAMPLE:
            break
    return "\n".join(taken)[:SAMPLE]


def detected(text: str, other: str | None = None, known: Sequence[str] = (), side: Side = "from") -> str:
    """Code of the language that `text` is in.

    Args:
        text: as `sample_of` gives it.
        other: the language of the other side of the translation, which it is not.
        known: languages that the translator knows; all that have a pack where that is not said.
        side: which option would name it.

    Raises:
        UsageError: it has no words, is in the language of the other side, or is too short to tell.
    """
    what = {"from": "text", "to": "translation", "lang": "text"}[side]
    letters = "".join(WORD.findall(text))
    if not letters:
        raise UsageError(f"the {what} has no words to tell its language by", mend=f"name it: --{side} LANG")
    other = other and canonical(other)
    others = [code for code in known or packs() if code != other]
    fitting = [code for code in others if _covers(code, letters)]
    if len(fitting) == 1 and len(letters) < FEW and not (other and _covers(other, letters)):
        return fitting[0]
    # Here, not above: what identifies languages takes most of a second to load.
    from in2x.language.identify import UNKNOWN, identify

    found = identify([text])[0]
    if found == other:
        raise UsageError(f"the {what} reads as {language(found).name}, and so does the other side",
                         mend=f"name its language if it is another: --{side} LANG")  # fmt: skip
    if len(fitting) == 1 and (found in (UNKNOWN, fitting[0]) or len(letters) < FEW):
        return fitting[0]
    own = [found] if found in others else [code for code in others if code.partition("-")[0] == found]  # zh-Hant alone
    if found != UNKNOWN and (len(letters) >= FEW or (known and own)):
        return next(iter(own), found)
    among = ", ".join(fitting or others)
    raise UsageError(f"the {what} is too short to tell its language", mend=f"name it: --{side} LANG ({among})")


def _covers(code: str, letters: str) -> bool:
    """Whether most of `letters` are of a script that the language is written in."""
    return any(2 * len(letters_of(script).findall(letters)) > len(letters) for script in language(code).scripts)
