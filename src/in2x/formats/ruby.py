"""What small characters above others say: a reading, or something that the base does not say.

A reading (東京 above とうきょう) is dropped, for the base says it. A word read otherwise than the dictionary has it
(宇宙 as そら), or another word altogether (友 as ライバル), is part of what the author says, and is passed to the
translator in brackets behind its base. What is read how is asked of the grammar of the language; without one, ruby is
taken as a reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from in2x.language.grammar import grammar

Use = Literal["reading", "context", "double"]
"""What ruby is: a reading, a reading by context, a second meaning."""


def use(base: str, ruby: str, lang: str, after: str = "") -> Use:
    """What `ruby` above `base` is; `after` is what follows in the text."""
    if not any(letter.isalpha() for letter in ruby):
        return "reading"  # dots for emphasis
    known = grammar(lang.partition("-")[0].lower()) if lang else None
    return "reading" if known is None else known.ruby_use(base, ruby, after)


def spoken(pairs: Sequence[tuple[str, str]], lang: str, after: str = "") -> tuple[str, list[tuple[str, str]]]:
    """The text of a ruby element, and the readings that were dropped from it as (base, ruby).

    Args:
        pairs: base and ruby in their order; neighbours that both have ruby are one word (東 とう, 京 きょう), and ruby
            without a base belongs to the base before it.
        lang: language of the text.
        after: what follows the element.
    """
    words: list[tuple[str, list[str], bool]] = []  # base, its rubies, whether more of the word may follow
    for base, ruby in pairs:
        if not base and words:
            words[-1][1].append(ruby)
        elif words and ruby and words[-1][2] and len(words[-1][1]) == 1:
            before, rubies, _ = words[-1]
            words[-1] = (before + base, [rubies[0] + ruby], True)
        else:
            words.append((base, [ruby] if ruby else [], bool(ruby)))
    text, dropped = "", []
    for number, (base, rubies, _) in enumerate(words):
        rest = "".join(word for word, _, _ in words[number + 1 :]) + after
        text += base
        if len(rubies) > 1 and use(base, "".join(rubies), lang, rest) == "reading":
            rubies = ["".join(rubies)]  # a piece for each character of the base
        for ruby in rubies:
            if use(base, ruby, lang, rest) == "reading":
                dropped.append((base, ruby))
            else:
                text += f"（{ruby}）"
    return text, dropped
