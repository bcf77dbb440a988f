"""Register of ten languages, and keigo of Japanese, on real data against one-line regexes in the same run.

    python benchmarks/register.py --data ../shared/data [--errors] [--only address]

The first table is formal against informal by language. A pair whose two sides are the same text says nothing about
accuracy; such texts, and sentences that both sides of a pair have, address nobody, and the last columns say what share
of them is labelled all the same. Rules were written on even rows. In Japanese and Korean every predicate has a level,
so there the last columns are empty.

`--errors` prints what is still wrong, by reason. Nothing is written; the tables go to stdout as Markdown. What the
labels of KeiCO allow at all is measured by `keigo_labels.py`, names and voice over WMT25 by `wmt25_drift.py`.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from in2x.language.japanese import KEIGO_CLASSES, formality, keigo, keigo_class, politeness, register_of
from in2x.language.japanese.register import votes
from in2x.language.register import register_of as label_of

REGEX = re.compile(
    r"(?:です|ます|ました|ません|でした|ましょう|でしょう|ください|下さい|ございま)(?:か|ね|よ|が|けど|から|し|の|ん)*[^ぁ-んァ-ヶ一-龥]*$"
)

PEERS: dict[str, tuple[str, str]] = {
    "de": (r"(?<=[\wäöüß,] )(?:Sie|Ihnen|Ihr(?:e[mnrs]?)?)\b", r"(?i)\b(?:du|dich|dir|dein\w*|euch|euer|eure\w*)\b"),
    "fr": (r"(?i)\b(?:vous|votre|vos)\b|\w+ez\b", r"(?i)\b(?:tu|te|toi|ton|ta|tes)\b|\bt'"),
    "es": (r"(?i)\b(?:usted(?:es)?|su|sus|le|les)\b", r"(?i)\b(?:tú|tu|tus|te|ti|contigo|tuy[oa]s?)\b|\w+ste\b"),
    "it": (r"\b(?:Lei|Suo|Sua|Suoi|Sue|La|Le)\b|\b(?:suo|sua|suoi|sue)\b", r"(?i)\b(?:tu|te|ti|tuo|tua|tuoi|tue)\b"),
    "pt": (r"(?i)\b(?:você|senhora?|seus?|suas?|lhe)\b", r"(?i)\b(?:tu|te|ti|contigo|teus?|tuas?)\b|-te\b|\w+ste\b"),
    "ko": (r"(?:요|니다|니까|세요|시오)[^가-힣]*$", r"[가-힣][^가-힣]*$"),
    "hi": (r"आप|िए\b|िये\b|एं\b|जी\b", r"तुम|तू\b|तेर|तुझ"),
    "ru": (r"(?i)\b(?:вы|вас|вам|вами|ваш\w*)\b|\w+те\b", r"(?i)\b(?:ты|тебя|тебе|тобой|тво\w+)\b|\w+шь\b"),
    "vi": (r"(?i)\b(?:quý vị|ông|bà|anh|chị|ngài|ạ|thưa)\b", r"(?i)\b(?:bạn|cậu|mày|tớ|nhé|em)\b"),
}
"""By language: what is polite, what is familiar; the side with more hits wins, the familiar one if they are equal."""
LEVELLED = ("ja", "ko")
"""Languages whose predicates always have a level."""


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def by_regex(text: str) -> str:
    parts = [part for part in re.split(r"(?<=[。！？!?])", text) if part.strip()]
    return "formal" if parts and sum(bool(REGEX.search(part)) for part in parts) * 2 > len(parts) else "informal"


def by_peer(code: str, text: str) -> str:
    if code == "ja":
        return {"formal": "polite", "informal": "casual"}[by_regex(text)]
    polite, casual = (len(re.findall(pattern, text)) for pattern in PEERS[code])
    if code == "ko":
        casual -= polite
    return "casual" if casual >= polite and casual else "polite" if polite else "none"


def by_in2x(code: str, text: str) -> str:
    """The two sides of the data: the register of the language, "honorific" with "polite", and all others "casual"."""
    if code == "ja":
        return {"formal": "polite", "informal": "casual"}[formality(text)]
    label = label_of(text, code)
    return {"none": "none", "polite": "polite", "honorific": "polite"}.get(label, "casual")


def told(decide: Callable[[str, str], str], code: str, pairs: Sequence[dict[str, Any]]) -> Counter[str]:
    """Of the texts of pairs whose sides differ: how many were told right, wrong, and not at all."""
    counts: Counter[str] = Counter()
    for pair in pairs:
        if pair["formal"] != pair["informal"]:
            for side, label in (("formal", "polite"), ("informal", "casual")):
                got = decide(code, pair[side])
                counts["right" if got == label else "none" if got == "none" else "wrong"] += 1
    return counts


def addressless(pairs: Sequence[dict[str, Any]]) -> list[str]:
    """Texts that are the same on both sides of their pair, and sentences of four words that both sides have."""
    texts = [pair["formal"] for pair in pairs if pair["formal"] == pair["informal"]]
    for pair in pairs:
        if pair["formal"] != pair["informal"]:
            formal, informal = (re.split(r"(?<=[.!?…।])\s+", pair[side]) for side in ("formal", "informal"))
            texts += [text for text in formal if text in informal and len(text.split()) > 3]
    return texts


def address_table(data: Path) -> Iterator[str]:
    yield (
        "| formal against informal | texts | in2x | even rows | odd rows | says none | regex | says none "
        "| without address | in2x labels | regex labels |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for path in sorted((data / "register").glob("formality.en-*.jsonl")):
        code, pairs = path.stem.rpartition("-")[2], rows(path)
        ours, peer = told(by_in2x, code, pairs), told(by_peer, code, pairs)
        halves = [told(by_in2x, code, part) for part in (pairs[::2], pairs[1::2])]
        cells = [f"{counts['right'] / counts.total():.4f}" for counts in (ours, *halves)]
        cells.append(f"{ours['none'] / ours.total():.3f}")
        cells += [f"{peer['right'] / peer.total():.4f}", f"{peer['none'] / peer.total():.3f}"]
        yield f"| {code} | {ours.total()} | {' | '.join(cells)} | {_labelled(code, addressless(pairs))} |"
    yield from captions(data)


def _labelled(code: str, texts: Sequence[str]) -> str:
    if code in LEVELLED:
        return "- | - | -"
    shares = [sum(decide(code, text) != "none" for text in texts) / len(texts) for decide in (by_in2x, by_peer)]
    return f"{len(texts)} | {shares[0]:.3f} | {shares[1]:.3f}"


def captions(data: Path) -> Iterator[str]:
    """Captions of pictures address nobody."""
    texts = [row["de"] for row in rows(data / "parallel" / "multi30k.en-de.test.jsonl")]
    ours, peer = (sum(decide("de", text) != "none" for text in texts) for decide in (by_in2x, by_peer))
    yield f"\nGerman captions of pictures: {len(texts)}, labelled by in2x {ours}, by the regex {peer}."


def accuracy(decide: Callable[[str], str], pairs: Sequence[dict[str, Any]]) -> float:
    labels = ("formal", "informal")
    return sum(decide(pair[label]) == label for pair in pairs for label in labels) / (2 * len(pairs))


def true_class(row: dict[str, Any]) -> str:
    for name, label in (("尊敬語", "sonkei"), ("謙譲語", "kenjou"), ("丁寧語", "teinei")):
        if row[name] == "1":
            return label
    return "none"


def formality_table(data: Path) -> Iterator[str]:
    pairs = rows(data / "register" / "formality.en-ja.jsonl")
    same = sum(pair["formal"] == pair["informal"] for pair in pairs)
    yield "\n| Japanese, whole segment | pairs | accuracy |"
    yield "|---|---|---|"
    yield f"| one-line regex, majority of sentences | {len(pairs)} | {accuracy(by_regex, pairs):.4f} |"
    yield f"| in2x | {len(pairs)} | {accuracy(formality, pairs):.4f} |"
    for name, part in (("even rows", pairs[::2]), ("odd rows", pairs[1::2])):
        yield f"| in2x, {name} | {len(part)} | {accuracy(formality, part):.4f} |"
    distinct = [pair for pair in pairs if pair["formal"] != pair["informal"]]
    yield f"| in2x, pairs whose two sides differ | {len(distinct)} | {accuracy(formality, distinct):.4f} |"
    limit = 1 - same / 2 / len(pairs)
    yield f"\n{same} pairs have the same text on both sides: no decision by text can exceed {limit:.4f}."


def keico_table(data: Path) -> Iterator[str]:
    items = rows(data / "register" / "keico.ja.jsonl")
    texts = [item["本文"] for item in items]
    levels = [int(item["Level"]) for item in items]
    truth = [true_class(item) for item in items]
    started = time.process_time()
    scores = [-politeness(text) for text in texts]
    seconds = time.process_time() - started
    got = [keigo_class(text) for text in texts]
    order = {"sonkei": 0, "kenjou": 0, "teinei": 1, "none": 2}
    regex_level = [float(by_regex(text) == "informal") for text in texts]
    yield "\n| KeiCO | rows | Spearman with level | four classes | mean of the three flags |"
    yield "|---|---|---|---|---|"
    flags = [
        sum((g == name) == (t == name) for g, t in zip(got, truth, strict=True)) / len(got)
        for name in KEIGO_CLASSES[:3]
    ]
    regex_class = ["teinei" if level == 0 else "none" for level in regex_level]

    def agreement(a: Sequence[str], b: Sequence[str]) -> float:
        return sum(x == y for x, y in zip(a, b, strict=True)) / len(a)

    rho = spearmanr(regex_level, levels)[0]
    yield f"| one-line regex | {len(items)} | {rho:.3f} | {agreement(regex_class, truth):.3f} | - |"
    oracle = spearmanr([order[label] for label in truth], levels)[0]
    yield f"| the true flags | {len(items)} | {oracle:.3f} | 1.000 | 1.000 |"
    rho = spearmanr(scores, levels)[0]
    yield f"| in2x | {len(items)} | {rho:.3f} | {agreement(got, truth):.3f} | {sum(flags) / 3:.3f} |"
    for name, part in (("even rows (rules written on these)", slice(0, None, 2)), ("odd rows", slice(1, None, 2))):
        rho = spearmanr(scores[part], levels[part])[0]
        yield f"| in2x, {name} | {len(levels[part])} | {rho:.3f} | {agreement(got[part], truth[part]):.3f} | - |"
    yield f"\nSpeed: {len(texts) / seconds:,.0f} sentences a second of one core (register, keigo and politeness)."
    yield "\nConfusions, truth -> ours: " + ", ".join(
        f"{t} -> {g} {n}" for (t, g), n in Counter(zip(truth, got, strict=True)).most_common() if t != g
    )


def dialogue_table(data: Path) -> Iterator[str]:
    turns = rows(data / "eval" / "dialogue.ja-en.jsonl")
    found = Counter(register_of(turn["ja_sentence"]) for turn in turns)
    switches = Counter(
        register_of(a["ja_sentence"]) == register_of(b["ja_sentence"])
        for a, b in pairwise(turns)
        if a["doc"] == b["doc"]
    )
    yield "\nRegisters of business dialogue turns: " + ", ".join(
        f"{name} {count}" for name, count in found.most_common()
    )
    yield f"Neighbouring turns of one register: {switches[True] / sum(switches.values()):.3f}."


def errors(data: Path) -> Iterator[str]:
    """What is still wrong, by kind: how many texts, and why."""
    kinds: Counter[tuple[str, str]] = Counter()
    for pair in rows(data / "register" / "formality.en-ja.jsonl"):
        for label in ("formal", "informal"):
            if formality(pair[label]) != label:
                kinds[_formality_error(pair, label)] += 1
    yield "\n| formal against informal: what is still wrong | why | texts |\n|---|---|---|"
    yield from (f"| {what} | {why} | {count} |" for (what, why), count in kinds.most_common())
    kinds.clear()
    for row in rows(data / "register" / "keico.ja.jsonl"):
        if keigo_class(row["本文"]) != true_class(row):
            kinds[_keigo_error(row["本文"], true_class(row))] += 1
    yield "\n| four-way class: what is still wrong | why | rows |\n|---|---|---|"
    yield from (f"| {what} | {why} | {count} |" for (what, why), count in kinds.most_common())


def _formality_error(pair: dict[str, Any], label: str) -> tuple[str, str]:
    if pair["formal"] == pair["informal"]:
        return "same text under both labels", "cannot be decided by text"
    if label == "formal" and register_of(pair[label]) == "none":
        return "labelled formal, has no predicate", "breaks off: nothing shows a style"
    if label == "formal":
        return "labelled formal, closes plainly", "styles are mixed, or the label is wrong"
    return "labelled informal, closes in です・ます", "styles are mixed, or the label is wrong"


def _keigo_error(text: str, truth: str) -> tuple[str, str]:
    forms, vote = keigo(text), votes(text)
    polite = vote.polite > 0 and vote.polite >= vote.informal
    strong = {form.kind for form in forms if form.strong}
    passive = any("れる" in form.rule for form in forms if form.kind == "sonkei")
    if truth in ("sonkei", "kenjou"):
        name, other = ("尊敬", "謙譲") if truth == "sonkei" else ("謙譲", "尊敬")
        if not forms:
            ending = "です・ます" if polite else "plain"
            return f"labelled {name}, no honorific form found ({ending})", "most have none: label of tone; some missed"
        if truth == "kenjou" and strong and strong <= {"kenjou", "teichou"}:
            return "labelled 謙譲, has only 〜いただく or ございます", "we count these as raising the other"
        if strong and strong <= {"kenjou", "teichou"}:
            return f"labelled {name}, its only honorific verbs are humble", "label against grammar"
        if strong == {"sonkei"}:
            return f"labelled {name}, its only honorific verbs raise the other", "label against grammar"
        if len(strong) > 1:
            return f"labelled {name}, has verbs of both kinds", "two labels are right, one is asked for"
        return f"labelled {name}, only nouns and adjectives with お, ご", f"may raise the other ({other}) or oneself"
    if truth == "teinei":
        if not polite:
            return "labelled 丁寧, does not close in です・ます", "label of tone, or quoted speech"
        if strong - {"teichou"} and not passive:
            return "labelled 丁寧, has an honorific verb", "label against grammar"
        if passive:
            return "labelled 丁寧, has れる・られる", "passive and honorific look alike"
        return "labelled 丁寧, has a noun with お, ご", "beautified or honorific: depends on whose thing it is"
    if strong:
        return "labelled none, has an honorific verb", "label against grammar"
    if forms:
        return "labelled none, has a noun with お, ご", "beautified or honorific: depends on whose thing it is"
    return "labelled none, closes in です・ます", "label against grammar, or polite in one clause only"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--only", choices=["address"], help="only the table by language")
    options = parser.parse_args()
    print(f"Machine: {platform.processor() or platform.machine()}, Python {platform.python_version()}.\n")
    tables = [address_table(options.data)]
    if options.only != "address":
        tables += [formality_table(options.data), keico_table(options.data), dialogue_table(options.data)]
    if options.errors:
        tables.append(errors(options.data))
    for table in tables:
        for line in table:
            print(line, flush=True)


if __name__ == "__main__":
    main()
