"""Data from a reasoning model that misbehaves: is any of it poisoned, does any item get lost, is the budget kept?

    python benchmarks/teacher.py [--items 10000] [--faults .3] [--budget .6] [--keep FOLDER] [--json]

`in2x instruct recipes/instruct-server.yaml` is run by command line against an imitated reasoning model
(`tests/reasoning_server.py`): it thinks in tags or beside its answer, drafts the opposite of its verdicts, and three of
ten answers are cut, refused, null, prose, 429 or reset. Poisoned is a kept item, or a verdict, that holds anything of a
thought, an answer without its end, a refusal, prose in the place of JSON, or nothing. Then the same once more with a
budget of `--budget` of what the first run cost, and what the server has billed beside it.

With `--keep` the same command goes on where a killed one stopped: answers are in the run's cache, and what the server
had billed and spoilt until then is in the folder, but for its last seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

import scripted_model  # noqa: E402
from in2x.records import Instruction, Verdict, read_records  # noqa: E402
from in2x.training.tokenizer import train_tokenizer  # noqa: E402
from reasoning_server import ENDS, PROSE, REFUSALS, THOUGHT  # noqa: E402

TRACE = {"trace", "thought", "reasoning", "plan", "rationale", "error"}
"""Keys of evidence that hold what the model thought, or the words of a failure: nobody trains on them."""


EVERY = 5.0
"""Seconds after which the server's counts are laid down anew."""


