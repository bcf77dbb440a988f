"""Duplicates: MinHash against exact Jaccard, components, what is kept."""

import itertools
import random
from pathlib import Path

import daft
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from daft import col
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.corpus import engine, spill
from in2x.corpus.config import CorpusConfig
from in2x.corpus.dedup import exact_duplicates, near_duplicates
from in2x.corpus.kernels import components, jaccard, shingle_sets, signatures
from in2x.language.kernels import column

CONFIG = CorpusConfig()


def _noisy(text: str, share: float, rng: random.Random, letters: str) -> str:
    return "".join(rng.choice(letters) if rng.random() < share else ch for ch in text)


def _corpus(count: int) -> tuple[list[str], list[str]]:
    """Texts of three languages in families: near copies at several distances, and far relations."""
    rng = random.Random(7)
    letters = {
        "en": "abcdefghij klmnop",
        "ja": "あいうえおかきくけこ港船灯台海鳥",
        "zh": "港船灯台海鸟的了我们来去说看",
    }
    texts: list[str] = []
    langs: list[str] = []
    while len(texts) < count:
        lang = rng.choice(list(letters))
        size = rng.randint(80, 600)
        if lang == "en":
            base = " ".join(
                "".join(rng.choice("abcdefghijkl") for _ in range(rng.randint(2, 7))) for _ in range(size // 3)
            )
        else:
            base = "".join(rng.choice(letters[lang]) for _ in range(size))
        texts.append(base)
        langs.append(lang)
        for _ in range(rng.choice([0, 0, 1, 2])):
            texts.append(_noisy(base, rng.choice([0.0, 0.004, 0.01, 0.02, 0.04, 0.1]), rng, letters[lang]))
            langs.append(lang)
    return texts[:count], langs[:count]


def _frame(texts: list[str], langs: list[str], config: CorpusConfig = CONFIG):
    frame = daft.from_arrow(pa.table({"index": pa.array(range(len(texts)), pa.uint64()), "text": texts, "lang": langs}))
    return frame.select("*", engine.signer(config))


def _near(folder: Path, frame, name: str = "signed.parquet"):
    """Near duplicates of a frame without exact ones."""
    folder.mkdir(exist_ok=True)
    pq.write_table(frame.to_arrow(), folder / name)
    return _near_of([folder / name], folder)


def _near_of(files: list[Path], scratch: Path):
    texts = (batch for file in files for batch in pq.ParquetFile(file).iter_batches(columns=["index", "text", "lang"]))
    return near_duplicates(files, texts, np.zeros(0, np.uint64), CONFIG.dedup, scratch)


def test_signatures_ignore_case_space_and_punctuation() -> None:
    flags = np.array([False, False, True, True])
    exact, keys = signatures(
        *column(["The cat, sat.", "the  CAT sat", "港の朝、早い。", "港の 朝早い"]), flags, 5, 3, 16, 7
    )
    assert (exact[0] == exact[1]).all() and (exact[2] == exact[3]).all() and (keys[0] == keys[1]).all()
    assert not (exact[0] == exact[2]).any()


def test_a_text_without_letters_is_nobodys_candidate() -> None:
    _, keys = signatures(*column(["", "...", "。。"]), np.array([True, False, True]), 5, 3, 16, 7)
    assert (keys == 0).all()


def test_jaccard_is_exact() -> None:
    texts = ["港の朝はいつも早い", "港の朝はいつも遅い", "灯台"]
    values, bounds = shingle_sets(*column(texts), np.ones(3, bool), 3, 3)
    sets = [{t[k : k + 3] for k in range(max(1, len(t) - 2))} for t in texts]
    left, right = np.array([0, 0, 1]), np.array([1, 2, 2])
    expected = [len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in zip(left, right, strict=True)]
    assert jaccard(left, right, values, bounds).tolist() == expected


def test_the_share_of_equal_minima_estimates_jaccard() -> None:
    """With one row a band, the share of equal keys is the MinHash estimate itself."""
    rng = random.Random(1)
    base = "".join(rng.choice("港船灯台海鳥波風雲空朝夕人町道") for _ in range(900))
    for share in (0.01, 0.05, 0.15):
        texts = [base, _noisy(base, share, rng, "港船灯台海鳥")]
        _, keys = signatures(*column(texts), np.ones(2, bool), 5, 3, 512, 1)
        values, bounds = shingle_sets(*column(texts), np.ones(2, bool), 5, 3)
        truth = jaccard(np.array([0]), np.array([1]), values, bounds)[0]
        assert abs((keys[0] == keys[1]).mean() - truth) < 4 * np.sqrt(truth * (1 - truth) / 512)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_components_against_search(edges: list[tuple[int, int]]) -> None:
    left = np.array([a for a, _ in edges], np.int64)
    right = np.array([b for _, b in edges], np.int64)
    near = {k: {k} for k in range(20)}
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    expected = []
    for k in range(20):
        seen, todo = {k}, [k]
        while todo:
            fresh = near[todo.pop()] - seen
            seen |= fresh
            todo += fresh
        expected.append(min(seen))
    assert components(left, right, 20).tolist() == expected


def test_exact_duplicates_keep_the_first(tmp_path: Path) -> None:
    texts = ["One cat.", "two dogs", "one  cat", "ONE CAT!", "two dogs"]
    pq.write_table(_frame(texts, ["en"] * 5).to_arrow(), tmp_path / "signed.parquet")
    index, of = exact_duplicates([tmp_path / "signed.parquet"], tmp_path)
    assert (index.tolist(), of.tolist()) == ([2, 3, 4], [0, 0, 1])


def test_clusters_against_an_exact_jaccard_check(tmp_path: Path) -> None:
    """Recall >= .95 at similarity .8, precision 1 by verification, on all pairs of 1,200 documents."""
    texts, langs = _corpus(1200)
    index, of = _near(tmp_path, _frame(texts, langs))
    found = np.arange(len(texts))
    found[index.astype(int)] = of.astype(int)
    by_char = np.array([lang != "en" for lang in langs])
    values, bounds = shingle_sets(*column(texts), by_char, 5, 3)
    pairs = np.array(list(itertools.combinations(range(len(texts)), 2)))
    alike = pairs[jaccard(pairs[:, 0], pairs[:, 1], values, bounds) >= 0.8]
    truth = components(alike[:, 0], alike[:, 1], len(texts))
    together = (found[alike[:, 0]] == found[alike[:, 1]]).mean()
    assert len(alike) > 150 and together >= 0.95
    joined = pairs[(found[pairs[:, 0]] == found[pairs[:, 1]])]
    assert (truth[joined[:, 0]] == truth[joined[:, 1]]).all()
    assert [file.name for file in tmp_path.iterdir()] == ["signed.parquet"]  # nothing of the work is left


@pytest.mark.parametrize("parts", [3, 8])
def test_survivors_do_not_depend_on_shards_and_spilled_files(
    tmp_path: Path, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, langs = _corpus(300)
    frame = _frame(texts, langs)
    whole = _near(tmp_path / "a", frame)
    files = []
    for k in range(parts):
        files.append(tmp_path / f"part{k}.parquet")
        begin, end = k * 300 // parts, (k + 1) * 300 // parts
        pq.write_table(frame.where((col("index") >= begin) & (col("index") < end)).to_arrow(), files[-1])
    monkeypatch.setattr(spill, "FILE_ROWS", 40)
    split = _near_of(files, tmp_path / "b")
    assert whole[0].tolist() == split[0].tolist() and whole[1].tolist() == split[1].tolist()
    assert len(whole[0]) > 20


def test_exact_duplicates_do_not_depend_on_spilled_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    texts = [f"the number is {rng.randint(0, 300)} and no other" for _ in range(1000)]
    pq.write_table(_frame(texts, ["en"] * len(texts)).to_arrow(), tmp_path / "signed.parquet")
    first: dict[str, int] = {}
    expected = [(k, first[t]) for k, t in enumerate(texts) if first.setdefault(t, k) != k]
    for most in (spill.FILE_ROWS, 50):
        monkeypatch.setattr(spill, "FILE_ROWS", most)
        index, of = exact_duplicates([tmp_path / "signed.parquet"], tmp_path)
        assert list(zip(index.tolist(), of.tolist(), strict=True)) == expected


def test_no_candidates_is_no_problem(tmp_path: Path) -> None:
    index, of = _near(tmp_path, _frame(["a b c d", "港の朝はいつも早い"], ["en", "ja"]))
    assert len(index) == len(of) == 0
