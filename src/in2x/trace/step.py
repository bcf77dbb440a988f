"""One training step at full size on fake tensors: the code of `training/`, watched."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from in2x.cost.formula import BLOCK
from in2x.cost.job import Job
from in2x.errors import In2xError
from in2x.rl import head as score_head
from in2x.rl.head import token_scores
from in2x.trace.fake import empty_model, machine
from in2x.trace.measure import Kind, Watch
from in2x.training import parallel
from in2x.training.attention import LONG, VARIABLE
from in2x.training.attention import NAME as OURS
from in2x.training.batches import Batch
from in2x.training.config import OptimizerConfig
from in2x.training.forward import forward_of, head
from in2x.training.lora import add_adapters
from in2x.training.loss import LanguageModelingLoss, hidden_states
from in2x.training.optimizer import Average, Optimizer
from in2x.training.step import Part, train_step


@dataclass(frozen=True)
class Traced:
    """What a step takes of one device."""

    peak: dict[Kind, int]
    """Bytes by kind when the most is held, in any step but the first."""
    flops: float
    """Floating-point operations of a step's matrix products, recomputed ones counted again."""
    sent: dict[str, int]
    """Bytes a step puts through each kind of collective."""

    @property
    def memory(self) -> int:
        """Bytes at the peak."""
        return sum(self.peak.values())


class _Policy(nn.Module):
    """The update of a policy: log-probabilities and entropies of sampled tokens, as `rl/policy.py` takes them.

    What the objective then does with a number a token is a millionth of it.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def prepared(self, batch: Batch) -> Batch:
        """As `LanguageModelingLoss.prepared`."""
        return batch.bordered() if "cpu" in VARIABLE or batch.ids.shape[1] > LONG else batch

    def forward(self, batch: Batch, weight: float = 1.0, even: float = 1.0) -> Tensor:
        """A loss of the same cost as the objective's."""
        states = hidden_states(self.model, batch)
        states = states.reshape(-1, states.shape[-1])[batch.where]
        chosen, entropy = token_scores(states, head(self.model).weight, batch.targets, 0.9)
        return (chosen + entropy).mean() * weight


def trace(config: PreTrainedConfig, job: Job, gpu: bool = True) -> Traced:
    """Run one step of `job` by the first of its processes, without a number being computed.

    State of a running training is there from the start: the optimizer's, and the gradients of earlier passes where a
    step has several. One pass is run, and counted `job.passes` times.

    Args:
        config: of the model.
        job: see `cost.job`.
        gpu: bfloat16 and a fused attention; else this CPU's own choices.

    Raises:
        In2xError: a mixture of experts in one process: torch knows its products in bfloat16 alone, without numbers.
    """
    with machine(job.processes, gpu, job.length):
        model = empty_model(config, gpu)
        found = forward_of(model)
        if found.balance and job.processes == 1:
            raise In2xError("a mixture of experts on one device is not traced", mend="trace two devices or more")
        add_adapters(model, job.lora, 0)
        if job.checkpointing:
            every = 2 if job.checkpointing == "selective" else 1
            model.activation_checkpointing_enable({"use_reentrant": False}, every_n_layers=every)
        if not (found.plain or found.balance):
            model.set_attn_implementation(OURS)
        loss_of = _Policy(model) if job.policy else LanguageModelingLoss(model)
        if job.processes > 1:
            parallel.shard(loss_of, model)
        fake = FakeTensorMode(allow_non_fake_inputs=True)
        with fake:
            model.to_empty(device="cpu").train()
            if job.processes == 1:
                model.tie_weights()  # shards stay one, whole weights became two
        batch = loss_of.prepared(_batch(job))  # reads numbers
        with fake, ExitStack() as stack:
            stack.enter_context(mock.patch.object(score_head, "LOGITS", BLOCK))
            watch = Watch()
            optimizer = _Watched(model, job.optimizer, watch)
            optimizer.prime(keep=job.passes > 1)
            watch.mark("parameters", [*model.parameters(), *model.buffers()])
            if job.optimizer.ema:
                watch.mark("optimizer", Average(optimizer.parameters, job.optimizer.ema).values)
            for context in (watch.resizes(), watch):
                stack.enter_context(context)
            train_step(loss_of, [Part(batch, 1.0, 1.0)], optimizer, 1.0)
            peak = watch.peak()
    flops, sent = optimizer.passed
    again = job.passes - 1
    return Traced(
        peak, watch.flops + again * flops, {name: size + again * sent[name] for name, size in watch.sent.items()}
    )


class _Watched(Optimizer):
    """The optimizer, which tells the watch what is its own."""

    def __init__(self, model: PreTrainedModel, config: OptimizerConfig, watch: Watch) -> None:
        super().__init__(model, config)
        self.watch = watch
        self.passed: tuple[float, Counter[str]] = 0.0, Counter()
        """Operations and bytes sent of the pass before the step."""

    def prime(self, keep: bool) -> None:
        """Make the state of a training that runs; `keep` the gradients, as those of earlier passes."""
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)
        super().step(1.0)
        self.watch.mark("optimizer", self.state_tensors().values())
        if keep:
            for parameter in self.parameters:
                parameter.grad = torch.zeros_like(parameter)
            self._mark()

    def _mark(self) -> None:
        self.watch.mark("gradients", [p.grad for p in self.parameters if p.grad is not None])

    def step(self, factor: float) -> Tensor:
        self._mark()
        self.passed = self.watch.flops, self.watch.sent.copy()
        return super().step(factor)


def _batch(job: Job) -> Batch:
    """Rows of one text each, with loss on every token but the first of each."""
    where = torch.arange(job.tokens).view(job.rows, job.length)[:, :-1].reshape(-1)
    ids = torch.zeros(job.rows, job.length, dtype=torch.long)
    return Batch(ids, where, torch.zeros(len(where), dtype=torch.long))
