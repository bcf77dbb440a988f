"""Whether rewards pay a bad answer less than a human paraphrase: the share of pairs in the right order, by fault.

    python benchmarks/reward_order.py [--data ../shared/data] [--rows 100] [--rewards principles=1,adequacy=1]
                                      [--show FAULT] [--world]

A pair is a source with two human translations: one is the reference, the other the paraphrase. Of the reference (and
the source) bad answers are made by rule (`FAULTS`); each is scored beside the paraphrase, and the order is right where
it earns less. Without `--data` the pairs are this repository's own (`tests/golden/reward_pairs.jsonl`). A fault that
cannot be made of a pair (no name, no number) is left out; "-" is a cell without pairs. `--world` asks instead whether
the micro-world's judge (reward `world`) puts a clause said wrongly below the same clause said in another register.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from in2x.language.japanese.morphology import tokenise
from in2x.language.language import language
from in2x.principles.case import Case, verifier_of
from in2x.records import Instruction
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.route import Scorer
from in2x.sample import clauses
from in2x.sample.clauses import Item
from in2x.sample.lexicon import grammar
from in2x.sample.meaning import agreement_of
from in2x.sample.world import DIRECTIONS
from in2x.sample.world import items as items_of

OWN = Path(__file__).parents[1] / "tests" / "golden" / "reward_pairs.jsonl"
DEFAULT = {"principles": 1.0, "adequacy": 1.0}


class Twice(NamedTuple):
    """A source that two people have translated."""

    source: str
    reference: str
    paraphrase: str
    source_lang: str
    lang: str


POLITE = {
    "ja": "本日はお忙しいところをお越しいただき、誠にありがとうございます。",
    "en": "Thank you very much for taking the time to be with us today.",
    "de": "Wir bedanken uns sehr herzlich dafür, dass Sie heute zu uns gekommen sind.",
    "zh": "非常感谢各位今天在百忙之中抽出时间光临。",
}
CHATTER = {
    "ja": ("はい、承知しました。", "ほかにもご質問があればお知らせください。"),
    "en": ("Of course, I am glad to help.", "Let me know if you need anything else."),
    "de": ("Natürlich, das mache ich gern.", "Sagen Sie mir Bescheid, wenn Sie noch etwas brauchen."),
    "zh": ("好的，没问题。", "如果还有其他问题，请随时告诉我。"),
}
NAMES = {
    "ja": ("ケン", "トム", "メアリー", "ジョン", "田中", "佐藤", "ボブ", "ナンシー", "東京", "京都", "日本", "中国"),
    "en": ("Ken", "Tom", "Mary", "John", "Tanaka", "Sato", "Bob", "Nancy", "Tokyo", "Kyoto", "Japan", "China"),
    "de": ("Ken", "Tom", "Maria", "Hans", "Tanaka", "Sato", "Peter", "Anna", "Berlin", "Hamburg", "Japan", "China"),
    "zh": ("小明", "汤姆", "玛丽", "约翰", "田中", "佐藤", "鲍勃", "南希", "东京", "京都", "日本", "中国"),
}


def words(text: str, lang: str) -> list[str]:
    """The words of `text`, with what joins them to the next one."""
    if lang == "ja":
        return [token.surface for token in tokenise(text)]
    return text.split() if language(lang).spaced else re.findall(r"\w{1,2}|\W", text)


def glue(lang: str) -> str:
    return " " if language(lang).spaced else ""


def stir(parts: list[str], rng: random.Random) -> list[str] | None:
    if len(parts) < 4:
        return None
    stirred = parts[:]
    while stirred == parts:
        rng.shuffle(stirred)
    return stirred


def bag(pair: Twice, rng: random.Random) -> str | None:
    closing = re.search(r"[。.!?！？]*$", pair.reference)
    stirred = stir(words(pair.reference[: closing.start()] if closing else pair.reference, pair.lang), rng)
    return glue(pair.lang).join(stirred) + (closing[0] if closing else "") if stirred else None


def shuffle(pair: Twice, rng: random.Random) -> str | None:
    stirred = stir(list(pair.reference), rng)
    return "".join(stirred) if stirred else None


def halve(pair: Twice, rng: random.Random) -> str | None:
    parts = words(pair.reference, pair.lang)
    return glue(pair.lang).join(parts[: len(parts) // 2]) if len(parts) >= 4 else None


def tail_half(pair: Twice, rng: random.Random) -> str | None:
    parts = words(pair.reference, pair.lang)
    return glue(pair.lang).join(parts[(len(parts) + 1) // 2 :]) if len(parts) >= 4 else None


def name(pair: Twice, rng: random.Random) -> str | None:
    for known in NAMES[pair.lang]:
        edge = r"\b" if language(pair.lang).spaced else r"(?![ァ-ヴー一-龥])"
        if re.search((r"\b" if language(pair.lang).spaced else "") + re.escape(known) + edge, pair.reference):
            return pair.reference.replace(known, rng.choice([n for n in NAMES[pair.lang] if n != known]))
    return None


_SMALL = {
    "en": ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
    "de": ["zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht"],
}


def number(pair: Twice, rng: random.Random) -> str | None:
    if match := re.search(r"\d+", pair.reference):
        return pair.reference[: match.start()] + str(int(match[0]) + rng.randint(1, 9)) + pair.reference[match.end() :]
    if pair.lang in _SMALL:
        for at, word in enumerate(_SMALL[pair.lang]):
            if re.search(rf"\b{word}\b", pair.reference):
                return re.sub(rf"\b{word}\b", _SMALL[pair.lang][(at + 2) % len(_SMALL[pair.lang])], pair.reference)
        return None
    counted = "人本枚時日年月歳回個冊匹つ台階点倍天次只岁块"
    match = re.search(rf"[二三四五六七八九](?=[{counted}])", pair.reference)
    if match is None:
        return None
    other = rng.choice([digit for digit in "二三四五六七八九" if digit != match[0]])
    return pair.reference[: match.start()] + other + pair.reference[match.end() :]


def clause(pair: Twice, rng: random.Random) -> str | None:
    parts = re.split(r"(?<=[、,，])\s*", pair.reference)
    return glue(pair.lang).join(parts[1:]) if len(parts) > 1 else None


def negate(pair: Twice, rng: random.Random) -> str | None:
    rules = {
        "ja": (("ました。", "ませんでした。"), ("ます。", "ません。"), ("です。", "ではありません。"),
               ("った。", "らなかった。"),
               ("いる。", "いない。"), ("だ。", "ではない。"), ("る。", "らない。")),
        "en": ((" is ", " is not "), (" was ", " was not "), (" are ", " are not "), (" will ", " will not "),
               (" can ", " cannot "), (" have ", " have not ")),
        "de": ((" ist ", " ist nicht "), (" sind ", " sind nicht "), (" hat ", " hat nicht "), (" ein ", " kein "),
               (" eine ", " keine ")),
        "zh": (("是", "不是"), ("有", "没有"), ("会", "不会")),
    }[pair.lang]  # fmt: skip
    for plain, denied in rules:
        if plain in pair.reference and denied not in pair.reference:
            return pair.reference.replace(plain, denied, 1)
    return None


def chatter(front: bool, pair: Twice) -> str:
    before, after = CHATTER[pair.lang]
    if not pair.reference.endswith(tuple(language(pair.lang).ends + "！？!?")):
        return glue(pair.lang).join((before, pair.reference)) if front else f"{pair.reference}\n{after}"
    return glue(pair.lang).join((before, pair.reference) if front else (pair.reference, after))


FAULTS: dict[str, Callable[[Twice, random.Random], str | None]] = {
    "shuffle": shuffle,
    "bag of words": bag,
    "unrelated": lambda pair, rng: POLITE[pair.lang],
    "first half": halve,
    "last half": tail_half,
    "repeat": lambda pair, rng: pair.reference + glue(pair.lang) + pair.reference,
    "copy": lambda pair, rng: pair.source,
    "chatter before": lambda pair, rng: chatter(True, pair),
    "chatter after": lambda pair, rng: chatter(False, pair),
    "swap a name": name,
    "change a number": number,
    "drop a clause": clause,
    "negate": negate,
}
"""Name -> the bad answer made of a pair, or None. The last two change what only a reader of the meaning can see."""
MEANING = ("drop a clause", "negate")


def rows(file: Path) -> list[dict[str, str]]:
    raw = file.read_bytes()
    return [
        json.loads(line)
        for line in (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode().split("\n")
        if line
    ]


def twice(pairs: list[tuple[str, str]], source_lang: str, lang: str) -> Iterator[Twice]:
    """Sources with two or more translations that differ in their words."""
    groups: dict[str, list[str]] = defaultdict(list)
    written: dict[str, str] = {}
    for source, target in pairs:
        key = re.sub(r"\W+", " ", source.lower()).strip()
        written.setdefault(key, source)
        bare = re.sub(r"\W", "", target).lower()
        if all(re.sub(r"\W", "", other).lower() != bare for other in groups[key]):
            groups[key].append(target)
    for key, targets in groups.items():
        if len(targets) > 1 and len(key) >= 8 and min(map(len, targets)) >= 8:
            yield Twice(written[key], targets[0], targets[1], source_lang, lang)


def shared(data: Path) -> dict[str, list[Twice]]:
    """Pairs of the real data by direction."""
    enja = [
        row for part in ("train.jsonl.gz", "dev.jsonl", "test.jsonl") for row in rows(data / f"parallel/enja.{part}")
    ]
    sets = {"en-ja": list(twice([(row["en"], row["ja"]) for row in enja], "en", "ja"))}
    cut = rows(data / "parallel/tatoeba50k.train.jsonl.gz")
    loose = [(row["ja"].replace(" ", ""), _join(row["en"])) for row in cut]
    both = [(row["ja"].replace(" ", ""), row["en"]) for row in enja]
    sets["ja-en"] = list(twice(both + loose, "ja", "en"))
    jazh = rows(data / "parallel/jazh.train.jsonl.gz")
    sets["zh-ja"] = list(twice([(row["zh"], row["ja"]) for row in jazh], "zh", "ja"))
    captions = rows(data / "parallel/multi30k.en-de.train.jsonl.gz")
    sets["en-de"] = list(twice([(row["en"], row["de"]) for row in captions], "en", "de"))
    for code in ("de", "ja"):
        formal = rows(data / f"register/formality.en-{code}.jsonl")
        pairs = [pair for row in formal for pair in ((row["en"], row["formal"]), (row["en"], row["informal"]))]
        sets[f"en-{code} formality"] = list(twice(pairs, "en", code))
    return sets


def _join(text: str) -> str:
    """A tokenised, lower-case English sentence as people write it."""
    joined = re.sub(r" (?=[.,?!'])|(?<=') ", "", text.strip())
    return re.sub(r"\bi\b", "I", joined[:1].upper() + joined[1:])


def own() -> dict[str, list[Twice]]:
    found: dict[str, list[Twice]] = defaultdict(list)
    for row in rows(OWN):
        pair = Twice(**row)
        found[f"{pair.source_lang}-{pair.lang}"].append(pair)
    return found


def items(pair: Twice, answers: list[str]) -> list[RewardItem]:
    case = Case(pair.source, pair.source_lang, pair.lang, reference=pair.reference)
    instruction = Instruction(pair.source, pair.lang, "translate", [], pair.reference, verifier_of(case))
    return [RewardItem(instruction, answer) for answer in answers]


Orders = dict[str, dict[str, list[bool]]]


def order(sets: dict[str, list[Twice]], scorer: Scorer, count: int, show: str = "", seed: int = 1) -> Orders:
    """Set -> fault -> whether each pair is in the right order."""
    found: Orders = {}
    for title, pairs in sets.items():
        rng = random.Random(seed)
        kinds: dict[str, list[bool]] = {fault: [] for fault in FAULTS}
        chosen = rng.sample(pairs, len(pairs))
        for number_, pair in enumerate(chosen):
            bad = {fault: make(pair, rng) for fault, make in FAULTS.items() if len(kinds[fault]) < count}
            if number_ >= count:  # the common faults have their pairs: go on for those that few pairs allow
                bad = {
                    fault: text for fault, text in bad.items() if fault in ("swap a name", "change a number", *MEANING)
                }
            bare = "".join(pair.reference.split())
            made = {fault: text for fault, text in bad.items() if text and "".join(text.split()) != bare}
            if not made:
                continue
            totals = asyncio.run(scorer.score(items(pair, [pair.paraphrase, *made.values()]))).total
            for (fault, text), total in zip(made.items(), totals[1:], strict=True):
                right = totals[0] is not None and total is not None and total < totals[0]
                kinds[fault].append(right)
                if fault == show and not right:
                    print(f"{totals[0]:.3f} {pair.paraphrase} | {total:.3f} {text} | {pair.reference}")
        found[title] = kinds
    return found


def said_wrongly(item: Item, rng: random.Random) -> dict[str, Item | None]:
    """The clause of `item` said so that it means something else, by what was changed."""
    grammar_, clause_ = grammar(), item.clause
    assert clause_ is not None
    opposite = {"past": "past-negative", "future": "future-negative", "past-negative": "past", "wish": "wish-negative",
                "future-negative": "future", "ability": "inability", "request": "request-not"}  # fmt: skip
    other = rng.choice([person for person in grammar_.people if person.name and person.id != clause_.subject.id])
    return {
        "negate": clauses.say(opposite[item.kind], clause_, grammar_) if item.kind in opposite else None,
        "drop the time": clauses.say(item.kind, replace(clause_, time=None), grammar_) if clause_.time else None,
        "drop the place": clauses.say(item.kind, replace(clause_, place=None), grammar_) if clause_.place else None,
        "swap the person": clauses.say(item.kind, replace(clause_, subject=other), grammar_),
    }


def world(count: int, seed: int = 1) -> dict[str, list[bool]]:
    """Change -> whether the judge puts it below the clause said rightly, for `count` clauses in all directions."""
    rng = random.Random(seed)
    found: dict[str, list[bool]] = defaultdict(list)
    said = (item for item in items_of(seed, "order") if item.clause is not None and item.clause.reason is None)
    for item in islice(said, count):
        for change, wrong in said_wrongly(item, rng).items():
            for source_lang, lang in DIRECTIONS if wrong else ():
                source, right = side(item, source_lang, rng), side(item, lang, rng)
                bad = side(wrong, lang, rng) if wrong else ""
                if bad in item.sides():  # Japanese leaves speakers out: the sentence means both
                    continue
                scores = [agreement_of(source, source_lang, text, lang) for text in (right, bad)]
                found[change].append(None not in scores and scores[1] < scores[0])
    return found


def side(item: Item, lang: str, rng: random.Random) -> str:
    return {"en": item.en, "zh": item.zh}.get(lang) or rng.choice(list(item.ja.values()))


def world_table(found: dict[str, list[bool]]) -> str:
    lines = ["| change | below the right one, % (pairs) |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {name} | {100 * sum(c) / len(c):.1f} ({len(c)}) |" for name, c in found.items())])


def table(found: Orders) -> str:
    lines = ["| fault | " + " | ".join(found) + " |", "|---|" + "---:|" * len(found)]
    for fault in FAULTS:
        cells = [kinds[fault] for kinds in found.values()]
        lines.append(
            f"| {fault} | " + " | ".join(f"{100 * sum(c) / len(c):.1f} ({len(c)})" if c else "-" for c in cells) + " |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--rewards", default="principles=1,adequacy=1")
    parser.add_argument("--show", default="")
    parser.add_argument("--world", action="store_true")
    given = parser.parse_args()
    if given.world:
        print(world_table(world(given.rows)))
        return
    weights = {name: float(weight) for name, _, weight in (part.partition("=") for part in given.rewards.split(","))}
    began = time.time()
    print(table(order(shared(given.data) if given.data else own(), Scorer(weights), given.rows, given.show)))
    print(f"\n{given.rewards}, {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
