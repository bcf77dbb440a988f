"""The reference judge and principle writer of the micro-world: reads this project's own questions, answers by grammar.

It knows three questions, by their words in `principles/judged.yaml` and `principles/dynamic.yaml`: to judge answers by
numbered principles, to write principles for a prompt, and to review written ones. A prompt that is not of the
micro-world, or whose sentence the grammar cannot read, gets "n/a" throughout and no principles; another question gets
no answer at all (`NotMine`). Verdicts follow from the grammar alone (`decide.py`), so they say the same every time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from in2x.principles.prompts import table
from in2x.sample.decide import Judged, at_odds, read_written, verdict, write
from in2x.sample.request import asked


class NotMine(ValueError):
    """A question that is none of the three."""


def reply(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer to a conversation: that to its first question, whatever was said since.

    Raises:
        NotMine: no turn of the user holds a question that this judge knows.
    """
    for text in (str(message.get("content")) for message in messages if message.get("role") == "user"):
        for name, answer in _ANSWERS.items():
            for lang, pattern in _frames(name):
                if match := pattern.fullmatch(text.strip()):
                    return answer(lang, match.groupdict())
    raise NotMine("this judge answers the questions of principles/judged.yaml and dynamic.yaml, and no others")


def _judge(lang: str, slots: Mapping[str, str]) -> dict[str, Any]:
    wanted = asked(slots["prompt"])
    principles = _numbered(slots["principles"])
    answers = re.findall(r'<answer number="(\d+)">\n(.*?)\n</answer>', slots["answers"], re.DOTALL)
    word = {True: "yes", False: "no", None: "n/a"}
    rows = []
    for number, text in answers:
        judged = None if wanted is None else Judged(wanted, text.replace("&lt;", "<"))
        kept = [None if judged is None else verdict(principle, judged) for principle in principles]
        rows.append({"answer": int(number), "kept": [word[value] for value in kept]})
    return {"verdicts": rows}


def _write(lang: str, slots: Mapping[str, str]) -> dict[str, Any]:
    wanted = asked(slots["prompt"])
    return {"principles": [] if wanted is None else write(wanted, lang, int(slots["count"]))}


def _review(lang: str, slots: Mapping[str, str]) -> dict[str, Any]:
    known = [read_written(text) for text in _numbered(slots["numbered"])]
    pairs = [
        [i, j]
        for j, other in enumerate(known, 1)
        for i, one in enumerate(known[: j - 1], 1)
        if one and other and at_odds(one, other)
    ]
    return {"contradictions": pairs, "uncheckable": [i for i, one in enumerate(known, 1) if one is None]}


_ANSWERS = {"judged/judge": _judge, "dynamic/write": _write, "dynamic/review": _review}


@lru_cache(maxsize=3)
def _frames(name: str) -> list[tuple[str, re.Pattern[str]]]:
    """(language, pattern) of the question `name` ("FILE/KEY"), its slots as groups."""
    file, _, key = name.partition("/")
    found = []
    for lang, template in table(file)[key].items():
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*?)", re.escape(template.strip()))
        found.append((lang, re.compile(re.sub(r"(?:\\\s|\\\n|\n)+", r"\\s*", pattern), re.DOTALL)))
    return found


def _numbered(text: str) -> list[str]:
    """The lines "1. ...", without their numbers."""
    return re.findall(r"^\d+\. (.*)$", text, re.MULTILINE)
