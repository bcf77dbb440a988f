"""Nothing that the model is measured on may be read in pretraining: evaluation texts are cut out of the corpus.

A text is contaminated where it shares a run of n units (characters of unspaced languages, words of others; spaces,
punctuation and case do not count) with an evaluation text. An evaluation text shorter than that is looked for as a
whole line. Lines that hold a match are dropped; a document that is mostly match is dropped whole. So one quoted
sentence does not cost a book, and no copy of a test item stays. A sentence pair is dropped where a side holds a match,
or is an evaluation text of any length. Source: Brown et al. 2020 (GPT-3), appendix C, for 13
words; 24 characters of a language without spaces say about as much (our choice).

Only hashes are kept (12 bytes a run), as `.npz`; collisions are one in 2^64 a pair.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from in2x.corpus.config import DecontaminateConfig
from in2x.corpus.kernels import Hashes, _mix, _shingles, _units, signatures
from in2x.corpus.read import find_files, open_raw
from in2x.errors import In2xError
from in2x.language import unspaced
from in2x.language.identify import identify
from in2x.language.kernels import Bytes, Ints, column, kernel
from in2x.records import Pair, sound, strings

MOST_SETS = 63
Masks = NDArray[np.uint64]


@kernel
def _find(keys: Hashes, key: np.uint64) -> int:
    mask = np.uint64(len(keys) - 1)
    at = _mix(key) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return int(at)


@kernel
def _add(
    data: Bytes, offsets: Ints, by_char: NDArray[np.bool_], chars: int, words: int, found: Hashes
) -> int:  # fmt: skip
    """Hashes of the runs of each text into `found`; returns how many. Texts under half a run long say too little."""
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units, runs = np.empty(longest, np.uint64), np.empty(longest, np.uint64)
    total = 0
    for i in range(len(offsets) - 1):
        size = chars if by_char[i] else words
        count = _units(data, offsets[i], offsets[i + 1], by_char[i], units)
        if 2 * count < size:
            continue
        for k in range(_shingles(units, count, size, runs)):
            found[total] = runs[k] if runs[k] != 0 else np.uint64(1)
            total += 1
    return total


@kernel
def _fill(found: Hashes, bit: np.uint64, keys: Hashes, masks: Masks) -> None:
    for k in range(len(found)):
        slot = _find(keys, found[k])
        keys[slot] = found[k]
        masks[slot] |= bit


@kernel
def _match(
    data: Bytes, offsets: Ints, by_char: NDArray[np.bool_], chars: int, words: int, keys: Hashes, masks: Masks
) -> tuple[Masks, NDArray[np.float64], Masks, Ints]:
    """By text: sets it touches (bit mask) and share of its units in a match; by line: sets; and the lines' bounds."""
    texts = len(offsets) - 1
    longest = lines = 1
    for i in range(texts):
        longest = max(longest, offsets[i + 1] - offsets[i])
        lines += 1
        for at in range(offsets[i], offsets[i + 1]):
            lines += data[at] == 10
    units, runs, line_units = np.empty(longest, np.uint64), np.empty(longest, np.uint64), np.empty(1, np.uint64)
    covered = np.zeros(longest, np.uint64)
    owner = np.empty(longest, np.int64)
    touched, share = np.zeros(texts, np.uint64), np.zeros(texts, np.float64)
    by_line, bounds = np.zeros(lines, np.uint64), np.zeros(texts + 1, np.int64)
    line = 0
    for i in range(texts):
        size = chars if by_char[i] else words
        at, stop, count = offsets[i], offsets[i + 1], 0
        while True:
            end = at
            while end < stop and data[end] != 10:
                end += 1
            here = _units(data, at, end, by_char[i], units[count:])
            for k in range(count, count + here):
                owner[k], covered[k] = line, np.uint64(0)
            if here < size and 2 * here >= size:  # a short evaluation text, alone in its line
                _shingles(units[count:], here, size, line_units)
                key = line_units[0] if line_units[0] != 0 else np.uint64(1)
                slot = _find(keys, key)
                if keys[slot] != 0:
                    for k in range(count, count + here):
                        covered[k] |= masks[slot]
            count += here
            line += 1
            if end >= stop:
                break
            at = end + 1
        if count >= size:
            found = _shingles(units, count, size, runs)
            for k in range(found):
                key = runs[k] if runs[k] != 0 else np.uint64(1)
                slot = _find(keys, key)
                if keys[slot] != 0:
                    for j in range(k, k + size):
                        covered[j] |= masks[slot]
        hits = 0
        for k in range(count):
            if covered[k] != 0:
                hits += 1
                touched[i] |= covered[k]
                by_line[owner[k]] |= covered[k]
        share[i] = hits / max(1, count)
        bounds[i + 1] = line
    return touched, share, by_line, bounds


