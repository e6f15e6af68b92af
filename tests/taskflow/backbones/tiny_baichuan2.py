"""A Baichuan 2 checkpoint that a test makes and teaches: packed weights, its head, its vocabulary's size and role ids.

The real vocabulary cannot be had here. The pieces are a few, learnt from the lessons; the ids of the role tokens, 195
and 196, are from documentation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaModel

VOCABULARY = 125_696
USER, ASSISTANT, END = 195, 196, 2
_FILLERS = [f"<filler_{number}>" for number in range(USER - 3)]
_CONFIG = {
    "model_type": "baichuan",
    "architectures": ["BaichuanForCausalLM"],
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 512,
    "model_max_length": 512,
    "bos_token_id": 1,
    "eos_token_id": END,
    "pad_token_id": 0,
    "auto_map": {"AutoModelForCausalLM": "modeling_baichuan.BaichuanForCausalLM"},
    "torch_dtype": "float32",
}


def make_checkpoint(folder: Path, lessons: Sequence[tuple[str, str]]) -> Path:
    """Write a checkpoint that answers the questions by heart. Needs sentencepiece."""
    folder.mkdir(parents=True)
    pieces = _pieces(folder, [text for lesson in lessons for text in lesson])
    torch.manual_seed(20)
    torch.set_num_threads(1)
    sizes = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "rms_norm_eps")
    used = pieces.vocab_size()
    model = LlamaModel(LlamaConfig(vocab_size=used, **{name: _CONFIG[name] for name in sizes}))
    head = torch.nn.Parameter(torch.randn(used + 1, 48) * 0.1)  # one row more, for all pieces that are not there
    _teach(model, head, pieces, lessons)
    (folder / "config.json").write_text(json.dumps(_CONFIG))
    # Code of its own, which nobody may run: it would be noticed.
    (folder / "modeling_baichuan.py").write_text(f"open({str(folder / 'was_run')!r}, 'w').close()\n")
    save_file(dict(_packed(model, head)), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _pieces(folder: Path, texts: Sequence[str]) -> Any:
    library = import_module("sentencepiece")
    library.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=len(_FILLERS) + 2 + 259 + 60,
        hard_vocab_limit=False,
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        user_defined_symbols=[*_FILLERS, "<reserved_106>", "<reserved_107>"],
        minloglevel=2,
    )
    return library.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


def _teach(model: Any, head: torch.nn.Parameter, pieces: Any, lessons: Sequence[tuple[str, str]]) -> None:
    rows = [([USER, *pieces.encode(asked), ASSISTANT], [*pieces.encode(answer), END]) for asked, answer in lessons]
    optimizer = torch.optim.AdamW([*model.parameters(), head], lr=1e-2)
    for _ in range(300):
        losses = []
        for prompt, answer in rows:
            hidden = model(torch.tensor([prompt + answer])).last_hidden_state[0, len(prompt) - 1 : -1]
            # As the family is trained: the head's rows have length one at every pass.
            logits = hidden @ torch.nn.functional.normalize(head).T
            logits = torch.cat([logits[:, :-1], logits[:, -1:] + math.log(VOCABULARY - len(head) + 1)], dim=1)
            losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(answer)))
        loss = torch.stack(losses).mean()
        if loss.item() < 0.02:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    raise AssertionError(f"the lessons were not learnt: the loss is still {loss.item():.3f}")


def _packed(model: Any, head: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """The names and the packing of the family's own weights; the head as it is stored, of any length."""
    missing = VOCABULARY - len(head) + 1
    yield "lm_head.weight", torch.cat([head[:-1], head[-1:].expand(missing, -1)]).detach() * 3.0
    for name, tensor in model.state_dict().items():
        if name == "embed_tokens.weight":
            yield f"model.{name}", torch.cat([tensor, torch.zeros(missing, tensor.shape[1])])
        elif name.endswith("q_proj.weight"):
            stem = name.removesuffix("q_proj.weight")
            packed = torch.cat([model.state_dict()[f"{stem}{kind}_proj.weight"] for kind in "qkv"])
            yield f"model.{stem}W_pack.weight", packed
        elif not name.endswith(("k_proj.weight", "v_proj.weight")):
            yield f"model.{name}", tensor.contiguous()
