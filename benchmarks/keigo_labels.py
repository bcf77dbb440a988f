"""How far any four-way keigo class can agree with the labels of KeiCO: what the labels themselves allow.

    python benchmarks/keigo_labels.py --data ../shared/data

The four-way class of a row, from its flags: 尊敬 if 尊敬語 is set, else 謙譲 if 謙譲語 is, else 丁寧 if 丁寧語 is, else
none (25 rows of 5,003 carry two flags, so the order hardly matters). Four limits are printed:

1. a linear SVM trained on the labels (5-fold): character n-grams; lemma n-grams with our forms; both;
2. the best label for each exact set of honorific forms and politeness, chosen on the very rows it is scored on: no rule
   over forms can agree more on these rows, and this one has seen the answers;
3. rows whose only honorific verb is humble by any grammar, by label;
4. near-duplicates: pairs of one field, alike in spelling, with the same honorific forms and politeness, whose labels
   differ. Whoever treats the two alike is right on at most 1 - share / 2 of them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from in2x.language.japanese import deference, keigo, keigo_class, politeness, tokenise
from in2x.language.japanese.register import votes

FLAGS = (("尊敬語", "sonkei"), ("謙譲語", "kenjou"), ("丁寧語", "teinei"))
HUMBLE = {"いたす", "致す", "申す", "申し上げる", "申しあげる", "伺う", "存ずる", "まいる", "お〜いたす", "お〜致す",
          "お〜申し上げる", "お〜申しあげる", "お〜する", "拝見", "差し上げる"}  # fmt: skip
"""Citation shapes that every grammar of Japanese files under 謙譲語 (丁重語 included)."""
ALIKE = 0.8
"""Least likeness (difflib ratio) of near-duplicates."""


def true_class(row: dict[str, Any]) -> str:
    """The four-way class of a KeiCO row by its flags."""
    return next((label for flag, label in FLAGS if row[flag] == "1"), "none")


def signature(text: str) -> tuple[bool, tuple[str, ...]]:
    """All that a rule over honorific forms sees: whether the text is polite, and which forms it holds."""
    vote = votes(text)
    polite = vote.polite > 0 and vote.polite >= vote.informal
    return polite, tuple(sorted({form.rule + ("" if form.strong else " (noun)") for form in keigo(text)}))


def features(text: str) -> dict[str, float]:
    """Lemmas, pairs of lemmas, and everything that our rules know of the text."""
    vote = votes(text)
    found: dict[str, float] = {"politeness": politeness(text), "deference": deference(text), "polite": vote.polite}
    found |= {"plain": vote.plain, "casual": vote.casual, f"class {keigo_class(text)}": 1.0}
    for form in keigo(text):
        found[f"form {form.rule}"] = 1.0
        kind = f"kind {form.kind} {form.strong}"
        found[kind] = found.get(kind, 0.0) + 1.0
    tokens = tokenise(text)
    found |= {f"lemma {token.lemma}": 1.0 for token in tokens}
    return found | {f"pair {a.lemma} {b.lemma}": 1.0 for a, b in pairwise(tokens)}


def trained(texts: Sequence[str], truth: Sequence[str]) -> Iterator[tuple[str, float]]:
    """(features, accuracy) of linear SVMs, mean of five stratified folds."""
    import scipy.sparse as sparse
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import LinearSVC

    labels = np.array(truth)
    known = [features(text) for text in texts]
    right: dict[str, list[float]] = defaultdict(list)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(texts, labels):
        characters = TfidfVectorizer(analyzer="char", ngram_range=(1, 5), min_df=2, sublinear_tf=True)
        words = DictVectorizer()
        a = characters.fit_transform([texts[i] for i in train]), characters.transform([texts[i] for i in test])
        b = words.fit_transform([known[i] for i in train]) * 0.3, words.transform([known[i] for i in test]) * 0.3
        both = [sparse.hstack([x, 0.5 * y]).tocsr() for x, y in zip(a, b, strict=True)]
        for name, (x, y), c in (("characters", a, 0.3), ("lemmas and our forms", b, 0.1), ("both", both, 0.3)):
            model = LinearSVC(C=c).fit(x, labels[train])
            right[name].append(float((model.predict(y) == labels[test]).mean()))
    return ((name, float(np.mean(values))) for name, values in right.items())


def near_duplicates(rows: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """(pairs, pairs with different classes) of rows alike in spelling, forms and politeness, within one field."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[(row["フィールド"], *signature(row["本文"]))].append(row)
    pairs = differ = 0
    for members in groups.values():
        for a, b in combinations(members, 2):
            matcher = SequenceMatcher(None, a["本文"], b["本文"], autojunk=False)
            if matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE:
                pairs += 1
                differ += true_class(a) != true_class(b)
    return pairs, differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    data = parser.parse_args().data
    lines = (data / "register" / "keico.ja.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    texts, truth = [row["本文"] for row in rows], [true_class(row) for row in rows]
    ours = [keigo_class(text) for text in texts]
    print("| KeiCO, four-way class | rows | agreement |\n|---|---|---|")
    print(f"| in2x, rules | {len(rows)} | {np.mean([a == b for a, b in zip(ours, truth, strict=True)]):.3f} |")
    for name, accuracy in trained(texts, truth):
        print(f"| linear SVM trained on the labels, {name} | {len(rows)} | {accuracy:.3f} |")
    by_form: dict[tuple[bool, tuple[str, ...]], Counter[str]] = defaultdict(Counter)
    for text, label in zip(texts, truth, strict=True):
        by_form[signature(text)][label] += 1
    most = sum(max(counts.values()) for counts in by_form.values())
    print(f"| best label for each set of forms, chosen on the same rows | {len(rows)} | {most / len(rows):.3f} |")
    humble: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    for text, label in zip(texts, truth, strict=True):
        strong = {form.rule for form in keigo(text) if form.strong}
        if strong and strong <= HUMBLE:
            humble[label] += 1
        if not keigo(text):
            silent[label] += 1
    print("\nOnly honorific verb is humble by any grammar, by label: " + _shares(humble))
    print("No honorific form of any kind found, by label: " + _shares(silent))
    pairs, differ = near_duplicates(rows)
    print(f"Near-duplicates with the same forms: {pairs} pairs, {differ} with different classes; whoever treats both "
          f"alike is right on at most {1 - differ / pairs / 2:.3f} of them.")  # fmt: skip


def _shares(counts: Counter[str]) -> str:
    return ", ".join(f"{label} {count}" for label, count in counts.most_common())


if __name__ == "__main__":
    main()
