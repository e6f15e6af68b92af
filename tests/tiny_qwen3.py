"""Checkpoints that a test makes and teaches: all of Qwen3's architecture and chat format, or a Llama's, few weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from taskflow.backbones import Message
from taskflow.backbones.embedded import making

END_OF_TEXT, TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
# Makes what Qwen3's published template makes: ChatML turns, Hermes tools, thinking only after the last query, an empty
# block where thinking is switched off.
TEMPLATE = making.TEMPLATE.read_text(encoding="utf-8")
_SWITCH = TEMPLATE[TEMPLATE.index("{%- if enable_thinking") : TEMPLATE.rindex("{%- endif %}")]
# Of the checkpoints of July 2025 one kind never thinks and has no switch, the other is inside its thinking at once.
INSTRUCT_2507 = TEMPLATE.replace(_SWITCH, "")
THINKING_2507 = TEMPLATE.replace(_SWITCH, "{{- '<think>\\n' }}\n")
PLAIN_CHATML = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
Kind = Literal["qwen3", "qwen3_moe", "llama"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the model learns to answer, word for word; `begun` is how its answer begins, which it need not learn."""

    messages: tuple[Message, ...]
    answer: str
    thinking: bool = False
    begun: str = ""


def make_checkpoint(
    folder: Path,
    lessons: Sequence[Lesson],
    least_loss: float = 0.01,
    kind: Kind = "qwen3",
    template: str = TEMPLATE,
) -> Path:
    """Write a checkpoint that knows the lessons by heart; `least_loss` is where the learning stops, in nats."""
    tokenizer = _tokenizer(
        [text for lesson in lessons for text in (lesson.messages[-1].content, lesson.begun, lesson.answer)], template
    )
    torch.manual_seed(20)
    torch.set_num_threads(1)  # matrices this small are slower on several
    model = _model(kind, tokenizer)
    _teach(model, tokenizer, lessons, least_loss)
    # As Qwen3's: a checkpoint that samples unless it is told otherwise.
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.6,
        top_k=20,
        top_p=0.95,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def _model(kind: Kind, tokenizer: PreTrainedTokenizerFast) -> Any:
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 96,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 128,  # as every Qwen3, and as GGUF files of them are read
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": None,
    }
    if kind == "llama":
        return LlamaForCausalLM(LlamaConfig(**sizes))
    if kind == "qwen3_moe":
        experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 96, "norm_topk_prob": True}
        return Qwen3MoeForCausalLM(Qwen3MoeConfig(**sizes, **experts))
    return Qwen3ForCausalLM(Qwen3Config(**sizes))


def _tokenizer(texts: Sequence[str], template: str) -> PreTrainedTokenizerFast:
    """Byte-level, so that every text can be told, whatever it was trained on."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1_000, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([END_OF_TEXT, TURN, END_OF_TURN])
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TURN, pad_token=END_OF_TEXT, chat_template=template
    )


def _teach(model: Any, tokenizer: PreTrainedTokenizerFast, lessons: Sequence[Lesson], least_loss: float) -> None:
    inputs, labels = [], []
    for lesson in lessons:
        given = [{"role": message.role, "content": message.content} for message in lesson.messages]
        asked = tokenizer.apply_chat_template(
            given, tokenize=False, add_generation_prompt=True, enable_thinking=lesson.thinking
        )
        prompt = tokenizer.encode(asked + lesson.begun, add_special_tokens=False)
        answer = [*tokenizer.encode(lesson.answer, add_special_tokens=False), tokenizer.eos_token_id]
        inputs.append(torch.tensor(prompt + answer))
        labels.append(torch.tensor([-100] * len(prompt) + answer))
    batch = torch.nn.utils.rnn.pad_sequence(inputs, batch_first=True)
    wanted = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)
    # Without Qwen3's normalised queries and keys, larger steps lead astray.
    steady = isinstance(model, LlamaForCausalLM)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3 if steady else 6e-3)
    model.train()
    for _ in range(400):
        loss = model(batch, labels=wanted).loss
        if loss.item() < least_loss:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    raise AssertionError(f"the lessons were not learnt: the loss is still {loss.item():.3f}")
