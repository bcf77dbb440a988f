"""The rule about demands of a prompt that code can count: words that are forbidden, how many lines or
pieces, a metre, letters."""

from __future__ import annotations

import re

from in2x.instructions.rules.demands import demanded
from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.talk import QUOTED
from in2x.instructions.weight import weight
from in2x.language.han import sides
from in2x.language.numbers import parse_numeral
from in2x.language.script import HAN, HIRAGANA, KATAKANA
from in2x.language.wording import patterns, search

_ITEM = re.compile(r"^\s*(?:[-*+•・▪]|\d{1,2}[.)、．])\s*\S", re.MULTILINE)
_SENTENCES = re.compile(r"[^.!?。！？\n]+[.!?。！？]+")
_ONLY = {"only_hiragana": re.compile(f"[{HAN}]|(?!ー)[{KATAKANA}]"),
         "only_katakana": re.compile(f"[{HAN}{HIRAGANA}]")}  # fmt: skip
"""Wordings that ask for one script -> a letter of another."""
_VERSE = re.compile(rf"[{HAN}]+")
SLACK = 1.25
"""How far a count of characters or words may be off before it counts (people say "about" and count otherwise)."""


def disobeyed(view: View) -> Evidence | None:
    """The answer holds a word that the prompt forbids, is plainly longer than it may be, or has another metre."""
    answer = view.answer.strip()
    if view.given_text or not answer or len(answer) > 4000:
        return None
    for pattern in patterns("forbids", within=view.prompt):
        for match in pattern.finditer(view.prompt):
            if (word := match["word"].strip()) and _holds(answer, word):
                return {"why": "a forbidden word", "found": word}
    for name in ("requires", "begins", "ends") if weight(view.prompt) < TOLD else ():
        for pattern in patterns(name, within=view.prompt):
            for match in pattern.finditer(view.prompt):
                if _lacks(answer, match["word"].strip(), name):
                    return {"why": f"{name}: a word is not there", "wanted": match["word"]}
    for name, letters in _ONLY.items():
        asked = any(pattern.search(view.prompt) for pattern in patterns(name, within=view.prompt))
        if asked and (stray := letters.search(answer)):
            return {"why": "another script than asked for", "found": stray.group(0)}
    if fault := _sizes(answer, view.prompt) or _letters(answer, view.prompt):
        return fault
    bound = () if search("further_order", view.prompt) else demanded("at_most", view.prompt)
    for most, unit in bound:
        count = _count(answer, unit)
        if count is not None and most > 0 and count > most * (SLACK if unit in ("character", "word") else 1):
            return {"why": "longer than asked for", "wanted": f"{most} {unit}", "found": count}
    for least, unit in demanded("at_least", view.prompt):
        count = _count(answer, unit)
        if count is not None and count * (SLACK if unit in ("character", "word") else 1) < least:
            return {"why": "shorter than asked for", "wanted": f"{least} {unit}", "found": count}
    for pattern in patterns("metre", within=view.prompt):
        if metre := pattern.search(view.prompt):
            wanted = int(parse_numeral(metre["number"]) or 0)
            lines = _VERSE.findall(answer)
            if wanted and 2 * sum(len(line) == wanted for line in lines) < len(lines):
                return {"why": "another metre", "wanted": wanted, "found": [len(line) for line in lines[:8]]}
    return None


_TITLE = re.compile(r"\A\s*(?:#+ |\*\*|[《『「【“\"<])?[^\n。.!?！？:：]{1,40}\n\s*\n")
_BLANK = re.compile(r"\n[ \t\u3000]*\n")
_SIGNED = re.compile(r"\A\s*(?:[-—–―~〜]|[（(]|\W*\Z)")
_VERSES = {"verse_2": (2,), "verse_3": (3,), "verse_4": (4,), "verse_5": (5,), "verse_14": (14,)}
"""Wordings that name a form of verse -> how many lines it has; one line may hold it all."""
TOLD = 600
"""Latin letters (others weigh more) of a prompt from which what it quotes may be of a text it brings."""
FEW = 12
"""Up to so many words a count that the prompt gives is meant as it stands (our choice)."""


