"""Longer contexts: what a phase writes into the model's config before it trains (METHOD 1)."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.pretrain.config import PhaseConfig
from in2x.training.model import load_model, save_model
from in2x.training.start import without_weights


def stretch(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, phase: PhaseConfig, scratch: Path
) -> PreTrainedModel:
    """The model ready for `phase.context`: positions, base of the rotary embedding, YaRN (Peng et al. 2023).

    With YaRN, frequencies that turn less than once within the context the model was made for are slowed down by the
    factor, those that turn more than 32 times stay, and attention is sharpened by (.1 ln factor + 1)^2; transformers
    does so from the config, so the saved model carries it. A second stretch counts from the same original context.

    Args:
        model: as loaded; the same object comes back where only the number of positions changes.
        tokenizer: of the model.
        phase: `context`, `rope_theta` and `yarn` are read.
        scratch: folder to save to in between (frequencies are computed when a model is built); a model without weights
            is only built again.
    """
    made_for = int(model.config.max_position_embeddings)
    model.config.max_position_embeddings = max(made_for, phase.context)
    rope = dict(model.config.rope_parameters)
    if phase.rope_theta is not None:
        rope["rope_theta"] = phase.rope_theta
    if phase.yarn is not None:
        original = rope.get("original_max_position_embeddings", made_for)
        rope |= {"rope_type": "yarn", "factor": phase.yarn, "original_max_position_embeddings": original}
    if rope == dict(model.config.rope_parameters):
        return model
    model.config.rope_parameters = rope
    if model.device.type == "meta":
        return without_weights(model.config, model.generation_config)
    save_model(model, tokenizer, scratch)
    return load_model(scratch)
