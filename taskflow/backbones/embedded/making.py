"""Making a tiny checkpoint of Qwen3's architecture, with its chat format, from lessons alone."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from taskflow.backbones.embedded.lesson import Lesson, Progress
from taskflow.backbones.engines.prefix import repeat

TEMPLATE = Path(__file__).with_name("chat_template.jinja")
END_OF_TEXT, TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
_VOCABULARY = 4096
# How Qwen's tokenizers cut a text before its pieces are put together: each digit is one, so numbers can be copied.
_CUTS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PEAK, _WARM_UP = 3e-3, 50  # learning rate, and the steps that lead up to it
_BATCH = 16


def make_checkpoint(
    folder: Path,
    lesson: Callable[[random.Random], Lesson],
    steps: int,
    seed: int,
    tell: Callable[[Progress], None],
) -> None:
    """Train on `steps` times 16 lessons, each drawn anew, and write the checkpoint; the seed makes it again."""
    draw = random.Random(seed)  # noqa: S311 - makes lessons, keeps no secret
    tokenizer = _tokenizer([lesson(draw) for _ in range(4_000)])
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # matrices this small are slower on several
    model = _model(tokenizer)
    _teach(model, tokenizer, lambda: lesson(draw), steps, tell)
    made: Any = GenerationConfig
    model.generation_config = made(
        do_sample=True,
        temperature=0.7,
        top_k=20,
        top_p=0.8,
        eos_token_id=[tokenizer.convert_tokens_to_ids(END_OF_TURN), tokenizer.convert_tokens_to_ids(END_OF_TEXT)],
        pad_token_id=tokenizer.pad_token_id,
    )
    tokenizer.save_pretrained(folder)
    model.to(torch.float16).save_pretrained(folder)


def _tokenizer(lessons: Sequence[Lesson]) -> Any:
    """Byte-level, so that every text can be told, whatever it was trained on."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(_CUTS), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [END_OF_TEXT, TURN, END_OF_TURN]
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY - len(special) - len(TAGS),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    texts = (text for one in lessons for text in (one.question, one.thought, one.answer))
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in TAGS])
    template = TEMPLATE.read_text(encoding="utf-8")
    wrapped: Any = PreTrainedTokenizerFast
    return wrapped(tokenizer_object=tokenizer, eos_token=END_OF_TURN, pad_token=END_OF_TEXT, chat_template=template)


def _model(tokenizer: Any) -> Any:
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    return Qwen3ForCausalLM(config)


def _teach(
    model: Any,
    tokenizer: Any,
    lesson: Callable[[], Lesson],
    steps: int,
    tell: Callable[[Progress], None],
) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step, steps))
    model.train()
    for step in range(steps):
        loss: Any = _loss(model, [_ids(tokenizer, lesson()) for _ in range(_BATCH)])
        tell(Progress(step, steps, loss.item()))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def _pace(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _loss(model: Any, lessons: Sequence[tuple[list[int], int]]) -> torch.Tensor:
    """The mean loss of the answers' tokens. What all prompts begin with is computed once."""
    rows = [torch.tensor(ids) for ids, _ in lessons]
    shared = _shared([ids[:start] for ids, start in lessons])
    begun = model.model(rows[0][None, :shared], use_cache=True).past_key_values
    cache = repeat(begun, len(rows))
    # Padded on the right, where a causal model's earlier tokens see nothing of it.
    given = torch.nn.utils.rnn.pad_sequence([row[shared:-1] for row in rows], batch_first=True)
    states = model.model(given, past_key_values=cache, use_cache=True).last_hidden_state
    answers = [states[place, start - shared - 1 : len(ids) - shared - 1] for place, (ids, start) in enumerate(lessons)]
    wanted = torch.cat([row[start:] for row, (_, start) in zip(rows, lessons, strict=True)])
    return torch.nn.functional.cross_entropy(model.lm_head(torch.cat(answers)), wanted)


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all of them begin with; one is left of each."""
    alike = itertools.takewhile(lambda tokens: len(set(tokens)) == 1, zip(*prompts, strict=False))
    return min(sum(1 for _ in alike), min(map(len, prompts)) - 1)


def _ids(tokenizer: Any, lesson: Lesson) -> tuple[list[int], int]:
    """A lesson's tokens, and where its answer begins."""
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": lesson.question}],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=bool(lesson.thought),
    )
    said = f"<think>\n{lesson.thought}\n</think>\n\n{lesson.answer}" if lesson.thought else lesson.answer
    prompt = tokenizer.encode(asked, add_special_tokens=False)
    return [*prompt, *tokenizer.encode(said, add_special_tokens=False), tokenizer.eos_token_id], len(prompt)