class Served:
    """The imitated model in its own process; `stats` counts on from those in `kept`, which a killed run left."""

    def __init__(self, folder: Path, faults: float, seed: int) -> None:
        port = folder / f"port{seed}"
        port.unlink(missing_ok=True)
        self.kept = folder / f"stats{seed}.json"
        self.before = json.loads(self.kept.read_text()) if self.kept.exists() else {}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE.parent / "tests/reasoning_server.py"), str(port), "--faults", str(faults),
             "--seed", str(seed)]
        )  # fmt: skip
        while not port.exists():
            time.sleep(0.05)
        self.root = f"http://127.0.0.1:{port.read_text()}"

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.root}/stats", timeout=60) as response:
            found: dict[str, Any] = added(self.before, json.loads(response.read()))
        return found

    def lay_down(self) -> dict[str, Any]:
        stats = self.stats()
        self.kept.write_text(json.dumps(stats))
        return stats

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def added(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    """The counts of two tables, tables in them included, put together."""
    return {
        key: added(one.get(key, {}), two.get(key, {})) if isinstance(one.get(key, two.get(key)), dict)
        else one.get(key, 0) + two.get(key, 0)
        for key in {**one, **two}
    }  # fmt: skip


def write_sets(folder: Path, items: int) -> None:
    """Prompts without answers in three languages, and exam questions."""
    rng = random.Random(1)
    folder.mkdir(exist_ok=True)
    rows = []
    for n in range(items * 4 // 10):
        lang = ("ja", "en", "zh")[n % 3]
        note = {"ja": f"(控え{n}番)", "en": f" (note {n})", "zh": f"（第{n}条）"}[lang]
        rows.append({"instruction": scripted_model.task(rng, lang) + note, "license": "CC0-1.0"})
    sums = [
        {"question": f"Ann has {n} pears and picks {n + 7} more. How many has she?", "answer": str(2 * n + 7)}
        for n in range(3, items // 10 + 3)
    ]
    for name, table in (("prompts", rows), ("sums", sums)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


def write_tokenizer(folder: Path) -> None:
    """A tokenizer with a chat template, which Magpie takes apart."""
    train_tokenizer(["The boat is dry.", "舟は乾いている。", "船是干的。"] * 8, 420).save_pretrained(folder)


def instruct(folder: Path, out: str, server: Served, items: int, *more: str) -> tuple[int, str]:
    each = items // 25
    knobs = (
        "instruct.sets=[{path: sets}]", "instruct.balance='off'", f"instruct.llm.base_url={server.root}/v1",
        "instruct.llm.model=m", "instruct.llm.in_flight=32", "instruct.llm.backoff=0.02",
        "instruct.llm.template=tokenizer", f"instruct.magpie.turns={items // 10}",
        "instruct.llm.thinking=true", f"instruct.self_instruct.tasks={items * 2 // 10}", "instruct.llm.attempts=30",
        f"instruct.rewrite={{creative: {each}, localized: {each}, style: 0, deepen: {each}, constrain: {each}, "
        f"concretise: {each}}}", *more,
    )  # fmt: skip
    command = [sys.executable, "-m", "in2x", "instruct", str(HERE.parent / "recipes/instruct-server.yaml"),
               "--out", out, *(word for knob in knobs for word in ("--set", knob))]  # fmt: skip
    said = folder / f"{out}.said"
    with said.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=stream)
        while True:
            try:
                code = process.wait(EVERY)
                break
            except subprocess.TimeoutExpired:
                server.lay_down()
    return code, said.read_text(encoding="utf-8")


def of_answer(item: Instruction) -> str:
    """What is wrong with a kept item; "" where nothing is."""
    text = " ".join(message["content"] for message in item.messages) + (item.answer or "")
    if THOUGHT in text or "<think>" in text or "</think>" in text:
        return "thought"
    if PROSE in text:
        return "prose"
    if item.answer is not None and not item.answer.strip():
        return "nothing"
    if any(refusal in text for refusal in REFUSALS):
        return "refusal"
    if not all(message["content"].strip() for message in item.messages):
        return "no turn"
    own = ("self-instruct", "magpie", "rewritten:deepen", "rewritten:constrain", "rewritten:concretise")
    written = (item.origin.startswith("collected") and item.task == "chat") or item.origin in own
    ends = any((item.answer or "").endswith(end) for end in ENDS.values())
    return "cut" if (written or item.task == "story") and not ends else ""


def of_verdict(verdict: Verdict) -> str:
    evidence = {key: value for key, value in (verdict.evidence or {}).items() if key not in TRACE}
    for said in evidence.values():
        if isinstance(said, dict):
            said.pop("rationale", None)
    return "verdict from a thought" if THOUGHT in json.dumps(evidence) else ""


def seconds() -> float:
    """Processor time of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(folder: Path, items: int, faults: float) -> dict[str, Any]:
    made = folder / "free/instruct"
    known = folder / "free.json"
    if not known.exists():
        began = time.monotonic()
        server = Served(folder, faults, 1)
        before = server.stats()["billed"]
        code, said = instruct(folder, "free", server, items)
        cost = {"wall seconds": round(time.monotonic() - began), "in2x": round(seconds(), 1)}
        stats = server.lay_down()
        server.stop()
        cost["server"] = round(seconds() - cost["in2x"], 1)
        if code:
            sys.exit(f"instruct ended with {code}: {said[-2000:]}")
        known.write_text(json.dumps({"stats": stats, "before": before, "cost": cost}))
    told = json.loads(known.read_text())
    stats, cost = told["stats"], told["cost"]
    funnel = json.loads((made / "funnel.json").read_text(encoding="utf-8"))
    kept = [item for part in ("sft", "rl") for item in read_records(made / f"pool.{part}.parquet", Instruction)]
    poison: Counter[str] = Counter(filter(None, map(of_answer, kept)))
    poison.update(filter(None, map(of_verdict, read_records(made / "verdicts.parquet", Verdict))))
    usage = json.loads((made / "manifest.json").read_text(encoding="utf-8"))["figures"]["llm"]["author"]
    counted, billed = usage["prompt_tokens"] + usage["answer_tokens"], stats["billed"] - told["before"]
    return {
        "items in": funnel["in"], "kept": funnel["kept"], "rejected": funnel["rejected"], "failed": funnel["failed"],
        "in = kept + rejected + failed": funnel["in"] == funnel["kept"] + funnel["rejected"] + funnel["failed"],
        "poisoned": sum(poison.values()), "poisoned by kind": dict(poison), "questions": stats["asked"],
        "faults": stats["faults"], "faults of Magpie's turns": stats["turn_faults"],
        "kept by origin": dict(Counter(item.origin.split(":")[0] for item in kept)), "where it thought": stats["kinds"],
        "reasons": {f"{r['gate']}: {r['reason']}": r["count"] for r in funnel["reasons"]},
        "tokens billed": stats["billed"], "tokens counted / billed": round(counted / billed, 4) if billed else None,
        "asked by the last process": usage["asked"], "wall seconds of it": cost["wall seconds"],
        "processor seconds of it": cost["in2x"], "of the server": cost["server"],
    }  # fmt: skip


def budget(folder: Path, items: int, faults: float, tokens: int) -> dict[str, Any]:
    """The same with a budget, from the beginning: a budget holds for one process."""
    shutil.rmtree(folder / "bound", ignore_errors=True)
    (folder / "stats2.json").unlink(missing_ok=True)
    server = Served(folder, faults, 2)
    code, said = instruct(folder, "bound", server, items, f"instruct.llm.budget_tokens={tokens}")
    billed = server.stats()["billed"]
    server.stop()
    if code:
        sys.exit(f"instruct ended with {code}: {said[-2000:]}")
    return {"budget": tokens, "billed under it": billed, "billed / budget": round(billed / tokens, 4)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--faults", type=float, default=0.3)
    parser.add_argument("--budget", type=float, default=0.6, help="of what the first run cost")
    parser.add_argument("--keep", type=Path, help="folder to work in and to go on in: the funnel page stays there")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        write_tokenizer(folder / "tokenizer")
        write_sets(folder / "sets", given.items)
        found = measure(folder, given.items, given.faults)
        found |= budget(folder, given.items, given.faults, int(given.budget * found["tokens billed"]))
    if given.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        for key, value in found.items():
            print(f"{key:36} {value}")


if __name__ == "__main__":
    main()
