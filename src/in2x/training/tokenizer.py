"""A byte-level BPE tokenizer trained from scratch, for recipes that name no base model.

Byte-level, so that no text is unknown and decoding gives back the very bytes. Text is cut at changes of script before
BPE (kanji, hiragana, katakana, Latin, digits one by one, the rest), because some languages have no spaces and
merges over a whole clause would waste the vocabulary. A placeholder of an inline tag (`chat/placeholders.py`) is one
token up to the ninth of a text, whether or not the texts hold any.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, END, USER, ASSISTANT, SYSTEM = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"
SPECIAL = (PAD, END, USER, ASSISTANT, SYSTEM)

PLACEHOLDERS = "".join(f"<{n}></{n}><{n}/>" for n in range(1, 10))
OFTEN = 2000
"""How often the trainer reads them, so that they are merged: 27 tokens and some twenty on the way to them."""
ROOM = 2048
"""Entries of a vocabulary from which they are a token each; a smaller one has better use for its merges."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}<|system|>{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% else %}<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""Short on purpose: a small model pays for every token of the frame. `<|end|>` closes documents and answers alike."""

_PLACEHOLDER = r"</?[1-9]/?>"
SCRIPTS = Regex(
    rf"{_PLACEHOLDER}| ?(?!{_PLACEHOLDER})(?:\p{{Latin}}++|\p{{Han}}{{1,4}}|[\p{{Hiragana}}ー]++"
    r"|[\p{Katakana}ー・]++|\p{N}|[^\s\p{L}\p{N}])|\s+(?!\S)|\s+|."
)


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, words: Iterable[str] = (), *, max_length: int = 4096
) -> PreTrainedTokenizerFast:
    """Train a BPE tokenizer with the project's chat template.

    Args:
        texts: the training texts, streamed.
        vocab_size: entries, special tokens and the 256 bytes included.
        words: strings that must each be one token (language tags, for example).
        max_length: `model_max_length` written into the tokenizer, in tokens.

    The result is a pure function of the arguments. Source: our choice.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(SCRIPTS, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[*SPECIAL, *words],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        min_frequency=2,
    )
    tokenizer.train_from_iterator(chain(texts, repeat(PLACEHOLDERS, OFTEN * (vocab_size >= ROOM))), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )
