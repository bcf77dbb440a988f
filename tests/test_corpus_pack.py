"""Packing: nothing lost, documents recoverable, few positions unused, deterministic."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.corpus.pack import PackedBlocks, _best_fit, pack, pack_documents, tokenise
from in2x.errors import In2xError
from in2x.records import Document
from in2x.training.tokenizer import train_tokenizer


def _documents(blocks: PackedBlocks) -> list[list[int]]:
    found = []
    for i in range(len(blocks)):
        tokens, starts = blocks.block(i)
        for start, stop in zip(starts, [*starts[1:], blocks.used(i)], strict=True):
            found.append(tokens[start:stop].tolist())
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 17), st.integers(0, 3))
def test_every_token_is_packed_once(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], context: int, seed: int
) -> None:
    documents = [[1000 * k + j for j in range(size)] for k, size in enumerate(sizes)]
    out = tmp_path_factory.mktemp("pack") / "blocks"
    if not any(sizes):
        with pytest.raises(In2xError, match="no token"):
            pack(documents, context, out, vocabulary=70_000, seed=seed)
        return
    blocks = pack(documents, context, out, vocabulary=70_000, pad=69_999, seed=seed)
    pieces = [d[k : k + context] for d in documents for k in range(0, len(d), context)]
    assert sorted(_documents(blocks)) == sorted(pieces)
    for i in range(len(blocks)):
        tokens, starts = blocks.block(i)
        assert (tokens[blocks.used(i) :] == 69_999).all()
        assert starts[0] == 0 and (np.diff(starts) > 0).all()
        assert (blocks.positions(i)[starts] == 0).all()
        segments = blocks.segments(i)
        assert (segments >= 0).sum() == blocks.used(i)
        assert len(np.unique(segments[segments >= 0])) == len(starts)


def test_best_fit_takes_the_tightest_bin() -> None:
    lengths = np.array([6, 7, 3, 4, 2, 8])
    bins, offsets, count = _best_fit(lengths, np.arange(6), 10)
    # 6 and 7 open bins 0 and 1; 3 fits tightest into bin 1, 4 into bin 0; 2 opens bin 2, where 8 fills it up.
    assert bins.tolist() == [0, 1, 1, 0, 2, 2] and offsets.tolist() == [0, 0, 7, 6, 0, 2] and count == 3


def test_best_fit_fills_long_blocks() -> None:
    rng = np.random.default_rng(0)
    lengths = np.minimum(8192, np.exp(rng.normal(6, 1.2, 20_000)).astype(np.int64) + 1)
    order = np.argsort(-lengths, kind="stable")
    _, _, count = _best_fit(lengths, order, 8192)
    assert lengths.sum() / (count * 8192) > 0.99


def test_order_is_a_function_of_the_seed(tmp_path: Path) -> None:
    documents = [list(range(k, k + 5 + k % 7)) for k in range(200)]
    first = pack(documents, 16, tmp_path / "a", vocabulary=500, seed=1)
    again = pack(documents, 16, tmp_path / "b", vocabulary=500, seed=1)
    other = pack(documents, 16, tmp_path / "c", vocabulary=500, seed=2)
    for i in range(len(first)):
        assert (first.block(i)[0] == again.block(i)[0]).all()
    assert [first.block(i)[0].tolist() for i in range(5)] != [other.block(i)[0].tolist() for i in range(5)]
    assert np.load(tmp_path / "a" / "tokens.npy").dtype == np.uint16


def test_a_killed_pack_leaves_no_blocks(tmp_path: Path) -> None:
    def broken():
        yield [1, 2, 3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(broken(), 4, tmp_path / "blocks", vocabulary=10)
    assert not (tmp_path / "blocks").exists()
    with pytest.raises(In2xError, match="no packed blocks"):
        PackedBlocks(tmp_path / "blocks")
    assert len(pack([[1, 2, 3]], 4, tmp_path / "blocks", vocabulary=10)) == 1


def test_the_fast_path_gives_the_ids_of_transformers():
    texts = ["Where is the station? <|end|> 駅はどこですか。", "ｶﾀｶﾅ 12　《る》\n\n", "a" * 3000]
    tokenizer = train_tokenizer(texts * 3, 400)
    called = [tokenizer(t, add_special_tokens=False, verbose=False)["input_ids"] for t in texts]
    documents = [Document(str(i), t, "en") for i, t in enumerate(texts)]
    assert [ids[:-1] for ids in tokenise(tokenizer, documents)] == called


def test_several_processes_make_the_same_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = train_tokenizer(["the cat sat on the mat."] * 20, 300)
    words = ["cat", "mat", "sat", "the", "on"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, int(n))) for n in rng.integers(1, 40, 200)]
    documents = [Document(id=str(i), text=text, lang="en", domain="web") for i, text in enumerate(texts)]
    one = pack_documents(tokenizer, documents, 32, tmp_path / "one", workers=1)
    monkeypatch.setattr("in2x.corpus.pack.BATCH", 16)
    monkeypatch.setattr("in2x.corpus.pack.ALONE", 3)
    pack_documents(tokenizer, documents, 32, tmp_path / "two", workers=2)
    assert len(one) > 20
    for name in ("tokens.npy", "starts.npy", "bounds.npy", "used.npy", "blocks.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
