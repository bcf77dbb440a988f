"""A recipe brought down to a rehearsal: every size is small, what makes the method stays.

Kept are learning rates and schedules, loss temperature, views, losses, rewards and their weights, objective, merge
method, kinds of layers, ratios of contexts, adapters and their targets, backends. Brought down are tokens, batches,
contexts, sets, ranks, resamples. What a laptop does not have is stood in for, and said: the base model by a tiny random
one of its family, servers by a scripted one, files that are not here by made sentences, vLLM by transformers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from in2x.data.stage import listed
from in2x.recipe import Recipe
from in2x.rl.rewards.adequacy import Adequacy
from in2x.rl.rewards.learned import LEARNED
from in2x.sample.lexicon import LANGUAGES
from in2x.shrink.model import write_tiny
from in2x.shrink.sentences import sentence, write_files

SHORT, LONG = 64, 256
"""Context of the shortest phase, and the longest any phase gets."""
ANSWER = 16
"""Longest answer in RL, in tokens; the room for a prompt stands before it."""
ROWS, STEPS = 4, 3
"""Rows of a step, and steps of each training."""

Say = Callable[[str], None]


def shrunk(recipe: Recipe, folder: Path, server: str, launch: str, say: Say) -> Recipe:
    """The rehearsal of `recipe`.

    Args:
        recipe: any.
        folder: for the tiny model and made sentences; the same files serve every try.
        server: address of the scripted model.
        launch: starts the processes of the training stages; "" trains in this one.
        say: is told what stands in for what.

    Raises:
        UsageError: no sentences are there in one of its languages.
        In2xError: nothing is known of the base model.
    """
    given = recipe.model_dump(mode="json")
    contexts = _contexts(recipe)
    longest = max(contexts.values())
    given["launch"] = launch
    given["trackers"] = []
    given["data"] = _data(recipe, folder, say)
    given["corpus"] = _corpus(given["corpus"], say)
    texts = [sentence(lang, n) for lang in recipe.languages.all for n in range(512)]
    if recipe.base.model is not None:
        tiny = write_tiny(recipe.base.model, folder / "model", texts, longest, recipe.seed)
        say(f"a tiny random model in the place of {recipe.base.model}")
        given["base"]["model"] = str(tiny)
    given["base"] |= {
        "shape": _least(given["base"]["shape"], {"width": 48, "layers": 2, "mlp": 96, "vocabulary": 1024}) | {
            "heads": 4, "kv_heads": 2, "context": longest},
        "train": _phase(given["base"]["train"], contexts.get("base", SHORT)), "compile": False,
    }  # fmt: skip
    for name in ("phase1", "phase2", "phase3"):
        given["pretrain"][name] = _phase(given["pretrain"][name], contexts[name])
    given["pretrain"] |= _least(given["pretrain"], {"new_tokens": 16}) | {"dev_every": 2, "dev_blocks": 2}
    given["pretrain"]["compile"] = False
    served = _served(server, given["base"]["model"])
    given["instruct"] = _instruct(given["instruct"], served)
    given["select"] = _select(given["select"], served, say)
    given["sft"] |= _least(given["sft"], {"passes": 2}) | {
        "batch_tokens": ROWS * LONG, "device_tokens": given["sft"]["device_tokens"] and ROWS * LONG // 2,
        "max_tokens": LONG, "dev_every": 2, "dev_pairs": 8, "compile": False,
        "lora": _least(given["sft"]["lora"], {"rank": 4}),
    }  # fmt: skip
    given["rl"] = _rl(given["rl"], served, launch, say)
    given["merge"] |= {"calibration": 8}
    given["evaluate"] |= {"segments": 2, "sampled": 1, "documents": 1, "resamples": 100}
    given["report"] |= {"samples": 4}
    return Recipe.model_validate({**given, "name": f"{recipe.name}-shrink"})


def _least(section: Mapping[str, Any], most: Mapping[str, int]) -> dict[str, Any]:
    """`section` with the numbers in `most` brought down to these values."""
    return {**section, **{name: min(section[name], value) for name, value in most.items()}}


def _contexts(recipe: Recipe) -> dict[str, int]:
    """A small context for each phase: the shortest is `SHORT`, the others longer as in the recipe, up to `LONG`."""
    phases = {name: getattr(recipe.pretrain, name) for name in ("phase1", "phase2", "phase3")}
    if recipe.base.model is None:
        phases["base"] = recipe.base.train
    shortest = min(phase.context for phase in phases.values())
    return {name: min(LONG, SHORT * phase.context // shortest) for name, phase in phases.items()}


def _data(recipe: Recipe, folder: Path, say: Say) -> dict[str, Any]:
    """The user's pairs where they are here, cut short; else the micro-world or made sentences."""
    data = recipe.data.model_dump(mode="json")
    sets = data["decontaminate"]["sets"]
    data["decontaminate"]["sets"] = {name: file for name, file in sets.items() if Path(file).exists()}
    if (embedder := data["decontaminate"]["embedder"]) and not Path(embedder).is_dir():
        say(f"no translated evaluation text is looked for: {embedder} is not asked")
        data["decontaminate"] |= {"embedder": None, "embedding_model": ""}
    small = {"pairs": 240, "documents": 240, "heldout": 24, "collected": 90}
    named = [file for name in ("train", "dev", "test") for file in listed(data[name])]
    if named and all(Path(file).is_file() for file in named):
        say("the first lines of your own pairs")
        there = data["instructions"] and Path(data["instructions"]).is_file()
        return {**data, **small, "max_train": 360, "raw": None, "instructions": data["instructions"] if there else None}
    if set(recipe.languages.all) <= set(LANGUAGES):
        missing = f" in the place of {named[0]}, which is not here" if named else ""
        say(f"the micro-world's sentences{missing}")
        return {
            **data,
            **small,
            **dict.fromkeys(("train", "dev", "test", "raw", "instructions", "max_train")),
            "columns": {},
        }
    say(f"made sentences in {', '.join(recipe.languages.all)}")
    return {**data, **write_files(folder / "data", recipe.languages.all)}


