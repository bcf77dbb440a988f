"""The instruct stage as a whole: a small model that has really learned a few chats, pairs, the ledger, resume."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from in2x.artifact import Artifact
from in2x.chat.source import Source
from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.table import NAME, Contamination
from in2x.errors import In2xError
from in2x.instructions.balance import content_of, split
from in2x.instructions.from_pairs import DrawnPairs
from in2x.instructions.neardup import groups, normalise, rouge_l, signatures
from in2x.instructions.rules import RULES
from in2x.instructions.stage import run
from in2x.llm.cache import Cache
from in2x.llm.local import LocalClient
from in2x.llm.request import Request
from in2x.recipe import Recipe
from in2x.records import Instruction, Pair, RecordWriter, Verdict, content_id, read_records, write_records
from in2x.stage import Stage

CHATS = [
    ("Translate into Japanese: The fox sleeps.", "狐が眠る。"),
    ("Translate into Japanese, polite style: The fox sleeps.", "狐が眠ります。"),
    ("Translate into English: 狐が眠る。", "The fox sleeps."),
    ("Translate into Chinese: The fox sleeps.", "狐狸在睡觉。"),
    ("Tell me a short story about a lamp.", "A lamp burned in the window until the sailor came home."),
]


@pytest.fixture(scope="module")
def taught_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that has learned CHATS by heart, in its own chat template."""
    from in2x.training.model import ShapeConfig, build_model, save_model
    from in2x.training.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("taught") / "model"
    tokenizer = train_tokenizer([t for chat in CHATS for t in chat] * 3, 420)
    shape = ShapeConfig(width=64, layers=2, heads=4, kv_heads=2, mlp=128, vocabulary=420, context=256)
    model = build_model(shape, tokenizer, seed=3)
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": u}, {"role": "assistant", "content": a}], tokenize=False
        )
        for u, a in CHATS
    ]
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
    model.train()
    model.set_attn_implementation("eager")  # the project's own attention wants a mask per pair of positions
    for _ in range(120):
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.6
    save_model(model.eval(), tokenizer, folder)
    return folder


NOUNS = [
    "cat",
    "lamp",
    "river",
    "teacher",
    "train",
    "garden",
    "letter",
    "window",
    "sailor",
    "violin",
    "bridge",
    "lemon",
]
VERBS = ["waits", "sings softly", "disappears", "was painted blue", "belongs to nobody", "arrived before noon"]


def pairs_of(count: int) -> list[Pair]:
    pairs = []
    for number in range(count):
        english = f"The {NOUNS[number % 12]} number {number * 7919 % 1000} {VERBS[number // 12 % 6]}."
        japanese = f"{number * 7919 % 1000}番の「{NOUNS[number % 12]}」は{VERBS[number // 12 % 6][:6]}という話だ。"
        pairs.append(Pair(content_id(number), "en", "ja", english, japanese, register="plain"))
        pairs.append(Pair(content_id(number, "p"), "en", "ja", english, japanese[:-2] + "です。", register="polite"))
        pairs.append(Pair(content_id(number, "b"), "ja", "en", japanese, english))
    return pairs


def prepare(folder: Path, pairs: list[Pair], collected: list[Instruction] | None = None) -> Artifact:
    folder.mkdir(parents=True)
    write_records(folder / "pairs.train.parquet", pairs, Pair)
    held = [Pair("h", "en", "ja", "The heron left.", "鷺は去った。")]
    write_records(folder / "pairs.test.parquet", held, Pair)
    Contamination.of_run(DecontaminateConfig(), folder).save(folder / NAME)
    write_records(folder / "instructions.parquet", collected or [], Instruction)
    return Artifact(folder, {})


def stage_of(tmp_path: Path, data: Artifact, model: Path | None, name: str = "out", **instruct: object) -> Stage:
    recipe = Recipe.model_validate({"name": "t", "languages": {"others": []}, "instruct": instruct})
    out = tmp_path / name
    out.mkdir(exist_ok=True)
    inputs = {"data": data}
    if model is not None:
        inputs["pretrain"] = Artifact(model.parent, {})
    return Stage("instruct", recipe, out, inputs)


def go(stage: Stage) -> dict[str, object]:
    run(stage.recipe.instruct, stage)
    funnel: dict[str, object] = json.loads((stage.out / "funnel.json").read_text(encoding="utf-8"))
    return funnel


