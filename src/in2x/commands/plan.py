"""`in2x plan`: what a run would do and take, and every knob, without running anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from in2x.commands.show import AsJson, Out, RecipeFile, Sets, duration, emit
from in2x.errors import In2xError

if TYPE_CHECKING:
    from rich.console import Console

    from in2x.commands.knobs import Knob
    from in2x.cost.hardware import Hardware
    from in2x.cost.lacking import Lack
    from in2x.cost.servers import Heard
    from in2x.cost.stores import Held
    from in2x.recipe import Recipe


def plan_recipe(
    recipe: RecipeFile,
    out: Out = None,
    sets: Sets = None,
    with_knobs: Annotated[bool, typer.Option("--knobs", help="Every knob: value, unit, source, meaning.")] = False,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", help="a100, h100, h200, b200, l40s or cpu.  [default: h100; cpu for a model from scratch]"
        ),
    ] = None,
    devices: Annotated[int | None, typer.Option("--devices", min=1, help="How many.  [default: 8; 1 for cpu]")] = None,
    mfu: Annotated[
        float, typer.Option("--mfu", min=0.01, max=1, help="Share of the peak that training reaches.")
    ] = 0.4,
    price: Annotated[
        float | None, typer.Option("--price", min=0, help="Money that one device costs for an hour.")
    ] = None,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Run a step of each training stage at full size on tensors without numbers."),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Ask each server that the recipe names one small question, and look into what lies in stores.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would do and take, and what stands against it, without running anything."""
    from rich.console import Console

    from in2x.commands.show import WIDE
    from in2x.cost.hardware import Hardware
    from in2x.recipe import load_recipe

    loaded = load_recipe(recipe, sets or [])
    console = Console(highlight=False)
    if (with_knobs or trace) and not console.is_terminal:
        console.width = WIDE  # names and values whole in a pipe
    if with_knobs:
        show_knobs(loaded, console, as_json=as_json)
    else:
        folder = out or Path("runs") / loaded.name
        device = device or ("h100" if loaded.base.model else "cpu")
        hardware = Hardware(device, devices or (1 if device == "cpu" else 8), mfu, price)
        if trace:
            show_trace(loaded, hardware, console, as_json=as_json)
        else:
            show_plan(loaded, folder, hardware, console, as_json=as_json, check=check)


STATUS_STYLE = {"unchanged": "dim", "resumes": "yellow", "runs": "green", "runs again": "green"}


