"""Log-probabilities by every path against transformers' own forward pass, for tiny random models of many families.

    python benchmarks/architectures.py                   all families
    python benchmarks/architectures.py --only gemma2     some

Each model is random, far from uniform, with attention windows and chunks of 8 tokens where its family has them, and
reads texts longer than that. What a cell holds is the largest difference in nats from `model(ids)`, one text at a time:

    training   the loss of a step (with the balance loss of a mixture of experts), from `model(ids, labels=...)`
    sft        each token of a text, padded beside others
    packed     three texts in one row
    RL         answers behind one prompt, at temperature .7
    sampled    what the sampler says of its own tokens, at temperature .8
    greedy     likewise at temperature 0
    TRL        the log-probabilities that the TRL backend trains on
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from in2x.inference.sampler import sample
from in2x.rl.policy import Group, answer_logprobs
from in2x.training.batches import Batch, Example, collate
from in2x.training.forward import Forward, forward_of
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import for_device

WINDOW = 8
COMMON: dict[str, Any] = dict(
    vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=None, eos_token_id=1,
)  # fmt: skip
GPT: dict[str, Any] = dict(n_embd=32, n_layer=4, n_head=4, n_positions=64)
HEAD: dict[str, Any] = dict(head_dim=8)
SLIDING: dict[str, Any] = dict(sliding_window=WINDOW)
EXPERTS: dict[str, Any] = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16)
LATENT: dict[str, Any] = dict(
    num_key_value_heads=4, q_lora_rank=16, kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=4
)
MAMBA: dict[str, Any] = dict(mamba_d_ssm=32, mamba_n_heads=4, mamba_d_head=8, mamba_n_groups=1, mamba_d_state=8)
LINEAR: dict[str, Any] = dict(
    linear_num_value_heads=4, linear_num_key_heads=2, linear_key_head_dim=8, linear_value_head_dim=8
)
THREE_OF_FOUR = ["sliding_attention"] * 3 + ["full_attention"]
FAMILIES: dict[str, dict[str, Any]] = {
    "qwen2": {},
    "qwen2 untied": {"tie_word_embeddings": False},
    "qwen2 sliding": {**SLIDING, "use_sliding_window": True, "max_window_layers": 1},
    "qwen3": HEAD,
    "qwen3_moe": {**HEAD, **EXPERTS, "decoder_sparse_step": 1, "mlp_only_layers": []},
    "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": 16},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "llama": {},
    "mistral": SLIDING,
    "mistral full": {"sliding_window": None},
    "ministral": {**HEAD, **SLIDING},
    "gemma2": {**HEAD, **SLIDING, "query_pre_attn_scalar": 8, "final_logit_softcapping": 3.0,
               "attn_logit_softcapping": 5.0},
    "gemma3_text": {**HEAD, **SLIDING, "query_pre_attn_scalar": 8},
    "phi3": SLIDING,
    "phi": {},
    "cohere": {"logit_scale": 0.25},
    "cohere2": {**HEAD, **SLIDING, "logit_scale": 0.25},
    "granite": {"logits_scaling": 4.0, "embedding_multiplier": 3.0, "residual_multiplier": 0.5,
                "attention_multiplier": 0.3},
    "gpt_oss": {**HEAD, **SLIDING, "num_local_experts": 4, "num_experts_per_tok": 2},
    "llama4_text": {**HEAD, "attention_chunk_size": WINDOW, "num_local_experts": 2, "intermediate_size_mlp": 48,
                    "interleave_moe_layer_step": 2, "no_rope_layers": [1, 1, 1, 0]},
    "gpt2": GPT,
    "gpt_bigcode": GPT,
    "gptj": {**GPT, "rotary_dim": 4},
    "gpt_neox": {},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "bloom": {"n_layer": 4, "n_head": 4},
    "olmo": {},
    "olmo2": {},
    "olmo3": SLIDING,
    "hunyuan_v1_dense": HEAD,
    "hunyuan_v1_moe": {**HEAD, "num_experts": 4, "moe_topk": 2},
    "smollm3": {},
    "glm4": HEAD,
    "exaone4": {**SLIDING, "layer_types": THREE_OF_FOUR},
    "seed_oss": HEAD,
    "starcoder2": SLIDING,
    "nemotron": {},
    "minicpm3": {**LATENT, "v_head_dim": 8},
    "deepseek_v3": {**LATENT, **EXPERTS, "n_routed_experts": 4, "n_group": 1, "topk_group": 1,
                    "first_k_dense_replace": 1},
    "mamba": {},
    "qwen3_next": {**HEAD, **EXPERTS, **LINEAR, "shared_expert_intermediate_size": 16},
    "falcon_h1": {**HEAD, **MAMBA},
}  # fmt: skip
"""Configs by transformers' `model_type`, with a word behind it where a family is there twice."""
PATHS = ("training", "sft", "packed", "RL", "sampled", "greedy", "TRL")


def empty(family: str) -> PreTrainedModel:
    """A model of `family` with the weights that transformers draws."""
    config = AutoConfig.for_model(family.split()[0], **{**COMMON, **FAMILIES[family]})
    return AutoModelForCausalLM.from_config(config).eval()


def tiny(family: str, seed: int = 0) -> PreTrainedModel:
    """A model of `family` with logits far from uniform: no scale, cap, bias or sink is too small to see."""
    torch.manual_seed(seed)
    model = empty(family)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.15)
            elif "sink" in name or name.endswith("bias"):
                parameter.normal_(0, 0.5)
    return model


