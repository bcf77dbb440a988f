"""Rules about what a draft leaves behind: an end that is missing, gaps to be filled in, links that nobody gave."""

from __future__ import annotations

import re

from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.weight import weight
from in2x.language.script import make_up
from in2x.language.wording import any_of, search

CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.S)
_STOP = re.compile(r"[.!?…。！？．؟।⋯～〜♪♡♥☆★]|[―—]{2}|――|——")
_SENTENCE_END = re.compile(r"[.!?。！？]+[)）」』”\"'’]*(?=\s|\Z|[^\x00-\x7f])|[。！？]")
_ITEM = re.compile(r"\A\s*(?:[-*+•・▪‣◦]|\d{1,2}[.)、．:：]|[#|>]|[（(]?[一二三四五六七八九十]\s*[、.）)])")
_PAIRS = {"「": "」", "『": "』", "“": "”", "（": "）", "《": "》", "【": "】", "(": ")"}


def cut(view: View) -> Evidence | None:
    """The answer stops inside a sentence of prose.

    Verse, titles and lists end without a mark, and so may talk: it counts where the same line holds whole sentences, or
    all lines before it end in one, and the last word cannot end a sentence (`unfinished`), a quotation is still open,
    or no other sentence lacks its mark.
    """
    text = view.answer.rstrip()
    if view.given_text or not text or search("open_end", view.prompt):
        return None
    if text.count("```") % 2:
        return {"found": text[-60:], "why": "a block of code is open"}
    if _ITEM.fullmatch(text.splitlines()[-1]):
        return {"found": text[-60:], "why": "an item of the list is empty"}
    if text[-1] in ",，、" and len(text.splitlines()) > 1 and not search("letters", view.prompt):
        return {"found": text[-60:], "why": "no line ends so"}
    if text.count("**") % 2 or _unclosed(text):
        return {"found": text[-60:], "why": "a mark is open"}
    if _short_line(text):
        return {"found": text[-60:], "why": "the last line of the verse is short"}
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1]
    if (match := _ITEM.match(last)) and len(lines) > 2 and any_of("unfinished").match(last[match.end() :].strip()):
        return {"found": text[-60:], "why": "no item ends so"}
    tail = _tail(last)
    if not tail or not (tail[-1].isalnum() or tail[-1] in "、，,：:；;「『“（(《【\"'–-"):
        return None
    if tail.startswith(("#", "—", "–", "―", "@", "http")) or weight(tail) < 5:
        return None
    before = last[: len(last) - len(tail)]
    inside = len(_SENTENCE_END.findall(before))
    above = [line for line in lines[:-1] if weight(line) >= 20]
    whole = sum(bool(_STOP.search(line[-3:])) for line in above)
    ended = inside + sum(len(_SENTENCE_END.findall(line)) for line in above)
    prose = inside > 0 or (whole > 0 and whole == len(above) and weight(tail) >= 24)
    no_end = any_of("unfinished").search(tail) is not None or _open(text)
    verse = search("verse", view.prompt) is not None
    # a message or a jotting may leave out its last mark, and its capitals
    casual = any_of("ends_well").search(tail) is not None or text[0].islower()
    items = [line for line in lines[:-1] if _ITEM.match(line)]
    if _ITEM.match(last) and len(items) > 1 and last[0] not in "-*+•・" and all(_STOP.search(i[-2:]) for i in items):
        return {"found": tail[-60:], "why": "the last item alone has no end"}
    if _ITEM.match(last) and len(lines) > 2 and (no_end or any_of("unfinished_item").search(tail)):
        return {"found": tail[-60:], "why": "no item ends so"}
    if prose and no_end and not (verse and not inside):
        return {"found": tail[-60:], "why": "no sentence ends so"}
    bare = inside and not casual and not verse and whole == len(above) and not _ITEM.match(last)
    if bare and weight(tail) >= (16 if ended >= 2 else LONG_TAIL):
        return {"found": tail[-60:], "why": "the last sentence alone has no end"}
    apart = not inside and above and whole == len(above) and not verse and not casual and not _ITEM.match(last)
    if apart and weight(tail) >= LONG_TAIL and "\n\n" in text:
        return {"found": tail[-60:], "why": "the last paragraph alone has no end"}
    alone = not inside and not above and not verse
    if alone and no_end and weight(tail) >= 50:
        return {"found": tail[-60:], "why": "no sentence ends so"}
    if alone and weight(tail) >= LONG_SENTENCE and tail.isascii() and tail[0].isupper():
        return {"found": tail[-60:], "why": "a long sentence has no end"}
    return None


