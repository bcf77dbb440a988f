"""A reasoning model behind HTTP, imitated with all that goes wrong with one, in its own process.

    python tests/reasoning_server.py PORT_FILE [--port N] [--faults .3] [--seed 1] [--silent .3]

It answers the prompts of the instruct stage (`scripted_model.py`) and thinks before it does: inside <think>, in
`reasoning_content`, or with the opening tag eaten by its template. Its thoughts hold drafts of the verdict that are not
what it says in the end, lists ([1]) and a mark, `THOUGHT`. Whole answers end with an end mark of their language,
`ENDS`. So what went wrong shows in the data: a mark of a thought, an answer without its end, a refusal.

`--faults` of the answers go wrong: cut in the answer, cut in the thought, refusals, content null, prose where JSON was
asked for, 429, connections reset before and amid an answer. So do turns that it writes as the user (Magpie): cut,
empty, a refusal, a thought in their place or before them, a turn that runs on into the assistant's part. What happens
follows from the question and how often it came, so that two runs meet the same trouble. The server bills what it reads
and makes at four bytes a token (kanji and kana at one letter), also for answers that never arrive whole, and does not
say so in `--silent` of them.
GET /stats gives what it asked, billed and spoilt.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
from collections import Counter
from pathlib import Path

import llm_server
import scripted_model

THOUGHT = "zyxthought"
PROSE = "zyxprose"
ENDS = {"en": "(The end.)", "ja": "（おわり）", "zh": "（完）"}
FAULTS = ("cut", "cut thought", "refusal", "null", "prose", "429", "reset", "reset amid")
REFUSALS = (
    "I'm sorry, but I can't help with that request.",
    "申し訳ありませんが、そのご質問にはお答えできません。",
    "很抱歉，我无法回答这个问题。",
)


def tokens(text: str) -> int:
    wide = len(re.findall(r"[\u3000-\u9fff\uff00-\uffef]", text))
    return -(-(len(text) - wide) // 4) + wide


def opposite(value: object) -> object:
    """A draft of a verdict: what the model does not say in the end."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return 6 - value
    if isinstance(value, list):
        return [] if value else [THOUGHT]
    return THOUGHT