def show_plan(
    recipe: Recipe, out: Path, hardware: Hardware, to: Console, *, as_json: bool, check: bool = False
) -> None:
    """Print what a run would do, stage by stage, what its training takes on `hardware`, and what stands against it.

    Raises:
        In2xError: a run could not go through: something is not there, or (`check`) a server does not answer or a store
            gives nothing.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from in2x.cost.lacking import lacks
    from in2x.cost.price import costs
    from in2x.cost.servers import Heard, hear
    from in2x.cost.shape import shape_of
    from in2x.cost.stores import Held, held
    from in2x.rl.check import check_rl
    from in2x.run import forecast

    warnings = check_rl(recipe.rl)
    stages = forecast(recipe, out)
    lacking = lacks(recipe, [stage.room.name for stage in stages if stage.status != "unchanged"], stores=check)
    heard: list[Heard | Held] = [*held(recipe), *hear(recipe)] if check else []
    base = base_model(recipe)
    shape, known_from = shape_of(recipe)
    estimates = list(costs(recipe, hardware))
    if as_json:
        listed = [{"stage": s.room.name, "status": s.status, "why": s.why, "seconds": s.seconds} for s in stages]
        emit(
            {
                "recipe": recipe.name,
                "out": str(out),
                "stages": listed,
                "base": base,
                "parameters": shape.parameters,
                "hardware": vars(hardware),
                "costs": [vars(cost) for cost in estimates],
                "warnings": warnings,
                "lacks": [vars(lack) for lack in lacking],
                "stores": [vars(one) for one in heard if isinstance(one, Held)],
                "servers": [vars(one) for one in heard if isinstance(one, Heard)],
            }
        )
        refuse_plan(lacking, heard)
        return
    table = Table(title=f"{recipe.name} -> {out}", box=box.SIMPLE_HEAD, title_justify="left")
    for column in ("stage", "what happens", "why", "last took"):
        table.add_column(column)
    for stage in stages:
        table.add_row(
            stage.room.name,
            Text(stage.status, style=STATUS_STYLE[stage.status]),
            stage.why,
            "" if stage.seconds is None else duration(stage.seconds),
        )
    to.print(table)
    for name, words in base.items():
        to.print(Text.assemble((f"{name}: ", "bold"), words if isinstance(words, str) else ", ".join(words)))
    for words in warnings:
        to.print(Text(f"! {words}", style="yellow"))
    machine = f"{hardware.count} x {hardware.device} at {hardware.utilisation:.0%} of peak"
    table = Table(
        title=f"{shape.parameters / 1e6:,.1f}M parameters ({known_from}) on {machine}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    columns = ["stage", "tokens", "steps", "FLOPs", "memory", "device h", "wall"]
    for column in columns if hardware.price is None else [*columns, "money"]:
        table.add_column(column, justify="left" if column == "stage" else "right", no_wrap=True)
    for cost in estimates:
        hours = cost.device_hours
        over = cost.memory > hardware.usable
        table.add_row(
            cost.stage.replace("pretrain phase", "phase "),
            "?" if cost.tokens is None else scaled(cost.tokens),
            "?" if cost.steps is None else f"{cost.steps:,}",
            "?" if cost.flops is None else f"{cost.flops:.2e}",
            Text(f"{cost.memory / 1e9:.1f} GB" + (" !" if over else ""), style="red" if over else ""),
            "?" if hours is None else f"{hours:,.{2 if hours < 100 else 0}f}",
            "?" if hours is None else wall(hours * 3600 / hardware.count),
            *([] if hardware.price is None else ["?" if cost.money is None else f"{cost.money:,.0f}"]),
        )
    to.print(table)
    if any(cost.memory > hardware.usable for cost in estimates):
        room = f"{hardware.usable / 1e9:.0f} of {hardware.kind.memory / 1e9:.0f} GB"
        to.print(Text(f"! more than the {room} that a step may fill: lower device_tokens, set checkpointing, or take "
                      "more devices (--trace says what fits)", style="red"))  # fmt: skip
    for cost in estimates:
        to.print(Text.assemble((f"{cost.stage}: ", "bold"), cost.words))
        if cost.problem:
            to.print(Text(f"! {cost.stage}: {cost.problem}", style="red"))
    to.print(ASSUMPTIONS)
    for one in heard:
        to.print(Text(f"{'+' if one.ok else '!'} {one}", style="green" if one.ok else "red"), soft_wrap=True)
    for lack in lacking:
        to.print(Text(f"! {lack}", style="red"), soft_wrap=True)
    refuse_plan(lacking, heard)


def refuse_plan(lacking: Sequence[Lack], heard: Sequence[Heard | Held]) -> None:
    """Raise In2xError where a run could not go through."""
    from in2x.cost.lacking import summary

    if lacking:
        raise summary(lacking)
    if silent := [one for one in heard if not one.ok]:
        raise In2xError(str(silent[0]).rpartition(" (")[0])


def base_model(recipe: Recipe) -> dict[str, str | list[str]]:
    """What is found of the base model: family, forward pass, chat, end tokens; empty for a model from scratch.

    Raises:
        In2xError: it cannot be served here, and why.
    """
    source = recipe.base.model
    if source is None:
        return {}
    from huggingface_hub import try_to_load_from_cache

    from in2x import hub

    known = hub.is_name(source) and isinstance(try_to_load_from_cache(source, "config.json"), str)
    if not Path(source).is_dir() and not known:
        return {"base model": f"{source}, which is not on this machine: a run looks at it before anything else"}
    from in2x.training.preview import preview

    found = preview(source, adapters=recipe.sft.lora.rank > 0)
    return {
        "base model": found.family,
        "forward pass": found.forward,
        "chat": found.chat,
        "end tokens": found.ends,
        **({"changed": found.note} if found.note else {}),
    }


def scaled(count: float) -> str:
    """A count in three digits: 950, 12.3k, 400M, 2.5T."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:
            return f"{count / size:.3g}{letter}"
    return f"{count:g}"


def wall(seconds: float) -> str:
    """A duration; in days where it is more than three of them."""
    return f"{seconds / 86400:,.1f} days" if seconds > 3 * 86400 else duration(seconds)


