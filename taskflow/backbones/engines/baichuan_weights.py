"""Baichuan 2's weights as a Llama's, which its 7B is but for packed projections and a normalised head.

So no code of the checkpoint is run, and no transformers of 2023 is needed. The 13B has ALiBi positions instead of
rotary ones, which Llama has not: it is refused here and served by vLLM.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import LlamaConfig, LlamaForCausalLM

_NORMALISED = 125_696  # the vocabulary of the generation that has a normalised head


def read_config(folder: Path) -> dict[str, Any]:
    """config.json; ValueError where it is none."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"config.json is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise ValueError("config.json is no JSON object")
    return config


def load_baichuan(folder: Path, config: Mapping[str, Any], dtype: torch.dtype) -> Any:
    """ValueError for a checkpoint with ALiBi positions, or where weights are missing."""
    if not _is_rotary(config):
        raise ValueError("it has ALiBi positions, as the 13B: serve it with vLLM and set [backbone] url")
    with torch.device("meta"):
        model = LlamaForCausalLM(_as_llama(config))
    weights = as_llama_weights(_read(folder), normalised=config["vocab_size"] == _NORMALISED)
    missing, _ = model.load_state_dict({name: tensor.to(dtype) for name, tensor in weights.items()}, False, True)
    if missing:
        raise ValueError(f"the weights lack {min(missing)}")
    # Buffers that no checkpoint holds, such as the rotary frequencies, are made anew.
    model.model.rotary_emb = type(model.model.rotary_emb)(model.config)
    return model


def as_llama_weights(weights: Mapping[str, torch.Tensor], *, normalised: bool) -> dict[str, torch.Tensor]:
    """Query, key and value apart; the head's rows of length one, as it was trained. Twice is the same as once."""
    made: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        if name.endswith("self_attn.W_pack.weight"):
            stem = name.removesuffix("W_pack.weight")
            for kind, part in zip(("q", "k", "v"), tensor.chunk(3, dim=0), strict=True):
                made[f"{stem}{kind}_proj.weight"] = part
        elif name == "lm_head.weight" and normalised:
            made[name] = torch.nn.functional.normalize(tensor.float()).to(tensor.dtype)
        elif not name.endswith("rotary_emb.inv_freq"):
            made[name] = tensor
    return made


def _is_rotary(config: Mapping[str, Any]) -> bool:
    """By the configuration, never by the name: only the rotary one bounds its positions."""
    return "max_position_embeddings" in config


def _as_llama(config: Mapping[str, Any]) -> LlamaConfig:
    names = (
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "rms_norm_eps",
    )
    return LlamaConfig(
        **{name: config[name] for name in names},
        max_position_embeddings=config.get("model_max_length", config["max_position_embeddings"]),
        bos_token_id=config.get("bos_token_id", 1),
        eos_token_id=config.get("eos_token_id", 2),
        pad_token_id=config.get("pad_token_id", 0),
        tie_word_embeddings=False,
    )


def _read(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            weights.update({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    return weights
