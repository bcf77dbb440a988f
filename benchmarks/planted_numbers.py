"""How many wrong numbers the principle `numbers` sees: faults planted by rule in human references.

    python benchmarks/planted_numbers.py --data ../shared/data [--rows 1000] [--half odd] [--show digit] [--json FILE]

In every reference that the principle keeps, one number that the source has too is made wrong. Kinds:

    digit       one digit of a number of two digits or more is another one (1990 -> 1970)
    magnitude   a zero more, a zero less, or another magnitude word (万 -> 億, million -> billion)
    dropped     a number of two digits or more that stands there once, and in digits in
                the source, is left out
    one digit   a number of one digit is another one (3 -> 5)
    words       a number word or a kanji numeral is another one (two -> five, 三人 -> 七人)

A cell is caught / planted in percent. `--half` splits by row, as in false_alarms.py.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from false_alarms import HALVES, sets

from in2x.language.numbers import numbers
from in2x.principles.case import Case
from in2x.principles.translation_checks import numbers_kept

KINDS = ("digit", "magnitude", "dropped", "one digit", "words")
_LONG = re.compile(r"(?<![\w.,:/@#-])\d{2,}(?![\w,.:/-]*[A-Za-z@#])(?![:/.,-]\d)", re.ASCII)
_WIDE = re.compile(r"[０-９]{2,}|(?<=[ぁ-んァ-ヶ一-龥、。「])\d{2,}")
_SHORT = re.compile(r"(?<![\w.,:/@#０-９・．，-])[1-9１-９](?=[年月日人個个回つ本歳岁名時时分件 ])(?! ?\d)")
_MAGNITUDES = {"万": "億", "億": "万", "亿": "万", "兆": "億", "million": "billion", "billion": "million",
               "Millionen": "Milliarden", "thousand": "million", "millones": "mil", "milhões": "mil"}  # fmt: skip
_MAGNITUDE = re.compile(rf"(?<=[\d０-９一二三四五六七八九十百千 ])(?:{'|'.join(_MAGNITUDES)})(?![a-z人])")
_WORDS = {
    "ja": ("二三四五六七八九", "(?<![一二三四五六七八九十百千万第])[{}](?=[人個匹本枚台冊頭歳]|年間|日間|時間)"),
    "zh": ("二三四五六七八九", "(?<![一二三四五六七八九十百千万第])[{}](?=[个個位名只条张岁本]|小时|年)"),
    "en": ("two three four five six seven eight nine twenty thirty forty", r"\b(?:{})\b(?! of)"),
    "de": ("zwei drei vier fünf sechs sieben acht neun zwanzig dreißig", r"\b(?:{})\b"),
    "fr": ("deux trois quatre cinq six sept huit neuf vingt trente", r"\b(?:{})\b"),
    "es": ("dos tres cuatro cinco seis siete ocho nueve veinte treinta", r"\b(?:{})\b"),
    "it": ("due tre quattro cinque sei sette otto nove venti trenta", r"\b(?:{})\b"),
    "pt": ("dois três quatro cinco seis sete oito nove vinte trinta", r"\b(?:{})\b"),
    "ru": ("два три четыре пять шесть семь восемь девять двадцать тридцать", r"\b(?:{})\b"),
    "ko": ("두 세 네 다섯 여섯 일곱 여덟 아홉", r"(?<![가-힣])(?:{})(?= ?(?:명|개|번|마리|살|시간|사람))"),
    "hi": ("दो तीन चार पांच छह सात आठ नौ बीस तीस", r"(?<![\u0900-\u097f])(?:{})(?![\u0900-\u097f])"),
    "vi": ("hai ba bốn năm sáu bảy tám chín", r"\b(?:{})(?= (?:người|cái|con|ngày|giờ|tuần|tháng|lần|đứa|bộ|năm)\b)"),
}


def _digit(dice: random.Random, number: str) -> str:
    at = dice.randrange(len(number))
    zero = ord("０") if number[at] >= "０" else ord("0")
    old = ord(number[at]) - zero
    new = dice.choice([n for n in range(1 if at == 0 else 0, 10) if n != old])
    return number[:at] + chr(zero + new) + number[at + 1 :]


def _places(kind: str, text: str, lang: str) -> list[re.Match[str]]:
    if kind == "one digit":
        return list(_SHORT.finditer(text))
    if kind == "words":
        words, pattern = _WORDS[lang]
        several = words if " " not in words else "|".join(words.split())
        return list(re.finditer(pattern.format(several), text))
    found = [*_LONG.finditer(text), *_WIDE.finditer(text)]
    return found + (list(_MAGNITUDE.finditer(text)) if kind == "magnitude" else [])


def planted(kind: str, text: str, lang: str, known: set[Fraction], dice: random.Random) -> str | None:
    """`text` with one wrong number, None where it has no number of that kind that the source has (`known`) too."""
    have = numbers(text, lang)
    places = [
        place for place in _places(kind, text, lang)
        if any(n.start <= place.start() < n.end and n.readings & known for n in have)
        and (kind != "dropped" or len(re.findall(re.escape(place[0]), text)) == 1)
    ]  # fmt: skip
    if not places:
        return None
    place = dice.choice(places)
    old = place[0]
    if kind == "dropped":
        new = ""
    elif kind == "words":
        words = _WORDS[lang][0]
        new = dice.choice([word for word in (words.split() if " " in words else words) if word != old])
    elif kind == "magnitude" and old in _MAGNITUDES:
        new = _MAGNITUDES[old]
    elif kind == "magnitude":
        zero = "０" if old[0] >= "０" else "0"
        new = old[:-1] if old.endswith(zero) and len(old) > 2 and dice.random() < 0.5 else old + zero
    else:
        new = _digit(dice, old)
    return text[: place.start()] + new + text[place.end() :]


def measure(
    data: Path, count: int, half: str, show: Callable[[str, str], None] | None = None
) -> dict[str, dict[str, tuple[int, int]]]:
    """Direction -> kind -> (caught, planted)."""
    dice, table = random.Random(17), dict[str, dict[str, tuple[int, int]]]()
    for name, source_lang, target_lang, items in sets(data, count, half):
        caught, tried = Counter[str](), Counter[str]()
        for source, reference, register in items:
            case = Case(source, source_lang, target_lang, register)
            if numbers_kept(case, reference).kept is not True:
                continue
            given = numbers(source, source_lang)
            for kind in KINDS:
                firm = [n for n in given if kind != "dropped" or (n.digits and abs(n.value) >= 10)]
                known = {value for number in firm for value in number.readings}
                wrong = planted(kind, reference, target_lang, known, dice)
                if wrong is None:
                    continue
                seen = numbers_kept(case, wrong).kept is False
                tried[kind] += 1
                caught[kind] += seen
                if not seen and show is not None:
                    show(kind, f"{source_lang}-{target_lang}\t{source!r}\t{wrong!r}\twas {reference!r}")
        table[f"{name} {source_lang}-{target_lang}"] = {kind: (caught[kind], tried[kind]) for kind in KINDS}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--half", choices=HALVES, default="all", help="rows of each file that are read")
    parser.add_argument("--show", default="", choices=("", *KINDS), help="print what is missed of one kind")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.process_time()
    table = measure(options.data, options.rows, options.half,
                    lambda kind, text: print(text) if kind == options.show else None)  # fmt: skip
    print("| set | " + " | ".join(KINDS) + " |\n|" + "---|" * (len(KINDS) + 1))
    every = {kind: tuple(map(sum, zip(*(row[kind] for row in table.values()), strict=True))) for kind in KINDS}
    for name, row in {**table, "all": every}.items():
        cells = [f"{100 * row[k][0] / row[k][1]:.1f} of {row[k][1]}" if row[k][1] else "-" for k in KINDS]
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\n{time.process_time() - began:.0f} s of one core")
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