def texts(seed: int, *lengths: int) -> list[list[int]]:
    """Random tokens that are neither padding nor an end."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(2, 96, (length,), generator=generator).tolist() for length in lengths]


class Differences:
    """The paths of one family, each a figure; `own` is a copy of the model that nothing here has touched."""

    def __init__(self, family: str) -> None:
        self.own = tiny(family)
        self.model = copy.deepcopy(self.own)
        self.forward: Forward = forward_of(self.model)
        for_device(self.model)
        self.loss_of = LanguageModelingLoss(self.model)
        self.documents = texts(3, 14, 5, 11)
        """The first and the last are longer than `WINDOW`."""

    def logprobs(self, ids: list[int], start: int, temperature: float = 1.0) -> Tensor:
        """Of the tokens from `start` on, as transformers has them."""
        with torch.no_grad():
            logits = self.own(torch.tensor([ids]), use_cache=False).logits[0].float() / temperature
        return torch.log_softmax(logits, -1)[start - 1 : -1].gather(1, torch.tensor(ids[start:])[:, None])[:, 0]

    def training(self) -> float:
        batch = collate([Example(document, 3) for document in self.documents], pad=0)
        width = batch.ids.shape[1]
        lengths = torch.tensor([[len(document)] for document in self.documents])
        mask = torch.arange(width)[None] < lengths
        labels = batch.ids.masked_fill(~mask | (torch.arange(width)[None] < 3), -100)
        options = {"output_router_logits": True} if self.forward.balance else {}
        with torch.no_grad():
            theirs = self.own(batch.ids, attention_mask=mask.long(), labels=labels, use_cache=False, **options).loss
            return abs(float(self.loss_of(batch) - theirs))

    def sft(self) -> float:
        batch = collate([Example(document, 3) for document in self.documents], pad=0)
        theirs = torch.cat([self.logprobs(document, 3) for document in self.documents])
        return self._token_by_token(batch, theirs)

    def packed(self) -> float:
        row, starts, positions, where = [], [], [], []
        for document in self.documents:
            where += range(len(row), len(row) + len(document) - 1)
            starts += [len(row)] * len(document)
            positions += range(len(document))
            row += document
        ids, targets = torch.tensor([row]), torch.tensor([row[place + 1] for place in where])
        batch = Batch(ids, torch.tensor(where), targets, torch.tensor([starts]), torch.tensor([positions]))
        return self._token_by_token(batch, torch.cat([self.logprobs(document, 1) for document in self.documents]))

    def _token_by_token(self, batch: Batch, theirs: Tensor) -> float:
        """Each target by its own loss: a mean over tokens would hide what is wrong with one."""
        found = []
        for place in range(len(batch.where)):
            one = Batch(batch.ids, batch.where[place, None], batch.targets[place, None], batch.starts, batch.positions)
            with torch.no_grad():
                found.append(-float(self.loss_of(one, held_out=True)))
        return float((torch.tensor(found) - theirs).abs().max())

    def rl(self) -> float:
        prompts, answers = texts(4, 9, 3), texts(5, 4, 6, 5)
        groups = [Group(prompts[0], answers[:2]), Group(prompts[1], answers[2:])]
        with torch.no_grad():
            scored = answer_logprobs(self.model, groups, 0.7, pad=0)
        pairs = [(group.prompt, answer) for group in groups for answer in group.answers]
        return max(
            float((scored.logprobs[row, : len(answer)] - self.logprobs(prompt + answer, len(prompt), 0.7)).abs().max())
            for row, (prompt, answer) in enumerate(pairs)
        )

    def sampled(self, temperature: float = 0.8) -> float:
        prompts = texts(6, 3, 9, 12)
        drawn = sample(self.model, prompts, max_new_tokens=8, stop_ids=[1, 5], temperature=temperature, samples=2)
        found = [
            torch.tensor(answer.logprobs) - self.logprobs(prompt + answer.tokens, len(prompt), temperature or 1.0)
            for prompt, answers in zip(prompts, drawn, strict=True)
            for answer in answers
        ]
        return float(torch.cat(found).abs().max())

    def greedy(self) -> float:
        return self.sampled(0.0)

    def trl(self) -> float:
        from trl.trainer.utils import add_fused_lm_head

        from in2x.rl.trl import fused_logprobs, prepare

        width = max(map(len, self.documents))
        left = [width - len(document) for document in self.documents]  # TRL pads prompts on the left
        ids = torch.tensor([[0] * n + document for n, document in zip(left, self.documents, strict=True)])
        mask = torch.tensor([[0] * n + [1] * (width - n) for n in left])
        model = copy.deepcopy(self.model)
        prepare(model)
        add_fused_lm_head(model)
        with torch.no_grad():
            found = fused_logprobs(model, ids, mask)
        return max(
            float((row[n:] - self.logprobs(document, 1)).abs().max())
            for row, n, document in zip(found, left, self.documents, strict=True)
        )

    @property
    def paths(self) -> dict[str, Callable[[], float]]:
        ways = (self.training, self.sft, self.packed, self.rl, self.sampled, self.greedy, self.trl)
        return dict(zip(PATHS, ways, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    logging.set_verbosity_error()
    print("| family | " + " | ".join(PATHS) + " | forward pass |\n|---|" + "---:|" * len(PATHS) + "---|")
    for family in parser.parse_args().only:
        subject = Differences(family)
        cells = []
        for way in subject.paths.values():
            try:
                cells.append(f"{way():.0e}")
            except Exception as error:
                cells.append(type(error).__name__)
        print(f"| {family} | " + " | ".join(cells) + f" | {subject.forward.words} |", flush=True)


if __name__ == "__main__":
    main()