def _sizes(answer: str, prompt: str) -> Evidence | None:
    """The answer has not the number of lines, stanzas or few words that was asked for, or more than the one piece."""
    body = answer[match.end() :].strip() if (match := _TITLE.match(answer)) and len(answer) > match.end() else answer
    lines = [line for line in body.splitlines() if line.strip()]
    noted = any(search(name, prompt) for name in ("about_notes", "further_order"))
    for number, unit in demanded("sized", prompt):
        count = _count(body, unit)
        if unit == "line" and len(lines) == 1:  # lines may be parted by strokes, or mean sentences
            count = len(re.findall("[/／]", body)) + 1 if re.search("[/／]", body) else None
        if count is None or not number or (noted and count > number):
            continue
        few = unit == "word" and number <= FEW and abs(count - number) > 1
        if few or (unit in ("line", "paragraph") and count != number):
            return {"why": f"another number of {unit}s", "wanted": number, "found": count}
    if not QUOTED.search(answer) and not search("open_end", prompt):  # talk has sentences of its own
        for number, unit in demanded("sentences", prompt):
            count = _count(answer, "sentence")
            counts = {count, len(lines), len(re.findall("[^，。！？\n]+[，。！？\n]?", answer))}
            if count is not None and 1 < number <= FEW and number not in counts and not noted:
                return {"why": f"another number of {unit}s", "wanted": number, "found": count}
    for number, unit in demanded("exactly", prompt):
        count = _count(answer, unit)
        if count is not None and unit in ("word", "character") and 0 < number <= FEW and count != number and not noted:
            return {"why": f"another number of {unit}s", "wanted": number, "found": count}
    if noted or search("more_than_one", prompt):
        return None
    for name, sizes in _VERSES.items():
        if search(name, prompt) and len(lines) not in (1, *sizes):
            return {"why": "another number of lines", "wanted": sizes[0], "found": len(lines)}
    parts = [part for part in _BLANK.split(answer) if part.strip() and not _SIGNED.match(part)]
    if len(parts) > 1 and search("one_piece", prompt):
        return {"why": "more than the one piece that was asked for", "found": parts[-1].strip()[:60]}
    return None


def _letters(answer: str, prompt: str) -> Evidence | None:
    """A word that does not begin as all should, capitals where there should be none, the other writing of Han."""
    for pattern in patterns("initial", within=prompt):
        for match in pattern.finditer(prompt):
            letter = match["word"].lower()
            if stray := [word for word in re.findall(r"[^\W\d_]+", answer.lower()) if not word.startswith(letter)]:
                return {"why": "a word begins otherwise", "found": stray[0]}
    upper, lower = (sum(map(test, answer)) for test in (str.isupper, str.islower))
    if (search("lower_case", prompt) and upper > 0) or (search("upper_case", prompt) and lower > upper):
        return {"why": "the other case", "found": answer[:40]}
    for name, other in (("simplified", "t"), ("traditional", "s")):
        if search(name, prompt):
            told = [char for char in re.findall(f"[{HAN}]", answer) if sides(char) == other]
            if len(told) > 2:
                return {"why": "the other writing of Han", "found": "".join(told[:12])}
    return None


def _holds(text: str, word: str) -> bool:
    lower, wanted = text.lower(), word.lower()
    if wanted.isascii() and len(wanted) > 1:
        return re.search(rf"\b{re.escape(wanted)}\b", lower) is not None
    return wanted in lower


def _lacks(answer: str, word: str, name: str) -> bool:
    """Whether a wanted word is missing: in any form (its end may bend), at the beginning or end of any part."""
    stem = _bare(word)
    stem = stem if name != "requires" or len(stem) < 2 else stem[: max(1, len(stem) - (1 if not stem.isascii() else 2))]
    if not stem:
        return False
    if name == "requires":
        return stem not in _bare(answer)
    parts = [part.splitlines() for part in re.split(r"\n\s*\n", answer) if _bare(part)]
    if name == "begins":  # a title may stand before the first line
        return not any(_bare(part[0]).startswith(stem) for part in parts[: 2 if len(parts[0]) == 1 else 1])
    return not any(_bare(part[-1]).endswith(stem) for part in parts[-2:])


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def _count(answer: str, unit: str) -> int | None:
    """How many of a unit an answer has; None where it does not show (items without bullets)."""
    if unit == "character":
        return len(re.sub(r"\W", "", answer))
    if unit == "word":
        return len(re.findall(r"\w+(?:['’-]\w+)*", answer)) if weight(answer) and answer.isascii() else None
    lines = [line for line in answer.splitlines() if line.strip()]
    if unit == "line":
        return len(lines)
    if unit == "paragraph":
        return len([p for p in re.split(r"\n\s*\n", answer) if p.strip()])
    if unit == "item":
        return len(_ITEM.findall(answer)) or None
    return len(_SENTENCES.findall(answer)) or None
