"""Chat templates are rendered as transformers renders them, and what makes too much is ended while it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from transformers.utils.chat_template_utils import _compile_jinja_template

from in2x.chat import bounded
from in2x.chat.bounded import BeyondMeasure, render
from in2x.chat.contract import PLAIN

CHAT = [
    {"role": "system", "content": "You translate."},
    {"role": "user", "content": "The <b>cat</b>'s 5% {name}\n猫 &amp;"},
    {"role": "assistant", "content": "<think>\nA cat.\n</think>\n\nDie Katze."},
    {"role": "user", "content": " and the dog "},
]
WRITTEN = [
    PLAIN,
    "{%- for m in messages %}\n  {{- '<|' ~ m.role ~ '|>\\n' + m['content'] | trim }}\n{%- endfor %}\n{{ bos_token }}",
    "{% set ns = namespace(system='', turns=0, last=-1) %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set ns.system = ns.system + m.content %}{% else %}{% set ns.turns = ns.turns + 1 %}{% endif %}{% endfor %}"
    "{{ ns.system }}{{ ns.turns }}{{ '-' * 20 }}{{ '%s of %d' % ('a', 3) }}{{ '{}!'.format(ns.turns) }}",
    "{% for m in messages[::-1] %}{{ loop.index0 }}{{ loop.last }}{{ loop.length }}{% if loop.index > 2 %}{% break %}"
    "{% endif %}{{ loop.previtem.role if loop.previtem }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% if messages|selectattr('role', 'equalto', 'tool') %}some{% endif %}{{ messages|selectattr('role', 'equalto', "
    "'user')|map(attribute='content')|join('|') }}{% for m in messages|rejectattr('role', 'in', ['user']) %}"
    "{{ m.role }}{{ loop.last }}{% else %}none{% endfor %}",
    "{% macro turn(m, end='.') %}{{ m.content.split('</think>')[-1].lstrip('\\n')|replace('cat', 'Cat') }}{{ end }}"
    "{{ caller() if caller }}{% endmacro %}{% for m in messages %}{{ turn(m) }}{% endfor %}{% call turn(messages[1]) %}"
    "x{% endcall %}{% set text %}{{ messages|tojson(indent=2) }}{% endset %}{{ text|length }}{{ text|upper }}",
    "{% filter indent(2) %}{{ messages[1].content }}{% endfilter %}{% generation %}a{% endgeneration %}"
    "{% for (key, value) in {'a': 1, 'b': [2, (3, 4)]}.items() %}{{ key }}{{ value }}{% endfor %}{% set a, b = 1, 2 %}"
    "{{ a }}{{ b }}{{ missing }}{{ missing is defined }}{{ tools is none }}{{ [1, 2] + [3] }}{{ 7 % 4 }}{{ -3 * 2.5 }}"
    "{{ messages is string }}{{ dict(a=1) }}{{ range(3)|list }}{{ 'a' 'b' }}{{ none }}{{ true }}"
    "{{ add_generation_prompt }}",
]  # fmt: skip
VALUES = {"messages": CHAT, "tools": None, "documents": None, "add_generation_prompt": True, "bos_token": "<s>"}


def from_others() -> list[str]:
    texts = [file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py")]
    return [found[1] for text in texts for found in re.finditer(r'TEMPLATE = """(.*?)"""', text, re.DOTALL)]


@pytest.mark.parametrize("template", [*WRITTEN, *from_others()])
def test_it_is_rendered_to_the_letter(template: str) -> None:
    assert render(template, VALUES) == _compile_jinja_template(template).render(VALUES)


DOUBLES = "{% set ns = namespace(x='cat', l=['cat'], d={'a': 'cat'}) %}{% for i in range(60) %}"
TOO_MUCH: dict[str, str] = {
    "joins": DOUBLES + "{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "sums": DOUBLES + "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "products": DOUBLES + "{% set ns.x = ns.x * 9 %}{% endfor %}",
    "replaces": DOUBLES + "{% set ns.x = ns.x|replace('t', 'tt' ~ ns.x) %}{% endfor %}",
    "replaces by a method": DOUBLES + "{% set ns.x = ns.x.replace('c', ns.x) %}{% endfor %}",
    "formats": DOUBLES + "{% set ns.x = '%s%s' % (ns.x, ns.x) %}{% endfor %}",
    "formats by a method": DOUBLES + "{% set ns.x = '{0}{0}'.format(ns.x) %}{% endfor %}",
    "formats by a filter": DOUBLES + "{% set ns.x = '%s%s'|format(ns.x, ns.x) %}{% endfor %}",
    "a block": DOUBLES + "{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}",
    "lists": DOUBLES + "{% set ns.l = ns.l + ns.l %}{% endfor %}",
    "lists of lists": DOUBLES + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == ns.l }}",
    "tuples": DOUBLES + "{% set ns.l = (ns.l, ns.l) %}{% endfor %}",
    "mappings": DOUBLES + "{% set ns.d = {'a': ns.d, 'b': ns.d} %}{% endfor %}",
    "mappings by a call": DOUBLES + "{% set ns.d = dict(a=ns.d, b=ns.d) %}{% endfor %}",
    "a join of lists": DOUBLES + "{% set ns.x = [ns.x, ns.x]|join %}{% endfor %}",
    "a generator": DOUBLES + "{% set ns.l = (ns.l + ns.l)|map('upper') %}{% set ns.l = ns.l|list %}{% endfor %}",
    "numbers": "{% set ns = namespace(n=9) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "a width": "{{ '%999999999d' % 1 }}",
    "a width of a method": "{{ '{:>999999999}'.format(1) }}",
    "a width that is computed": "{% set n = 30000 * 500 %}{{ 'x'.ljust(n).ljust(n).replace(' ', 'x'.ljust(99)) }}",
    "its own words": "{% for i in range(90000) %}" + "cat " * 999 + "{% endfor %}",
    "its own words in a block": "{% set a %}{% for i in range(90000) %}" + "cat " * 999 + "{% endfor %}{% endset %}",
    "loops over texts": "{% set x = 'cat' * 999 %}{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}",
    "macros": "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(40) }}",
    "only where a text is asked": "{% if messages[0].content|length > 3 %}" + DOUBLES
    + "{% set ns.x = ns.x ~ ns.x %}{% endfor %}{% endif %}",
}  # fmt: skip


@pytest.mark.parametrize("which", TOO_MUCH)
def test_what_makes_too_much_is_ended(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "STEPS", 100_000)
    with pytest.raises(BeyondMeasure, match=r"it (makes|takes|writes)|one step"):
        render(TOO_MUCH[which], VALUES)


def test_a_template_cannot_lift_its_bounds() -> None:
    names = ("environment", "joined", "turns", "left", "self", "context")
    said = "".join(f"{{% set {name} = 1 %}}{{{{ {name} }}}}" for name in names)
    with pytest.raises(BeyondMeasure):
        render(said + TOO_MUCH["joins"], VALUES)


def test_the_names_are_known_without_working_out_what_is_constant() -> None:
    assert bounded.variables("{{ bos_token ~ x }}{% for m in messages %}{{ m }}{% endfor %}{{ range(3) }}") == {
        "bos_token", "x", "messages"}  # fmt: skip
    assert bounded.variables("{{ '%999999999d' % 1 }}{{ 'x'|center(999999999) }}") == set()


def test_a_long_text_is_no_trouble() -> None:
    long = [{"role": "user", "content": "x " * 500_000}]
    for template in WRITTEN[:2]:
        assert long[0]["content"].strip() in render(template, VALUES | {"messages": long})
