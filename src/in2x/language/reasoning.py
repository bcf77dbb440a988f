"""What a model thinks aloud before it answers, told apart from the answer.

Models write their reasoning in many dialects: `<think>` and its kin, Mistral's `[THINK]`, the marks of Cohere, Kimi,
Gemma, Granite, and the channels of gpt-oss, with their marks or where a server dropped these. A chat template may have
opened the block already, so that only its end stands in the text; an answer that was cut may have no end.

Only what *leads* is reasoning: an answer that speaks of `<think>` in its middle keeps it. Where the question speaks of
the mark itself (a text about such models is translated), a mark counts only on a line of its own or behind a whole
sentence, and is a word elsewhere (our choice: a word that is lost harms more there than a thought that stays).
"""

from __future__ import annotations

import re

_NAMES = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection", "scratchpad")
_PAIRS = (
    *((rf"<(?:\w{{1,20}}:)?{name}(?:\s[^<>]{{0,80}})?>", rf"</(?:\w{{1,20}}:)?{name}\s*>") for name in _NAMES),
    (r"\[think(?:ing)?\]", r"\[/think(?:ing)?\]"),
    (r"◁think▷", r"◁/think▷"),
    (r"<\|(?:begin_of_thought|start_thinking)\|>", r"<\|(?:end_of_thought|end_thinking)\|>"),
    (r"<\|think(?:ing)?\|>", r"<\|/think(?:ing)?\|>"),
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),
    (r"<unused94>", r"<unused95>"),
    (r"<\|channel>thought", r"<channel\|>"),
)  # fmt: skip
_KINDS = [(re.compile(a, re.IGNORECASE), re.compile(b, re.IGNORECASE)) for a, b in _PAIRS]
OPENS = "|".join(opens for opens, _ in _PAIRS)
"""Regular expression (case ignored) of what opens reasoning."""
_OPENS = re.compile(OPENS, re.IGNORECASE)
_CHANNELS = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>")
_FINAL = re.compile(r"<\|channel\|>final\b.*?<\|message\|>(.*?)(?=<\|(?:return|end|start|channel)\|>|\Z)", re.DOTALL)
_UNMARKED = re.compile(
    r"\s*(?:(?:analysis|commentary)(?:.*assistantfinal|(?=[A-Z]).*\Z)"
    r"|[Hh]ere is my thought process:.*?[Hh]ere is my response:)",
    re.DOTALL,
)
"""Channels whose marks a server dropped ("analysisThe user wants ...assistantfinal"), and Granite's words."""
_WRAPPED = re.compile(
    r"\s*(?:<(?P<tag>answer|response|output)>|<\|(?:start_response|begin_of_solution|begin_of_box)\|>)"
    r"(.*?)(?:</(?P=tag)>|<\|(?:end_response|end_of_solution|end_of_box)\|>|\Z)\s*\Z",
    re.DOTALL | re.IGNORECASE,
)
"""What some models put around the answer that follows their reasoning."""


def without_reasoning(text: str, asked: str = "") -> str:
    """`text` less the reasoning that leads it, closed or not, opened here or by the prompt; "" where nothing follows.

    Args:
        text: what a model said.
        asked: the words it was asked with, for the marks that they speak of themselves.
    """
    if _CHANNELS.match(text):
        return found[-1].strip() if (found := _FINAL.findall(text)) else ""
    rest = _UNMARKED.sub("", text, count=1) if _UNMARKED.match(text) else text
    while (shorter := _without_one(rest, asked)) is not None:
        rest = shorter
    if rest == text:
        return text
    return (wrapped[2] if (wrapped := _WRAPPED.match(rest)) else rest).strip()


def thoughts(text: str, answer: str) -> str:
    """What stands in `text` before the `answer` that `without_reasoning` found in it, less the marks around it."""
    part = text.strip().removesuffix(answer).strip()
    for opens, closes in _KINDS:
        if opened := opens.match(part):
            part = part[opened.end() :]
        if (ends := list(closes.finditer(part))) and ends[-1].end() == len(part):
            part = part[: ends[-1].start()]
    return part.strip()


def spoken(text: str) -> str:
    """`text` less every piece of reasoning, wherever it stands: for what is read out of an answer (a verdict)."""
    rest, kept, at = without_reasoning(text), list[str](), 0
    while opened := _OPENS.search(rest, at):
        kept.append(rest[at : opened.start()])
        at = reasoning_end(rest, opened.start())
    return "".join([*kept, rest[at:]])


def reasoning_end(text: str, start: int) -> int:
    """Where the reasoning that opens at `start` ends (of `text`, where nothing closes it); `start` where none opens."""
    for opens, closes in _KINDS:
        if opened := opens.match(text, start):
            return closed.end() if (closed := closes.search(text, opened.end())) else len(text)
    return start


def _without_one(text: str, asked: str) -> str | None:
    """`text` less one block of reasoning that leads it; None where none does."""
    for opens, closes in _KINDS:
        ends = list(closes.finditer(text))
        named = bool(asked) and bool(opens.search(asked) or closes.search(asked))
        if opens.match(text.lstrip()):
            real = [end for end in ends if (_leads_on(text, end) if named else not _quoted(text, end))]
            if real:
                # A block inside the block: its end is not the end of what is around it.
                around = [real[0], *(end for end in real[1:] if not _in_sentence(text, end))]
                inner = len(opens.findall(text[: real[0].start()])) - 1
                return text[around[min(inner, len(around) - 1)].end() :]
            if not named:
                return text[ends[-1].end() :] if ends else ""
        elif ends and not opens.search(text, 0, ends[0].start()):
            end = ends[0]
            if _leads_on(text, end) if named else not (_quoted(text, end) or _in_sentence(text, end)):
                return text[end.end() :]
    return None


def _leads_on(text: str, mark: re.Match[str]) -> bool:
    """Whether `mark` has a line of its own or follows a whole sentence, and something follows it."""
    before, after = text[: mark.start()].rstrip(" \t"), text[mark.end() :].lstrip(" \t\r")
    alone = (not before or before[-1] == "\n") and after[:1] == "\n"
    return bool(after.strip()) and (alone or before[-1:] in tuple(".!?…。！？"))


def _quoted(text: str, mark: re.Match[str]) -> bool:
    """Whether `mark` stands in quotation marks of its own."""
    before, after = text[: mark.start()], text[mark.end() : mark.end() + 1]
    line = before[before.rfind("\n") + 1 :]
    if not line or not after:
        return False
    if line[-1] in "`\"'":  # the same mark opens and closes: it opens where it stands for the first, third, ... time
        return after == line[-1] and line.count(line[-1]) % 2 == 1
    return line[-1] in "‘“„「『«‹（(" and after in "’”“」』»›）)"


def _in_sentence(text: str, mark: re.Match[str]) -> bool:
    """Whether `mark` stands between two words of one line, as a word does."""
    return text[mark.start() - 1 : mark.start()] == " " and text[mark.end() : mark.end() + 1] == " "
