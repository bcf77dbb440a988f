"""Chat templates rendered within bounds: a template is a program that comes with a model.

The sandbox that transformers renders in keeps it from files, commands and objects, but not from a text that doubles
itself in a loop. Here every operation that can make a value longer is measured before it is done (joins, sums,
products, formats), every value that comes out of a call or filter is measured, and turns of loops, calls and written
characters are counted. What is rendered is the same to the letter. What can be seen unrendered, `chat/harmless.py`
refuses.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import GeneratorType
from typing import Any

from jinja2 import Environment, Template, nodes, pass_context
from jinja2.meta import find_undeclared_variables
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

LONGEST = 1 << 24
"""Characters of a value, texts in lists and all; and the largest whole number (our choice: no model reads as much)."""
ITEM = 16
"""Characters that an item of a list counts for beside its own (its place in memory, and the time to look at it)."""
PRODUCT = 1 << 28
"""Characters that one operation could make at most, by the product of what it is given (our choice)."""
WRITTEN = 1 << 26
"""Characters that one rendering writes, into its blocks and macros too (our choice)."""
STEPS = 1_000_000
"""Turns of loops and calls of one rendering (our choice)."""
MULTIPLY = frozenset(("replace", "join", "center", "ljust", "rjust", "zfill", "expandtabs", "indent", "format",
                      "format_map", "translate", "wordwrap", "batch", "slice", "tojson"))  # fmt: skip
"""Filters and methods that may make more than they are given together."""
_PLUMBING = (Environment, Context, EvalContext)


class BeyondMeasure(Exception):
    """A template that makes too much."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """Render a chat template as transformers does.

    Args:
        template: Jinja.
        values: what it sees: `messages`, `add_generation_prompt`, special tokens.

    Raises:
        BeyondMeasure: it makes more than is allowed. Any other error may come out of a template.
    """
    compiled = _compiled(template)
    environment = compiled.environment
    assert isinstance(environment, _Bounded)
    environment.left.steps, environment.left.written = STEPS, WRITTEN
    return compiled.render(values)


def variables(template: str) -> set[str]:
    """The names that a template reads. Nothing that is constant in it is worked out, which could be too much."""
    return find_undeclared_variables(_environment().parse(template))


@lru_cache(maxsize=64)
def _compiled(template: str) -> Template:
    return _environment().from_string(template)


def _environment() -> Environment:
    # Here, not above: it takes seconds to import.
    from transformers.utils.chat_template_utils import _compile_jinja_template

    theirs = _compile_jinja_template("").environment
    extensions = [type(extension) for extension in theirs.extensions.values()]
    ours = _Bounded(trim_blocks=True, lstrip_blocks=True, extensions=extensions, optimized=False)
    ours.globals.update(theirs.globals)
    ours.filters = {name: _measured(name, function) for name, function in theirs.filters.items()}
    ours.finalize = pass_context(lambda _, value: ours.write(value))
    return ours


def _weight(value: Any, most: int = LONGEST) -> int:
    """Characters of a value with all that is in it, a whole number's size, 1 of all else; above `most`, any such."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, int):
        return abs(value)
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        found = len(value) * ITEM
        for one in value:
            if found > most:
                break
            found += _weight(one, most - found)
        return found
    return 1


def _hold(value: Any) -> Any:
    """The value, where it is no longer than allowed."""
    if _weight(value) > LONGEST:
        raise BeyondMeasure(f"it makes a value of more than {LONGEST:,} characters")
    return value


def _hold_product(values: Iterable[Any], form: object = "") -> None:
    """Refuse an operation that could make too much of these: what comes out is at most as long as their product.

    Args:
        values: what it is given.
        form: the format among them, whose numbers may be widths.
    """
    widths = max((int(digits[:9]) for digits in re.findall(r"\d+", form)), default=1) if isinstance(form, str) else 1
    if functools.reduce(lambda product, one: product * max(1, _weight(one)), values, max(1, widths)) > PRODUCT:
        raise BeyondMeasure(f"one step of it could make more than {PRODUCT:,} characters")


def _measured(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose arguments and result are measured."""

    @functools.wraps(function)  # and with that what it wants of Jinja
    def filtered(*args: Any, **more: Any) -> Any:
        if name in MULTIPLY:
            given = [one for one in args if not isinstance(one, _PLUMBING)]
            _hold_product([*given, *more.values()], given[0] if name == "format" else "")
        result = function(*args, **more)
        if isinstance(result, GeneratorType):
            return (one for one in _hold(list(result)))
        return _hold(result)

    return filtered


class _Bounded(ImmutableSandboxedEnvironment):
    """An environment that measures; one rendering at a time in a thread."""

    intercepted_binops = frozenset("+*%")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.left = threading.local()
        self._own = (self.joined, self.turns, self.literal)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed: nodes.Template = _Measuring().visit(super()._parse(source, name, filename))
        return parsed

    def step(self, count: int = 1) -> None:
        """Count turns and calls."""
        self.left.steps -= count
        if self.left.steps < 0:
            raise BeyondMeasure(f"it takes more than {STEPS:,} steps")

    def write(self, value: Any) -> Any:
        """Count what is written."""
        self.left.written -= _weight(value) if isinstance(value, str | list | tuple | dict) else 1
        if self.left.written < 0:
            raise BeyondMeasure(f"it writes more than {WRITTEN:,} characters")
        return value

    def joined(self, *values: Any) -> str:
        """`a ~ b`."""
        _hold(values)
        return str_join(values)

    def turns(self, values: Any) -> Any:
        """What a loop goes through."""
        if not hasattr(values, "__len__"):
            return self._counted(values) if isinstance(values, Iterator) else values
        self.step(len(values))
        return values

    def _counted(self, values: Iterator[Any]) -> Iterator[Any]:
        for value in values:
            self.step()
            yield value

    def literal(self, value: Any) -> Any:
        """`[a, b]`, `(a, b)` and `{a: b}`."""
        return _hold(value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`a + b`, `a * b`, `a % b`."""
        if operator == "+":
            _hold((left, right))
        elif operator == "*" or isinstance(left, str):
            _hold_product((left, right), left if operator == "%" else "")
        return _hold(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **more: Any) -> Any:
        """Call a method, a macro or a function."""
        if __obj in __self._own:
            return __obj(*args)
        __self.step()
        name = getattr(__obj, "__name__", "")
        if name in MULTIPLY:
            whose = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", "")
            named = [one for key, one in more.items() if not key.startswith("_")]  # the others are Jinja's
            _hold_product([whose, *args, *named], whose if name.startswith("format") else "")
        return _hold(super().call(__context, __obj, *args, **more))


class _Measuring(NodeTransformer):
    """Puts the measures of the environment into a parsed template."""

    def _by(self, name: str, *arguments: nodes.Node) -> nodes.Call:
        return nodes.Call(nodes.EnvironmentAttribute(name), list(arguments), [], None, None)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """`a ~ b`."""
        self.generic_visit(node)
        return self._by("joined", *node.nodes).set_lineno(node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """A loop."""
        self.generic_visit(node)
        node.iter = self._by("turns", node.iter).set_lineno(node.lineno)
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        """The words of the template are written like values, and counted."""
        return nodes.Const(node.data).set_lineno(node.lineno)

    def _literal(self, node: nodes.Literal) -> nodes.Node:
        self.generic_visit(node)
        if getattr(node, "ctx", "load") != "load":
            return node
        return self._by("literal", node).set_lineno(node.lineno)

    visit_List = visit_Dict = visit_Tuple = _literal