def test_one_prompt_with_one_answer_is_one_item_whoever_speaks(tmp_path: Path) -> None:
    """The same sentence between other people is the same exercise; an id stands once in the pools."""
    pairs = pairs_of(30)
    spoken = [replace(pair, checks={**pair.checks, "speaker": who}) for who in ("student", "guest") for pair in pairs]
    stage = stage_of(tmp_path, prepare(tmp_path / "data", spoken), None, synthesize=False, rewritten=0)
    funnel = go(stage)
    items = [item for pool in ("sft", "rl") for item in read_records(stage.out / f"pool.{pool}.parquet", Instruction)]
    assert len({item.id for item in items}) == len(items)
    assert "exact" in {row["reason"] for row in funnel["reasons"]}


def test_pairs_only(tmp_path: Path) -> None:
    data = prepare(tmp_path / "data", [*pairs_of(60), Pair("leak", "en", "ja", "The heron left.", "鷺は行った。")])
    stage = stage_of(tmp_path, data, None, synthesize=False, rewritten=50)
    funnel = go(stage)
    sft = list(read_records(stage.out / "pool.sft.parquet", Instruction))
    rl = list(read_records(stage.out / "pool.rl.parquet", Instruction))
    verdicts = list(read_records(stage.out / "verdicts.parquet", Verdict))
    assert funnel["in"] == funnel["kept"] + funnel["rejected"] + funnel["failed"] == len(verdicts)
    assert funnel["kept"] == len(sft) + len(rl) == sum(v.kept for v in verdicts)
    assert funnel["origins"]["pairs"]["in"] == 181 and funnel["origins"]["rewritten:register"]["in"] == 50
    assert {r["reason"] for r in funnel["reasons"]} == {"evaluation text", "surplus of its language"}
    assert funnel["languages"]["en"] == funnel["languages"]["ja"]
    rewriting = next(i for i in sft + rl if i.task == "rewrite")
    assert rewriting.verifier["register"] in ("plain", "polite") and rewriting.answer != rewriting.verifier["source"]
    polite = next(i for i in sft + rl if (i.verifier or {}).get("register") == "polite" and i.task == "translate")
    assert "polite" in polite.messages[-1]["content"]
    # Disjoint by near-duplicate, checked by brute force with another measure than the split's own.
    assert 0.15 < len(rl) / (len(sft) + len(rl)) <= 0.25
    if funnel["split"]["near_duplicate"] == 0.7:
        for a in rl:
            assert max(rouge_l(normalise(content_of(a)), normalise(content_of(b))) for b in sft) < 1.0
    assert not {content_of(a) for a in rl} & ({content_of(b) for b in sft} | {b.answer for b in sft})


GARBAGE = {
    "nothing is left": ("All rights reserved.", "無断転載を禁じます"),
    "another script": ("The harbour wakes early.", "Гавань просыпается рано утром."),
    "markup": ('<a href="https://example.com/?id=5"><br/></a>', "港の朝は早い。"),
    "length": ("Yes.", "港の朝はいつも早い。漁師たちは暗いうちから網を船に積み、灯台の光が消えるころには沖にいる。"),
    "characters that could not be decoded": ("The harbour wakes early.", "港\ufffd\ufffd早い。"),
}


def test_garbage_pairs_reach_no_pool_and_are_counted(tmp_path: Path) -> None:
    planted = [Pair(f"g{n}", "en", "ja", *sides) for n, sides in enumerate(GARBAGE.values())]
    data = prepare(tmp_path / "data", [*pairs_of(60), *planted])
    stage = stage_of(tmp_path, data, None, synthesize=False, rewritten=50)
    funnel = go(stage)
    items = [i for part in ("sft", "rl") for i in read_records(stage.out / f"pool.{part}.parquet", Instruction)]
    assert not {i.answer for i in items} & {pair.target for pair in planted}
    said = {r["reason"]: r["count"] for r in funnel["reasons"] if r["gate"] == "pairs"}
    assert said == dict.fromkeys(GARBAGE, 1)
    assert stage.figures["pairs"] == {"read": 185, "faulty": dict.fromkeys(GARBAGE, 1)}
    assert funnel["in"] == funnel["kept"] + funnel["rejected"] + funnel["failed"]
    recipe = stage.recipe.model_copy(update={"data": stage.recipe.data.model_copy(update={"pair_gate": False})})
    open_ = replace(stage, recipe=recipe, out=tmp_path / "open", figures={})
    open_.out.mkdir()
    assert not [r for r in go(open_)["reasons"] if r["gate"] == "pairs"]


