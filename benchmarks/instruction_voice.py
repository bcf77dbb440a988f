"""Learns what a model sounds like that talks where a work should stand (`rules/voice.py`), and measures it.

    python benchmarks/instruction_voice.py [--write] [--held-out]

Learnt from our labelled sets of gates (the blind ones 2 and 3 aside), from wordings that are generated here from
`instruction_voice/LANG.yaml`, and from documents and sentences of the micro-world as what is sound. A faulty item of
the sets does not say which of its parts is at fault: it is the one that scores highest, in three rounds. Logistic
regression with an L2 penalty, by L-BFGS; everything is seeded, so that `--write` gives the same weights again.

`--held-out`: each set is scored by weights that were learnt without it (all, or those named). What rules and weights do
together is measured by `instruction_gates.py`.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from in2x.instructions.gate_check import read_cases
from in2x.instructions.rules import voice
from in2x.sample.documents import documents
from in2x.sample.world import train

HERE = Path(__file__)
_ENDS = {"ours": "", "more": "_more", "rounds": "_rounds", "blind 1": "_blind", "blind 2": "_blind2"}
SETS = {name: HERE.with_name(f"instruction_gates{end}.yaml") for name, end in _ENDS.items()}
LEARNT = ("ours", "more", "rounds", "blind 1")
TALK = re.compile(
    r"refus|disclaim|opening|closing|promise|reason|meta|preface|as-an|remark|thought|asks back"
    r"|further|second set|third set"
)
"""Kinds of faults that talk is; what others are (loops, gaps, broken letters) is for the rules to count."""
ASK = {
    "en": ("Write a short passage.", "Write a short story.", "Describe a scene.", "Write a poem.", "Write a dialogue."),
    "ja": ("短い文章を書いて。", "短い物語を書いて。", "場面を描写してください。", "詩を書いて。", "会話を書いて。"),
    "zh": ("写一小段文字。", "写一个小故事。", "描写一个场景。", "写一首诗。", "写一段对话。"),
}  # fmt: skip
EACH, WORLD, SENTENCES = 6, 300, 1000
"""Wordings drawn from a template; documents of the micro-world, and its sentences."""
MADE, LIGHT = 0.3, 0.4
"""What the wordings of a template together and a document of the micro-world weigh beside a written
item (our choice)."""
PENALTY, ROUNDS = 1.0, 3
"""L2 penalty; rounds in which the part at fault is chosen again (our choice)."""
_CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass
class Example:
    """An item with the rows of its parts."""

    faulty: bool
    rows: list[voice.Features]
    weight: float = 1.0
    picked: list[int] = field(default_factory=list)


def example(faulty: bool, prompt: str, parts: Sequence[voice.Part], weight: float = 1.0) -> Example:
    flags = voice.asked_for(prompt)
    rows = [voice.features(part, prompt, flags) for part in parts]
    return Example(faulty, rows, weight, list(range(len(rows))))


def labelled(name: str) -> Iterator[Example]:
    """The sound items of a set and those whose fault is talk."""
    for case in read_cases(SETS[name]):
        if case.label == "sound" or (case.label == "code" and TALK.search(case.kind)):
            prompt = case.item.messages[-1]["content"]
            if found := voice.parts(case.item.answer or ""):
                yield example(case.label == "code", prompt, found)


def expanded(template: str, form: str, topic: str, rng: random.Random) -> str:
    while match := _CHOICE.search(template):
        template = template[: match.start()] + rng.choice(match[1].split("|")) + template[match.end() :]
    return re.sub(r"  +", " ", template.replace("<form>", form).replace("<topic>", topic)).strip()


def generated(seed: int = 5) -> Iterator[Example]:
    """Wordings of templates around an answer or in its place, and our own sound answers."""
    rng = random.Random(seed)
    for file in sorted(HERE.with_suffix("").glob("*.yaml")):
        found = yaml.safe_load(file.read_text("utf-8"))
        for kind in ("head", "tail", "refusal", "promise", "reason"):
            zone: voice.Zone = {"head": "head", "reason": "head", "tail": "tail"}.get(kind, "whole")  # type: ignore[assignment]
            for template in found[kind]:
                drawn = {}
                for _ in range(EACH):
                    prompt, form, topic, answer = rng.choice(found["prompts"])
                    drawn[expanded(template, form, topic, rng)] = prompt, answer
                for text, (prompt, answer) in drawn.items():
                    part = voice.Part(zone, text, "" if zone == "whole" else answer, rng.random() < 0.7)
                    yield example(True, prompt, [part], MADE / len(drawn))
        for prompt, *_, answer in [*found["sound"], *found["prompts"]]:
            yield example(False, prompt, voice.parts(answer))


def world(seed: int = 3) -> Iterator[Example]:
    """Documents of the micro-world, its sentences, and a sentence as a paragraph of its own before or behind others, as
    answers to a prompt that asks for a work and no more."""
    rng = random.Random(seed)
    texts = [(raw.lang, raw.text[:600]) for raw in itertools.islice(documents(seed, set()), WORLD)]
    whole = {lang: [text for other, text in texts if other == lang] for lang in ASK}
    for item in itertools.islice(train(seed, set()), SENTENCES):
        for lang, text in (("en", item.en), ("zh", item.zh), ("ja", rng.choice(sorted(item.ja.values())))):
            texts.append((lang, text))
            beside = rng.choice(whole[lang])
            pair = f"{text}\n\n{beside}" if rng.random() < 0.5 else f"{beside}\n\n{text}"
            parts = [part for part in voice.parts(pair) if part.text == text]
            yield example(False, rng.choice(ASK[lang]), parts, LIGHT)
    for lang, text in dict.fromkeys(texts):
        yield example(False, rng.choice(ASK[lang]), voice.parts(text), LIGHT)


def matrix(rows: Sequence[voice.Features]) -> csr_matrix:
    ends = np.cumsum([0, *(len(row.places) for row in rows)])
    places, values = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
    return csr_matrix((values, places, ends), shape=(len(rows), voice.SIZE))


def fitted(
    x: csr_matrix, y: NDArray[np.float64], weight: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights and bias that minimise the weighted logistic loss and the penalty."""
    back = x.T.tocsr()

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = (x @ w[:-1] + w[-1]) * y
        pull = -y * weight / (1 + np.exp(np.clip(margin, -60, 60)))
        value = float(weight @ np.logaddexp(0, -margin)) + 0.5 * PENALTY * float(w[:-1] @ w[:-1])
        return value, np.append(back @ pull + PENALTY * w[:-1], pull.sum())

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60, "maxcor": 8})
    return np.asarray(found.x, np.float64)


