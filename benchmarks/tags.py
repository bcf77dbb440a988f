"""Does a small model keep inline tags when a share of its pairs carries them, and what does that cost?

    python benchmarks/tags.py                  two models, with and without tag injection: some ten minutes on one core
    python benchmarks/tags.py --quick          a few seconds, to see that it runs

Micro-world, both directions between its first two languages; models, steps and pairs alike but for `--share` and the
seed. "right" is an answer that `unmarked` takes: every placeholder once, nested as asked, no pair empty. Held-out
sentences are tagged in two ways: around any words ("any words"), and where the pair shows for sure what stands for what
("sure places"), which also says whether the tags stand around the same words as in the reference where the model's
words are the reference's. At last, where `projected` puts the tags of references that have lost them, and how often a
mere share of the length finds the place.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from small_model import machine, plan, stage
from transformers import PreTrainedTokenizerBase

from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.formats.document import Tag, Text
from in2x.instructions.alignment import Lexicon, carries
from in2x.instructions.tagged import tags_of, with_tags
from in2x.language.segment import words
from in2x.metrics.significance import paired_bootstrap
from in2x.metrics.strings import statistics
from in2x.records import Instruction, Pair, write_records
from in2x.sample import world
from in2x.training.config import OptimizerConfig, ShapeConfig
from in2x.training.examples import chat_examples
from in2x.training.loop import train
from in2x.training.model import build_model, save_model
from in2x.training.tokenizer import train_tokenizer
from in2x.translate.engine import LocalBackend
from in2x.translate.projection import projected
from in2x.translate.request import TranslationRequest
from in2x.translate.tags import TagsLost, marked, placeholders, unmarked

SHAPE = ShapeConfig(width=144, layers=4, heads=6, kv_heads=3, mlp=384, vocabulary=4096, context=512)
"""That of `recipes/demo.yaml`."""
PROFILE = PromptProfile(templates={"*": "{to}: {source}", "*/plain": "{to} plain: {source}",
                                   "*/polite": "{to} polite: {source}", "*/honorific": "{to} honorific: {source}",
                                   "*/casual": "{to} casual: {source}"})  # fmt: skip
DIRECTIONS = (world.DIRECTIONS[0], world.DIRECTIONS[0][::-1])


def pairs(items: Sequence[world.Item], seed: int) -> list[Pair]:
    rng = random.Random(f"{seed} pairs")
    return [p for item in items for p in world.pairs(item, rng) if (p.src_lang, p.tgt_lang) in DIRECTIONS]


def model(
    folder: Path, tokenizer: PreTrainedTokenizerBase, items: Sequence[Instruction], epochs: int, seed: int
) -> None:
    """Train on `items` and save."""
    found = list(chat_examples(tokenizer, items, max_tokens=160))
    network = build_model(SHAPE, tokenizer, seed)
    knobs = OptimizerConfig(name="muon", lr=3e-3, matrix_lr=4e-3, schedule="linear")
    with tempfile.TemporaryDirectory() as work:
        steps = plan(found, tokenizer.pad_token_id, 2048, epochs)
        train(network, steps, knobs, stage(Path(work), seed), what="sft", compiled=False)
    save_model(network, tokenizer, folder)
    PROFILE.save(folder)


def any_words(text: str, lang: str, rng: random.Random) -> Text:
    """`text` with one to three tags around any stretches that begin and end with a content word, or behind one."""
    found = [word for word in words(text, lang) if carries(word.lemma, lang)]
    spots = sorted(rng.sample(range(len(found)), min(len(found), rng.choice((1, 2, 3, 4)))))
    tags: list[Tag] = []
    while spots:
        first = spots.pop(0)
        last = spots.pop(0) if spots and rng.random() < 0.5 else first
        if rng.random() < 0.25:
            tags.append(Tag(found[last].end, f"<x{first}/>", 100 + first))
            continue
        tags += [Tag(found[first].start, f"<b{first}>", first, "open"),
                 Tag(found[last].end, f"</b{first}>", first, "close")]  # fmt: skip
    return Text(text, tuple(tags))


def asked(backend: LocalBackend, texts: Sequence[str], asking: Sequence[Pair]) -> list[str]:
    """Greedy translations of `texts`, which stand for the sources of `asking`."""
    out = [""] * len(texts)
    for direction in DIRECTIONS:
        places = [n for n, p in enumerate(asking) if (p.src_lang, p.tgt_lang) == direction]
        request = TranslationRequest(*direction, register=[asking[n].register for n in places])
        for n, one in zip(places, backend.translations([texts[n] for n in places], request), strict=True):
            out[n] = one.text
    return out


def right(source: Text, answer: str, pair: Pair) -> Text | None:
    try:
        return unmarked(answer, source, pair.tgt_lang)
    except TagsLost:
        return None


def whole(found: Text, source: Text) -> bool:
    return sorted(tag.raw for tag in found.tags) == sorted(tag.raw for tag in source.tags)


def share(part: int, of: int) -> str:
    return f"{100 * part / max(1, of):.1f}% of {of:,}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.3, help="of the pairs that carry tags")
    parser.add_argument("--items", type=int, default=11000, help="sentences; two pairs and more of each")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--segments", type=int, default=1000, help="held-out segments with tags")
    parser.add_argument("--out", type=Path, help="keep the models here")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    count, epochs, segments = (300, 1, 20) if given.quick else (given.items, given.epochs, given.segments)
    print(machine())
    folder = given.out or Path(tempfile.mkdtemp())
    dev, test, banned = world.heldout(given.seed, max(40, segments * 2 // 3))
    learned = pairs(list(islice(world.train(given.seed, banned), count)), given.seed)
    held = pairs([*dev, *test], given.seed)
    items = [translation(pair, PROFILE) for pair in learned]
    began = time.perf_counter()
    injected, injections = with_tags(items, PROFILE, given.share, given.seed)
    print(f"{len(items):,} pairs, {injections:,} of them with tags, injected in {time.perf_counter() - began:.0f} s")
    # As in a recipe: the tokenizer is made of texts without tags. The two have it in common, so that they can also be
    # averaged (benchmarks/ensemble.py).
    tokenizer = train_tokenizer((i.messages[0]["content"] + " " + (i.answer or "") for i in items), SHAPE.vocabulary)
    for number, (name, some) in enumerate((("with", injected), ("without", items))):
        if not (folder / name).exists():
            began = time.perf_counter()
            model(folder / name, tokenizer, some, epochs, given.seed + number)
            print(f"the model {name} tags: trained in {time.perf_counter() - began:.0f} s", flush=True)
    write_records(folder / "pairs.test.parquet", held, Pair)
    report(LocalBackend(folder / "with"), LocalBackend(folder / "without"), learned, held, segments, given.seed)


def report(
    tagging: LocalBackend, plain: LocalBackend, learned: Sequence[Pair], held: Sequence[Pair], segments: int, seed: int
) -> None:
    some = held[:segments]
    said = {name: asked(one, [p.source for p in some], some) for name, one in (("with", tagging), ("without", plain))}
    print("\nText without tags, trained with tags and without (difference, 95%):")
    for source, target in DIRECTIONS:
        rows = [n for n, p in enumerate(some) if (p.src_lang, p.tgt_lang) == (source, target)]
        for metric in ("BLEU", "chrF"):
            one, other = (
                statistics([said[name][n] for n in rows], [some[n].target for n in rows], metric, lang=target)
                for name in ("with", "without")
            )
            gap = paired_bootstrap(one, other)
            print(f"  {source}-{target} {metric}: {one.value:.1f}, {other.value:.1f} "
                  f"({gap.difference:+.1f}, {gap.low:+.1f} to {gap.high:+.1f})")  # fmt: skip

    rng = random.Random(seed)
    free = [(pair, any_words(pair.source, pair.src_lang, rng)) for pair in held]
    free = [(pair, text) for pair, text in free if placeholders(text)][:segments]
    sure = []
    for direction in DIRECTIONS:
        lexicon = Lexicon(((p.source, p.target) for p in learned if (p.src_lang, p.tgt_lang) == direction), *direction)
        here = [p for p in held if (p.src_lang, p.tgt_lang) == direction]
        sure += list(tags_of(here, lexicon, seed))[: segments // 2]
    print("\nText with tags:")
    for name, cases in (("any words", free), ("sure places", [(pair, text) for pair, text, _ in sure])):
        answers = asked(tagging, [marked(text) for _, text in cases], [pair for pair, _ in cases])
        kept = [right(text, answer, pair) for (pair, text), answer in zip(cases, answers, strict=True)]
        after = [projected(text, answer, pair.src_lang, pair.tgt_lang)
                 for (pair, text), answer in zip(cases, answers, strict=True)]  # fmt: skip
        sound = sum(whole(one, text) for one, (_, text) in zip(after, cases, strict=True))
        print(f"  {name}: right by the model {share(sum(one is not None for one in kept), len(cases))}; "
              f"after projection {share(sound, len(cases))}")  # fmt: skip
        lost = [(marked(text), answer) for (_, text), answer, one in zip(cases, answers, kept, strict=True) if not one]
        for question, answer in lost[:5]:
            print(f"    lost: {question} -> {answer}", file=sys.stderr)
        if name == "sure places":
            same = [(one, want) for one, (_, _, want) in zip(kept, sure, strict=True) if one and one.text == want.text]
            print(f"  of those with the reference's words, tags where the reference has them: "
                  f"{share(sum(one == want for one, want in same), len(same))}")  # fmt: skip
            places = [place for pair, text, want in sure for place in _places(pair, text, want)]
            by_alignment, by_length = (sum(place[way] for place in places) for way in (0, 1))
            print(f"  references without placeholders: {share(by_alignment, len(places))} tags at the very place by "
                  f"alignment, {share(by_length, len(places))} by length")  # fmt: skip


def _places(pair: Pair, source: Text, want: Text) -> list[tuple[bool, bool]]:
    """For each tag whether it is put back at its place by alignment, and by its share of the length."""
    found = projected(source, want.text, pair.src_lang, pair.tgt_lang)
    there, by_alignment = ({_key(tag): tag.at for tag in text.tags} for text in (want, found))
    scale = len(want.text) / len(source.text)
    return [
        (there[_key(tag)] == by_alignment[_key(tag)], there[_key(tag)] == round(tag.at * scale)) for tag in source.tags
    ]


def _key(tag: Tag) -> tuple[int, str]:
    return tag.number, tag.kind


if __name__ == "__main__":
    main()