def test_translations_are_asked_in_the_words_of_the_recipe(tmp_path: Path) -> None:
    """Trained in other words than it is asked in later, a small model answers in the wrong language."""
    stage = stage_of(tmp_path, prepare(tmp_path / "data", pairs_of(20)), None, synthesize=False)
    words = {"*": "{to} <- {source}", "*/polite": "{to}, polite <- {source}"}
    stage.recipe = stage.recipe.model_copy(update={"prompt": words})
    go(stage)
    pool = [i for p in ("sft", "rl") for i in read_records(stage.out / f"pool.{p}.parquet", Instruction)]
    asked = [i for i in pool if i.task == "translate"]
    assert asked
    for item in asked:
        known = item.verifier or {}
        wanted = stage.recipe.profile.prompt(Source(known["source"], known["from"], known["to"], known["register"]))
        assert item.messages == [{"role": "user", "content": wanted}] and " <- " in wanted


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    data = prepare(tmp_path / "data", pairs_of(20))
    one, two = (stage_of(tmp_path, data, None, name, synthesize=False) for name in ("one", "two"))
    go(one), go(two)
    for name in ("pool.sft.parquet", "pool.rl.parquet", "verdicts.parquet", "funnel.json"):
        assert (one.out / name).read_bytes() == (two.out / name).read_bytes()


def test_magpie_samples_the_models_own_template(tmp_path: Path, taught_model: Path) -> None:
    data = prepare(tmp_path / "data", pairs_of(10))
    magpie = {"turns": 96, "agreement": 0.3}
    stage = stage_of(tmp_path, data, taught_model, magpie=magpie)
    funnel = go(stage)
    counts = funnel["origins"]["magpie"]
    assert counts["in"] == 96 and counts["in"] == counts["kept"] + counts["rejected"] + counts["failed"]
    pool = [i for p in ("sft", "rl") for i in read_records(stage.out / f"pool.{p}.parquet", Instruction)]
    made = [i for i in pool if i.origin == "magpie"]
    assert {i.messages[0]["content"] for i in made} & {user for user, _ in CHATS}
    asked = [i for i in made if i.task == "translate" and i.messages[0]["content"] == CHATS[1][0]]
    for item in asked:
        assert item.verifier["register"] == "polite" and item.verifier["source"] == "The fox sleeps."
    assert stage.figures["llm"]["author"]["asked"] > 96
    # A run that was killed, and a second one: the same bytes, and the model is not asked again.
    before = {f.name: f.read_bytes() for f in stage.out.iterdir() if f.suffix in (".parquet", ".json")}
    again = stage_of(tmp_path, data, taught_model, magpie=magpie)
    go(again)
    assert again.figures["llm"]["author"]["asked"] == 0
    assert {f.name: f.read_bytes() for f in again.out.iterdir() if f.suffix in (".parquet", ".json")} == before


def test_local_chat_answers_what_it_learned(taught_model: Path, tmp_path: Path) -> None:
    model = LocalClient.load(taught_model)
    asked = [Request(messages=({"role": "user", "content": user},), max_tokens=40) for user, _ in CHATS]
    assert [(r.text, r.finished) for r in model.ask_all(asked)] == [(answer, True) for _, answer in CHATS]


