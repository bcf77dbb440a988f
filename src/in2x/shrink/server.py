"""A scripted model behind the OpenAI protocol: teacher, grader and judge of a rehearsal.

It answers at once and always in the form that is asked for, by the hash of the question: what it says means nothing.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from in2x.shrink.sentences import sentence


@contextmanager
def serve(languages: Sequence[str]) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1 while the context lasts; yields the address, up to and with /v1."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """The list of models."""
            self._send({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

        def do_POST(self) -> None:
            """A chat or a raw continuation."""
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            text = reply(body, languages)
            chat = "messages" in body
            said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
            self._send({
                "id": "scripted", "object": "chat.completion" if chat else "text_completion", "created": 0,
                "model": "scripted", "choices": [{"index": 0, "finish_reason": "stop", **said}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            })  # fmt: skip

        def _send(self, value: Mapping[str, Any]) -> None:
            data = json.dumps(value, ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(body: Mapping[str, Any], languages: Sequence[str]) -> str:
    """What is answered to a request: JSON that follows its schema where it brings one, else two sentences."""
    asked = body["messages"][-1]["content"] if "messages" in body else str(body["prompt"])
    digest = hashlib.sha256(f"{asked}/{body.get('seed')}".encode()).hexdigest()
    rng = random.Random(digest)
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if schema is None:
        return _text(rng, languages)
    if "verdicts" in schema.get("properties", {}):
        return json.dumps({"verdicts": _verdicts(asked, rng)})
    return json.dumps(_value(schema, rng, languages), ensure_ascii=False)


def _text(rng: random.Random, languages: Sequence[str], count: int = 2) -> str:
    lang = rng.choice(languages)
    return " ".join(sentence(lang, rng.randrange(4096)) for _ in range(count))


def _verdicts(asked: str, rng: random.Random) -> list[dict[str, Any]]:
    """A verdict for each answer on each principle that the question numbers (`principles/judged.yaml`)."""
    head = re.split(r"<(?:instruction|answer)\b", asked)[0]
    principles = len(re.findall(r"^\d+\. ", head, re.M))
    answers = [int(number) for number in re.findall(r'<answer number="(\d+)">', asked)]
    return [{"answer": n, "kept": [rng.choice(["yes", "no"]) for _ in range(principles)]} for n in answers]


def _value(schema: Mapping[str, Any], rng: random.Random, languages: Sequence[str]) -> Any:
    """A value that follows `schema`, as far as `in2x.llm.schema` reads it."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "anyOf" in schema:
        return _value(rng.choice(schema["anyOf"]), rng, languages)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: _value(inner, rng, languages) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        count = max(int(schema.get("minItems", 0)), min(int(schema.get("maxItems", 2)), rng.randint(0, 2)))
        return [_value(schema.get("items", {}), rng, languages) for _ in range(count)]
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", 1))
        return rng.randint(low, int(schema.get("maximum", low + 4)))
    if kind == "boolean":
        return rng.random() < 0.9
    if kind == "null":
        return None
    return _text(rng, languages, 1)[: int(schema.get("maxLength", 1 << 20))]
