"""Chat templates that count without measure: refused before they are rendered.

A template is a program that comes with a model. The sandbox that renders it keeps it from files, commands and objects,
but not from counting to a billion. This looks for what does: powers, large numbers, products and loops of large
numbers. What it cannot see, a text that doubles itself in a loop, is ended while it is rendered (`chat/bounded.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from in2x.errors import In2xError

MOST = 1_000_000
"""Largest number, repetition or count of turns in loops (our choice; templates of models hold numbers up to 1,000)."""
_MEND = "give a model with a template that only writes its turns"


@lru_cache(maxsize=64)
def refuse_costly(template: str) -> None:
    """Refuse a template that is none, or that counts without measure.

    Raises:
        In2xError: with what it holds.
    """
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import _compile_jinja_template

    try:
        # Parsed only: compiling multiplies what is constant.
        _look(_compile_jinja_template("").environment.parse(template), 1)
    except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise In2xError(f"the chat template is none ({why})", mend=_MEND) from None


def _look(node: Any, turns: int) -> None:
    """Look through a part of a template that loops repeat `turns` times."""
    from jinja2 import nodes

    if isinstance(node, nodes.Pow):
        raise In2xError("the chat template takes a power", mend=_MEND)
    if isinstance(node, nodes.Name) and node.name == "lipsum":
        raise In2xError("the chat template makes up text", mend=_MEND)
    if _size(node) > MOST:
        raise In2xError("the chat template holds a number or repetition beyond measure", mend=_MEND)
    if isinstance(node, nodes.For):
        turns *= _turns(node.iter)
        if turns > MOST:
            raise In2xError("the chat template loops without measure", mend=_MEND)
    for inner in node.iter_child_nodes():
        _look(inner, turns)


def _size(node: Any) -> float:
    """At most how large the number is that an expression of constants gives, or how long a text; 1 for all else."""
    from jinja2 import nodes

    if isinstance(node, nodes.Const):
        return abs(node.value) if isinstance(node.value, int | float) else 1
    if isinstance(node, nodes.Mod) and isinstance(node.left, nodes.Const) and isinstance(node.left.value, str):
        return max((int(width[:9]) for width in re.findall(r"\d+", node.left.value)), default=1)
    if isinstance(node, nodes.Mul):
        return max(1, _size(node.left)) * max(1, _size(node.right))
    return 1


def _turns(node: Any) -> int:
    """How often a loop over `range` of a constant turns; 1 for a loop over what is given."""
    from jinja2 import nodes

    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
        return max([1, *(int(_size(argument)) for argument in node.args)])
    return 1
