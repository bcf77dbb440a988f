"""Bytes a token, and the extension of a vocabulary, against a naive byte-pair encoder."""

import itertools
import random
from collections import Counter

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from in2x.artifact import Artifact, write_json
from in2x.errors import In2xError
from in2x.pretrain.stage import _extended
from in2x.recipe import Recipe
from in2x.records import Document, write_records
from in2x.stage import Stage
from in2x.training.config import ShapeConfig
from in2x.training.model import build_model, load_model, load_tokenizer, save_model
from in2x.training.tokenizer import train_tokenizer
from in2x.training.vocabulary import _merge, bytes_per_token, extend, grow

ENGLISH = ["the harbour wakes early and the boats go out before the light of the tower is gone"] * 20
JAPANESE = [
    "港の朝はいつも早い。漁師たちは網を船に積む。",
    "灯台の光が消えるころには沖に出ている。",
    "港の光。漁師の朝。",
] * 20


def _naive(words: list[tuple[list[str], int]], count: int, known: set[str]) -> list[tuple[str, str]]:
    merges: list[tuple[str, str]] = []
    while len(merges) < count:
        pairs: Counter[tuple[str, str]] = Counter()
        for parts, n in words:
            for pair in itertools.pairwise(parts):
                pairs[pair] += n
        open_ = [p for p, n in pairs.items() if n >= 2 and "".join(p) not in known]
        if not open_:
            break
        best = min(open_, key=lambda p: (-pairs[p], p))
        merges.append(best)
        known = known | {"".join(best)}
        for k, (parts, n) in enumerate(words):
            out: list[str] = []
            at = 0
            while at < len(parts):
                if tuple(parts[at : at + 2]) == best:
                    out.append("".join(best))
                    at += 2
                else:
                    out.append(parts[at])
                    at += 1
            words[k] = (out, n)
    return merges


@pytest.mark.parametrize("seed", range(5))
def test_the_merges_are_those_of_a_naive_encoder(seed: int) -> None:
    rng = random.Random(seed)
    words = [(list("".join(rng.choices("abc", k=rng.randint(2, 12)))), rng.randint(1, 5)) for _ in range(60)]
    expected = _naive([(list(p), n) for p, n in words], 40, {"ab"})
    assert _merge([(list(p), n) for p, n in words], 40, {"ab"}) == expected
    assert len(expected) == 40


def test_an_extended_model_reads_the_language_in_fewer_tokens_and_the_rest_as_before(tmp_path) -> None:
    tokenizer = train_tokenizer(ENGLISH, 300)
    shape = ShapeConfig(width=32, layers=1, heads=2, kv_heads=1, mlp=64, vocabulary=300, context=64)
    model = build_model(shape, tokenizer, 0)
    english, japanese = tokenizer.encode(ENGLISH[0]), tokenizer.encode(JAPANESE[0])
    old = model.get_input_embeddings().weight.detach().clone()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([english])).logits
    parts = extend(tokenizer, JAPANESE, 60)
    grow(model, tokenizer, parts)
    assert len(parts) == 60
    assert tokenizer.encode(ENGLISH[0]) == english
    with torch.no_grad():
        torch.testing.assert_close(model(input_ids=torch.tensor([english])).logits[..., : len(old)], logits)
    new = tokenizer.encode(JAPANESE[0])
    assert len(new) < 0.5 * len(japanese) and tokenizer.decode(new) == JAPANESE[0]
    # Put back together from the base tokens it stands for, the text is cut as the base tokenizer cut it.
    inverse = {tokenizer.convert_tokens_to_ids(token): ids for token, ids in parts.items()}
    assert [i for n in new for i in inverse.get(n, [n])] == japanese
    weight = model.get_input_embeddings().weight
    for row, ids in inverse.items():
        torch.testing.assert_close(weight[row], old[ids].mean(dim=0))
    save_model(model, tokenizer, tmp_path / "m")
    assert load_tokenizer(tmp_path / "m").encode(JAPANESE[0]) == new
    torch.testing.assert_close(load_model(tmp_path / "m").get_input_embeddings().weight, weight)


def test_an_untied_output_matrix_grows_alike() -> None:
    tokenizer = train_tokenizer(ENGLISH, 300)
    shape = ShapeConfig(width=32, layers=1, heads=2, kv_heads=1, mlp=64, vocabulary=300, context=64)
    model = build_model(shape, tokenizer, 0)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    old = model.lm_head.weight.detach().clone()
    parts = extend(tokenizer, JAPANESE, 5)
    grow(model, tokenizer, parts)
    for token, ids in parts.items():
        row = tokenizer.convert_tokens_to_ids(token)
        torch.testing.assert_close(model.get_output_embeddings().weight[row], old[ids].mean(dim=0))


def test_bytes_per_token() -> None:
    tokenizer = train_tokenizer(ENGLISH, 300)
    found = bytes_per_token(tokenizer, [("en", ENGLISH[0]), ("ja", JAPANESE[0]), ("ja", JAPANESE[1])])
    assert found["en"] == len(ENGLISH[0]) / len(tokenizer.encode(ENGLISH[0]))
    assert found["ja"] == 1.0  # no merge of this vocabulary joins the bytes of Japanese
    assert bytes_per_token(tokenizer, []) == {}


def test_only_byte_pair_tokenizers_can_be_extended() -> None:
    words = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(In2xError, match="only a byte-pair tokenizer"):
        extend(PreTrainedTokenizerFast(tokenizer_object=words), ["a b"], 5)


def test_the_pretrain_stage_extends_the_base_for_the_target_language_once(tmp_path) -> None:
    tokenizer = train_tokenizer(ENGLISH, 300)
    shape = ShapeConfig(width=32, layers=1, heads=2, kv_heads=1, mlp=64, vocabulary=300, context=64)
    save_model(build_model(shape, tokenizer, 0), tokenizer, tmp_path / "base")
    rows = [(f"{lang}{k}", text, lang) for lang, texts in (("ja", JAPANESE), ("zh", ["港口的早晨。"] * 40))
            for k, text in enumerate(texts)]  # fmt: skip
    documents = [Document(id=id_, text=text, lang=lang) for id_, text, lang in rows]
    write_records(tmp_path / "corpus" / "documents" / "part-00000.parquet", documents, Document)
    write_json(tmp_path / "corpus" / "manifest.json", {"key": "k", "figures": {}})
    stage = Stage("pretrain", Recipe(name="t"), tmp_path / "out", {"corpus": Artifact.open(tmp_path / "corpus")})
    folder = _extended(tmp_path / "base", 40, stage)
    larger = load_tokenizer(folder)
    assert len(larger) == len(tokenizer) + 40 == load_model(folder).config.vocab_size
    assert len(larger.encode(JAPANESE[0])) < len(tokenizer.encode(JAPANESE[0]))
    assert "早晨" not in [larger.decode([i]) for i in range(len(larger))]
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert _extended(tmp_path / "base", 40, stage) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
