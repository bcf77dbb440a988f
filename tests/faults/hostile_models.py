"""Hostile model folders: templates, configs, weights, tokenizers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from hostile_input import Files, Input, one
from hostile_texts import (
    JSONS,
    TOUCH,
    zipped,
)

TEMPLATES = {
    "reaches for a class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "runs a command": "{{ cycler.__init__.__globals__.os.popen('" + TOUCH + "').read() }}",
    "runs another": "{{ lipsum.__globals__['os'].system('" + TOUCH + "') }}",
    "reaches by a filter": "{{ ()|attr('__class__')|attr('__base__') }}",
    "loops for ever": "{% for a in range(10**12) %}x{% endfor %}",
    "loops in loops": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "multiplies": "{{ 'x' * 10**12 }}",
    "takes a power": "{{ 9 ** 9 ** 9 }}",
    "is no template": "{% for %}{{",
    "calls itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "raises": "{{ raise_exception('no') }}",
    "is nested deep": "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
    "says nothing": "",
    "includes a file": "{% include '/etc/passwd' %}",
    "doubles a text": "{% set n = namespace(x='x') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "doubles a list": "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "doubles a block": "{% set n = namespace(x='x') %}{% for i in range(99) %}{% set y %}{{ n.x }}{{ n.x }}{% endset %}"
    "{% set n.x = y %}{% endfor %}",
    "doubles itself by replacing": "{% set n = namespace(x='x') %}{% for i in range(99) %}"
    "{% set n.x = n.x|replace('x', n.x ~ n.x) %}{% endfor %}",
    "calls itself twice": "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(99) }}",
    "has a width": "{{ '%999999999d' % 1 }}",
    "doubles a long text": "{% if messages[0].content|length > 999 %}{% set n = namespace(x='x') %}"
    "{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}{% endif %}"
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}",
    "formats": "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
}
CONFIGS = {
    "code of its own": {
        "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"},
        "model_type": "evil",
    },
    "code for a known kind": {"auto_map": {"AutoModelForCausalLM": "evil.Model"}},
    "an unknown kind": {"model_type": "klingon"},
    "no kind": {"model_type": None},
    "layers below zero": {"num_hidden_layers": -1},
    "layers without end": {"num_hidden_layers": 10**6},
    "another width": {"hidden_size": 10**5},
    "a width that is a text": {"hidden_size": "x"},
    "no heads": {"num_attention_heads": 0},
    "another vocabulary": {"vocab_size": 7},
    "NaN": {"rms_norm_eps": float("nan")},
    "no type": {"torch_dtype": "evil"},
}


def models() -> Iterator[Input]:
    """What `files` gives is laid over the small model; a name with `-` before it is taken out, one with `+` updated."""

    def model(label: str, make: Callable[[], Files]) -> Input:
        return one(
            "models",
            label,
            lambda: {"in.txt": b"A cat.\n" + b"cat " * 500, **{f"m/{k}": v for k, v in make().items()}},
            ("tiny", "m"),
            ("translate", "in.txt", "-o", "o.txt", "--model", "m", "--from", "en", "--to", "ja", "--force"),
        )

    evil = f"import os\nos.system({TOUCH!r})\nclass Config: pass\nclass Model: pass\n".encode()
    for label, template in TEMPLATES.items():
        yield model(f"a template that {label}", lambda t=template: {"chat_template.jinja": t.encode()})
    for label, config in CONFIGS.items():
        yield model(f"config: {label}", lambda c=config: {"config.json+": json.dumps(c).encode(), "evil.py": evil})
    for label in ("nested 100,000 deep", "a scalar", "NaN", "an open string", "a NUL", "duplicate keys"):
        for name in ("config.json", "tokenizer.json", "in2x_prompt.json", "generation_config.json"):
            yield model(f"{name}: {label}", lambda n=name, j=label: {n: JSONS[j]().encode()})
    pickled = b"cos\nsystem\n(S'" + TOUCH.encode() + b"'\ntR."
    for label, files in {
        "cut weights": {"model.safetensors": b'\x10\0\0\0\0\0\0\0{"a":{"dtype":'},
        "weights of zeros": {"model.safetensors": bytes(100_000)},
        "a head of 2**63 bytes": {"model.safetensors": b"\xff" * 8 + b"{}"},
        "no weights": {"-model.safetensors": b""},
        "a pickle for weights": {"-model.safetensors": b"", "pytorch_model.bin": pickled},
        "a pickle called safetensors": {"model.safetensors": pickled},
        "a pickle of a module": {"-model.safetensors": b"", "pytorch_model.bin": zipped({"archive/data.pkl": pickled})},
        "no config": {"-config.json": b""},
        "no tokenizer": {"-tokenizer.json": b"", "-tokenizer_config.json": b""},
        "a tokenizer with code": {
            "tokenizer_config.json": json.dumps(
                {"auto_map": {"AutoTokenizer": ["evil.T", None]}, "tokenizer_class": "T"}
            ).encode(),
            "evil.py": evil,
        },
        "an index that leads out": {
            "-model.safetensors": b"",
            "model.safetensors.index.json": json.dumps(
                {"metadata": {}, "weight_map": {"a": "../../../../etc/passwd"}}
            ).encode(),
        },
        "tensors past the end": {
            "model.safetensors": _tensors({"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}})
        },
        "a shape that overflows": {
            "model.safetensors": _tensors({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}})
        },
    }.items():
        yield model(label, lambda files=files: files)


def _tensors(head: dict[str, object]) -> bytes:
    raw = json.dumps(head).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(4)
