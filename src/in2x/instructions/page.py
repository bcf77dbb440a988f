"""The funnel page: where each item of the instruct stage went, with examples for every reason. One file, no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from in2x.instructions.ledger import NO_LICENCE
from in2x.language.codes import known_name
from in2x.pages.charts import bars
from in2x.pages.environment import environment

GATE_NAMES: Mapping[str, tuple[str, str]] = {
    "model": ("model gave no answer", "The model or its server failed; the same command asks again, and only this."),
    "author": ("author's own check", "What the model wrote does not hold: another result, a copy, an answer cut off."),
    "pairs": ("pairs", "A sentence pair that cannot be a translation: copied, markup, another length."),
    "duplicate": ("duplicates", "The very same item came before."),
    "rules": ("rules", "Faults that code can see for certain."),
    "decontaminate": ("evaluation texts", "It holds a text that the model will be measured on, or says the same."),
    "assess": ("assessment", "A judge saw no intent, another language, or too poor a task."),
    "rule-prompts": ("rule prompts", "A judge named a fault of the instruction."),
    "critic": ("response + critic", "A critic found the answer false, contradictory, empty or weak."),
    "rereading": ("rereading", "Its author read it again beside its own notes and found it wanting."),
    "balance": ("balance of languages", "Sound, but its language has more items than the others."),
}
"""Gate -> its name on the page and what it stops."""


def page(
    funnel: Mapping[str, Any], name: str, usage: Mapping[str, Any], prompts: Mapping[str, str],
    tidied: Mapping[str, int], unfinished: str,
) -> str:  # fmt: skip
    """The page as HTML text.

    Args:
        funnel: as `Ledger.funnel` counts it, with "split" added.
        name: of the run.
        usage: what each model was asked (role -> figures).
        prompts: name -> "version hash" of every prompt file.
        tidied: what was taken off answers -> how often.
        unfinished: why there is more to do; "" where all is done.
    """
    origins = {
        origin: {"kept": o["kept"], "rejected": o["rejected"], "failed": o["failed"]}
        for origin, o in funnel["origins"].items()
    }
    passage = {"came in": {"": funnel["in"]}} | {
        f"after {GATE_NAMES[step['gate']][0]}": {"": step["left"]} for step in funnel["gates"]
    }
    context = {
        "name": name, "funnel": funnel, "gates": GATE_NAMES, "usage": usage, "prompts": prompts,
        "no_licence": NO_LICENCE, "passage": bars(passage), "by_origin": bars(origins),
        "languages": bars({known_name(lang): {"": n} for lang, n in funnel["languages"].items()}),
        "licences": bars({licence: {"": n} for licence, n in funnel["licenses"].items()}),
        "reasons": [reason | {"examples": [_readable(e) for e in reason["examples"]]} for reason in funnel["reasons"]],
        "kept": {origin: [_readable(e) for e in found] for origin, found in funnel["examples"].items()},
        "steered": _steered(funnel.get("steered", {})), "unjudged": funnel["kept"] - funnel["judged"],
        "tidied": tidied, "unfinished": unfinished, "tasks": bars(funnel["split"]["tasks"]),
        "counted": list(dict.fromkeys(key for figures in usage.values() for key in figures if key != "model")),
    }  # fmt: skip
    return environment().get_template("instructions/instructions.html.jinja").render(context)


def _steered(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int, int]]:
    """Of each language that turns were steered to: its name, turns in it, turns in all."""
    return [(known_name(lang), written.get(lang, 0), sum(written.values())) for lang, written in counts.items()]


def _readable(example: Mapping[str, Any]) -> dict[str, Any]:
    shown = {_NOTES.get(key, key): _told(value) for key, value in example["evidence"].items()}
    return {**example, "evidence": {key: text for key, text in shown.items() if text}}


_NOTES: Mapping[str, str] = {"trace": "author's notes, no part of the item"}


def _told(value: Any) -> str:
    """Evidence in words: of a table what is not empty; several verdicts one after the other, with numbers."""
    if isinstance(value, Mapping):
        told = {key: _told(one) for key, one in value.items()}
        return "; ".join(f"{key}: {text}" for key, text in told.items() if text)
    if isinstance(value, (list, tuple)):
        if len(value) > 1 and all(isinstance(one, Mapping) for one in value):
            return "\n".join(f"({number}) {_told(one)}" for number, one in enumerate(value, 1))
        return ", ".join(map(_told, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