ASSUMPTIONS = (
    "Estimates, not measurements: formulas for N parameters, L layers, d width, c context, which agree with traces of "
    "the code. Training 6 N + 7 L d c operations a token (causal attention), 2 N + 2 L d c more where activations are "
    "recomputed; memory of a device: 16 bytes a parameter (fp32 weights, gradients and Adam moments) shared out over "
    "all devices, activations of one pass, gathered layers, logits of 2,048 positions at a time. ? means that the "
    "recipe alone does not tell."
)
TRACED = (
    "A step of the training code, run on tensors without numbers by the first of all processes. Peak of any step but "
    "the first, without torch.compile (which holds less), attention as the variable-length flash kernel holds it; 10% "
    "of a device stay free. In RL the update of the policy with this project's scoring of answers, the weights sharded."
)


def show_trace(recipe: Recipe, hardware: Hardware, to: Console, *, as_json: bool) -> None:
    """Print what a step of each training stage takes of one device, and whether it fits."""
    from dataclasses import asdict

    from rich import box
    from rich.table import Table
    from rich.text import Text

    from in2x.knob import Config
    from in2x.trace.fit import fits
    from in2x.trace.measure import KINDS

    found = list(fits(recipe, hardware))
    if as_json:
        rows = [
            asdict(fit) | {
                "job": {k: v.model_dump() if isinstance(v, Config) else v for k, v in vars(fit.job).items()},
                "fits": fit.fits, "memory": fit.traced and fit.traced.memory,
            }
            for fit in found
        ]  # fmt: skip
        emit({"recipe": recipe.name, "hardware": vars(hardware), "stages": rows})
        return
    table = Table(
        title=f"{recipe.name}: a step on each of {hardware.count:,} x {hardware.device}, GB and TFLOP a device",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    collectives = ("all-gather", "reduce-scatter")
    for column in ("stage", "passes", *KINDS, "peak", "TFLOP", *collectives, "device_tokens"):
        table.add_column(column, justify="left" if column == "stage" else "right", no_wrap=True)
    for fit in found:
        job, traced = fit.job, fit.traced
        name = job.stage.replace("pretrain phase", "phase ")
        if traced is None:
            table.add_row(name, f"{job.passes:,} x {job.tokens:,}", "not traced")
            continue
        peak = Text(f"{traced.memory / 1e9:.1f}" + ("" if fit.fits else " !"), style="" if fit.fits else "red")
        table.add_row(
            name, f"{job.passes:,} x {job.tokens:,}", *(f"{traced.peak[kind] / 1e9:.1f}" for kind in KINDS), peak,
            f"{traced.flops / 1e12:,.0f}", *(f"{traced.sent.get(k, 0) / 1e9:,.0f}" for k in collectives),
            "none" if fit.device_tokens is None else f"{fit.device_tokens:,}",
        )  # fmt: skip
    to.print(table)
    for fit in found:
        if fit.problem:
            to.print(Text(f"! {fit.job.stage}: {fit.problem}", style="red"))
        if fit.traced is not None and not fit.fits:
            mend = "no row fits: set checkpointing, or take more devices" if fit.device_tokens is None else (
                f"device_tokens {fit.device_tokens:,} fits"
            )  # fmt: skip
            to.print(Text(f"! {fit.job.stage}: more than the {fit.room / 1e9:.0f} GB free for it; {mend}", style="red"))
    to.print(
        f"device_tokens: the largest pass that fits. {sum(fit.seconds for fit in found):.0f} s of one core. {TRACED}"
    )


def show_knobs(recipe: Recipe, to: Console, *, as_json: bool) -> None:
    """Print every knob with its value, unit, source and meaning."""
    from in2x.commands.knobs import knobs

    listed = list(knobs(recipe))
    if as_json:
        emit([vars(knob) for knob in listed])
    else:
        _show_knobs(listed, to)


def _show_knobs(listed: list[Knob], to: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for column, options in {
        "knob": {"no_wrap": True}, "value": {"overflow": "fold"}, "unit": {}, "source": {}, "meaning": {"ratio": 1},
    }.items():  # fmt: skip
        table.add_column(column, **options)  # type: ignore[arg-type]
    for knob in listed:
        value = json.dumps(knob.value, ensure_ascii=False, default=str)
        changed = knob.value != knob.default
        table.add_row(knob.name, Text(value, style="bold" if changed else ""), knob.unit, knob.source, Text(knob.doc))
    to.print(table)
    to.print("Bold values differ from the default. Override any of them: --set KNOB=VALUE")
