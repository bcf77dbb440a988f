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
INPUTS: dict[str, dict[str, Any]] = {
    "creative": {"language": "Japanese", "form": "a letter", "style": "a chronicler of office life", "seed": "A key."},
    "critic": {"instruction": "Name a river.", "response": "The Nile."},
    "faults": {"language": "Chinese", "instruction": "写一首诗。"},
    "localized": {"language": "Japanese", "question": "Tom has $9 and spends $2. How much is left?", "answer": "7"},
    "register": {"language": "zh", "register": "polite", "text": "下雨了。"},
    "rereading": {"language": "Japanese", "instruction": "港を描いて。", "answer": "波。", "trace": '{"form": "x"}'},
    "self-instruct": {"language": "Japanese", "examples": ["一つ目", "二つ目"], "kind": "advice", "topic": "the sea",
                      "difficulty": "simple", "count": 4},
    "style": {"language": "Japanese", "register": "honorific", "instruction": "Thank him.", "answer": "Thanks!"},
}  # fmt: skip


def test_every_prompt_has_one() -> None:
    assert INPUTS.keys() == versions().keys()


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_golden(name: str) -> None:
    file = GOLDEN / f"{name}.txt"
    text = f"version {prompt(name).version}\n{prompt(name).render(**INPUTS[name])}\n"
    if not file.exists():
        file.write_text(text, encoding="utf-8")
        pytest.fail(f"{file} was not there and has been written: read it, then run again")
    assert text == file.read_text(encoding="utf-8")
