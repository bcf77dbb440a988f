"""How often a text in an old encoding comes out as it was: ours, chardet as it is, and charset-normalizer.

    python benchmarks/text_encodings.py --data ../shared/data [--each 40]

Sentences of the data, encoded, as texts of 1, 4 and 30 lines. A cell is the share that is read right, in percent (the
text must be equal; which codec did it does not count).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import chardet
import charset_normalizer

from in2x.corpus.encoding import detect

ENCODINGS = (
    ("ja", "cp932"), ("ja", "euc_jp"), ("ja", "iso2022_jp"), ("ja", "utf-16"), ("zh", "gb18030"), ("ko", "cp949"),
    ("ko", "euc_kr"), ("de", "cp1252"), ("fr", "cp1252"), ("es", "latin-1"), ("it", "latin-1"), ("pt", "latin-1"),
    ("ru", "cp1251"), ("ru", "koi8-r"), ("ru", "cp866"), ("ru", "iso8859-5"), ("vi", "utf-8"), ("vi", "cp1258"),
)  # fmt: skip
Detector = Callable[[bytes], str | None]


def lines(file: Path, field: str) -> list[str]:
    raw = file.read_bytes()
    text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
    return [json.loads(line)[field].replace("\n", " ") for line in text.split("\n") if line]


def samples(data: Path, size: int, each: int) -> Iterator[tuple[str, str, bytes]]:
    """Name, text, bytes."""
    for lang, encoding in ENCODINGS:
        if lang in ("ja", "zh"):
            sentences = lines(data / "parallel/trilingual.jsonl", lang)
        else:
            sentences = lines(data / f"register/formality.en-{lang}.jsonl", "formal")
        rng = random.Random(f"{lang} {encoding} {size}")
        got = 0
        for _ in range(100 * each):
            text = "\n".join(rng.choice(sentences) for _ in range(size))
            try:
                raw = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            if (raw.isascii() and b"\x1b" not in raw) or raw.decode(encoding) != text:
                continue
            yield f"{lang} {encoding}", text, raw
            got += 1
            if got == each:
                break


def right(detector: Detector, text: str, raw: bytes) -> bool:
    encoding = detector(raw)
    try:
        return encoding is not None and raw.decode(encoding).removeprefix("\ufeff") == text
    except (UnicodeDecodeError, LookupError):
        return False


def normalizer(raw: bytes) -> str | None:
    best = charset_normalizer.from_bytes(raw).best()
    return best.encoding if best else None


DETECTORS: dict[str, Detector] = {
    "in2x": lambda raw: detect(raw, whole=True), "chardet": lambda raw: chardet.detect(raw)["encoding"],
    "charset-normalizer": normalizer,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=40, help="texts an encoding and size")
    options = parser.parse_args()
    for size in (1, 4, 30):
        made = list(samples(options.data, size, options.each))
        names = list(dict.fromkeys(name for name, _, _ in made))
        print(f"\n| texts of {size} lines | " + " | ".join(DETECTORS) + " |\n|---|" + "---|" * len(DETECTORS))
        for name in [*names, "all"]:
            mine = [(text, raw) for given, text, raw in made if name in (given, "all")]
            shares = [sum(right(d, text, raw) for text, raw in mine) / len(mine) for d in DETECTORS.values()]
            print(f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
