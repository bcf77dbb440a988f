"""A small OpenAI-compatible HTTP server for tests and benchmarks, in its own process, with faults on demand.

    python tests/llm_server.py PORT_FILE [--port N] [--fault-rate .3] [--silence 40] [--seed 1] [--mode MODE]

It answers at once, from the text of the first user turn alone, so that any two runs get the same words. It remembers
what it was asked: GET /stats gives {"asked": n, "answered": n, "again": questions asked after they had been answered}
and POST /mark starts a new page of the log; GET /log gives the questions asked since.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import judging_script
import scripted_model

FAULTS = ("429", "500", "timeout", "cut", "not-json", "no-choice", "wrong-shape", "silence")


class State:
    def __init__(self, rate: float, silence: float, seed: int, mode: str) -> None:
        self.rate, self.silence, self.mode = rate, silence, mode
        self.random = random.Random(seed)
        self.asked = self.answered = 0
        self.done: dict[str, int] = {}
        self.faults: dict[str, int] = {}
        self.log: list[str] = []
        self.bodies: list[dict] = []
        self.keys: list[str] = []


def verdict(question: str) -> str:
    """What a judge says to `evaluate judge` or to MT-bench, and what a model says to MT-bench."""
    if "translation: " in question:
        translation = question.rsplit("translation: ", 1)[1]
        if translation.endswith("。"):
            return json.dumps({"errors": [], "score": 90})
        error = {"span": translation[:1], "severity": "major", "category": "grammar"}
        return json.dumps({"errors": [error], "score": 30})
    if "[[7]]" in question:
        return "よい答えです。\n[[8]]" if "答え一" in question else "短すぎます。\n[[4]]"
    return "答え一" if "一" in question else "答え二"


def reply_to(body: dict, mode: str) -> str:
    if mode == "mumble":  # thinks aloud, and keeps to the form only when it is told what was wrong
        good = "That could not be used" in json.dumps(body["messages"])
        return '<think>Is it {"score": 1}?</think>' + ('No: {"score": 4, "why": "told"}' if good else "Four, I guess.")
    if mode == "judge":
        return verdict(body["messages"][-1]["content"])
    if "messages" in body:
        text = next(m["content"] for m in body["messages"] if m["role"] == "user")
    else:
        text = body["prompt"] + str(body.get("seed"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    wanted = body.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("required", [])
    if mode == "principles":
        return judging_script.reply(text, wanted)
    if mode == "script":
        return scripted_model.reply(text, wanted, body.get("seed"), "messages" not in body)
    if mode == "json" or "response_format" in body:
        return json.dumps({"score": int(digest[:2], 16) % 5 + 1, "why": digest[:8]})
    return f"answer {digest[:12]} to {text[:40]}"


class Http(asyncio.Protocol):
    def __init__(self, state: State) -> None:
        self.state, self.buffer, self.closed = state, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1")
            length = 0
            headers = {}
            for line in head.split("\r\n")[1:]:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            method, path, _ = head.split(" ", 2)
            self.handle(method, path, headers, body)

    def send(self, status: int, body: bytes, extra: str = "") -> None:
        if not self.closed:
            head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(f"{head}{extra}\r\n".encode() + body)

    def send_json(self, value: object, status: int = 200) -> None:
        self.send(status, json.dumps(value).encode())

    def handle(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> None:
        state = self.state
        if path == "/stats":
            again = sum(n - 1 for n in state.done.values())
            return self.send_json(
                {
                    "asked": state.asked,
                    "answered": state.answered,
                    "again": again,
                    "faults": state.faults,
                    "keys": sorted(set(state.keys)),
                }
            )
        if path == "/mark":
            state.log.clear()
            return self.send_json({})
        if path == "/log":
            return self.send_json(state.log)
        if path == "/last":
            return self.send_json(state.bodies[-1] if state.bodies else None)
        if path not in ("/v1/chat/completions", "/v1/completions"):
            return self.send_json({"detail": "Not Found"}, 404)
        body = json.loads(raw)
        state.asked += 1
        if state.mode != "fast":
            state.bodies[:] = [body]
            state.keys = [headers.get("authorization", "")]
            if state.mode == "key" and headers.get("authorization") != "Bearer right":
                return self.send_json({"error": {"message": "Incorrect API key provided"}}, 401)
            if body["model"] == "absent":
                return self.send_json({"error": {"message": "The model `absent` does not exist"}}, 404)
            if state.mode == "plain" and "response_format" in body:
                return self.send_json({"error": {"message": "Unknown parameter: response_format"}}, 400)
            text = json.dumps([body.get("messages") or body.get("prompt"), body.get("seed")], sort_keys=True)
            if "too long" in text and state.mode != "script":
                return self.send_json({"error": {"message": "the context is too long"}}, 400)
            state.log.append(text)
            if state.rate and state.random.random() < state.rate:
                return self.fault(state.random.choice(FAULTS))
            state.done[text] = state.done.get(text, 0) + 1
        state.answered += 1
        self.answer(body)

    def answer(self, body: dict) -> None:
        state = self.state
        words = reply_to(body, state.mode)
        if state.mode == "repair" and len(body["messages"]) < 3:
            words = "I would say four."
        elif state.mode == "repair":
            words = 'Of course: ```json\n{"score": 4, "why": "repaired"}\n```'
        elif state.mode == "hopeless":
            words = '{"score": "many"}'
        choice: dict = {"index": 0, "finish_reason": "length" if body.get("max_tokens") == 1 else "stop"}
        if "messages" in body:
            choice["message"] = {"role": "assistant", "content": words}
            if body.get("logprobs"):
                top = [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -2.4}]
                choice["logprobs"] = {"content": [{"token": "a", "logprob": -0.1, "top_logprobs": top}]}
        else:
            choice["text"] = words
        self.send_json(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [choice],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            }
        )

    def fault(self, kind: str) -> None:
        state = self.state
        state.faults[kind] = state.faults.get(kind, 0) + 1
        if kind == "429":
            self.send(
                429, b'{"error": {"message": "slow down"}}', f"retry-after: {state.random.choice(('0', '0.05'))}\r\n"
            )
        elif kind == "500":
            self.send(500, b"boom")
        elif kind == "cut":
            self.transport.write(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices"')
            self.transport.close()
        elif kind == "not-json":
            self.send(200, b"<html>" + b"x" * 40)
        elif kind == "no-choice":
            self.send_json({"choices": []})
        elif kind == "wrong-shape":
            self.send_json({"result": {"text": "yes"}})
        elif kind == "silence":
            asyncio.get_running_loop().call_later(state.silence, self.transport.close)


async def serve(port_file: Path, port: int, protocol: Callable[[], asyncio.Protocol]) -> None:
    """Serve until killed; the number of the port is written to `port_file` once the server listens."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, backlog=1024)
    partial = port_file.with_suffix(".partial")
    partial.write_text(str(server.sockets[0].getsockname()[1]))
    partial.rename(port_file)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port_file", type=Path, help="where the port's number is written once the server listens")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--silence", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", default="text", help="script answers the prompts of the instruct stage")
    given = parser.parse_args()
    asked = State(given.fault_rate, given.silence, given.seed, given.mode)
    asyncio.run(serve(given.port_file, given.port, lambda: Http(asked)))
