"""By what a squared change is weighed: diagonals of the layer-wise Hessian and of the Fisher matrix (METHOD 6).

Hessian: for a linear layer `y = W x` the error `||dW X||^2` has, for every row of W, the Hessian `H = 2 X X^T`; its
diagonal is twice the second moment of each input. An embedding is a linear layer over one-hot inputs, so its diagonal
is twice the count of each token, one value a row. A tensor that serves as both (tied embeddings) has the sum. Tensors
that belong to no such layer (norms; experts that are one tensor) have none: there a change is weighed by its square
alone (our choice).

Fisher: the mean over texts of the squared gradient of a text's loss (the "empirical" one: by the text's own tokens).
It knows all tensors and the whole model above them, and takes a backward pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from in2x.training.batches import Example

DAMPING = 1e-4
"""Added to a diagonal, times its mean: where no calibration text reaches, changes are still told by their size."""


@contextmanager
def watch(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Collect sums over all positions that pass through `model` while the context lasts.

    Yields:
        parameter name -> diagonal (float64): [in] for linear layers, [rows, 1] for embeddings, their sum [rows, in]
        for a tied weight (complete once the context is left).
    """
    sums: dict[str, Tensor] = {}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    linear: dict[str, Tensor] = {}
    embedding: dict[str, Tensor] = {}
    handles = []

    def on_linear(module: nn.Linear, args: tuple[Tensor, ...]) -> None:
        name = names[id(module.weight)]
        moment = args[0].detach().reshape(-1, module.in_features).double().square().sum(0).cpu()
        linear[name] = linear[name] + 2 * moment if name in linear else 2 * moment

    def on_embedding(module: nn.Embedding, args: tuple[Tensor, ...]) -> None:
        name = names[id(module.weight)]
        counts = torch.bincount(args[0].reshape(-1).cpu(), minlength=module.num_embeddings).double()[:, None]
        embedding[name] = embedding[name] + 2 * counts if name in embedding else 2 * counts

    for module in model.modules():
        if isinstance(module, nn.Linear):
            handles.append(module.register_forward_pre_hook(on_linear))
        elif isinstance(module, nn.Embedding):
            handles.append(module.register_forward_pre_hook(on_embedding))
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()
        for name in linear.keys() | embedding.keys():
            parts = [part[name] for part in (linear, embedding) if name in part]
            sums[name] = parts[0] if len(parts) == 1 else parts[0] + parts[1]


def hessian(model: nn.Module, texts: Iterable[Example]) -> dict[str, Tensor]:
    """The diagonals (see `watch`) of `model` over texts, one at a time: no padding enters the sums."""
    device = next(model.parameters()).device
    with torch.inference_mode(), watch(model.eval()) as sums:
        for text in texts:
            model(torch.tensor([text.tokens], device=device))
    return sums


def fisher(model: nn.Module, texts: Iterable[Example]) -> dict[str, Tensor]:
    """Diagonal of the empirical Fisher matrix: mean over texts of the squared gradient of the summed answer loss.

    A gradient is squared and dropped as soon as it is there, so beside the model and its sums (float32) one tensor's
    gradient is held.

    Args:
        model: gives `logits` for token ids; a causal language model.
        texts: loss on each token from `answer_start` on.

    Returns:
        parameter name -> diagonal, float32, the parameter's shape; parameters without a gradient are left out.
    """
    sums: dict[str, Tensor] = {}
    count = 0
    handles = []
    for name, parameter in model.named_parameters():

        def add(tensor: Tensor, name: str = name) -> None:
            if tensor.grad is not None:
                square = tensor.grad.float().square_().cpu()
                sums[name] = sums[name].add_(square) if name in sums else square
                tensor.grad = None

        handles.append(parameter.requires_grad_(True).register_post_accumulate_grad_hook(add))
    model.eval()
    try:
        device = next(model.parameters()).device
        for text in texts:
            ids = torch.tensor(text.tokens, device=device)
            logits = model(ids[None]).logits[0, text.answer_start - 1 : -1]
            nn.functional.cross_entropy(logits.float(), ids[text.answer_start :], reduction="sum").backward()
            count += 1
    finally:
        for handle in handles:
            handle.remove()
    return {name: total.div_(max(count, 1)) for name, total in sums.items()}


def write_importance(diagonals: dict[str, Tensor], file: Path) -> None:
    """Write diagonals, damped, as bfloat16 where they are as large as their tensor (only their order matters).

    Beside and renamed. A diagonal of zeros (an expert that no text reached) is left out: it says nothing.
    """
    kept = {}
    for name, diagonal in diagonals.items():
        mean = float(diagonal.double().mean())
        if mean > 0:
            damped = (diagonal / mean + DAMPING).float()
            kept[name] = (damped.bfloat16() if damped.dim() > 1 else damped).contiguous()
    partial = file.with_name(file.name + ".partial")
    save_file(kept, partial)
    partial.replace(file)
