"""Translate with CTranslate2: a folder that `in2x export --to ct2` wrote, causal or sequence-to-sequence.

It asks with the very token ids that the other back ends ask with. Its threads are its own: in one process with torch
they slow each other down, so nothing else should compute beside it. Of a small model every core computes batches of its
own, which is faster than all cores on one product; of a large one the memory's speed decides, and they share it.

What is drawn by temperature repeats by its seed in a fresh process only: CTranslate2 seeds a thread when it begins.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from in2x.chat.contract import end_ids
from in2x.chat.known import model_path, profile_of
from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError
from in2x.training.model import load_tokenizer
from in2x.translate.backend import CT2_FILE
from in2x.translate.batched import FOREVER, Batch, BatchedBackend, stop_tokens

ROWS = 64
"""Answers computed together on a CPU (our choice: of 32 to 500 the least time, `benchmarks/translate.py`'s shape)."""
SMALL = 1 << 30
"""Bytes of weights up to which every core has a batch of its own (our choice)."""


class Ct2Backend(BatchedBackend):
    """A model in CTranslate2's format.

    Args:
        folder: with model.bin, the tokenizer and `in2x_prompt.json`.
        profile: how the model is asked, if not as its `in2x_prompt.json` says.
        batch_tokens: tokens that one batch may hold, padding and answers included.

    Raises:
        In2xError: CTranslate2 is not installed, or cannot read the folder.
    """

    def __init__(self, folder: Path | str, *, profile: PromptProfile | None = None, batch_tokens: int = 16384) -> None:
        try:
            import ctranslate2  # type: ignore[import-untyped]
        except ImportError:
            raise In2xError("this folder is for CTranslate2, which is not installed", file=folder,
                            mend="run: pip install 'in2x[ct2]'") from None  # fmt: skip
        path = model_path(folder, CT2_FILE)
        self.folder = folder
        self.profile = profile or profile_of(folder)
        self.tokenizer: Any = load_tokenizer(folder)
        self.seq2seq = self.profile.endpoint == "seq2seq"
        self.batch_tokens = batch_tokens
        cores = _cores()
        small = (path / CT2_FILE).stat().st_size < SMALL and not ctranslate2.get_cuda_device_count()
        options = {"device": "auto", "compute_type": "default", "inter_threads": cores if small else 1,
                   "intra_threads": 1 if small else cores}  # fmt: skip
        try:
            kind = ctranslate2.Translator if self.seq2seq else ctranslate2.Generator
            self.model = kind(str(path), **options)
        except (RuntimeError, ValueError) as error:
            raise In2xError(f"not a model that CTranslate2 can load ({error})", file=path,
                            mend="write it anew with in2x export --to ct2") from None  # fmt: skip
        self.rows = 0 if self.model.device == "cuda" else ROWS
        self.waiting = cores if small else 1
        said = (path / "generation_config.json").is_file()
        known = end_ids(self.tokenizer, GenerationConfig.from_pretrained(path).eos_token_id if said else None)
        self.stop_ids = known | stop_tokens(self.tokenizer, self.profile)
        longest = self.tokenizer.model_max_length
        self.context = int(longest) if longest < FOREVER else (512 if self.seq2seq else FOREVER)

    def _answer(self, batch: Batch) -> list[list[list[int]]]:
        how = batch.sampling
        drawn = how.temperature > 0 and how.beams == 1
        fan = batch.samples if drawn else 1
        prompts = [self.tokenizer.convert_ids_to_tokens(prompt) for prompt in batch.prompts]
        ends = list(self.tokenizer.convert_ids_to_tokens(sorted(self.stop_ids)))
        options: dict[str, Any] = {
            "beam_size": how.beams, "num_hypotheses": fan, "repetition_penalty": how.repetition_penalty,
            "end_token": ends, "return_end_token": True, "max_batch_size": self.rows,
        }  # fmt: skip
        if drawn:
            import ctranslate2

            ctranslate2.set_random_seed(batch.seed)
            options |= {"sampling_topk": how.top_k, "sampling_topp": how.top_p,
                        "sampling_temperature": how.temperature}  # fmt: skip
        if self.seq2seq:
            prefixes = [self.tokenizer.convert_ids_to_tokens(prefix) for prefix in batch.prefixes]
            length = batch.limit + max(map(len, prefixes))
            found = self.model.translate_batch(
                prompts, target_prefix=prefixes if any(prefixes) else None, max_decoding_length=length,
                max_input_length=0, **options,
            )  # fmt: skip
            said = [
                [self.tokenizer.convert_tokens_to_ids(tokens[len(prefix) :]) for tokens in one.hypotheses]
                for one, prefix in zip(found, prefixes, strict=True)
            ]
        else:
            found = self.model.generate_batch(
                prompts, max_length=batch.limit, include_prompt_in_result=False, **options
            )
            said = [list(one.sequences_ids) for one in found]
        return [answers * (batch.samples // fan) for answers in said]


def _cores() -> int:
    """Cores to use; torch would not know: CTranslate2 sets the number of threads of all OpenMP in the process."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