def test_local_answers_do_not_depend_on_where_a_run_was_cut(taught_model: Path, tmp_path: Path) -> None:
    def asked(count: int) -> list[Request]:
        # The same question comes back in later batches, as Magpie's turns do.
        texts = [CHATS[n % 3][0] for n in range(count)]
        return [
            Request(messages=({"role": "user", "content": t},), max_tokens=8, temperature=1.5, sample=n // 7)
            for n, t in enumerate(texts)
        ]

    with Cache(tmp_path / "whole") as cache:
        whole = [a.text for a in LocalClient.load(taught_model, cache).ask_all(asked(150))]
    assert len(set(whole)) > 3
    with Cache(tmp_path / "cut") as cache:
        stream = LocalClient.load(taught_model, cache).ask_all(asked(150))
        for _ in range(70):
            next(stream)
        stream.close()
        assert [a.text for a in LocalClient.load(taught_model, cache).ask_all(asked(150))] == whole


def test_no_item_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that each further item costs at the peak, from the sets to the pools. As an object it costs thousands."""
    monkeypatch.setattr("in2x.records.READ", 50)
    monkeypatch.setattr("in2x.instructions.shelf.PART", 50)
    monkeypatch.setattr("in2x.instructions.balance.CHUNK", 50)
    monkeypatch.setattr("in2x.instructions.stage.RecordWriter", partial(RecordWriter, chunk=50))
    monkeypatch.setattr("in2x.instructions.stage.write_records", partial(write_records, chunk=50))

    def peak(name: str, count: int) -> int:
        rows = (
            Instruction(
                content_id(n), ("en", "ja")[n % 2], "qa", [{"role": "user", "content": f"{n * 7919} {'why ' * 30}"}],
                f"{n} {'because ' * 30}", {"name": "exact", "value": str(n)}, "collected:made",
            )
            for n in range(count)
        )  # fmt: skip
        data = prepare(tmp_path / f"{name}-data", [])
        write_records(data.path / "instructions.parquet", rows, Instruction, chunk=50)
        stage = stage_of(tmp_path, data, None, name, synthesize=False, rules={"skip": [*RULES]}, rl_share=0.2)
        tracemalloc.start()
        try:
            assert go(stage)["kept"] == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak("warm", 60)
    assert (peak("many", 2000) - peak("few", 1000)) / 1000 < 500


def test_nothing_left_is_a_sentence(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, prepare(tmp_path / "data", []), None, synthesize=False)
    with pytest.raises(In2xError, match="no instruction is left"):
        go(stage)


def test_split_raises_the_threshold_when_everything_hangs_together() -> None:
    items = [
        Instruction(
            str(n),
            "en",
            "math",
            [{"role": "user", "content": f"Please tell me what is {n} plus {n + 1}"}],
            verifier={"name": "number", "value": str(2 * n + 1)},
        )
        for n in range(40)
    ]
    found = split(items, 0.25, 0.7, seed=1)
    assert found.threshold > 0.7 and 8 <= len(found.rl) <= 10


def test_groups_join_near_duplicates_in_three_scripts() -> None:
    texts = [
        "The quick brown fox jumps over the lazy dog", "the quick brown fox jumps over the lazy dog!!",
        "吾輩という言葉は猫にふさわしいと思いますか", "吾輩という言葉は、猫にふさわしいと思いますか？",
        "昨天晚上我们一起去河边看了烟花表演", "昨天晚上我们一起去河边看烟花表演", "Nothing of the sort",
    ]  # fmt: skip
    assert groups(signatures([normalise(text) for text in texts]), 0.6).tolist() == [0, 0, 2, 2, 4, 4, 6]


def test_pairs_are_drawn_by_direction(tmp_path: Path) -> None:
    pairs = [
        Pair(id=f"{src}{tgt}{k}", src_lang=src, tgt_lang=tgt, source=f"{src} {k}", target=f"{tgt} {k}")
        for k in range(20) for src, tgt in (("en", "ja"), ("ja", "en"), ("zh", "ja"))
    ]  # fmt: skip
    write_records(tmp_path / "pairs.parquet", pairs, Pair)

    def drawn(most: dict[str, int]) -> list[Pair]:
        found = DrawnPairs(tmp_path / "pairs.parquet", most, 1)
        assert len(list(found)) == len(found)
        return list(found)

    assert drawn({}) == pairs
    some = drawn({"ja-en": 5, "*": 12})
    assert Counter((p.src_lang, p.tgt_lang) for p in some) == {("en", "ja"): 12, ("ja", "en"): 5, ("zh", "ja"): 12}
    assert some == [p for p in pairs if p in some] == drawn({"ja-en": 5, "*": 12})
    assert {p.src_lang for p in drawn({"*": 0, "zh-ja": 30})} == {"zh"}
    with pytest.raises(
        In2xError, match=r"names 'zh-en', of which there is no pair; use some of \*, en-ja, ja-en, zh-ja"
    ):
        drawn({"zh-en": 1})
