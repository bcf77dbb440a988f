"""Instructions as token sequences: through the model's own chat template, loss on the answer only.

    table/
      tokens.npy     all sequences end to end, int32 [tokens]
      offsets.npy    where each begins, int64 [examples + 1]
      starts.npy     index of the first answer token in each, int32 [examples]

The table is memory-mapped, so its size is bounded by the disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from in2x.errors import In2xError
from in2x.records import Instruction, Message
from in2x.training.batches import Example

CHUNK = 1024


def prompt_tokens(tokenizer: PreTrainedTokenizerBase, chats: Sequence[list[Message]]) -> list[list[int]]:
    """Token ids of each chat up to where the answer begins (generation prompt added)."""
    texts = _render(tokenizer, chats, prompt=True)
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _render(tokenizer: PreTrainedTokenizerBase, chats: Sequence[list[Message]], prompt: bool) -> list[str]:
    if tokenizer.chat_template is None:
        raise In2xError("the tokenizer has no chat template", file=tokenizer.name_or_path,
                        mend="use an instruction-tuned tokenizer or add chat_template.jinja")  # fmt: skip
    texts: list[str] = tokenizer.apply_chat_template(list(chats), tokenize=False, add_generation_prompt=prompt)
    return texts


def chat_examples(
    tokenizer: PreTrainedTokenizerBase, instructions: Iterable[Instruction], *, max_tokens: int
) -> Iterator[Example]:
    """One example per instruction that has an answer; those longer than `max_tokens` are left out.

    Prompt and answer are tokenised apart, as they are when the model answers, so that the first answer token is the
    one that sampling will see.

    Raises:
        In2xError: the chat template rewrites earlier turns, so that a prompt is not a prefix of its chat.
    """
    with_answer = (i for i in instructions if i.answer)
    while chunk := list(islice(with_answer, CHUNK)):
        prompts = _render(tokenizer, [i.messages for i in chunk], prompt=True)
        wholes = _render(
            tokenizer, [[*i.messages, {"role": "assistant", "content": i.answer or ""}] for i in chunk], prompt=False
        )
        for prompt, whole in zip(prompts, wholes, strict=True):
            if not whole.startswith(prompt):
                raise In2xError("the chat template rewrites the prompt when the answer is added",
                                file=tokenizer.name_or_path, mend="use a template whose turns only append")  # fmt: skip
        heads = tokenizer(prompts, add_special_tokens=False, verbose=False)["input_ids"]
        tails = tokenizer(
            [w[len(p) :] for p, w in zip(prompts, wholes, strict=True)], add_special_tokens=False, verbose=False
        )["input_ids"]
        for head, tail in zip(heads, tails, strict=True):
            if tail and len(head) + len(tail) <= max_tokens:
                yield Example(head + tail, len(head))


class ExampleTable(Sequence[Example]):
    """Examples on disk."""

    def __init__(self, folder: Path) -> None:
        """Open a table that `write` finished."""
        self._tokens = np.load(folder / "tokens.npy", mmap_mode="r")
        self._offsets = np.load(folder / "offsets.npy")
        self._starts = np.load(folder / "starts.npy")

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._starts)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]
        """The example with this number."""
        tokens = self._tokens[self._offsets[index] : self._offsets[index + 1]]
        return Example(tokens.tolist(), int(self._starts[index]))

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, int64 [examples]."""
        return np.diff(self._offsets)

    @classmethod
    def write(cls, folder: Path, examples: Iterable[Example]) -> ExampleTable:
        """Write `examples` to `folder`, beside and renamed; a finished folder is taken as it is."""
        if not folder.exists():
            partial = folder.with_name(folder.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            lengths: list[int] = []
            starts: list[int] = []
            with (partial / "stream.bin").open("wb") as stream:
                for example in examples:
                    stream.write(np.asarray(example.tokens, np.int32).data)
                    lengths.append(len(example.tokens))
                    starts.append(example.answer_start)
            raw = np.fromfile(partial / "stream.bin", np.int32)
            np.save(partial / "tokens.npy", raw)
            np.save(partial / "offsets.npy", np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64))
            np.save(partial / "starts.npy", np.asarray(starts, np.int32))
            (partial / "stream.bin").unlink()
            partial.rename(folder)
        return cls(folder)
