"""Rules about form: emptiness, length, language, repetition, copying."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from in2x.instructions.rules.loops import ends_twice, loops
from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.talk import QUOTED
from in2x.instructions.weight import weight
from in2x.language.codes import language_names
from in2x.language.example import HUB
from in2x.language.identify import language_of
from in2x.language.misfit import LOOKED_AT, misfit
from in2x.language.script import HAN, KATAKANA, letter_counts, make_up
from in2x.language.wording import any_of, search
from in2x.language.words import prose
from in2x.language.written import foreign


def empty(view: View) -> Evidence | None:
    """No user turn, or an answer that is there but blank."""
    if not view.prompt.strip():
        return {"part": "prompt"}
    if view.item.answer is not None and not view.item.answer.strip():
        return {"part": "answer"}
    return None


def length(view: View) -> Evidence | None:
    """Longer than the bounds, or a translation many times longer or shorter than its source."""
    for (part, text), bound in zip(view.parts, (view.config.max_prompt, view.config.max_answer), strict=True):
        if len(text) > bound:
            return {"part": part, "characters": len(text), "bound": bound}
    if view.item.task == "translate" and view.source and view.answer:
        source, target = weight(view.source), weight(view.answer)
        ratio = max(source, target) / max(1.0, min(source, target))
        # Short texts vary wildly ("Yes." may well become a clause), so only what is long on one side counts.
        if max(source, target) >= 40 and ratio > view.config.max_ratio:
            return {"part": "answer", "ratio": round(ratio, 1), "bound": view.config.max_ratio}
    return None


def language(view: View) -> Evidence | None:
    """The answer is not in the language it should be in (without an answer: the prompt, unless it carries a text).

    A prompt that speaks of translating may well be answered in another language, and one paragraph in its own language
    is enough for a prompt: the others may be material.
    """
    if view.answer:
        if view.item.task != "translate" and search("translation", view.prompt):
            return None
        if (
            search("verse", view.prompt)
            and len(set(re.findall(r"\w+", view.answer.lower()))) < 8
            and view.answer.isascii()
        ):
            return None  # "Na na na, hey hey hey": a few words over and over tell no language
        if _asked_for(view.prompt, view.answer) or search("signs_alone", view.prompt):
            return None
        # what is quoted in an answer about languages is its subject
        text = QUOTED.sub(" ", view.answer) if search("about_languages", view.prompt) else view.answer
        why = misfit(text, view.item.lang) or _switched(view)
        return {"part": "answer", "why": why, "wanted": view.item.lang} if why else None
    if view.given_text or search("translation", view.prompt):
        return None
    why = misfit(view.prompt, view.item.lang)
    if why is None:
        return None
    paragraphs = [p for p in view.prompt.splitlines() if sum(letter_counts(p)) >= 6]
    if len(paragraphs) > 1 and any(misfit(p, view.item.lang) is None for p in paragraphs):
        return None
    return {"part": "prompt", "why": why, "wanted": view.item.lang}


def _asked_for(prompt: str, answer: str) -> bool:
    """Whether a prompt asks for several languages, for old writing in Han characters alone that the answer holds, or
    names the language that the answer is in."""
    if search("several", prompt):
        return True
    told = make_up(answer)
    if search("classical", prompt) and told.han > 0.9 * told.letters:
        return True
    if not search("about_languages", prompt):
        return False
    spoken = [code for name, code in language_names() if name in prompt.lower()]
    return any(misfit(answer, code) is None for code in spoken)


def _switched(view: View) -> str | None:
    """Why an answer leaves its language midway: a stretch of prose in another one, where the prompt speaks of no
    languages and no verse is asked for (a song may change its language)."""
    if view.given_text or any(search(name, view.prompt) for name in ("about_languages", "verse")):
        return None
    text = prose(view.answer)[:LOOKED_AT]
    for start, end in foreign(text, view.item.lang):
        stretch = text[start:end]
        if weight(stretch) >= STRAY and not (_latin(view.answer) and _latin(stretch) and language_of(stretch) != HUB):
            return f"it goes on in another language ({stretch[:40]!r})"
    return None


def _latin(text: str) -> bool:
    """Whether most letters are Latin: within one alphabet writers quote, and models slip into the hub alone."""
    latin, _, other = letter_counts(text)
    return latin > other


STRAY = 50
"""Latin letters (others weigh more) from which a stretch in another language is no quotation any more (our choice)."""
_LOOP = re.compile(r"(.{2,40}?)\1{4,}", re.DOTALL)
_LONG_LOOP = re.compile(r"(.{41,160}?)\1{2,}", re.DOTALL)
_RUN = re.compile(r"([^\W_])\1{11,}")


def repetition(view: View) -> Evidence | None:
    """A phrase of letters said five times and more in a row, one letter twelve times, or one sentence five times.

    Sounds (of a train, of laughter) may be repeated inside a text, but not make it up.
    """
    for part, text in view.parts:
        head = text[:2000]
        may = loops(head)
        # A long drawn-out letter or a noise inside a text is its writer's, not a machine's.
        if may.run and (match := _RUN.search(head)) and len(match.group(0)) > max(0.5 * len(text), 11):
            return {"part": part, "found": match.group(0)[:40]}
        if may.long and (match := _LONG_LOOP.search(head)):
            return {"part": part, "found": match.group(1)[:60], "times": len(match.group(0)) // len(match.group(1))}
        if part == "answer" and not search("verse", view.prompt) and (found := _cut_in_loop(text)):
            return {"part": part, "found": found[:60], "why": "it ends inside a loop"}
        for match in _LOOP.finditer(head) if may.short else ():
            unit = match.group(1)
            said = re.findall(r"\w+", match.group(0))[1:-1]  # the first and the last may be cut
            if not said and len(unit) <= 3 and unit.isascii() and len(text) - len(match.group(0)) >= 12:
                continue  # laughter written as one word
            chant = all(map(any_of("chant", r"\A(?:{})+\Z").match, said))
            if said and chant and len(text) - len(match.group(0)) >= 12:
                continue  # the sound of a train, laughter, a refrain, in a text
            if len(set(map(str.lower, said))) == 1 and len(said) <= 8 and len(text) - len(match.group(0)) >= 40:
                continue  # one word some times over: a call, a knock
            # Lines of a table, dots and laughter repeat too: the unit must be words, or long in all.
            if any(c.isalpha() for c in unit) and len(match.group(0)) >= 20:
                return {"part": part, "found": unit[:40], "times": len(match.group(0)) // len(unit)}
        if len(text) > 120:
            sentences = [s.strip() for s in re.split(r"[\n.!?。！？]", text)]
            counts: dict[str, int] = {}
            for sentence in sentences:
                if len(sentence) >= 8:
                    counts[sentence] = counts.get(sentence, 0) + 1
            often = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
            if often[1] >= 5 and often[1] * len(often[0]) > 0.4 * len(text):
                return {"part": part, "found": often[0][:40], "times": often[1]}
    lines = [line for line in view.answer.splitlines() if line.strip()]
    items = [_BULLET.sub("", line).strip() for line in lines]
    if len(items) >= 4 and items != lines and max(map(items.count, items)) > 0.6 * len(items):
        return {"part": "answer", "found": max(items, key=items.count)[:40], "times": max(map(items.count, items))}
    if found := _listed_again(view.answer.strip()):
        return {"part": "answer", "found": found[:40], "why": "a list goes round"}
    if not view.given_text and not search("verse", view.prompt) and (found := _doubled(view.answer[:20_000])):
        return {"part": "answer", "found": found[:60], "times": 2}
    return None


def _cut_in_loop(text: str) -> str | None:
    """The phrase that a text says over and over until it breaks off in the middle of it: no refrain ends so."""
    tail = text.rstrip()[-LONGEST_LOOP:]
    if not tail or (not tail[-1].isalnum() and tail[-1] not in ",，、") or not ends_twice(tail, 6):
        return None
    for size in range(6, len(tail) // 3):
        unit = tail[-size:]
        if tail.endswith(unit * 2) and weight(unit) >= CUT_LOOP / 4:
            times, rest = 0, tail
            while rest.endswith(unit):
                times, rest = times + 1, rest[: -len(unit)]
            if times >= 3 and times * weight(unit) >= CUT_LOOP and "\n" not in unit:
                return unit
    return None


def _listed_again(text: str) -> str | None:
    """An entry of a list in one line that names the same few over and over."""
    if len(text) > LONGEST_LOOP or re.search(r"[\n.!?。！？][^\n]", text):
        return None
    names = [name.strip().lower() for name in re.split(r"[,，、]", text)][:-1]
    few = set(names)
    return names[0] if len(names) >= 8 and 3 <= len(few) <= len(names) // 2 and weight(text) < 16 * len(names) else None


LONGEST_LOOP, CUT_LOOP = 600, 80
"""Characters at the end of a text that are searched, and Latin letters (others weigh more) of a loop that breaks off
(our choice)."""
_SENTENCES = re.compile(r"[^.!?。！？\n]+[.!?。！？]*[)）」』”\"']*")
_BULLET = re.compile(r"\A\s*(?:[-*+•・]|\d{1,3}[.)、．])\s*")
_PROSE_ENDS = '.!?。！？」”"'
LONGEST_CYCLE = 12
"""Sentences of a passage that is looked for right behind itself."""
DOUBLED = 60
"""Latin letters (others weigh more) of prose that nobody says twice by chance (our choice)."""


def _doubled(text: str) -> str | None:
    """Prose that is said twice: a paragraph anywhere, sentences right after themselves. Verse has no full stops."""
    seen = set()
    for paragraph in re.split(r"\n\s*", text):
        line = paragraph.strip()
        if line and line[-1] in _PROSE_ENDS and weight(line) >= DOUBLED and not line.startswith("|"):
            if line in seen:
                return line
            seen.add(line)
    sentences = [match.group(0).strip() for match in _SENTENCES.finditer(text)]
    if len(set(sentences)) == len(sentences):
        return None
    for size in range(1, min(len(sentences) // 2, LONGEST_CYCLE) + 1):
        for at in range(len(sentences) - 2 * size + 1):
            if sentences[at : at + size] == sentences[at + size : at + 2 * size]:
                times = 2
                while sentences[at : at + size] == sentences[at + times * size : at + (times + 1) * size]:
                    times += 1
                block = " ".join(sentences[at : at + size])
                said = weight(block)
                if said >= DOUBLED / 3 and said * (times - 1) >= DOUBLED and block[-1] in _PROSE_ENDS:
                    return block
    return None


def copy(view: View) -> Evidence | None:
    """The answer gives the prompt, or the text to be worked on, back unchanged."""
    answer = view.answer.strip()
    if weight(answer) < 12:
        return None
    if answer == view.prompt.strip():
        return {"copied": "prompt"}
    if not view.given_text and _says_again(answer, view.prompt.strip()):
        return {"copied": "prompt, nearly"}
    if not view.given_text and _says_nothing_new(answer, view.prompt):
        return {"copied": "nothing but words of the prompt"}
    # Names and titles stay as they are in a translation, whole sentences do not.
    if view.source is not None and len(answer) >= 24 and answer == view.source.strip():
        return {"copied": "source"}
    return None


_MATERIAL = re.compile(r"[\n:：\"“「『]")


_MEANING = re.compile(f"[{HAN}{KATAKANA}]|[^\\W\\d_]{{4,}}")


def _says_nothing_new(answer: str, prompt: str) -> bool:
    """Whether a sentence holds no word that is not in the prompt, which orders and asks no question ("The hands of a
    carpenter are a carpenter's hands."), hiragana and small words aside."""
    if _MATERIAL.search(prompt) or re.search("[?？]", prompt) or "\n" in answer:
        return False
    if weight(answer) < 40 or weight(prompt) > 2.5 * weight(answer):
        return False
    said = [word.lower() for word in _MEANING.findall(answer)]
    known = {word.lower() for word in _MEANING.findall(prompt)}
    fresh = [word for word in said if word not in known and word[:-1] not in known and f"{word}s" not in known]
    return len(said) >= 6 and len(fresh) <= len(said) // 12


def _says_again(answer: str, prompt: str) -> bool:
    """Whether an answer of one line is the prompt in nearly the same words: it begins alike and is about as long, or is
    a piece of it. Not where the prompt brings a text of its own."""
    first, second = (re.sub(r"\W+", "", text.lower()) for text in (answer, prompt))
    if _MATERIAL.search(prompt) or "\n" in answer or weight(second) < 20:
        return False
    if first in second:
        return len(first) > 0.6 * len(second)
    if first.startswith(second) and answer[len(prompt.rstrip(" .。!！")) :].lstrip()[:1] in tuple(".。,，、!！"):
        return True  # the order goes on: "... The story should be engaging"
    if second in first:
        rest = first.replace(second, "", 1)
        return len(first) < 1.6 * len(second) or _alike(rest, second)
    head = second[: int(0.6 * len(second))]
    if len(first) > 1.6 * len(second) or len(second) > 500:
        return False
    return first.startswith(head) or _alike(first, second)


def _alike(first: str, second: str) -> bool:
    """Whether the ratio of `difflib` is above .85; asked last, for the longest common subsequence, which is never
    shorter than the blocks that `difflib` counts, is found a hundred times faster."""
    enough = 0.85 * (len(first) + len(second)) / 2
    if min(len(first), len(second)) <= enough or _subsequence(first, second) <= enough:
        return False
    return SequenceMatcher(None, first, second, autojunk=False).ratio() > 0.85


def _subsequence(first: str, second: str) -> int:
    """Length of the longest common subsequence, by bits (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, char in enumerate(first):
        places[char] = places.get(char, 0) | 1 << place
    all_set = (1 << len(first)) - 1
    row = all_set
    for char in second:
        both = row & places.get(char, 0)
        row = ((row + both) | (row - both)) & all_set
    return len(first) - row.bit_count()
