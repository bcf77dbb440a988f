"""How a question of some purpose is asked of one model: the stage's own settings, and what the recipe says otherwise.

Whoever asks names the purpose; the limits and sampling that a model of this kind needs stand in the recipe, and meet
the question here, before its key is made.
"""

from __future__ import annotations

from dataclasses import replace

from in2x.llm.config import LlmConfig, TeacherConfig
from in2x.llm.request import Request


def settled(request: Request, config: LlmConfig) -> Request:
    """`request` as the model of `config` is asked it. A model that thinks gets the room for it beside the answer's."""
    own = dict(config.sampling).get(request.purpose) if isinstance(config, TeacherConfig) else None  # type: ignore[call-overload]
    thinking = config.thinking if own is None or own.thinking is None else own.thinking
    most = request.max_tokens if own is None or own.max_tokens is None else own.max_tokens
    if most is not None:
        most = most * request.longer + (config.thought_tokens if thinking and request.messages is not None else 0)
    return replace(
        request, max_tokens=most, longer=1, thinking=thinking and request.messages is not None,
        temperature=request.temperature if own is None or own.temperature is None else own.temperature,
        top_p=request.top_p if own is None or own.top_p is None else own.top_p,
    )  # fmt: skip
