"""The language of what is to be translated, where nobody names it.

Few words read as anything ("Hello." is Italian to a model of languages). There the script decides, among the languages
that the translator knows; where it leaves more than one, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from in2x.chat.profile import PromptProfile
from in2x.errors import UsageError
from in2x.language import canonical, language, packs
from in2x.language.identify import UNKNOWN, identify
from in2x.language.script import WORD, letters_of

SAMPLE = 4000
"""Characters that are read (our choice)."""
FEW = 60
"""Letters from which a text is what it reads as, whatever the translator knows (our choice)."""


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


def detected(text: str, target_lang: str | None = None, known: Sequence[str] = ()) -> str:
    """Code of the language that `text` is translated from.

    Args:
        text: as `sample_of` gives it.
        target_lang: the language wanted, which it is not.
        known: languages that the translator knows; all that have a pack where that is not said.

    Raises:
        UsageError: it has no words, is in the language wanted already, or is too short to tell.
    """
    letters = "".join(WORD.findall(text))
    if not letters:
        raise UsageError("there are no words to tell the language of the text by", mend="name it: --from LANG")
    found = identify([text])[0]
    target = target_lang and canonical(target_lang)
    if found == target:
        raise UsageError(f"the text reads as {language(found).name}, which is the language wanted",
                         mend="name its language if it is another: --from LANG")  # fmt: skip
    others = [code for code in known or packs() if code != target]
    fitting = [code for code in others if _covers(code, letters)]
    if len(fitting) == 1 and (found in (UNKNOWN, fitting[0]) or len(letters) < FEW):
        return fitting[0]
    kin = next((code for code in others if code.partition("-")[0] == found), found)  # zh-Hant, where zh is not known
    if found != UNKNOWN and (len(letters) >= FEW or (known and kin in others)):
        return kin if found not in others else found
    among = ", ".join(fitting or others)
    raise UsageError("the text is too short to tell its language", mend=f"name it: --from LANG ({among})")


def _covers(code: str, letters: str) -> bool:
    """Whether most of `letters` are of a script that the language is written in."""
    return any(2 * len(letters_of(script).findall(letters)) > len(letters) for script in language(code).scripts)
