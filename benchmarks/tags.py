"""Does a small model keep inline tags when a share of its pairs carries them, and what does that cost?

    python benchmarks/tags.py                  two models, with and without tag injection: some ten minutes on one core
    python benchmarks/tags.py --quick          a few seconds, to see that it runs

Micro-world, both directions between its first two languages; models, steps and pairs alike but for `--share` and the
seed. Held-out sentences are tagged in two ways: around any content words ("any words"), and where the pair shows for
sure what stands for what ("sure places"), which has a reference with tags. Answered freely, and with forced decoding:

right        `unmarked` takes the answer: every placeholder once, nested as asked, no pair empty
whole        every tag there, once what is lost has been placed by projection
in place     of the right answers with the very words of the reference: every tag where the reference has it; and every
             tag at most one word from there
around       pairs of tags around the very words that they are around in the reference, of all, whatever the rest says
lost         of the segments that came back broken without forcing: the same two figures where forced decoding puts
             the tags, and where projection does

At last, where projection puts the tags of references that have lost them all, and how often a mere share of the length
finds the place.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from small_model import machine, plan, stage
from transformers import PreTrainedTokenizerBase

from in2x.chat.source import Source
from in2x.chat.translation import translation
from in2x.formats.document import Tag, Text
from in2x.instructions.alignment import Lexicon, carries
from in2x.instructions.tagged import tags_of, with_tags
from in2x.language.segment import words
from in2x.metrics.significance import paired_bootstrap
from in2x.metrics.strings import statistics
from in2x.recipe import load_recipe
from in2x.records import Instruction, Pair, write_records
from in2x.sample import world
from in2x.training.config import OptimizerConfig, ShapeConfig
from in2x.training.examples import chat_examples
from in2x.training.loop import train
from in2x.training.model import build_model, save_model
from in2x.training.tokenizer import train_tokenizer
from in2x.translate.engine import LocalBackend
from in2x.translate.projection import cuts, projected
from in2x.translate.request import TranslationRequest
from in2x.translate.shown import with_tags as with_tags_of
from in2x.translate.tags import TagsLost, marked, placeholders, unmarked

SHAPE = ShapeConfig(width=144, layers=4, heads=6, kv_heads=3, mlp=384, vocabulary=4096, context=512)
"""That of `recipes/demo.yaml`."""
PROFILE = load_recipe(Path(__file__).parents[1] / "recipes" / "demo.yaml", ["instruct.tagged=1"]).profile
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


def asked(backend: LocalBackend, texts: Sequence[str], asking: Sequence[Pair], forced: bool = False) -> list[str]:
    """Greedy translations of `texts`, which stand for the sources of `asking`."""
    out = [""] * len(texts)
    for direction in DIRECTIONS:
        places = [n for n, p in enumerate(asking) if (p.src_lang, p.tgt_lang) == direction]
        sources = [Source(texts[n], *direction, asking[n].register, tagged=forced) for n in places]
        for n, one in zip(places, backend.translations(sources, TranslationRequest(*direction)), strict=True):
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
    tagged = list(with_tags(items, PROFILE, given.share, given.seed))
    injected, injections = [item for item, _ in tagged], sum(tags for _, tags in tagged)
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
        wanted = [want for _, _, want in sure] if name == "sure places" else []
        placed: dict[str, list[Text]] = {}
        kept: dict[str, list[Text | None]] = {}
        for way in ("free", "forced"):
            began = time.perf_counter()
            answers = asked(tagging, [marked(text) for _, text in cases], [pair for pair, _ in cases], way == "forced")
            took = time.perf_counter() - began
            kept[way] = [right(text, answer, pair) for (pair, text), answer in zip(cases, answers, strict=True)]
            placed[way] = [
                one or with_tags_again(answer, text, pair, tagging)
                for (pair, text), answer, one in zip(cases, answers, kept[way], strict=True)
            ]
            sound = sum(whole(one, text) for one, (_, text) in zip(placed[way], cases, strict=True))
            print(f"  {name}, {way}: right {share(sum(map(bool, kept[way])), len(cases))}; "
                  f"whole after projection {share(sound, len(cases))}; {took:.0f} s")  # fmt: skip
            if wanted:
                print(f"    {in_place(kept[way], wanted, cases)}")
            for (_, text), answer, one in zip(cases, answers, kept[way], strict=True):
                if not one:
                    print(f"    lost, {way}: {marked(text)} -> {answer}", file=sys.stderr)
            if way == "forced":
                for source, target in DIRECTIONS:
                    rows = [n for n, (p, _) in enumerate(cases) if (p.src_lang, p.tgt_lang) == (source, target)]
                    scores = (
                        statistics([some[n].text for n in rows], [cases[n][0].target for n in rows], "chrF",
                                   lang=target).value
                        for some in placed.values()
                    )  # fmt: skip
                    print(f"    chrF of the words {source}-{target}, free, forced: "
                          f"{', '.join(f'{one:.1f}' for one in scores)}")  # fmt: skip
        lost = [n for n, one in enumerate(kept["free"]) if one is None]
        if wanted:
            for way, what in (("forced", "forced"), ("free", "projection")):
                found = in_place([placed[way][n] for n in lost], [wanted[n] for n in lost], [cases[n] for n in lost])
                print(f"  lost, put in by {what}: {found}")
    places = [place for pair, text, want in sure for place in _places(pair, text, want)]
    by_alignment, by_length = (sum(place[way] for place in places) for way in (0, 1))
    print(f"  references without placeholders: {share(by_alignment, len(places))} tags at the very place by "
          f"alignment, {share(by_length, len(places))} by length")  # fmt: skip


def with_tags_again(answer: str, source: Text, pair: Pair, backend: LocalBackend) -> Text:
    """What `in2x translate` makes of an answer that has lost tags."""
    question = Source(marked(source), pair.src_lang, pair.tgt_lang, pair.register, tagged=True)
    return with_tags_of(answer, source, pair.src_lang, pair.tgt_lang, backend, question)[0]


def in_place(found: Sequence[Text | None], wanted: Sequence[Text], cases: Sequence[tuple[Pair, Text]]) -> str:
    """See the module docstring; answers with the reference's words are known by them with the tags left out."""
    same = exact = near = pairs = around = 0
    for one, want, (pair, _) in zip(found, wanted, cases, strict=True):
        theirs = inner(want)
        pairs += len(theirs)
        if one is None:
            continue
        mine = inner(one)
        around += sum(mine.get(number) == words for number, words in theirs.items())
        if one.text == want.text:
            same += 1
            words = [0, *cuts(want.text, pair.tgt_lang)]
            there = {_key(tag): tag.at for tag in want.tags}
            off = [abs(bisect_left(words, tag.at) - bisect_left(words, there[_key(tag)])) for tag in one.tags]
            exact += one == want or all(tag.at == there[_key(tag)] for tag in one.tags)
            near += max(off) <= 1
    return (f"in place {share(exact, same)} with the reference's words, within a word {share(near, same)}; "
            f"around the reference's words {share(around, pairs)} pairs of tags")  # fmt: skip


def inner(text: Text) -> dict[int, str]:
    """Pair of tags -> the words between them."""
    opened = {tag.number: tag.at for tag in text.tags if tag.kind == "open"}
    return {t.number: text.text[opened[t.number] : t.at].strip() for t in text.tags if t.kind == "close"}


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
