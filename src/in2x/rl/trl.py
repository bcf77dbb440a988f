"""TRL's GRPOTrainer with this project's objective, rewards and temperature decay (METHOD 5): rollouts by vLLM on GPUs.

What is TRL's stays TRL's: vLLM and the transfer of weights to it, distribution, mixed precision, optimizer state,
checkpoints, its metrics. What is replaced here, and where:

- the loss (`_compute_loss`): `rl/objective.py` on the log-probabilities that the parent computed for its own loss. The
  parent runs first, for its metrics; its loss is dropped, and its clip ratios too where they are of another ratio;
- the rewards: one reward function over `rewards/route.Scorer`, so None, failures and weights mean what they mean in the
  native loop; advantages by `objective.advantages`; groups of equal reward take no part and are counted;
- the temperature (`set_temperature`), which TRL copies at the start into five places;
- prompts are tokenised by `chat/render.py`, as everywhere else here;
- the order of prompts, which is a function of the epoch, so that a resume in a later epoch is exact;
- checkpoints also hold the answers that are not used up yet, so a resume inside a generation window is exact.

Written against trl 1.16.0, which `pyproject.toml` pins; the tests fail where a newer one moves these places.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl import GRPOConfig, GRPOTrainer

from in2x.artifact import write_json
from in2x.chat.render import prompt_tokens
from in2x.errors import UsageError
from in2x.language.reasoning import without_reasoning
from in2x.records import Instruction, Message
from in2x.rl.check import check_trl
from in2x.rl.config import RlConfig
from in2x.rl.objective import BUCKETS, advantages, objective
from in2x.rl.rewards.base import reward_items
from in2x.rl.rewards.route import Scorer
from in2x.rl.schedule import length_penalty, objective_at, temperature_at
from in2x.training.forward import body
from in2x.training.lora import peft_config
from in2x.training.optimizer import learning_rate_factor
from in2x.training.precision import compute_dtype

NAMES = tuple(
    name + suffix
    for name in ("log_ratio", "ess", "clip_high", "clip_dual", "length")
    for suffix in ("", *(f"/<={top}" for top in BUCKETS), f"/>{BUCKETS[-1]}")
)
"""Metrics of the objective, in one order on every process."""
GROUPED = frozenset({"consensus", "judged"})
"""Rewards that see all answers to a prompt."""
BUFFER, WINDOW = "answers-{}.safetensors", "window-{}.json"


def grpo_arguments(
    config: RlConfig, folder: Path, steps: int, seed: int, processes: int = 1, *, held: bool = False
) -> GRPOConfig:
    """The GRPOConfig of `steps` rollout batches on `processes` devices.

    Evaluation every `dev_every` batches where there are `held`-out prompts. The knobs of TRL's own loss are left
    alone: that loss is not used.

    Raises:
        UsageError: the batch does not divide by what the devices take in one pass, or answers to one prompt would be
            scored by different processes though a reward sees them together.
    """
    check_trl(config)
    if config.prompts % processes and not GROUPED.isdisjoint(config.rewards):
        raise UsageError(
            f"{config.prompts} prompts in {processes} processes tear answers to a prompt apart, and "
            f"{' and '.join(sorted(GROUPED & config.rewards.keys()))} must see them together",
            mend="make rl.prompts a multiple of the processes",
        )
    once = config.trl.device_batch * processes
    update = config.minibatch * config.samples
    if update % once:
        raise UsageError(
            f"an update of {config.minibatch} prompts x {config.samples} = {update:,} trajectories is no multiple of "
            f"{config.trl.device_batch} on each of {processes} device(s)", mend="change rl.trl.device_batch",
        )  # fmt: skip
    updates = config.prompts // config.minibatch
    cuda = torch.cuda.is_available()
    half = cuda and compute_dtype(torch.device("cuda")) == torch.bfloat16
    return GRPOConfig(
        output_dir=str(folder), seed=seed, use_cpu=not cuda, bf16=half, report_to="none",
        per_device_train_batch_size=config.trl.device_batch, gradient_accumulation_steps=update // once,
        per_device_eval_batch_size=config.trl.device_batch,
        steps_per_generation=updates * update // once, num_generations=config.samples, num_generations_eval=1,
        max_steps=steps * updates, max_completion_length=config.max_new_tokens, temperature=config.temperature.start,
        beta=config.objective.kl, loss_type="grpo", disable_dropout=True,
        importance_sampling_level="token" if config.objective.level == "token" else "sequence",
        learning_rate=config.optimizer.lr, adam_beta2=config.optimizer.beta2, max_grad_norm=config.optimizer.clip,
        weight_decay=config.optimizer.weight_decay, activation_checkpointing=config.trl.checkpointing,
        save_strategy="steps", save_steps=config.trl.save_every, save_total_limit=2, logging_steps=1,
        eval_strategy="steps" if held and config.dev_every else "no", eval_steps=max(1, config.dev_every * updates),
        disable_tqdm=True, use_vllm=config.trl.vllm != "none",
        vllm_mode=config.trl.vllm if config.trl.vllm != "none" else "colocate",
        vllm_gpu_memory_utilization=config.trl.vllm_memory, vllm_server_base_url=config.trl.vllm_url,
        # One weight a trajectory: the only kind that a ratio of whole trajectories can be multiplied with.
        vllm_importance_sampling_mode="sequence_truncate",
    )  # fmt: skip


def fused_logprobs(model: PreTrainedModel, ids: Tensor, mask: Tensor) -> Tensor:
    """[B, T - 1] log-probabilities of the tokens behind the first by the head that TRL put on `model`; 0 on padding."""
    found: Tensor = model(
        input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100), fused_lm_head=True
    ).log_probs
    return found


def prepare(model: PreTrainedModel) -> None:
    """Let TRL find the body of `model`, and let that count positions from the first token of a row on.

    Some classes (Llama 4) name another prefix than their body has. TRL pads prompts on the left: with rotated queries
    only distances matter, with a table of positions (GPT-2) another answer would be scored.
    """
    inner = body(model)
    if model.base_model is model:
        model.base_model_prefix = next(name for name, child in model.named_children() if child is inner)
    if "position_ids" not in signature(inner.forward).parameters:
        return

    def add(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        mask = named.get("attention_mask")
        if mask is not None and named.get("position_ids") is None and named.get("past_key_values") is None:
            named = {**named, "position_ids": (mask.long().cumsum(1) - 1).clamp(min=0)}
        return given, named

    inner.register_forward_pre_hook(add, with_kwargs=True)  # adapters call the model's `forward` past its hooks


@torch.no_grad()
def check_head(model: PreTrainedModel, temperature: float) -> None:
    """Raise UsageError where the head that TRL put on `model` gives other log-probabilities than the model."""
    ids = (torch.arange(6, device=model.device)[None] * 7 + 3) % model.get_input_embeddings().num_embeddings
    training = model.training
    model.eval()
    logs = torch.log_softmax(model(ids, use_cache=False).logits.float() / temperature, -1)
    own = logs[:, :-1].gather(2, ids[:, 1:, None])[..., 0]
    try:
        same = torch.allclose(fused_logprobs(model, ids, torch.ones_like(ids)).float(), own, atol=0.05)
    except (AttributeError, RecursionError):
        same = False
    model.train(training)
    if not same:
        raise UsageError(f"TRL does not compute the log-probabilities of {type(model).__name__}",
                         mend="set rl.backend: native")  # fmt: skip


class TrajectoryTrainer(GRPOTrainer):  # type: ignore[misc]
    """GRPOTrainer for `RlConfig`; see the module docstring."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        instructions: Sequence[Instruction],
        scorer: Scorer,
        config: RlConfig,
        arguments: GRPOConfig,
        held: Sequence[Instruction] = (),
    ) -> None:
        """Prepare training of `model` on the rewards that `scorer` gives for answers to `instructions`.

        Args:
            model: the policy, trained in place (adapters where `config.lora` asks for them).
            tokenizer: with a chat template.
            instructions: what is asked; shuffled by TRL with `arguments.seed`.
            scorer: the rewards.
            config: objective, temperature, lengths, optimizer.
            arguments: of `grpo_arguments`.
            held: scored every `dev_every` batches with one answer each, at the temperature of the time.
        """
        self.config, self.scorer = config, scorer
        self.items = [*instructions, *held]
        rows = [{"prompt": i.messages, "item": n} for n, i in enumerate(self.items)]
        self._scored: tuple[Tensor, Tensor, Tensor | None] | None = None
        self._rewards: tuple[Tensor, Tensor] | None = None
        prepare(model)
        super().__init__(
            model=model, reward_funcs=self.score, args=arguments, processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows[: len(instructions)]),
            eval_dataset=Dataset.from_list(rows[len(instructions) :]) if held else None,
            peft_config=peft_config(model, config.lora) if config.lora.rank else None,
        )  # fmt: skip
        heads = [self.model.get_base_model() if config.lora.rank else self.model]
        heads += [self.ref_model] if self.ref_model is not None else []
        self._fused = [head.forward.__func__ for head in heads]
        if self.ref_model is not None:
            prepare(self.ref_model)
        for head in heads:
            check_head(head, self.temperature)
        self.set_temperature(self.temperature)

    @property
    def windows(self) -> int:
        """Rollout batches of the whole run."""
        return -(-int(self.args.max_steps) * int(self.args.gradient_accumulation_steps) // self._window_steps)

    @property
    def window(self) -> int:
        """0-based number of the rollout batch at work."""
        return int(self._step // self._window_steps)

    @property
    def _window_steps(self) -> int:
        """Forward and backward passes a rollout batch."""
        return int(self.args.steps_per_generation * self.num_iterations)

    def set_temperature(self, value: float) -> None:
        """Sample and score at `value` from now on: every place that TRL copied it to.

        The training log-probabilities divide by a variable that `add_fused_lm_head` closed over. Calling that function
        again would nest one wrapper in the other at every change, and drop accelerate's; so the variable is set.
        """
        self.temperature = value
        for forward in self._fused:
            forward.__closure__[forward.__code__.co_freevars.index("temperature")].cell_contents = value
        if hasattr(self, "vllm_generation"):
            self.vllm_generation.temperature = value
        if hasattr(self, "generation_config"):
            self.generation_config.temperature = value
            self.generation_kwargs["temperature"] = value

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The native loop's learning-rate schedule, by rollout batch."""
        knobs, updates = self.config.optimizer, self.config.prompts // self.config.minibatch
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer if optimizer is None else optimizer,
            lambda update: learning_rate_factor(
                knobs.schedule, min(update // updates, self.windows - 1), self.windows, knobs.warmup, knobs.decay
            ),
        )
        return self.lr_scheduler

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        """TRL's order of prompts, made a function of seed and epoch: its own goes on from what a process drew before.

        transformers calls `set_epoch` before each pass, and a resumed process begins in a later one.
        """
        sampler = super()._get_train_sampler(dataset)
        sampler.set_epoch = lambda epoch: sampler.generator.manual_seed(self.args.seed + epoch)
        return sampler

    def score(
        self, prompts: Any, completions: Any, completion_ids: Any, item: list[int], log_metric: Any, **_: Any
    ) -> list[float | None]:
        """The reward function given to TRL: weighted rewards and length penalty, None where there is no reward."""
        texts = [c[0].get("content") or "" if isinstance(c, list) else c for c in completions]
        answers = reward_items([self.items[n] for n in item], [without_reasoning(text).strip() for text in texts])
        # In this thread: the time limits of some rewards rest on a signal, which only the main thread gets.
        scores = asyncio.run(self.scorer.score(answers))
        rewarded = torch.tensor([any(total is not None for total in scores.total)], device=self.accelerator.device)
        self.scorer.go_on(bool(self.accelerator.gather(rewarded).any()))  # all processes end together
        longest, buffer = self.config.max_new_tokens, self.config.overlong_buffer
        penalties = [length_penalty(len(ids), longest, buffer) for ids in completion_ids]
        for name in scores.parts:
            if (mean := scores.mean(name)) is not None:
                log_metric(f"reward/{name}", mean)
        for name, count in scores.failures.items():
            log_metric(f"failed/{name}", float(count))
        log_metric("unscored", float(sum(value is None for value in scores.total)))
        log_metric("length_penalty", sum(penalties) / len(penalties))
        return [None if v is None else v + p for v, p in zip(scores.total, penalties, strict=True)]

    def _tokenize_prompts(self, prompts: list[list[Message]]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """As every other part of the project asks (see `in2x.chat.render`); no images, no further fields."""
        return prompt_tokens(self.processing_class, prompts), None, {}

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> Tensor:
        found: Tensor = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        lengths = torch.tensor([len(ids) for ids in completion_ids_list], device=found.device)
        self._rewards = found[:, 0], self.accelerator.gather(lengths)
        return found

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        mode, group = ("train", self.num_generations) if self.model.training else ("eval", self.num_generations_eval)
        if mode == "train":
            self.set_temperature(temperature_at(self.config.temperature, self.window, self.windows))
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        assert self._rewards is not None
        rewards, lengths = (values.view(-1, group) for values in self._rewards)
        gain = advantages(rewards, self.config.objective.advantage, lengths)
        if self.config.reward_cap is not None:
            gain = gain.clamp(-self.config.reward_cap, self.config.reward_cap)
        useful = (gain != 0).any(1, keepdim=True)
        self._metrics[mode]["temperature"].append(self.temperature)
        self._metrics[mode]["flat_groups"].append(float((~useful).float().mean()))
        first = self.accelerator.process_index * len(inputs)
        mine = slice(first, first + len(inputs))
        output["advantages"] = gain.view(-1)[mine]
        output["useful"] = useful.expand_as(gain).reshape(-1)[mine]
        return output

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        if kwargs.get("compute_entropy"):  # the pass that is trained on
            self._scored = found
        return found

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """The objective on this part of an update; the parts of all passes and processes add up to the whole."""
        super()._compute_loss(model, inputs)
        mode = "train" if self.model.training else "eval"
        assert self._scored is not None
        logprobs, entropy, auxiliary = self._scored
        self._scored = None
        mask, rows = inputs["completion_mask"].bool(), inputs["useful"]
        old, gain = inputs.get("old_per_token_logps"), inputs["advantages"]
        old = logprobs.detach() if old is None else old
        if (weight := inputs.get("importance_sampling_ratio")) is not None:
            gain = gain * weight[:, 0]
        reference = inputs.get("ref_per_token_logps")
        trajectories, tokens = self._sizes(inputs)
        metrics: Mapping[str, float] = {}
        loss = 0.0 * logprobs.sum()
        if rows.any():
            value, metrics = objective(
                logprobs[rows], old[rows], gain[rows], mask[rows], objective_at(self.config, self.window, self.windows),
                trajectories=trajectories, tokens=tokens, entropy=entropy[rows],
                reference_logprobs=None if reference is None else reference[rows],
            )  # fmt: skip
            loss = loss + value
        if auxiliary is not None:
            loss = loss + self.router_aux_loss_coef * auxiliary / self.current_gradient_accumulation_steps
        local = torch.tensor([metrics.get(name, torch.nan) for name in NAMES], device=loss.device)
        means = self.accelerator.gather(local).view(-1, len(NAMES)).nanmean(0).tolist()
        for name, mean in zip(NAMES, means, strict=True):
            if mean == mean:
                self._metrics[mode][name].append(mean)
        if self.config.objective.level == "trajectory":
            for name in [name for name in self._metrics[mode] if name.startswith("clip_ratio/")]:
                del self._metrics[mode][name]
        return loss

    def _sizes(self, inputs: Mapping[str, Any]) -> tuple[float, float]:
        """Useful trajectories and their tokens of an update, a process (gradients are averaged over processes)."""
        parts: Sequence[Mapping[str, Any]] = [inputs]
        if self.model.training and self._buffered_inputs is not None:
            passes = self.current_gradient_accumulation_steps
            first = self._step % self.args.steps_per_generation // passes * passes
            parts = self._buffered_inputs[first : first + passes]
        rows = sum(part["useful"].sum() for part in parts)
        tokens = sum(part["completion_mask"][part["useful"]].sum() for part in parts)
        total = self.accelerator.reduce(torch.stack([rows, tokens]).float(), "sum") / self.accelerator.num_processes
        return max(float(total[0]), 1.0), max(float(total[1]), 1.0)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """TRL's checkpoint, and beside it what is left of the generation window: safetensors and JSON."""
        super()._save_checkpoint(model, trial)
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True, exist_ok=True)
        rank = self.accelerator.process_index
        unused = self._step % self._window_steps != 0 and self._buffered_inputs is not None
        if unused:
            tensors = {
                f"{n}.{key}": value.detach().cpu().clone(memory_format=torch.contiguous_format)
                for n, part in enumerate(self._buffered_inputs)
                for key, value in part.items()
                if isinstance(value, Tensor)
            }
            save_file(tensors, folder / BUFFER.format(rank))
        # Last of all: a checkpoint without this file is not whole.
        write_json(folder / WINDOW.format(rank), {"unused": unused, "temperature": self.temperature})

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None:
            return
        folder, rank = Path(checkpoint), self.accelerator.process_index
        state = json.loads((folder / WINDOW.format(rank)).read_text(encoding="utf-8"))
        self._step = self.state.global_step * int(self.args.gradient_accumulation_steps)
        self.set_temperature(state["temperature"])
        if state["unused"]:
            parts: list[dict[str, Tensor]] = [{} for _ in range(self.args.steps_per_generation)]
            for name, value in load_file(folder / BUFFER.format(rank)).items():
                number, _, key = name.partition(".")
                parts[int(number)][key] = value.to(self.accelerator.device)
            self._buffered_inputs = parts


def last_checkpoint(folder: Path, processes: int = 1) -> Path | None:
    """The newest whole checkpoint in `folder`, None where there is none (one that a kill cut short is passed over)."""
    whole = [
        place for place in folder.glob("checkpoint-*")
        if all((place / WINDOW.format(rank)).exists() for rank in range(processes))
    ]  # fmt: skip
    return max(whole, key=lambda place: int(place.name.rpartition("-")[2]), default=None)