def _corpus(corpus: dict[str, Any], say: Say) -> dict[str, Any]:
    if corpus["engine"] == "ray" and importlib.util.find_spec("ray") is None:
        say("corpus by this process: Ray is not installed")
        corpus["engine"] = "native"
    corpus["classifier"] |= {"paths": [path for path in corpus["classifier"]["paths"] if Path(path).exists()]}
    corpus["causal"]["model"] = None
    corpus["mix"]["tokens"] = None
    return {**corpus, "ray_address": None, "heldout": 4, "select": corpus["select"] and "quality >= 0.0"}


def _phase(phase: dict[str, Any], context: int) -> dict[str, Any]:
    size = ROWS * context
    passes = phase["device_tokens"] and size // 2  # where a step is split, it is split here
    return {
        **phase,
        "context": context,
        "batch_tokens": size,
        "device_tokens": passes,
        "tokens": STEPS * size if phase["tokens"] else 0,
    }


def _served(server: str, template: str | None) -> Callable[[dict[str, Any] | None], dict[str, Any] | None]:
    """What turns the knobs of a served model into those of the scripted one; the run's own model stays."""

    def turn(llm: dict[str, Any] | None) -> dict[str, Any] | None:
        if llm is None or llm["base_url"] is None:
            return llm
        limits = ("requests_per_minute", "tokens_per_minute", "budget_tokens", "budget_money")
        return {**llm, **dict.fromkeys(limits), "base_url": server, "template": template if llm["template"] else None}

    return turn


def _instruct(instruct: dict[str, Any], served: Callable[[Any], Any]) -> dict[str, Any]:
    directions = instruct["pairs_per_direction"] or {"*": 80}
    return {
        **instruct, "sets": [one for one in instruct["sets"] if Path(one["path"]).exists()], "cache": None,
        "pairs_per_direction": {name: min(80, count) for name, count in directions.items()},
        "rewritten": min(60, instruct["rewritten"]), "collected": 60,
        "rewrite": {name: min(4, count) for name, count in instruct["rewrite"].items()},
        "magpie": _least(instruct["magpie"], {"turns": 8, "turn_tokens": 24, "answer_tokens": 24}),
        "self_instruct": _least(instruct["self_instruct"], {"tasks": 8}),
        "llm": served(instruct["llm"]), "judges": {**instruct["judges"], "llm": served(instruct["judges"]["llm"])},
    }  # fmt: skip


def _select(select: dict[str, Any], served: Callable[[Any], Any], say: Say) -> dict[str, Any]:
    if select["embedder"] != "hashing" and not Path(select["embedder"]).is_dir():
        say(f"offline vectors in the place of {select['embedder']}")
        select |= {"embedder": "hashing", "embedding_model": ""}
    if select["threshold"] is None:
        say("select.threshold .6: these instructions are too few to tune it on")
        select["threshold"] = 0.6
    for name in ("round1", "round2", "rl"):
        select[name] = {"size": None, "share": {"round1": 0.1, "round2": 0.1, "rl": 1.0}[name]}
    return {**select, "llm": served(select["llm"])}


def _rl(rl: dict[str, Any], served: Callable[[Any], Any], launch: str, say: Say) -> dict[str, Any]:
    updates = min(2, rl["prompts"] // rl["minibatch"])
    rewards: dict[str, float] = {}
    for name, weight in rl["rewards"].items():
        learned = name.partition(":")[0] in LEARNED
        if learned:
            say(f"the reward adequacy in the place of {name}, which would load a model of its own")
        rewards[Adequacy.name if learned else name] = weight
    if rl["backend"] == "trl" and rl["trl"]["vllm"] != "none":
        say("answers by transformers in the place of vLLM")
    return {
        **rl, "steps": STEPS, "prompts": 2 * updates, "minibatch": 2, "samples": 4, "sft_prompts": 8,
        "max_new_tokens": ANSWER, "overlong_buffer": min(4, rl["overlong_buffer"]), "rewards": rewards,
        "judge": {**rl["judge"], "llm": served(rl["judge"]["llm"]), "cache": None, "reliability": None, "tried": 2},
        "compile": False,
        "dev_every": min(2, rl["dev_every"]), "dev_pairs": 4, "shown": 2, "refill": min(1, rl["refill"]),
        "lora": _least(rl["lora"], {"rank": 4}),
        "trl": {**rl["trl"], "launch": launch, "device_batch": 2, "vllm": "none", "save_every": 2},
    }  # fmt: skip
