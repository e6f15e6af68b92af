"""A Qwen3 checkpoint that a test makes and teaches: all of the architecture and the chat format, few weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from taskflow.backbones import Message

END_OF_TEXT, TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
# As Qwen3's: ChatML turns; thinking leaves the history; an empty block where thinking is switched off.
TEMPLATE = """\
{%- for message in messages %}
{%- set said = message.content %}
{%- if message.role == 'assistant' and '</think>' in said %}
{%- set said = said.split('</think>')[-1].lstrip('\\n') %}
{%- endif %}
{{- '<|im_start|>' + message.role + '\\n' + said + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\\n\\n</think>\\n\\n' }}
{%- endif %}
{%- endif %}"""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the model learns to answer, word for word."""

    messages: tuple[Message, ...]
    answer: str


def make_checkpoint(folder: Path, lessons: Sequence[Lesson], least_loss: float = 0.01) -> Path:
    """Write a checkpoint that knows the lessons by heart; `least_loss` is where the learning stops, in nats."""
    tokenizer = _tokenizer([text for lesson in lessons for text in (lesson.messages[-1].content, lesson.answer)])
    torch.manual_seed(20)
    torch.set_num_threads(1)  # matrices this small are slower on several
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=96,
            intermediate_size=192,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=24,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
    )
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


def _tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte-level, so that every text can be told, whatever it was trained on."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1_000, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([END_OF_TEXT, TURN, END_OF_TURN])
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in ("<think>", "</think>")])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TURN, pad_token=END_OF_TEXT, chat_template=TEMPLATE
    )


def _teach(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, lessons: Sequence[Lesson], least_loss: float
) -> None:
    inputs, labels = [], []
    for lesson in lessons:
        given = [{"role": message.role, "content": message.content} for message in lesson.messages]
        asked = tokenizer.apply_chat_template(given, tokenize=False, add_generation_prompt=True, enable_thinking=False)
        prompt = tokenizer.encode(asked, add_special_tokens=False)
        answer = [*tokenizer.encode(lesson.answer, add_special_tokens=False), tokenizer.eos_token_id]
        inputs.append(torch.tensor(prompt + answer))
        labels.append(torch.tensor([-100] * len(prompt) + answer))
    batch = torch.nn.utils.rnn.pad_sequence(inputs, batch_first=True)
    wanted = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
    model.train()
    for _ in range(400):
        loss = model(batch, labels=wanted).loss
        if loss.item() < least_loss:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    raise AssertionError(f"the lessons were not learnt: the loss is still {loss.item():.3f}")
