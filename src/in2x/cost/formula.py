"""Operations and memory of a step by formulas, which `tests/test_trace.py` holds to traces of the real code.

N weights; of a layer P, of the output layer V d; L layers, d width, q and k widths of all queries and keys, m inner
size of the MLP (of all experts that a token goes through), T tokens of a pass, c tokens of a row, n devices.

Operations a token: a product of the weights costs 2 forwards and 4 backwards (2 where they are frozen), and 2 more
where activations are recomputed (all but the last product of a layer); causal attention 2 q c forwards and 5 q c
backwards (scores are made again), and 2 q c recomputed.

Memory of a device, each line over all n: weights 4 N; gradients 4 N' and optimizer 8 N' bytes (N' what is trained).
Then the greater of two moments: the loss (a chunk of logits, the gradient of the head in fp32) and the backward pass of
one layer, each with what the layers saved. The numbers of `SAVED` and `WORK` were fitted to traces of Qwen3 models.
"""

from __future__ import annotations

from in2x.cost.job import Job
from in2x.cost.shape import Shape

CHUNK, ONE_PIECE = 2048, 1 << 26
"""As in `training/entropy.py`, which needs torch (a test compares them)."""
BLOCK = 1 << 26
"""Logits in hand when answers are scored: more than `rl/head.py` takes on a CPU, so that a trace ends in good time."""

Widths = tuple[float, float, float, float]
SAVED: dict[bool, Widths] = {True: (16, 10, 10, 8), False: (27, 10, 9, 8)}
"""Bytes a token of what a layer saves for its backward pass, by d, q, k and m; sharded in bfloat16, or one device with
autocast over fp32 weights."""
INPUT = {True: 2.0, False: 4.0}
"""Bytes a token and unit of width of the input of a layer that is recomputed."""
WORK: dict[tuple[bool, bool], Widths] = {
    (True, True): (21, 6.5, 13, 11.5), (True, False): (20.5, -2, 6, 1), (False, True): (29.5, 8.5, 11.5, 12),
    (False, False): (20.5, -2, 6, 1),
}  # fmt: skip
"""The same of what the backward pass of one layer holds beside, by (sharded, recomputed)."""


def step_flops(shape: Shape, job: Job) -> float:
    """Operations of one device in a step of `job`, recomputed ones counted again."""
    frozen, adapters = job.lora.rank > 0, shape.adapters(job.lora)
    again = _recomputed(job)
    down = 0 if shape.experts or frozen else shape.width * shape.mlp
    token = float(shape.layers * ((4 if frozen else 6) * shape.active + 6 * adapters))
    token += shape.layers * again * 2 * (shape.active + adapters - down)
    token += shape.layers * (7 + 2 * again) * shape.heads * shape.head_size * job.length
    if shape.experts:  # under their mask attention makes both halves of its products
        token += shape.layers * (7 + 2 * again) * shape.heads * shape.head_size * job.length
    token += shape.embedding * _head_products(shape, job)
    return job.passes * job.tokens * token + _orthogonal(shape, job)


def _orthogonal(shape: Shape, job: Job) -> float:
    """Muon's five rounds of three products for each matrix of the layers, by every device for itself."""
    if job.optimizer.name != "muon" or job.lora.rank:
        return 0.0
    d, q, k, m = shape.width, shape.heads * shape.head_size, shape.kv_heads * shape.head_size, shape.mlp
    sides = [(d, q), (d, q), (d, k), (d, k), (d, m), (d, m), (d, m)]
    products = sum(4.0 * min(side) ** 2 * max(side) + 2.0 * min(side) ** 3 for side in sides)
    return 5 * shape.layers * products


def _head_products(shape: Shape, job: Job) -> int:
    """Operations a token and weight of the output layer."""
    if job.policy:
        return 8  # projected once more on the way back; the gradient of the head is always made
    chunks = job.tokens * shape.vocabulary > ONE_PIECE
    return (4 if job.lora.rank else 6) + (2 if shape.experts and chunks else 0)


def step_memory(shape: Shape, job: Job) -> float:
    """Bytes of one device at the peak of a step of `job`."""
    sharded = job.processes > 1
    layer, again = shape.layer, _recomputed(job)
    adapters = shape.layers * shape.adapters(job.lora)
    trained = adapters if job.lora.rank else shape.parameters
    moments = 8 if job.optimizer.name == "adamw" else 8 - 4 * shape.layers * layer / shape.parameters
    held = 4.0 * (shape.parameters + (adapters if job.lora.rank else 0))
    held += (moments + (4 if job.optimizer.ema else 0) + (4 if job.passes > 1 else 0)) * trained
    held /= job.processes
    saved = job.tokens * shape.layers * (
        again * INPUT[sharded] * shape.width + (1 - again) * _bytes(SAVED[sharded], shape)
    )  # fmt: skip
    backward = job.tokens * _bytes(WORK[sharded, again > 0], shape)
    loss = job.tokens * shape.width * 3 * INPUT[sharded] + _loss(shape, job)
    if sharded:  # weights in bfloat16 of the head and of layers; a layer's gradient, and in fp32 to be summed
        loss += 2 * shape.embedding + 2 * layer
        backward += 2 * shape.embedding + 4 * layer + (0 if job.lora.rank else 4 * layer)
    else:
        cached = 2 * (shape.parameters - shape.embedding)
        loss += cached if again < 1 else 2 * shape.embedding
        backward += cached if again < 1 else 2 * layer
    return held + saved + max(loss, backward)


def _loss(shape: Shape, job: Job) -> float:
    """Bytes of logits in hand, and of the gradient of the head."""
    size = shape.vocabulary
    if job.policy:
        return (8.0 if job.lora.rank else 10.0) * shape.embedding + 8.0 * BLOCK
    if job.tokens * size <= ONE_PIECE:
        return 12.0 * job.tokens * size
    logits = min(job.tokens, CHUNK) * size
    if shape.experts:
        return 12.0 * logits
    return 10.0 * logits if job.lora.rank else 8.0 * (logits + shape.embedding)


def _recomputed(job: Job) -> float:
    """Share of the layers that are recomputed."""
    return {False: 0.0, True: 1.0, "selective": 0.5}[job.checkpointing]


def _bytes(numbers: Widths, shape: Shape) -> float:
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    d, q, k, m = numbers
    inner = shape.mlp * max(1, shape.chosen)
    return d * (shape.width + (shape.width * shape.chosen) / 4) + q * queries + k * keys + m * inner
