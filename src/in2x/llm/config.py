"""Knobs of a language model that is asked: which one, how fast, how much."""

from __future__ import annotations

import os
from typing import Any, Literal

from in2x.errors import In2xError
from in2x.knob import Config, knob

Purpose = Literal["turn", "answer", "rewrite", "task", "judge", "reread", "solve"]
"""What a teacher is asked for: turns of Magpie, answers, rewritings and steps of difficulty, new tasks, verdicts,
rereading with the notes before it, and answers that show how difficult a task is."""


def is_address(model: str) -> bool:
    """Whether `model` names a server (ADDRESS or ADDRESS#NAME), and not a folder or a hub name."""
    return model.startswith(("http://", "https://"))


class LlmConfig(Config):
    """One model behind an OpenAI-compatible server; without `base_url` the run's own model answers in process."""

    base_url: str | None = knob(
        None, "Server, up to and with /v1; none means the run's own model, in process.", keyed="given"
    )
    model: str = knob("default", "Name of the model at the server.")
    key_variable: str = knob(
        "OPENAI_API_KEY", "Environment variable that holds the key (the key itself never is here).", keyed=False
    )
    template: str | None = knob(
        None, "Folder or hub name of the tokenizer whose chat template the served model has (Magpie needs it)."
    )
    in_flight: int = knob(64, "Requests under way at once.", unit="requests", ge=1, le=4096, keyed=False)
    requests_per_minute: float | None = knob(
        None, "Rate limit of this model.", unit="requests/minute", gt=0, keyed=False
    )
    tokens_per_minute: float | None = knob(None, "Rate limit of this model.", unit="tokens/minute", gt=0, keyed=False)
    attempts: int = knob(12, "Tries of one request before it counts as failed.", unit="requests", ge=1, keyed=False)
    backoff: float = knob(
        0.5, "Pause before the second try; it doubles each time, up to a minute.", unit="seconds", gt=0, keyed=False
    )
    timeout: float = knob(120.0, "Longest wait for one answer.", unit="seconds", gt=0, keyed=False)
    budget_requests: int | None = knob(
        None, "Stop cleanly when this many requests were sent.", unit="requests", gt=0, keyed=False
    )
    budget_tokens: int | None = knob(
        None, "Stop cleanly when this many tokens were paid for.", unit="tokens", gt=0, keyed=False
    )
    budget_money: float | None = knob(
        None, "Stop cleanly when this much was spent.", unit="currency", gt=0, keyed=False
    )
    thinking: bool = knob(False, "Let the model think before it answers; its thoughts are no part of an answer.")
    thought_tokens: int = knob(8192, "Room for thoughts beside the answer, where it thinks.", unit="tokens", ge=0)
    extra_body: dict[str, Any] = knob(
        {}, "Fields that every question is sent with, beside those of the protocol: what a server of its own kind "
        "needs (top_k, min_p, reasoning_effort, provider).",
    )  # fmt: skip
    price_in: float = knob(0.0, "Price of a million prompt tokens.", unit="currency", ge=0, keyed=False)
    price_out: float = knob(0.0, "Price of a million answer tokens.", unit="currency", ge=0, keyed=False)


class Sampling(Config):
    """How answers of one purpose are sampled, where the recipe wants it otherwise than the stage."""

    max_tokens: int | None = knob(None, "Longest answer, thoughts aside.", unit="tokens", gt=0)
    temperature: float | None = knob(None, "Sampling temperature.", ge=0)
    top_p: float | None = knob(None, "Share of the probability that is sampled from.", gt=0, le=1)
    thinking: bool | None = knob(None, "Let the model think for this purpose; none is as the model's own knob.")


class TeacherConfig(LlmConfig):
    """A model that data is made with: where it fails too often, what it makes is worth nothing."""

    sampling: dict[Purpose, Sampling] = knob(
        {}, "How answers are sampled by purpose: turn, answer, rewrite, task, judge, reread, solve."
    )

    max_failed_share: float = knob(
        0.3, "Share of questions without an answer from which on the run stops (after 20 of them).", gt=0, le=1,
        keyed=False,
    )  # fmt: skip


def key_of(config: LlmConfig) -> str | None:
    """The key in the environment, without the space or line end that a file left around it; None where there is none.

    Raises:
        In2xError: no HTTP header can hold it.
    """
    key = os.environ.get(config.key_variable, "").strip("\ufeff \t\r\n")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise In2xError(
            f"the key in {config.key_variable} holds a space, a line end or a letter that no key has",
            mend="set the environment variable to the key alone",
        )
    return key or None