class Reasoning(llm_server.Http):
    def handle(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> None:
        state = self.state
        if path == "/stats":
            return self.send_json(
                {
                    "asked": state.asked,
                    "billed": state.billed,
                    "faults": dict(state.spoilt),
                    "turn_faults": dict(state.spoilt_turns),
                    "kinds": dict(state.kinds),
                }
            )
        if path not in ("/v1/chat/completions", "/v1/completions"):
            return self.send_json({"detail": "Not Found"}, 404)
        body = json.loads(raw)
        state.asked += 1
        question = json.dumps([body.get("messages"), body.get("prompt"), body.get("seed")], sort_keys=True)
        key = hashlib.sha256(question.encode()).digest()
        state.came[key] += 1
        lot = random.Random(f"{state.seed} {key.hex()} {state.came[key]}")
        fault = lot.choice(FAULTS) if lot.random() < state.rate else ""
        if fault == "429":
            state.spoilt[fault] += 1
            return self.send(429, b'{"error": {"message": "slow down"}}', "retry-after: 0.02\r\n")
        if fault == "reset":
            state.spoilt[fault] += 1
            self.transport.abort()
            return None
        self.say(body, lot, fault)

    def say(self, body: dict, lot: random.Random, fault: str) -> None:
        state = self.state
        chat = "messages" in body
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
        required = schema.get("required", [])
        text = body["messages"][0]["content"] if chat else body["prompt"] + str(body.get("seed"))
        words = scripted_model.reply(text, required, body.get("seed"), not chat)
        thought, finish = "", "stop"
        if chat:
            words = finished(words, required)
            thought = self.think(words, required, lot)
        if fault == "prose" and chat and not required:
            fault = ""
        if not chat:
            return self.send_turn(body, *turn(words, fault, lot), fault, lot)
        limit = body.get("max_tokens", 1 << 20)
        if fault == "refusal":
            words = lot.choice(REFUSALS)
        elif fault == "prose":
            words = f"{PROSE}: I would say that it is rather good, four of five perhaps."
        elif fault == "cut":
            words, finish = words[: len(words) // 2], "length"
        elif tokens(thought + words) > limit:
            fault = "cut thought"
        message: dict = {"role": "assistant", "content": words}
        how = lot.choice(("tags", "tags", "field", "headless")) if thought else ""
        if fault == "cut thought":
            finish, words = "length", ""
            thought = thought[: len(thought) // 2]
            message["content"] = None if how == "field" else f"<think>\n{thought}"
        elif fault == "null":
            message["content"], words, how = None, "", "field"
        elif how == "tags":
            message["content"] = f"<think>\n{thought}\n</think>\n\n{words}"
        elif how == "headless":
            message["content"] = f"{thought}\n</think>\n\n{words}"
        if how == "field":
            message["reasoning_content"] = thought
        state.kinds[how or "plain"] += 1
        asked = sum(tokens(m["content"]) for m in body["messages"]) + 4
        self.send_choice({"message": message}, finish, (asked, tokens(thought + words)), fault, lot)

    def send_turn(self, body: dict, words: str, finish: str, fault: str, lot: random.Random) -> None:
        """A user's turn, which the raw endpoint was asked for."""
        if fault:
            self.state.spoilt_turns[fault] += 1
        self.state.kinds["turn"] += 1
        self.send_choice({"text": words}, finish, (tokens(body["prompt"]), tokens(words)), fault, lot)

    def send_choice(self, said: dict, finish: str, billed: tuple[int, int], fault: str, lot: random.Random) -> None:
        state, (asked, made) = self.state, billed
        if fault:
            state.spoilt[fault] += 1
        state.billed += asked + made
        choice: dict = {"index": 0, "finish_reason": finish, **said}
        answer: dict = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        if lot.random() >= state.silent:
            answer["usage"] = {"prompt_tokens": asked, "completion_tokens": made, "total_tokens": asked + made}
        raw = json.dumps(answer).encode()
        if fault == "reset amid":
            head = f"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n".encode()
            self.transport.write(head + raw[: len(raw) // 2])
            self.transport.close()
            return
        self.send(200, raw)

    def think(self, words: str, required: list[str], lot: random.Random) -> str:
        lines = [f"Okay, {THOUGHT} number {lot.randrange(10**6)}. See [1] and [2] for this."]
        if required:
            draft = {key: opposite(value) for key, value in json.loads(words).items()}
            lines += ["First draft:", json.dumps(draft, ensure_ascii=False), "```json", json.dumps(draft), "```"]
        lines.append("No, that is not right yet. " * lot.randint(1, 6))
        return "\n".join(lines)


def turn(words: str, fault: str, lot: random.Random) -> tuple[str, str]:
    """What a model writes as the user, and why it stopped: with the fault, no turn that anybody should answer."""
    if fault == "refusal":
        return lot.choice(REFUSALS), "stop"
    if fault == "prose":  # it goes on in the assistant's part
        return f"{words}\n\nAssistant: {PROSE}, I would say.", "stop"
    if fault == "cut thought":
        if lot.random() < 0.5:
            return f"<think>\nOkay, {THOUGHT}. The user would ask", "length"
        return f"Okay, {THOUGHT}: a user might ask about a garden.\n</think>\n\n{words}", "stop"
    if fault == "cut":
        return words[: len(words) // 2], "length"
    return ("" if fault == "null" else words), "stop"


def finished(words: str, required: list[str]) -> str:
    """`words` with the end mark in what people will read as an answer."""
    if not required:
        return words + ENDS[scripted_model.language_of(words)]
    said = json.loads(words)
    if "answer" in said and "reasoning" not in said:
        said["answer"] += ENDS[scripted_model.language_of(said["answer"])]
    return json.dumps(said, ensure_ascii=False)


class State(llm_server.State):
    def __init__(self, rate: float, seed: int, silent: float) -> None:
        super().__init__(rate, 0.0, seed, "script")
        self.seed, self.silent = seed, silent
        self.billed = 0
        self.came: Counter[bytes] = Counter()
        self.spoilt: Counter[str] = Counter()
        self.spoilt_turns: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port_file", type=Path, help="where the port's number is written once the server listens")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--faults", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--silent", type=float, default=0.3, help="share of answers that do not say what they cost")
    given = parser.parse_args()
    asked = State(given.faults, given.seed, given.silent)
    asyncio.run(llm_server.serve(given.port_file, given.port, lambda: Reasoning(asked)))
