"""The training processes of the `trl` backend: the stage writes a job, `accelerate launch` or Python runs it.

    work/trl/
      job.json              what to train on what; paths, config, seed
      prompts.parquet       the instructions
      held.parquet          those scored every `dev_every` batches
      checkpoint-N/         TRL's checkpoints with what is left of the generation window
      figures.json          written last, when the model is saved

The stage itself stays one process; only the command `LAUNCH -m in2x.rl.trl_job JOB` may be many.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel, PrinterCallback, TrainerCallback

from in2x.artifact import write_json
from in2x.chat.contract import settle
from in2x.process import start, work_on
from in2x.records import Instruction, read_records, write_records
from in2x.rl.config import RlConfig
from in2x.stage import Log, Stage
from in2x.trackers import Trackers

if TYPE_CHECKING:
    from in2x.rl.rewards.route import Scorer


def run_trl(
    config: RlConfig, stage: Stage, source: Path, chosen: Sequence[Instruction], held: Sequence[Instruction], steps: int
) -> dict[str, Any]:
    """Train the model in `source` for `steps` batches in processes of their own; write `stage.out / "model"`.

    Returns:
        Figures of the training.

    Raises:
        UsageError: a knob that this backend has not, or vLLM where it is not installed.
        In2xError: the training processes ended with a fault (theirs is on stderr).
    """
    folder = stage.work / "trl"
    write_records(folder / "prompts.parquet", chosen, Instruction)
    write_records(folder / "held.parquet", held if config.dev_every else [], Instruction)
    write_json(folder / "job.json", {
        "model": str(source), "out": str(stage.out), "steps": steps, "seed": stage.seed,
        "config": config.model_dump(mode="json"),
        "trackers": [*stage.trackers.place] if stage.trackers else None,
    })  # fmt: skip
    command = [*(shlex.split(config.trl.launch) or [sys.executable]), "-m", "in2x.rl.trl_job", str(folder / "job.json")]
    return start(command, stage, folder / "figures.json")


class _ToLog(TrainerCallback):  # type: ignore[misc]
    """Writes TRL's log rows to the stage's `log.jsonl`, under the names of the native loop where there is one."""

    NAMES = {"learning_rate": "lr"}

    def __init__(self, log: Log) -> None:
        self.log = log

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """One row an update, `step` counting updates."""
        if state.is_world_process_zero and logs:
            row = {self.NAMES.get(k, k.replace("eval_", "dev/", 1)): v for k, v in logs.items()}
            self.log.write({"step": state.global_step, **row})


def train(job: Path) -> None:
    """One training process (of all that `LAUNCH` starts). Goes on from the last whole checkpoint."""
    from in2x.rl.rewards.judge import open_scorer
    from in2x.rl.vllm import require_vllm

    given = json.loads(job.read_text(encoding="utf-8"))
    config = RlConfig.model_validate(given["config"])
    if config.trl.vllm != "none":
        require_vllm(config.trl)
    with open_scorer(config, Path(given["out"]), Path(given["model"]), print) as scorer:
        _train(job.parent, given, config, scorer)


def _train(folder: Path, given: dict[str, Any], config: RlConfig, scorer: Scorer) -> None:
    from in2x.rl.trl import TrajectoryTrainer, grpo_arguments, last_checkpoint
    from in2x.training.model import for_device, load_model, load_tokenizer, seed_everything

    out = Path(given["out"])
    processes, main = int(os.environ.get("WORLD_SIZE", "1")), os.environ.get("RANK", "0") == "0"
    held = list(read_records(folder / "held.parquet", Instruction))
    arguments = grpo_arguments(config, folder, given["steps"], given["seed"], processes, held=bool(held))
    seed_everything(given["seed"])
    checkpoint = last_checkpoint(folder, processes)
    trackers = Trackers(*given["trackers"]) if given["trackers"] and main else None
    log = Log(out / "log.jsonl", trackers)
    if main:
        log.rewind(int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0)
    tokenizer, model = load_tokenizer(given["model"]), for_device(load_model(given["model"]), arguments.device)
    settle(tokenizer, model.generation_config, trains_head=not config.lora.rank)
    trainer = TrajectoryTrainer(
        model, tokenizer,
        list(read_records(folder / "prompts.parquet", Instruction)), scorer, config, arguments,
        held=held,
    )  # fmt: skip
    trainer.add_callback(_ToLog(log))
    trainer.remove_callback(PrinterCallback)  # prints every row
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    save(trainer, out / "model", adapters=config.lora.rank > 0)
    if trackers is not None:
        trackers.close()
    if main:
        rows: list[dict[str, Any]] = [row for row in trainer.state.log_history if "reward" in row]
        last = rows[-1] if rows else {}
        write_json(folder / "figures.json", {
            "steps": given["steps"], "trajectories": given["steps"] * config.prompts * config.samples,
            "processes": processes, "seconds": round(time.monotonic() - began, 1), "failed": scorer.failed,
            "why_failed": scorer.why, "signatures": scorer.signatures,
            **{k: v for k, v in last.items() if k not in ("step", "epoch")},
        })  # fmt: skip


def save(trainer: Any, folder: Path, adapters: bool) -> None:
    """Write the trained model (adapters merged) and its tokenizer to `folder`; safetensors only."""
    if adapters:
        if trainer.accelerator.is_main_process:
            merged: PreTrainedModel = trainer.accelerator.unwrap_model(trainer.model).merge_and_unload()
            merged.config._attn_implementation_internal = None
            merged.save_pretrained(folder, safe_serialization=True)
    else:
        trainer.model.config._attn_implementation_internal = None
        trainer.save_model(str(folder))
    if trainer.accelerator.is_main_process:
        trainer.processing_class.save_pretrained(folder)
        (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle
    trainer.accelerator.wait_for_everyone()


if __name__ == "__main__":
    sys.exit(work_on(sys.argv[1], train))
