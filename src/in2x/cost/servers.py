"""The servers that a recipe names, each asked one small question (`in2x plan --check`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from in2x.errors import In2xError
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig, is_address
from in2x.llm.embeddings import Embeddings
from in2x.llm.open import template_of
from in2x.llm.request import Request, chat
from in2x.recipe import Recipe

QUESTION = 'Is 7 a prime number? Answer as JSON: {"prime": true or false}.'
FORM = {
    "type": "object", "additionalProperties": False, "required": ["prime"],
    "properties": {"prime": {"type": "boolean"}},
}  # fmt: skip
PATIENCE = 60.0
"""Seconds that one answer is waited for: a model that thinks takes its time (our choice)."""
ATTEMPTS = 4
"""Tries of one answer where the connection or the server fails: two resets in a row happen to a busy one."""
TRIES = 3
"""Answers before a server is said not to do it: a busy or a faulty one still serves a run, which asks again."""


class Unusable(In2xError):
    """The server is there, and what it says is of no use."""


@dataclass(frozen=True)
class Named:
    """A server as one knob of the recipe names it."""

    stage: str
    role: str
    config: LlmConfig
    kind: Literal["chat", "turn", "vectors"]
    """What it is asked: a question in chat, to go on with its own template (Magpie), the vector of a text."""


@dataclass(frozen=True)
class Heard:
    """What came of asking one server."""

    roles: str
    address: str
    model: str
    ok: bool
    words: str
    seconds: float

    def __str__(self) -> str:
        """As one line."""
        return f"{self.roles}: {self.model} at {self.address} {self.words} ({self.seconds:.1f} s)"


def named(recipe: Recipe) -> Iterator[Named]:
    """The servers that a run of `recipe` would ask."""
    instruct, select, rl, gate = recipe.instruct, recipe.select, recipe.rl, recipe.data.decontaminate
    if instruct.llm in instruct.asked and instruct.llm.base_url:
        yield Named("instruct", "teacher", instruct.llm, "chat")
        if instruct.synthesize and instruct.magpie.turns:
            yield Named("instruct", "Magpie", instruct.llm, "turn")
    judge = instruct.judges.llm
    if judge is not None and judge in instruct.asked and judge.base_url:
        yield Named("instruct", "judge of instructions", judge, "chat")
    if select.llm is not None and select.llm.base_url:
        yield Named("select", "labels and grades", select.llm, "chat")
    if is_address(select.embedder):
        yield Named(
            "select", "embeddings", LlmConfig(base_url=select.embedder, model=select.embedding_model), "vectors"
        )
    if "judged" in rl.rewards and rl.judge.llm.base_url:
        yield Named("rl", "judge of answers", rl.judge.llm, "chat")
    if gate.embedder and is_address(gate.embedder):
        server = LlmConfig(base_url=gate.embedder, model=gate.embedding_model)
        yield Named("data", "translated evaluation texts", server, "vectors")


def hear(recipe: Recipe) -> Iterator[Heard]:
    """One small question to each server of `recipe`; what several knobs name alike is asked once."""
    groups: dict[tuple[str | None, str, str], list[Named]] = {}
    for server in named(recipe):
        groups.setdefault((server.config.base_url, server.config.model, server.kind), []).append(server)
    silent: set[str] = set()
    for (named_address, model, _), servers in groups.items():
        address, began = str(named_address), time.monotonic()
        try:
            if address in silent:
                raise In2xError("it was not asked, since it has not answered before")
            words, ok = _ask(servers[0]), True
        except In2xError as error:
            words, ok = f"does not do it: {str(error).rstrip('.')}", False
            if not isinstance(error, Unusable):
                silent.add(address)
        roles = ", ".join(dict.fromkeys(server.role for server in servers))
        yield Heard(roles, address, model, ok, words, time.monotonic() - began)


def _ask(server: Named) -> str:
    """Ask it, and say in words how it went. Raises In2xError where a run could not go on with it."""
    config = LlmConfig.model_validate(
        {**server.config.model_dump(include=set(LlmConfig.model_fields)), "attempts": ATTEMPTS, "timeout": PATIENCE}
    )
    if server.kind == "vectors":
        vectors = Embeddings(config).embed(["a ship", "a boat"], 2)
        return f"embeds, {len(vectors[0])} numbers a text"
    client = Client(config)
    if server.kind == "turn":
        template = template_of(client, server.config)
        fault, tries = _heard(client, Request(
            prompt=template.prefix, max_tokens=32, temperature=1.0, stop=template.stops
        ))  # fmt: skip
        if fault:
            raise Unusable(f"no user turn came of its own template ({fault})",
                            mend="serve /completions, too, or set instruct.magpie.turns to 0")  # fmt: skip
        return f"goes on with its own template{tries}"
    fault, tries = _heard(client, chat(QUESTION, schema=FORM))
    if fault:
        raise Unusable(f"no answer that can be used ({fault})", mend="look at the server's log")
    return f"answers in the form asked for{tries}"


def _heard(client: Client, request: Request) -> tuple[str, str]:
    """What was wrong with the last of `TRIES` answers ("": nothing), and words on how often it was asked."""
    fault = ""
    for number in range(1, TRIES + 1):
        answer = next(iter(client.ask_all([replace(request, sample=number - 1)])))
        if answer.ok and (answer.value is not None or answer.text.strip()):
            return "", f", at try {number} of {TRIES}" if number > 1 else ""
        fault = answer.error or "nothing was said"
    return fault, ""
