"""Golden rendering: what each prompt file says for given inputs, letter by letter.

After a wanted change of a prompt raise its version, delete its file in tests/golden/ and run this test: it writes the
new text and fails once, so that the change is looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from in2x.instructions.prompt import prompt, versions

GOLDEN = Path(__file__).parent / "golden"
_BRIEF = {"form": "a letter", "style": "a chronicler of office life", "genre": "satire", "persona": "a baker",
          "relation": "two rivals", "season": "the first snow"}  # fmt: skip
INPUTS: dict[str, dict[str, Any]] = {
    "assess": {"instruction": "Name a river."},
    "creative": {**_BRIEF, "seed": "A key."},
    "critic": {"kind": "general", "instruction": "Name a river.", "response": "The Nile."},
    "evolve": {"step": "constrain", "instruction": "Name a river."},
    "faults": {"instruction": "写一首诗。"},
    "localized": {"question": "Tom has $9 and spends $2. How much is left?", "answer": "7"},
    "magpie": {"persona": "a baker", "kind": "advice", "topic": "tides", "register": "casual", "difficulty": "simple"},
    "rationale": {"instruction": "港を描いて。", "answer": "波。"},
    "register": {"language": "zh", "register": "polite", "text": "下雨了。"},
    "rereading": {"instruction": "港を描いて。", "answer": "波。", "trace": '{"form": "x"}'},
    "self-instruct": {"examples": ["一つ目", "二つ目"], "kind": "advice", "topic": "the sea", "persona": "a baker",
                      "difficulty": "simple", "count": 4},
    "style": {"register": "honorific", "instruction": "Thank him.", "answer": "Thanks!"},
}  # fmt: skip


def test_every_prompt_has_one() -> None:
    assert INPUTS.keys() == {name.rpartition("/")[2] for name in versions()}


@pytest.mark.parametrize("path", sorted(versions()))
def test_golden(path: str) -> None:
    lang, _, name = path.rpartition("/")
    file = GOLDEN / f"{name}{'.' if lang else ''}{lang}.txt"
    found = prompt(name, lang)
    given = {"language": "Korean"} | INPUTS[name] if "language" in found.inputs else INPUTS[name]
    text = f"version {found.version}\n{found.render(**given)}\n"
    if not file.exists():
        file.write_text(text, encoding="utf-8")
        pytest.fail(f"{file} was not there and has been written: read it, then run again")
    assert text == file.read_text(encoding="utf-8")
