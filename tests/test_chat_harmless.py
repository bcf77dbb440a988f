"""Chat templates that would count for ever are refused unrendered; those of models are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from in2x.chat.harmless import refuse_costly
from in2x.errors import In2xError


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ 9 ** 9 ** 9 }}", "takes a power"),
        ("{{ 'x' * 10000000 }}", "beyond measure"),
        ("{{ 'x' * 99999 * 99999 }}", "beyond measure"),
        ("{{ 'x'|center(1000000000) }}", "beyond measure"),
        ("{% for a in range(1000000000000) %}x{% endfor %}", "loops without measure"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "loops without measure"),
        ("{{ '%999999999d' % 1 }}", "beyond measure"),
        ("{{ lipsum(n=9999) }}", "makes up text"),
        ("{% generation %}{{ 9 ** 9 }}{% endgeneration %}", "takes a power"),
        ("{% for %}{{", "is none"),
        ("{% if 1 %}" * 3_000 + "{% endif %}" * 3_000, "is none"),
    ],
)
def test_what_counts_without_measure_is_refused(template: str, said: str) -> None:
    with pytest.raises(In2xError, match=said):
        refuse_costly(template)


def test_what_models_write_is_not() -> None:
    refuse_costly(
        "{% for m in messages %}{{ '<|' ~ m.role ~ '|>' ~ m.content }}{% if loop.index0 > 3 %}{% break %}"
        "{% endif %}{% endfor %}{{ '=' * 40 }}{% for i in range(messages|length - 1, -1, -1) %}{% endfor %}"
    )
    texts = [file.read_text(encoding="utf-8") for file in (Path(__file__).parents[1] / "src").rglob("*.py")]
    ours = [found[1] for text in texts for found in re.finditer(r'TEMPLATE = """(.*?)"""', text, re.DOTALL)]
    for template in ours:
        refuse_costly(template)
