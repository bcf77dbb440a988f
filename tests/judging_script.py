"""What a judge says that writes principles and judges by them: the script behind `llm_server.py --mode principles`.

Everything follows from the text of the question by its hash, so any two runs hear the same words. One question in seven
is answered in prose, however often it is asked; of the principles that it writes, the last is one that nothing breaks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

IDLE = "Some letter is in the answer."
WORDS = ("small", "sudden", "quiet", "early", "gentle", "bitter", "narrow", "golden")


def number(*parts: str) -> int:
    return int.from_bytes(hashlib.blake2b("\x00".join(parts).encode(), digest_size=4).digest(), "big")


def reply(text: str, wanted: Sequence[str]) -> str:
    """The answer to the first user turn `text`, where the schema requires the keys `wanted`."""
    if not wanted:
        return "Yes."
    if number(text) % 7 == 0:
        return "They all read well to me."
    if "principles" in wanted:
        prompt = text.split("<instruction>")[1].split("</instruction>")[0]
        found = [f"The answer names a {WORDS[number(prompt, str(n)) % 8]} thing in part {n}." for n in range(3)]
        return json.dumps({"principles": [*found, "The answer is good.", IDLE]})
    if "contradictions" in wanted:
        return json.dumps({"contradictions": [], "uncheckable": []})
    principles = re.findall(r"^\d+\. (.*)$", text.split("<instruction>")[0], re.M)
    answers = re.findall(r'<answer number="(\d+)">\n(.*?)\n</answer>', text, re.S)
    rows = [{"answer": int(n), "kept": [verdict(p, answer) for p in principles]} for n, answer in answers]
    return json.dumps({"verdicts": rows})


def verdict(principle: str, answer: str) -> str:
    return "yes" if principle == IDLE else ("yes", "no", "yes", "no", "n/a")[number(principle, answer) % 5]
