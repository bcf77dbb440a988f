"""What a scripted judge says over HTTP (`chat_server.ChatServer`): every principle kept by answers that hold a mark."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any


def judge_reply(mark: str) -> Callable[[dict[str, Any]], str]:
    """A reply to the judge's request, and to those of the writer of principles, for `ChatServer`."""

    def reply(body: dict[str, Any]) -> str:
        text = body["messages"][0]["content"]
        if "response_format" not in body:
            return "yes"  # to the question whether anybody is there
        wanted = body["response_format"]["json_schema"]["schema"]["properties"]
        if "principles" in wanted:
            return json.dumps({"principles": [f"The answer holds the letter {mark}."]})
        if "contradictions" in wanted:
            return json.dumps({"contradictions": [], "uncheckable": []})
        count = len(re.findall(r"^\d+\. ", text.split("<instruction>")[0], re.M))
        answers = re.findall(r'<answer number="(\d+)">\n(.*?)\n</answer>', text, re.S)
        rows = [{"answer": int(n), "kept": ["yes" if mark in answer else "no"] * count} for n, answer in answers]
        return json.dumps({"verdicts": rows})

    return reply
