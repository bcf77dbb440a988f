"""How much a recipe's data hold, told from a sample before anything is read whole: tokens of text, numbers of items.

Text is estimated file by file: the first documents of some of the files say how many tokens of which language stand in
a byte, the sizes of all files say the rest. A compressed file is taken to hold `PACKED` times its size. So an estimate
is off by a factor at worst, and never by the thousands that a wrong path or a forgotten data set makes. What lies at
the hub has no size here: it is named, not guessed; what lies in a store is looked into where that is asked for.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from in2x import hub, store
from in2x.corpus.kinds import COMPRESSIONS, RawFile
from in2x.corpus.read import Limits, find_files, plan, read_split
from in2x.corpus.tokens import estimate_tokens
from in2x.data.stage import listed
from in2x.errors import In2xError
from in2x.instructions.collect import sets_of
from in2x.language.identify import identify_lines
from in2x.recipe import Recipe

FILES, DOCUMENTS, CHARS = 48, 40, 200_000
"""Files looked into, documents read of each, and characters of them (our choice)."""
PACKED = 6.0
"""Bytes of text in a byte of a compressed file, at most (our choice; text packs three to five times)."""
MADE = 60
"""Tokens of a document of the micro-world, at most."""
COUNTED = 1 << 28
"""Bytes of a file up to which its lines are counted, and not estimated from its beginning."""


@dataclass
class Text:
    """Tokens of raw text by language.

    Attributes:
        tokens: estimated tokens by language, without repetition.
        whole: whether every document was looked at, so that a language without tokens has none.
        away: data sets of the hub and objects in a store, of which nothing is known here.
    """

    tokens: Counter[str] = field(default_factory=Counter)
    whole: bool = True
    away: list[str] = field(default_factory=list)

    def of(self, lang: str) -> int:
        """Tokens in a language; a script or region that its code names is not told apart."""
        return self.tokens[lang] or self.tokens[lang.partition("-")[0]]


def text_of(recipe: Recipe, *, stores: bool = False) -> Text:
    """The raw text that the corpus stage of `recipe` would read; that in stores only with `stores`.

    Raises:
        In2xError: a path leads to nothing that is read, or a store gives nothing.
    """
    data, found = recipe.data, Text()
    if data.raw:
        named = listed(data.raw)
        found.away = [path for path in named if path.startswith(hub.PREFIX) or (store.is_url(path) and not stores)]
        files = find_files([path for path in named if path not in found.away], Path.cwd())
        look_into(files, found, recipe.corpus.fields)
    elif data.train:
        named = listed(data.train)
        found.away = [path for path in named if path.startswith(hub.PREFIX) or store.is_url(path)]
        files = [RawFile(path, Path(path).stat().st_size) for path in named if Path(path).is_file()]
        # The texts of a pair stand in one line, each under its language: shared out evenly.
        size = sum(_bytes(file) for file in files)
        found.tokens.update({lang: int(size * 0.25 / len(recipe.languages.all)) for lang in recipe.languages.all})
        found.whole = False
    else:
        each = data.documents * MADE // len(recipe.languages.all)
        found.tokens.update(dict.fromkeys(recipe.languages.all, each))
        found.whole = False
    return found


def _bytes(file: RawFile) -> float:
    return file.size * (PACKED if Path(file.path).suffix in (*COMPRESSIONS, ".parquet") else 1.0)


def look_into(files: Sequence[RawFile], found: Text, fields: Mapping[str, str]) -> None:
    """Add to `found` what the first documents of some of `files` say of all; `fields` as the corpus has them."""
    step = max(1, len(files) // FILES)
    seen, sampled = Counter[str](), 0.0
    for file in files[::step]:
        texts: list[str] = []
        letters = 0
        rows = read_split(plan([file], 1 << 62, "utf-8")[0], Limits(1 << 26, CHARS, fields))
        for row in islice(rows, DOCUMENTS + 1):
            if len(texts) == DOCUMENTS or letters >= CHARS:
                found.whole = False
                break
            if row["text"]:
                texts.append(row["text"][:CHARS])
                letters += len(texts[-1])
        if texts:
            tokens = estimate_tokens(texts)
            for lang, count in zip(identify_lines(texts), tokens.tolist(), strict=True):
                seen[lang] += count
            sampled += sum(len(text.encode("utf-8", "replace")) for text in texts)
    found.whole = found.whole and step == 1
    size = sum(_bytes(file) for file in files)
    scale = 1.0 if found.whole or not sampled else max(1.0, size / sampled)
    found.tokens.update({lang: int(count * scale) for lang, count in seen.items()})


def items_of(recipe: Recipe) -> int | None:
    """Most instructions that the stage `instruct` can put into its pool; None where a set of the hub has no bound."""
    parts = list(_items(recipe))
    return None if None in parts else sum(part or 0 for part in parts)


def _items(recipe: Recipe) -> Iterator[int | None]:
    data, instruct = recipe.data, recipe.instruct
    collected: list[int | None] = [] if data.instructions or data.train else [data.collected]
    if data.instructions:
        collected.append(_lines(Path(data.instructions)))
    for named in instruct.sets:
        if not Path(named.path).exists():
            collected.append(named.most)
            continue
        counts = [_lines(Path(one.path)) for one in sets_of(named)]
        collected += [named.most if count is None else min(count, named.most or count) for count in counts]
    if instruct.collected is not None:
        known = [count for count in collected if count is not None]
        collected = [min(instruct.collected, sum(known)) if len(known) == len(collected) else instruct.collected]
    yield from collected
    yield from _from_pairs(recipe)
    yield instruct.rewritten
    yield from instruct.rewrite.model_dump().values()
    if instruct.synthesize:
        yield instruct.magpie.turns
        yield instruct.self_instruct.tasks


def _from_pairs(recipe: Recipe) -> Iterator[int | None]:
    """Translations of each direction between the recipe's languages."""
    data, wanted = recipe.data, recipe.instruct.pairs_per_direction
    lines: int | None = data.pairs
    if data.train:
        counts = [_lines(Path(file)) for file in listed(data.train)]
        lines = None if None in counts else sum(count or 0 for count in counts)
        lines = data.max_train if lines is None or (data.max_train or lines) < lines else lines
    for source in recipe.languages.all:
        for target in recipe.languages.all:
            if source != target:
                most = wanted.get(f"{source}-{target}", wanted.get("*"))
                yield lines if most is None else min(most, most if lines is None else lines)


def _lines(file: Path) -> int | None:
    """Rows of a file of JSON Lines, or of Parquet; None where it is no file here, or one that is not so counted."""
    if not file.is_file():
        return None
    if file.suffix == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.ParquetFile(file).metadata.num_rows)
    if ".jsonl" not in file.suffixes and ".ndjson" not in file.suffixes:
        return None
    packed, size = file.suffix == ".gz", file.stat().st_size
    try:
        with gzip.open(file, "rb") if packed else file.open("rb") as stream:
            if size * (PACKED if packed else 1) <= COUNTED:
                return sum(bool(line.strip()) for line in stream)
            head = list(islice(stream, 1000))
    except (OSError, EOFError):
        raise In2xError("the file cannot be read", file=file, mend="mend it or leave it out") from None
    return int(1.5 * size * (PACKED if packed else 1) * len(head) / max(1, sum(map(len, head))))
