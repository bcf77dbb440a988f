"""Stage `evaluate`: every model of the run on the same held-out pairs and documents.

runs/NAME/evaluate/
  scores.json        [{system, pair, metric, value, low, high, signature, n}]; pair "all" pools the directions,
                     a language code stands for held-out documents ("bits per byte")
  differences.json   [{a, b, pair, metric, difference, low, high, p, n, test}], a minus b on the same segments
  outputs.parquet    every greedy answer with the principles it keeps (`outputs.Output`)
  sampled.parquet    answers sampled at `temperature`, after SFT, RL and merging
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from in2x.artifact import write_json
from in2x.evaluate.config import EvaluateConfig
from in2x.evaluate.outputs import Output
from in2x.evaluate.systems import POST_TRAINED, SYSTEMS, answer, choose_pairs, open_translator, spread_over
from in2x.inference.perplexity import Surprise, surprise
from in2x.metrics.significance import Statistics, bootstrap, mean, paired_bootstrap, ratio
from in2x.metrics.strings import statistics
from in2x.records import Document, Pair, read_records, write_records
from in2x.sample.meaning import agreement_of
from in2x.stage import Stage

COMPARED = (("phase3", "base"), ("sft", "phase3"), ("rl", "sft"), ("merged", "sft"), ("merged", "rl"))
"""Which systems are compared in `differences.json`, the later one first."""


def run(config: EvaluateConfig, stage: Stage) -> None:
    """See the module docstring. Finished systems survive a kill in `stage.work`."""
    languages = stage.recipe.languages
    pairs = choose_pairs(read_records(stage.input("data") / "pairs.test.parquet", Pair), languages.target,
                         languages.hub, languages.others, config.segments)  # fmt: skip
    documents = _documents(stage.input("corpus") / "heldout.parquet", languages.all, config)
    done: list[str] = []
    for name, room, folder in SYSTEMS:
        model = stage.inputs[room].path / folder if room in stage.inputs else None
        if model is None or not (model / "config.json").exists():
            stage.say(f"{name}: the run has no such model, left out")
            continue
        if not (stage.work / name / "done").exists():
            _answer(name, model, pairs, documents, config, stage)
        done.append(name)
    greedy = {name: list(read_records(stage.work / name / "greedy.parquet", Output)) for name in done}
    sampled = {name: list(read_records(stage.work / name / "sampled.parquet", Output)) for name in done}
    surprises = {name: _read_surprises(stage.work / name / "surprise.json") for name in done}
    table = measure(greedy, sampled, surprises, config, micro_world=_is_micro_world(stage))
    scores = [_score_row(key, stats, config, stage.seed) for key, stats in table.items()]
    write_json(stage.out / "scores.json", scores)
    write_json(stage.out / "differences.json", list(_differences(table, config, stage.seed)))
    write_records(stage.out / "outputs.parquet", (o for name in done for o in greedy[name]), Output)
    write_records(stage.out / "sampled.parquet", (o for name in done for o in sampled[name]), Output)
    stage.figures.update(
        systems=done, segments={d: len(p) for d, p in pairs.items()},
        documents={lang: len(d) for lang, d in documents.items()},
        main={f"{s['system']} {s['pair']} {s['metric']}": round(s["value"], 4) for s in scores
              if s["metric"] in ("BLEU", "chrF") or (s["metric"], s["pair"]) == ("principles", "all")},
    )  # fmt: skip


def _documents(file: Path, languages: tuple[str, ...], config: EvaluateConfig) -> dict[str, list[str]]:
    """Held-out texts by language, `config.documents` of each domain, cut to whole characters of `document_bytes`."""
    found: dict[str, list[str]] = {}
    if config.documents == 0 or not file.exists():
        return found
    taken: dict[tuple[str, str], int] = {}
    for document in read_records(file, Document):
        key = (document.lang, document.domain)
        if document.lang in languages and document.text and taken.get(key, 0) < config.documents:
            taken[key] = taken.get(key, 0) + 1
            text = document.text.encode()[: config.document_bytes].decode(errors="ignore")
            found.setdefault(document.lang, []).append(text)
    return {lang: found[lang] for lang in languages if lang in found}


def _answer(name: str, model: Path, pairs: dict[str, list[Pair]], documents: dict[str, list[str]],
            config: EvaluateConfig, stage: Stage) -> None:  # fmt: skip
    """Let one system answer, and keep what it said in `stage.work/<name>`."""
    translator = open_translator(model)
    greedy = [
        o
        for direction in stage.track(pairs.values(), f"{name}: translate")
        for o in answer(translator, name, direction)
    ]
    drawn: list[Output] = []
    if name in POST_TRAINED and config.sampled:
        for number, direction in enumerate(pairs.values()):
            subset = spread_over(direction, config.sampled)
            drawn += answer(translator, name, subset, temperature=config.temperature, seed=stage.seed + 1000 * number)
    known = {
        lang: [dataclasses.asdict(s) for s in surprise(translator.model, translator.tokenizer, texts)]
        for lang, texts in documents.items()
    }
    folder = stage.work / name
    folder.mkdir(exist_ok=True)
    write_records(folder / "greedy.parquet", greedy, Output)
    write_records(folder / "sampled.parquet", drawn, Output)
    write_json(folder / "surprise.json", known)
    (folder / "done").touch()


def _read_surprises(file: Path) -> dict[str, list[Surprise]]:
    raw: dict[str, list[dict[str, Any]]] = json.loads(file.read_text(encoding="utf-8"))
    return {lang: [Surprise(**row) for row in rows] for lang, rows in raw.items()}


Key = tuple[str, str, str]
"""System, pair, metric."""


def measure(
    greedy: dict[str, list[Output]], sampled: dict[str, list[Output]], surprises: dict[str, dict[str, list[Surprise]]],
    config: EvaluateConfig, *, micro_world: bool = False,
) -> dict[Key, Statistics]:  # fmt: skip
    """Statistics of every system, pair and metric, systems in the order given; of the micro-world the meaning too."""
    table: dict[Key, Statistics] = {}
    for system, outputs in greedy.items():
        for pair, rows in _by_pair(outputs):
            for metric in ("BLEU", "chrF"):
                table[system, pair, metric] = _text(rows, metric, config)
            for name, stats in principle_shares(rows):
                table[system, pair, name] = stats
        for name, stats in principle_shares(outputs):
            table[system, "all", name] = stats
        drawn = sampled.get(system, [])
        for pair, rows in _by_pair(drawn):
            table[system, pair, "chrF sampled"] = _text(rows, "chrF", config)
        for pair, rows in [*_by_pair(drawn), ("all", drawn)]:
            if (share := dict(principle_shares(rows)).get("principles")) is not None:
                table[system, pair, "principles sampled"] = share
        for name, said in (("meaning", outputs), ("meaning sampled", drawn)) if micro_world else ():
            for pair, rows in [*_by_pair(said), ("all", said)]:
                if (meant := meaning_kept(rows)) is not None:
                    table[system, pair, name] = meant
        for lang, known in surprises.get(system, {}).items():
            table[system, lang, "bits per byte"] = ratio([s.bits_per_byte * s.bytes for s in known],
                                                         [s.bytes for s in known])  # fmt: skip
    return table


def _by_pair(outputs: list[Output]) -> Iterator[tuple[str, list[Output]]]:
    for pair in dict.fromkeys(o.pair for o in outputs):
        yield pair, [o for o in outputs if o.pair == pair]


def _text(rows: list[Output], metric: str, config: EvaluateConfig) -> Statistics:
    tokenize = config.tokenize if metric == "BLEU" else None
    lang = rows[0].pair.split("-")[1]
    return statistics([o.hypothesis for o in rows], [o.reference for o in rows], metric, lang=lang, tokenize=tokenize)


def principle_shares(outputs: list[Output]) -> Iterator[tuple[str, Statistics]]:
    """("principles", all of them pooled), then ("principle/NAME", one), each satisfied / applicable over segments."""
    names = list(dict.fromkeys(name for o in outputs for name, kept in o.principles.items() if kept is not None))
    signature = "kept / applicable, by code"
    if names:
        kept = [sum(v is True for v in o.principles.values()) for o in outputs]
        applicable = [sum(v is not None for v in o.principles.values()) for o in outputs]
        yield "principles", dataclasses.replace(ratio(kept, applicable), signature=signature)
    for name in sorted(names):
        verdicts = [o.principles.get(name) for o in outputs]
        stats = ratio([v is True for v in verdicts], [v is not None for v in verdicts])
        yield f"principle/{name}", dataclasses.replace(stats, signature=signature)


def _is_micro_world(stage: Stage) -> bool:
    return stage.inputs["data"].manifest.get("config", {}).get("train", "") is None


def meaning_kept(outputs: list[Output]) -> Statistics | None:
    """Share of answers that mean what their source means, by the micro-world's grammar; None where it reads none."""
    found = (agreement_of(o.source, o.pair.split("-")[0], o.hypothesis, o.pair.split("-")[1]) for o in outputs)
    kept = [value == 1.0 for value in found if value is not None]
    return dataclasses.replace(mean(kept), signature="means the same, by the micro-world's grammar") if kept else None


def _score_row(key: Key, stats: Statistics, config: EvaluateConfig, seed: int) -> dict[str, Any]:
    interval = bootstrap(stats, resamples=config.resamples, seed=seed)
    system, pair, metric = key
    return {
        "system": system,
        "pair": pair,
        "metric": metric,
        **dataclasses.asdict(interval),
        "signature": stats.signature,
    }


def _differences(table: dict[Key, Statistics], config: EvaluateConfig, seed: int) -> Iterator[dict[str, Any]]:
    for a, b in COMPARED:
        for (system, pair, metric), stats in table.items():
            other = table.get((b, pair, metric))
            if system == a and other is not None and len(other) == len(stats):
                found = paired_bootstrap(stats, other, resamples=config.resamples, seed=seed)
                yield {"a": a, "b": b, "pair": pair, "metric": metric, **dataclasses.asdict(found)}
