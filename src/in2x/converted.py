"""A model in the format of another engine: CTranslate2's, or GGUF for llama.cpp.

What is written asks as the model itself is asked: tokenizer and prompt profile go along.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from in2x.chat.known import profile_of
from in2x.errors import In2xError, UsageError
from in2x.training.model import load_tokenizer

GGUF = "model.gguf"


def to_ct2(model: Path, out: Path, *, int8: bool) -> None:
    """Write the model folder `model` for CTranslate2 into the folder `out`, which must not exist.

    Raises:
        UsageError: `out` exists, or how the model is asked is not known.
        In2xError: CTranslate2 is not installed, or does not know such models.
    """
    _check(model, out)
    try:
        from ctranslate2.converters import TransformersConverter  # type: ignore[import-untyped]
    except ImportError:
        raise In2xError("CTranslate2 is not installed", mend="run: pip install 'in2x[ct2]'") from None
    from transformers import AutoConfig

    profile = profile_of(model)
    tokenizer = load_tokenizer(model)
    config = AutoConfig.from_pretrained(str(model), trust_remote_code=False)
    with _beside(out) as partial:
        try:
            TransformersConverter(str(model)).convert(str(partial), quantization="int8" if int8 else None, force=True)
        except (ValueError, NotImplementedError, OSError) as error:
            first = str(error).partition("(supported")[0].strip()
            raise In2xError(f"CTranslate2 cannot convert it ({first})", file=model,
                            mend="translate with the model folder itself") from None  # fmt: skip
        told = json.loads((partial / "config.json").read_text(encoding="utf-8"))
        for name in told:  # a token that the model has not, which no text holds, is no reason to refuse it
            if name.endswith("_token") and told[name] is None:
                told[name] = tokenizer.eos_token
        (partial / "config.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        longest = getattr(config.get_text_config(), "max_position_embeddings", None)
        if longest:  # CTranslate2's own config.json does not say it
            tokenizer.model_max_length = int(longest)
        tokenizer.save_pretrained(partial)
        profile.save(partial)
        if (model / "generation_config.json").is_file():
            shutil.copyfile(model / "generation_config.json", partial / "generation_config.json")
        partial.rename(out)


def to_gguf(model: Path, out: Path, converter: Path | None, *, int8: bool) -> None:
    """Write the model folder `model` as `out`/model.gguf, by llama.cpp's own script `converter`.

    Raises:
        UsageError: `out` exists, no script is named, or how the model is asked is not known.
        In2xError: the script fails.
    """
    _check(model, out)
    if converter is None or not converter.is_file():
        missing = "" if converter is None else f"; {converter} is no file"
        raise UsageError(f"the format GGUF is written by a script of llama.cpp{missing}",
                         mend="give --converter /path/to/llama.cpp/convert_hf_to_gguf.py")  # fmt: skip
    profile = profile_of(model)
    with _beside(out) as partial:
        file = partial / GGUF
        command = [sys.executable, str(converter), str(model), "--outfile", str(file),
                   "--outtype", "q8_0" if int8 else "auto"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode or not file.is_file():
            last = next((line.strip() for line in reversed(done.stderr.splitlines()) if line.strip()), "no file")
            raise In2xError(f"{converter.name} failed ({last[:200]})", file=model,
                            mend="see what llama.cpp says about this kind of model")  # fmt: skip
        profile.save(partial)
        partial.rename(out)


class _beside(tempfile.TemporaryDirectory[str]):
    """A folder beside `out` that is renamed when whole, and gone otherwise."""

    def __init__(self, out: Path) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(prefix=f"{out.name}.", dir=out.parent, ignore_cleanup_errors=True)

    def __enter__(self) -> Path:  # type: ignore[override]
        inner = Path(super().__enter__()) / "made"
        inner.mkdir()
        return inner


def _check(model: Path, out: Path) -> None:
    if not (model / "config.json").is_file():
        raise UsageError(f"{model} is no model folder (it has no config.json)", mend="give one, as runs/demo/model")
    if out.exists():
        raise UsageError(f"{out} exists", mend="give another folder, or remove it")
