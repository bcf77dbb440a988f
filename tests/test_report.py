"""The report: a synthetic run folder in, one self-contained, escaped page out, whatever is missing."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from in2x.artifact import MANIFEST, Artifact, write_json
from in2x.evaluate.config import EvaluateConfig
from in2x.evaluate.outputs import Output
from in2x.evaluate.stage import _differences, _score_row, measure
from in2x.inference.perplexity import Surprise
from in2x.pages import charts
from in2x.pages.environment import duration
from in2x.records import Document, Instruction, Pair, Verdict, write_records
from in2x.report import results, training
from in2x.report.config import ReportConfig
from in2x.report.stage import render

EVIL = "<script>alert('1')</script>"
SYSTEMS = ["base", "phase1", "phase2", "phase3", "sft", "rl", "merged"]
SENTENCES = [
    ("I can't make heads or tails of it.", "さっぱり分からないよ。", "casual", "idiom", ["頭も尾も"], ["さっぱり"]),
    ("Please wait at the station.", "駅でお待ちください。", "honorific", "general", [], []),
    ("My sister reads the newspaper.", "姉は新聞を読みます。", "polite", "general", [], []),
    ("That movie slaps.", "あの映画、まじ最高。", "casual", "slang", ["平手打ち"], ["最高"]),
    ("It rained last night.", "昨夜は雨が降った。", "plain", "story", [], []),
    (f"Look at {EVIL} & go.", "見て、行こう。", "casual", "general", [], []),
]  # fmt: skip

SELECTION: dict[str, Any] = {
    "pool": {"sft": 600, "rl": 300}, "copies": 4, "clusters": 2, "difficulty_names": ["simple", "very difficult"],
    "difficulty_of_pool": [300, 600], "languages_of_pool": {"ja": 600, "en": 300}, "label_tree": {EVIL: {EVIL: 900}},
    "samples": {"rl": {"size": 9, "got_by_difficulty": [3, 6], "languages": {"ja": 9}}},
    "sample_clusters": [{"cluster": 0, "size": 2, "labels": [EVIL, "x"], "texts": [EVIL]}],
    "map": [{"x": 0.5, "y": 0.5, "cluster": 0, "lang": EVIL, "label": EVIL, "in": "rl"}],
}  # fmt: skip


def manifest(folder: Path, stage: str, seconds: float, **figures: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / MANIFEST, {
        "stage": stage, "key": "0123456789abcdef" * 2, "recipe": "synthetic", "config": {"segments": 300, "text": EVIL},
        "inputs": {}, "seed": 0, "figures": figures, "seconds": seconds, "peak_rss_mb": 1800, "resumed": stage == "rl",
        "versions": {"in2x": "0.1.0", "torch": "2.13.0"}, "machine": "x86_64", "command": "in2x run recipes/demo.yaml",
    })  # fmt: skip


def log(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 9', encoding="utf-8")


def synthetic_run(run: Path) -> Path:
    """A whole run folder with made-up but plausible figures, in the layout of the artifacts."""
    rng = np.random.default_rng(0)
    data, corpus, instruct, evaluate = (run / n for n in ("data", "corpus", "instruct", "evaluate"))
    pairs = [
        Pair(f"p{i}", s, t, en if s == "en" else ja, ja if s == "en" else en, reg if t == "ja" else None, domain,
             checks={"traps": traps, "natural": natural} if t == "ja" else {})
        for s, t in (("en", "ja"), ("ja", "en"), ("zh", "ja"))
        for i, (en, ja, reg, domain, traps, natural) in enumerate(SENTENCES * 8, start=100 * ord(s[0]))
    ]  # fmt: skip
    for split in ("train", "dev", "test"):
        write_records(data / f"pairs.{split}.parquet", pairs * (20 if split == "train" else 1), Pair)
    kinds = [("en", "knowledge"), ("ja", "knowledge"), ("ja", "creative"), ("zh", "creative"), ("mul", "bilingual")]
    documents = [Document(str(i), "文" * int(rng.integers(200, 900)), *kinds[i % 5]) for i in range(300)]
    write_records(corpus / "documents" / "part-0.parquet", documents, Document)
    gates = [("clean.boilerplate", "page footer"), ("dedup.exact", "same as d1"), ("minhash · near d2", "near d2"),
             ("clean.language", "wrong language: ko")]  # fmt: skip
    write_records(corpus / "verdicts.parquet",
                  [Verdict(str(i), *gates[int(i**0.5) % 4][:1], False, gates[int(i**0.5) % 4][1]) for i in range(90)],
                  Verdict)  # fmt: skip
    tasks = ["translate"] * 6 + ["rewrite", "math", "story"]
    made = [Instruction(str(i), ["ja", "en", "zh"][i % 3], tasks[i % 9], [{"role": "user", "content": "x"}],
                        difficulty=1 + i % 5) for i in range(900)]  # fmt: skip
    write_records(instruct / "pool.sft.parquet", made[:675], Instruction)
    write_records(instruct / "pool.rl.parquet", made[675:], Instruction)
    write_records(instruct / "verdicts.parquet",
                  [Verdict(str(i), "verify.rules", False, EVIL if i % 3 else "too short") for i in range(60)],
                  Verdict)  # fmt: skip
    curve = lambda low, high, n: [  # noqa: E731
        {"step": s, "loss": low + (high - low) * math.exp(-4 * s / n) + rng.normal(0, 0.05), "lr": 0.001,
         **({"dev_loss": low + 0.1 + (high - low) * math.exp(-4 * s / n)} if s % 20 == 0 else {})}
        for s in range(1, n + 1)
    ]  # fmt: skip
    log(run / "base", curve(3.2, 8.6, 400))
    log(run / "pretrain", [{**row, "phase": p} for p, (a, b) in {1: (2.4, 5.0), 2: (2.2, 2.5), 3: (1.9, 2.3)}.items()
                           for row in curve(a, b, 200)])  # fmt: skip
    log(run / "sft", curve(0.6, 3.0, 300))
    log(run / "rl", [
        {"step": s, "reward": 0.5 + 0.4 * s / 120 + rng.normal(0, 0.02), "reward/principles": 0.6 + 0.3 * s / 120,
         "reward/chrf": 0.4 + 0.3 * s / 120, "principle/register": 0.8 + 0.15 * s / 120,
         "principle/natural": 0.5 + 0.4 * s / 120, "entropy": 1.2 - 0.6 * s / 120, "length": 14 + rng.normal(),
         "ess": 0.97, "clip_high": 0.02, "temperature": 1 - 0.5 * s / 120, "lr": 1e-4}
        for s in range(1, 121)
    ])  # fmt: skip
    asked = {"prompt": f"物語を書いて。{EVIL}", "task": "story", "lang": "ja"}
    rejected = [[f"良い。{EVIL}", "vague"], ["文字がある。", "broken by no answer"]]
    lines(run / "rl" / "principles.jsonl", [
        {"id": "1", **asked, "kept": [f"猫に名前がある。{EVIL}"], "rejected": rejected, "tried": 4, "failed": ""},
        {"id": "2", **asked, "kept": [], "rejected": [], "tried": 0, "failed": f"prose instead of JSON {EVIL}"},
    ])  # fmt: skip
    shown = {"prompt": "物語。", "reference": None, "principles": {"lines": False}, "why": {"lines": f"three {EVIL}"}}
    lines(run / "rl" / "trajectories.jsonl", [
        {"step": 0, **shown, "answer": "はじめの答え"},
        {"step": 120, **shown, "answer": f"猫のタマ。{EVIL}", "judged": {"結末がある。": "no", "声が違う。": "n/a"}},
        {"step": 120, **shown, "answer": "", "judged": {}, "fault": "the judge left this answer out"},
    ])  # fmt: skip
    greedy: dict[str, list[Output]] = {}
    surprises: dict[str, dict[str, list[Surprise]]] = {}
    for rank, system in enumerate(SYSTEMS):
        quality = [0.05, 0.3, 0.35, 0.5, 0.85, 0.93, 0.95][rank]
        greedy[system] = []
        for pair in pairs:
            good = rng.random(len(pair.target)) < quality
            text = "".join(c if g else "の" for c, g in zip(pair.target, good, strict=True))
            if pair.checks.get("traps") and system == "sft":
                text = pair.checks["traps"][0] + "ないよ。tails"
            places = {"traps": (0, 2), "untranslated": (len(text) - 5, len(text))} if text.endswith("tails") else {}
            kept = {"register": bool(rng.random() < quality) if pair.register else None, "no_latin": rank > 0}
            greedy[system].append(Output(system, f"{pair.src_lang}-{pair.tgt_lang}", pair.id, pair.source, pair.target,
                                         pair.register, pair.domain, text, kept, places=places))  # fmt: skip
        surprises[system] = {
            lang: [Surprise(900 - 60 * rank + i, 250, 800) for i in range(20)] for lang in ("en", "ja")
        }
    sampled = {s: greedy[s][:40] for s in ("sft", "rl", "merged")}
    config = EvaluateConfig(resamples=200)
    table = measure(greedy, sampled, surprises, config)
    evaluate.mkdir(parents=True)
    write_json(evaluate / "scores.json", [_score_row(key, stats, config, 0) for key, stats in table.items()])
    write_json(evaluate / "differences.json", list(_differences(table, config, 0)))
    write_records(evaluate / "outputs.parquet", (o for s in SYSTEMS for o in greedy[s]), Output)
    write_records(evaluate / "sampled.parquet", (o for s in sampled for o in sampled[s]), Output)
    for seconds, stage in enumerate(["data", "corpus", "base", "pretrain", "instruct", "select", "sft", "rl", "merge",
                                     "evaluate"], start=1):  # fmt: skip
        more: dict[str, Any] = SELECTION if stage == "select" else {"funnel": {"magpie": {"in": 300, "kept": 210}}}
        if stage == "rl":
            written = {"prompts": 2, "kept": 1, "rejected": {"vague": 1, "broken by no answer": 1}, "failed": 1}
            more = {
                "principles": written,
                "failed": {"judged": 3, "chrf": 0},
                "why_failed": {"judged": "the judge is away " + EVIL},
            }
        manifest(run / stage, stage, 13.7 * seconds, kept=12345, note=EVIL, **more)
    return run


def lines(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"torn', encoding="utf-8")


def artifacts(run: Path, *without: str) -> dict[str, Artifact]:
    manifests = sorted(run.glob("*/" + MANIFEST), key=lambda m: m.stat().st_mtime_ns)
    return {m.parent.name: Artifact.open(m.parent) for m in manifests if m.parent.name not in without}


def page(run: Path, *without: str) -> str:
    return render(artifacts(run, *without), ReportConfig(), name="synthetic", target="ja", hub="en")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic_run(tmp_path_factory.mktemp("report") / "run")


class Audit(HTMLParser):
    """Collects what a page could load or run, its text, and unclosed tags."""

    VOID = {"meta", "br", "path", "i", "b"}

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.links, self.ids, self.anchors, self.text, self.open = 0, [], set(), set(), [], []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.scripts += tag == "script"
        self.links += [named[k] for k in ("src", "href", "action", "data") if named.get(k)]
        self.ids.add(named.get("id"))
        self.anchors |= {named["href"][1:]} if str(named.get("href", "")).startswith("#") else set()
        if tag not in self.VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def audit(html: str) -> Audit:
    found = Audit()
    found.feed(html)
    assert found.open == []
    return found


def test_the_page_is_self_contained_whole_and_escaped(whole: Path) -> None:
    html = page(whole)
    found = audit(html)
    assert found.scripts == 1, "only the page's own script"
    assert all(link.startswith("#") for link in found.links), found.links
    assert not re.search(r"https?://", html)
    assert found.anchors <= found.ids
    assert {"results", "samples", "training", "rl", "data", "instructions", "selection", "run"} <= found.anchors
    text = "".join(found.text)
    for word in (
        "merged",
        "phase 2",
        "bits per byte",
        "register",
        "minhash · near d2",
        "very difficult",
        "torch",
        "in2x run",
    ):
        assert word in text
    assert EVIL in text, "shown as text"
    assert "3 without a value reward judged, the last time: the judge is away" in " ".join(text.split())
    assert "0 without a value" not in text
    assert len(html) < 3_000_000


def test_the_page_shows_the_mix_evaluation_text_and_documents_of_the_target(tmp_path: Path) -> None:
    cells = [{"lang": "ja", "domain": "creative", "available": 9, "wanted": 5000, "got": 4321}]
    sets = {"suite a": {"documents": 12, "dropped": 5, "lines": 30}}
    manifest(tmp_path / "corpus", "corpus", 1.0, mix=cells, decontaminated=sets)
    texts = [f"第{k}の文書。{EVIL}" + "海" * 500 for k in range(200)]
    documents = [Document(str(k), text, "ja" if k % 2 else "en", source="海の本") for k, text in enumerate(texts)]
    write_records(tmp_path / "corpus" / "documents" / "part-00000.parquet", documents, Document)
    text = "".join(audit(page(tmp_path)).text)
    for word in ("Japanese creative, wanted", "Japanese creative, got", "4,321", "suite a", "lines cut out", "海の本"):
        assert word in text
    shown = [k for k in range(200) if f"第{k}の文書。" in text]
    assert len(shown) == 12 and all(k % 2 for k in shown) and shown[-1] > 80  # the target's, over the whole corpus
    assert EVIL in text and "海" * 300 not in text


def test_the_page_shows_written_principles_and_verdicts(whole: Path) -> None:
    found = audit(page(whole))
    text = " ".join("".join(found.text).split())
    for words in (f"猫に名前がある。{EVIL}", "文字がある。 broken by no answer", f"none: prose instead of JSON {EVIL}",
                  "rejected: vague", "the judge left this answer out", f"猫のタマ。{EVIL}", "(nothing)"):  # fmt: skip
        assert " ".join(words.split()) in text, words
    html = page(whole)
    assert '<span class="tag bad">結末がある。</span>' in html and '<span class="tag ">声が違う。</span>' in html
    assert "はじめの答え" not in text, "those of the last held-out score"


@pytest.mark.parametrize(
    "missing", ["data", "corpus", "base", "pretrain", "instruct", "select", "sft", "rl", "merge", "evaluate"]
)
def test_the_page_stands_without_any_one_stage(whole: Path, missing: str) -> None:
    found = audit(page(whole, missing))
    assert found.anchors <= found.ids


def test_the_page_stands_with_nothing_but_a_manifest(tmp_path: Path) -> None:
    manifest(tmp_path / "data", "data", 1.0)
    html = page(tmp_path)
    assert "The run" in html and audit(html).anchors == {"run"}


def test_best_of_a_column_is_marked_and_lower_wins_for_bits_per_byte(whole: Path) -> None:
    scores = json.loads((whole / "evaluate" / "scores.json").read_text())
    columns = []
    for _, _, table in results.tables(scores):
        assert [name for name, _ in table.rows] == SYSTEMS
        columns += table.columns
        for number, (heading, sub, better) in enumerate(table.columns):
            column = [cells[number] for _, cells in table.rows if cells[number]]
            best = (min if better == "lower" else max)(cell.value for cell in column)
            assert {cell.value for cell in column if cell.best} == {best}, (heading, sub)
    assert ("bits per byte", "en", "lower") in columns
    assert ("chrF", "en→ja", "higher") in columns


def test_samples_meet_every_direction_and_highlight_findings(whole: Path) -> None:
    chosen = results.read_samples(whole / "evaluate", whole / "data", 12)
    assert len(chosen) == 12
    assert {(s.source_lang, s.target_lang) for s in chosen} == {("en", "ja"), ("ja", "en"), ("zh", "ja")}
    kinds = {kind for s in chosen for a in s.answers for _, kind, _ in a.pieces}
    assert {"trap", "residue"} <= kinds
    assert chosen == results.read_samples(whole / "evaluate", whole / "data", 12)


def test_highlighting_keeps_every_character() -> None:
    text = "頭も尾もない、さっぱり tails だよ"
    output = Output(
        "sft", "en-ja", "1", "", "", None, "idiom", text, {"traps": False, "untranslated": False},
        {"untranslated": "tails is left as it was"}, {"traps": (0, 4), "untranslated": (12, 17)},
    )  # fmt: skip
    pieces = results.highlight(output, ["さっぱり"])
    assert "".join(t for t, _, _ in pieces) == text
    assert pieces[0] == ("頭も尾も", "trap", "traps")
    assert ("さっぱり", "natural", "") in pieces and ("tails", "residue", "tails is left as it was") in pieces


def test_ticks_cover_and_are_round() -> None:
    assert charts.nice_ticks(0, 1) == [0, 0.5, 1.0] or charts.nice_ticks(0, 1)[-1] == 1.0
    for low, high in ((0.013, 0.019), (-3, 88), (5, 5), (0, 0), (1e-6, 3e-6)):
        ticks = charts.nice_ticks(low, high)
        assert ticks[0] <= low and ticks[-1] >= high and 2 <= len(ticks) <= 8


def test_long_curves_are_averaged_and_broken_values_left_out() -> None:
    chart = charts.line_chart(
        "x", [charts.Series("a", [(i, float("nan") if i == 3 else 1.0) for i in range(1000)])], limit=50
    )
    assert chart is not None and len(chart.lines[0].xs) == 50 and set(chart.lines[0].ys) == {1.0}
    assert charts.line_chart("x", [charts.Series("a", [])]) is None


def test_phases_follow_one_another_on_one_axis(whole: Path) -> None:
    chart = training.phases_chart(training.read_log(whole / "pretrain"), 100)
    assert chart is not None
    assert [label for _, label in chart.bands] == ["phase 1", "phase 2", "phase 3"]
    assert chart.lines[-1].xs[-1] == 600
    sparse = [
        {"phase": p, "step": s, "loss": 2.0, "dev_loss/ja": 3.0 - p, "dev_loss/ja.creative": 4.0 - p}
        for p in (1, 2)
        for s in (20, 40)
    ]
    held, domains = training.held_out_charts([{"step": 9, "dev_loss/ja": 5.0}], sparse)
    assert [line.name for line in held.lines] == ["Japanese"]
    assert [line.name for line in domains.lines] == ["Japanese, creative"]
    assert domains.lines[0].ys == [3, 3, 2, 2]
    assert held.lines[0].xs == [0, 20, 40, 60, 80] and held.lines[0].ys == [5, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("value", "text"), [(12345, "12,345"), (81.234, "81.2"), (0.5, "0.5"), (3e-5, "3e-5"), (None, "–"), (2.0, "2")]
)
def test_numbers(value: float | None, text: str) -> None:
    assert charts.number(value) == text


def test_differences_are_judged_by_whether_the_interval_holds_zero() -> None:
    chart = charts.interval_chart("", [("up", 2, 1, 3), ("down", -2, -3, -1), ("none", 1, -1, 3)], difference=True)
    assert chart is not None and chart.zero == pytest.approx(50)
    assert [row.mark for row in chart.rows] == ["best", "worse", ""]
    alone = charts.interval_chart("", [("up", 2, 1, 3)], difference=True)
    assert alone is not None and alone.zero == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.2, "4.2 s"), (59, "59 s"), (200, "3 min 20 s"), (1550, "26 min"), (3900, "1 h 05 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