LONG_TAIL, LONG_SENTENCE = 60, 110
"""Latin letters (others weigh more) of prose without an end: behind a whole sentence, and alone (our choice)."""


def _short_line(text: str) -> bool:
    """Whether all lines of a verse have one length in Han characters, but for the last, which is much shorter."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    sizes = [len(re.sub(r"\W", "", line)) for line in lines]
    return (
        len(sizes) >= 3 and len(set(sizes[:-1])) == 1 and sizes[0] >= 5 and 2 * sizes[-1] < sizes[0]
        and make_up(text).han > 0.9 * sum(sizes) and lines[-1][-1].isalnum()
    )  # fmt: skip


def _tail(line: str) -> str:
    """What stands behind the last whole sentence of a line."""
    ends = list(_SENTENCE_END.finditer(line))
    return line[ends[-1].end() :].strip() if ends else line.strip()


def _unclosed(text: str) -> bool:
    """Whether one paragraph opens a corner bracket that nothing closes (a curly quotation mark may go on below)."""
    return "\n" not in text and any(text.count(a) == text.count(b) + 1 for a, b in ("「」", "『』", "《》", "【】"))


def _open(text: str) -> bool:
    last = text.rstrip().splitlines()[-1]
    if last.count('"') % 2 and re.search(r'(?:\A|\s)"\w[^"]*\Z', last):
        return True
    return any(text.count(opens) > text.count(closes) and text.rfind(opens) > text.rfind(closes)
               for opens, closes in _PAIRS.items())  # fmt: skip


_GAP = re.compile(
    r"\[(?P<a>[^\[\]\n]{2,60})\](?!\()|［(?P<b>[^［］\n]{1,40})］|【(?P<c>[^【】\n]{2,40})】|〔(?P<d>[^〔〕\n]{2,40})〕"
    r"|(?<!\{)\{(?P<e>[^{}\n]{2,40})\}(?!\})"
    r"|(?<![\w/])<(?P<f>[a-z][\w ]{2,30}|[A-Z][A-Z_ ]{2,30})>|＜(?P<g>[^＜＞\n]{2,30})＞"
)
_BRACKETED = re.compile(r"[（(]([^（）()\n]{3,60})[)）]")


def placeholder(view: View) -> Evidence | None:
    """A gap that somebody has yet to fill in ("Dear [Name]"), where the prompt asks for no template and shows none."""
    if view.given_text or search("about_templates", view.prompt) or search("about_marks", view.prompt):
        return None
    text = CODE.sub(" ", view.answer)
    for match in _GAP.finditer(text):
        inner = next(filter(None, match.groups()))
        if match.group(0) in view.prompt:
            continue
        slot = not _STOP.search(inner) and search("slot", inner.replace("_", " "))
        if slot or search("insert_gap", inner.rstrip(". 。")):
            return {"part": "answer", "found": match.group(0)[:60]}
    for match in _BRACKETED.finditer(text):
        gap = search("insert", match[1]) or search("insert_gap", match[1])
        if gap and match.group(0) not in view.prompt:
            return {"part": "answer", "found": match.group(0)[:60]}
    # "○○様" is how a model letter is written
    for name in ("blanks",) if search("letters", view.prompt) else ("blanks", "masked"):
        if (blank := search(name, text)) and blank.group(0) not in view.prompt:
            return {"part": "answer", "found": blank.group(0)[:60]}
    return None


_LINK = re.compile(r"(?:https?://|www\.)[\w.-]+[^\s)）\]」』”\"'。、，]*")


def link(view: View) -> Evidence | None:
    """The answer gives a link that the prompt neither gives nor asks for: a model has it from nowhere."""
    if view.given_text or search("about_links", view.prompt) or search("about_marks", view.prompt):
        return None
    for match in _LINK.finditer(CODE.sub(" ", view.answer)):
        if match.group(0) not in view.prompt:
            return {"part": "answer", "found": match.group(0)[:80]}
    return None
