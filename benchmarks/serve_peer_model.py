"""A small sequence-to-sequence model as a package for Argos Translate, for `benchmarks/serve_peer.py`.

    pip install sentencepiece                                       beside in2x
    python benchmarks/serve_peer_model.py train.jsonl.gz en_ja.argosmodel --passes 8 --spacy sentences

Reads pairs (`{"en": ..., "ja": ...}` a line), trains a Marian of transformers (2 + 2 layers of width 256, 8,192 words
of SentencePiece for both languages, weights tied: 5.26M parameters beside fixed positions), and packs it as Argos packs
its own: `metadata.json`, `sentencepiece.model`, `model/` of CTranslate2 in int8. Where sentences end is told by spaCy's
rules (`--spacy`, a folder made where LibreTranslate is installed).

Differs from Argos' own models in size, data and the tool that trained it (OpenNMT there); what serves it is the same.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import tempfile
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import sentencepiece  # type: ignore[import-not-found, import-untyped, unused-ignore]
import torch
from ctranslate2.converters.transformers import MarianMTLoader  # type: ignore[import-untyped, unused-ignore]
from torch.nn import functional as F
from transformers import MarianConfig, MarianMTModel

from in2x.training.config import OptimizerConfig
from in2x.training.optimizer import Optimizer, learning_rate_factor

WORDS = 8192
PAD = WORDS
"""Also what the decoder starts from: its vector is zero, as CTranslate2's `start_from_zero_embedding`."""
Pair = tuple[list[int], list[int]]


def model() -> MarianMTModel:
    """It, untrained."""
    torch.manual_seed(1)
    config = MarianConfig(
        vocab_size=WORDS + 1, d_model=256, encoder_layers=2, decoder_layers=2, encoder_attention_heads=8,
        decoder_attention_heads=8, encoder_ffn_dim=768, decoder_ffn_dim=768, activation_function="swish", dropout=0.0,
        max_position_embeddings=256, pad_token_id=PAD, eos_token_id=2, decoder_start_token_id=PAD,
        forced_eos_token_id=None, scale_embedding=True,
    )  # fmt: skip
    return MarianMTModel(config)


def vocabulary(texts: list[str]) -> bytes:
    """A SentencePiece model of `texts`."""
    written = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=written, vocab_size=WORDS, character_coverage=0.9999,
        model_type="bpe", num_threads=1, minloglevel=2,
    )  # fmt: skip
    return written.getvalue()


def batches(pairs: list[Pair], tokens: int, rng: random.Random) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of like lengths, of about so many tokens with their padding: sources and targets [pairs, length]."""
    order = sorted(pairs, key=lambda pair: (len(pair[1]) + rng.random() * 2, len(pair[0])))
    some: list[list[Pair]] = [[]]
    for pair in order:
        longest = max(len(pair[0]), *(len(other[0]) for other in some[-1]), 0) if some[-1] else len(pair[0])
        if some[-1] and (len(some[-1]) + 1) * (longest + len(pair[1])) > tokens:
            some.append([])
        some[-1].append(pair)
    rng.shuffle(some)
    for batch in some:
        yield tuple(  # type: ignore[misc]
            torch.nn.utils.rnn.pad_sequence([torch.tensor(pair[side]) for pair in batch], True, PAD) for side in (0, 1)
        )


def train(pairs: list[Pair], passes: int, tokens: int, minutes: float) -> MarianMTModel:
    """Train on `pairs`, for `passes` or until `minutes` are over."""
    marian, rng, began = model(), random.Random(1), time.monotonic()
    print(f"{marian.num_parameters() / 1e6:.2f}M parameters, {len(pairs)} pairs", flush=True)
    optimizer = Optimizer(marian, OptimizerConfig(name="muon", lr=3e-3, matrix_lr=4e-3, weight_decay=0.1))
    marian.train()
    step, part, said = 0, 0.0, 0.0
    for number in range(passes):
        for at, (source, target) in enumerate(some := list(batches(pairs, tokens, rng))):
            whole = (number + at / len(some)) / passes
            part = max(whole, (time.monotonic() - began) / 60 / minutes)
            rate = min(1.0, (step + 1) / 20) * learning_rate_factor("trapezoid", int(part * 1e4), 10_000, decay=0.5)
            begun = F.pad(target[:, :-1], (1, 0), value=PAD)
            with torch.autocast("cpu", torch.bfloat16):
                hidden = marian.model(
                    input_ids=source, attention_mask=source != PAD, decoder_input_ids=begun, use_cache=False
                ).last_hidden_state
                kept = target != PAD
                logits = hidden[kept] @ marian.model.shared.weight[:WORDS].T
            loss = F.cross_entropy(logits.float(), target[kept], label_smoothing=0.1)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step(max(rate, 1e-3))
            step, said = step + 1, 0.98 * said + 0.02 * loss.item()
            if step % 20 == 0:
                print(f"pass {number + 1} step {step} of {len(some)} a pass: loss {said / (1 - 0.98**step):.3f}, "
                      f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
            if part >= 1:
                return marian
    return marian


def packed(marian: MarianMTModel, words: bytes, sentences: Path | None, out: Path) -> None:
    """Write the package."""
    names = sentencepiece.SentencePieceProcessor(model_proto=words)
    spec = MarianMTLoader().get_model_spec(marian.eval().float())
    tokens = [names.id_to_piece(number) for number in range(WORDS)]
    spec.register_source_vocabulary(tokens)
    spec.register_target_vocabulary(tokens)
    spec.config.eos_token, spec.config.unk_token = "</s>", "<unk>"
    spec.config.decoder_start_token = "</s>"  # not looked at: it starts from zero
    spec.validate()
    spec.optimize(quantization="int8")
    about = {"package_version": "1.0", "argos_version": "1.9", "from_code": "en", "from_name": "English",
             "to_code": "ja", "to_name": "Japanese"}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(out, "w") as package:
        spec.save(folder)
        package.writestr("en_ja/metadata.json", json.dumps(about))
        package.writestr("en_ja/sentencepiece.model", words)
        for root, inside in ((Path(folder), "model"), *(((sentences, "spacy"),) if sentences else ())):
            for path in root.rglob("*"):
                if path.is_file():
                    package.write(path, f"en_ja/{inside}/{path.relative_to(root)}")


def main() -> None:
    """Train and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--passes", type=int, default=8)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end by then, with the rate run down")
    parser.add_argument("--spacy", type=Path, help="a folder that spaCy saved: `spacy.blank('en').to_disk(...)`")
    options = parser.parse_args()
    with (gzip.open if options.pairs.suffix == ".gz" else open)(options.pairs, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    words = vocabulary([row[side] for row in rows for side in ("en", "ja")])
    names = sentencepiece.SentencePieceProcessor(model_proto=words)
    sides = [names.encode([row[side] for row in rows]) for side in ("en", "ja")]
    pairs = [(source, [*target, 2]) for source, target in zip(*sides, strict=True) if source and len(target) < 120]
    marian = train(pairs, options.passes, options.batch_tokens, options.minutes)
    packed(marian, words, options.spacy, options.out)


if __name__ == "__main__":
    main()