def learnt(examples: Sequence[Example]) -> NDArray[np.float64]:
    rows = [row for one in examples for row in one.rows]
    ends = np.cumsum([0, *(len(one.rows) for one in examples)])
    x = matrix(rows)
    w = np.zeros(voice.SIZE + 1)
    picked = [list(range(len(one.rows))) for one in examples]
    for _ in range(ROUNDS):
        chosen = [(start + at, one, len(some)) for start, one, some in zip(ends, examples, picked, strict=False)
                  for at in (some if one.faulty else range(len(one.rows)))]  # fmt: skip
        at = np.array([row for row, _, _ in chosen])
        y = np.array([1.0 if one.faulty else -1.0 for _, one, _ in chosen])
        weight = np.array([one.weight / (size if one.faulty else 1) for _, one, size in chosen])
        w = fitted(x[at], y, weight, w)
        scores = x @ w[:-1] + w[-1]
        for number, one in enumerate(examples):
            if one.faulty:
                picked[number] = [int(np.argmax(scores[ends[number] : ends[number + 1]]))]
    return w


def scores(w: NDArray[np.float64], examples: Sequence[Example]) -> NDArray[np.float64]:
    return np.array([max((matrix(one.rows) @ w[:-1]) + w[-1]) for one in examples])


def shown(name: str, found: NDArray[np.float64], examples: Sequence[Example]) -> None:
    faulty = np.array([one.faulty for one in examples])
    cells = []
    for least in (0.0, 0.5, 1.0, 1.5, 2.0):
        hit = found >= least
        cells.append(f"{hit[faulty].mean():.3f}, {hit[~faulty].mean():.3f}")
    print(f"| {name} | {faulty.sum()} | {(~faulty).sum()} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the weights into the package")
    parser.add_argument("--held-out", nargs="*", help="sets to leave out in turn")
    options = parser.parse_args()
    sets = {name: list(labelled(name)) for name in SETS}
    more = [*generated(), *world()]
    print("read", flush=True)
    if options.held_out is not None:
        print("| set, not learnt from | talk | sound | touched of both at a score of 0 | .5 | 1 | 1.5 | 2 |")
        for name in options.held_out or SETS:
            w = learnt([*(one for other in LEARNT if other != name for one in sets[other]), *more])
            shown(name, scores(w, sets[name]), sets[name])
    if options.write:
        w = learnt([*(one for name in LEARNT for one in sets[name]), *more])
        kept = np.flatnonzero(np.abs(w[:-1]) > 0.01)
        np.savez_compressed(voice.WEIGHTS, places=kept.astype(np.uint32), values=w[kept].astype(np.float16),
                            bias=np.float32(w[-1]))  # fmt: skip
        print(f"{len(kept)} weights, {voice.WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