class Contamination:
    """The runs of the evaluation sets; `match` finds them in texts."""

    def __init__(
        self, names: list[str], keys: Hashes, masks: Masks, whole: Hashes, config: DecontaminateConfig
    ) -> None:  # fmt: skip
        self.names, self.keys, self.masks, self.whole, self.config = names, keys, masks, whole, config

    @classmethod
    def build(cls, sets: Mapping[str, Iterable[str]], config: DecontaminateConfig) -> Contamination:
        """Hash the texts of each set.

        Raises:
            In2xError: more than 63 sets, or a set without any text long enough to be recognised.
        """
        if len(sets) > MOST_SETS:
            raise In2xError(f"{len(sets)} evaluation sets are named, the most is {MOST_SETS}",
                            mend="give several files one name by a glob")  # fmt: skip
        runs: list[Hashes] = []
        whole: list[Hashes] = []
        for name, texts in sets.items():
            held = pa.array(list(texts), pa.large_string())
            whole.append(_letters(held))
            data, offsets = column(held)
            found = np.empty(max(1, len(data)), np.uint64)
            count = _add(data, offsets, _by_char(held), config.chars, config.words, found)
            if not count:
                raise In2xError(f"the evaluation set {name!r} holds no text of {config.chars // 2} characters or "
                                f"{config.words // 2} words", mend="correct its path")  # fmt: skip
            runs.append(np.unique(found[:count]))
        size = 1 << max(4, int(np.ceil(np.log2(2 * sum(len(r) for r in runs) + 1))))
        keys, masks = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
        for k, found in enumerate(runs):
            _fill(found, np.uint64(1 << k), keys, masks)
        return cls(list(sets), keys, masks, np.unique(np.concatenate(whole)), config)

    def save(self, path: Path) -> None:
        """Write the table as `.npz` (no pickle)."""
        with path.open("wb") as stream:
            np.savez(stream, keys=self.keys, masks=self.masks, whole=self.whole, names=np.array(self.names, np.str_),
                     config=np.array(self.config.model_dump_json()))  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> Contamination:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            config = DecontaminateConfig.model_validate_json(str(file["config"]))
            return cls([str(n) for n in file["names"]], file["keys"], file["masks"], file["whole"], config)

    def clean_pairs(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The pairs neither side of which is an evaluation text or shares a run with one."""
        bad = np.zeros(len(pairs), bool)
        for texts, langs in (
            ([p.source for p in pairs], [p.src_lang for p in pairs]),
            ([p.target for p in pairs], [p.tgt_lang for p in pairs]),
        ):
            array = pa.array(texts, pa.large_string())
            flags = np.array([unspaced(lang) for lang in langs], bool)
            touched, *_ = _match(*column(array), flags, self.config.chars, self.config.words, self.keys, self.masks)
            bad |= (touched != 0) | np.isin(_letters(array), self.whole)
        return [pair for pair, out in zip(pairs, bad, strict=True) if not out]

    def match(self, texts: Any, langs: list[str]) -> list[tuple[str, list[str], float, int]]:
        """For each text: what is left of it, the sets it touched, the matched share of its units, lines dropped.

        Where the share exceeds `config.max_share`, or nothing is left, the caller drops the document.
        """
        array = pa.array(list(texts), pa.large_string())
        flags = np.array([unspaced(lang) for lang in langs], bool)
        touched, share, by_line, bounds = _match(
            *column(array), flags, self.config.chars, self.config.words, self.keys, self.masks
        )
        out: list[tuple[str, list[str], float, int]] = []
        for k, text in enumerate(array.to_pylist()):
            if not touched[k]:
                out.append((text or "", [], 0.0, 0))
                continue
            lines = text.split("\n")
            gone = by_line[bounds[k] : bounds[k + 1]]
            left = "\n".join(line for line, bad in zip(lines, gone, strict=True) if not bad)
            sets = [name for j, name in enumerate(self.names) if int(touched[k]) >> j & 1]
            out.append((left.strip("\n"), sets, float(share[k]), int((gone > 0).sum())))
        return out


def _letters(texts: Any) -> Hashes:
    """uint64 `[texts]`: equal for texts with the same letters and digits."""
    size = len(texts)
    exact, _ = signatures(*column(texts), np.ones(size, bool), 1, 1, 1, 1)
    return exact[:, 0].copy()


def _by_char(texts: Any) -> NDArray[np.bool_]:
    return np.array([unspaced(lang) for lang in identify(texts)], bool)


def evaluation_texts(path: str, root: Path) -> Iterator[str]:
    """Every string in the files of `path` (file, folder or glob): of all fields of JSON and Parquet, lines of text.

    Raises:
        In2xError: no such file, or one that cannot be read.
    """
    try:
        files = find_files([path], root)
    except In2xError:
        raise In2xError("the evaluation set cannot be read (no file here of a format that is read)", file=path,
                        mend="correct its path") from None  # fmt: skip
    for file in files:
        try:
            yield from _texts(file)
        except (OSError, EOFError, ValueError, zlib.error, gzip.BadGzipFile, pa.ArrowException) as error:
            first = str(error).split("\n")[0]
            raise In2xError(f"the evaluation set cannot be read ({first})", file=file, mend="mend the file") from None


def _texts(file: Path) -> Iterator[str]:
    if file.suffix == ".parquet":
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(1024):
                for row in batch.to_pylist():
                    yield from strings(row)
        return
    with open_raw(str(file)) as stream:
        if ".json" in file.suffixes:
            yield from strings(json.loads(stream.read().decode("utf-8-sig")))
            return
        plain = not {".jsonl", ".ndjson"} & set(file.suffixes)
        for number, raw in enumerate(stream, 1):
            line = raw.decode("utf-8-sig").strip()
            if not line:
                continue
            try:
                yield from [line] if plain else strings(sound(json.loads(line)))
            except json.JSONDecodeError:
                raise In2xError("not JSON", file=file, line=number, mend="give JSON Lines") from None
