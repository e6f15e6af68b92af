"""The likelihoods of several continuations of one prompt, whose keys and values are computed already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from taskflow.backbones.engines.decoding import told
from taskflow.backbones.engines.prefix import cut, repeat


def log_likelihoods(model: Any, answers: Sequence[Sequence[int]], logits: Any, cache: Any, length: int) -> list[float]:
    """The sum over each answer's tokens; `logits` follow the prompt, of which `cache` has the `length` tokens."""
    first = torch.log_softmax(logits, dim=-1)
    sums = [float(first[answer[0]]) if answer else 0.0 for answer in answers]
    if max(map(len, answers)) < 2:
        return sums
    with torch.inference_mode(), told():
        follow = _packed if _sees_all(model.config) else _batched
        rest = follow(model, answers, cut(cache, length), length)
    return [a + b for a, b in zip(sums, rest, strict=True)]


def _sees_all(config: Any) -> bool:
    """Whether every layer sees every earlier token, at positions that we can name."""
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    return layers == {"full_attention"} and not getattr(config, "sliding_window", None) and _is_rotary(config)


def _is_rotary(config: Any) -> bool:
    return bool(getattr(config, "rope_parameters", None))


def _packed(model: Any, answers: Sequence[Sequence[int]], cache: Any, length: int) -> list[float]:
    """All answers in one row, each seeing the prompt and itself: the prompt's keys and values are not copied."""
    given = [answer[:-1] for answer in answers]
    place = torch.tensor([number for answer in given for number in range(len(answer))], device=model.device)
    owner = torch.tensor([number for number, answer in enumerate(given) for _ in answer], device=model.device)
    sees = (owner[:, None] == owner[None]) & (place[:, None] >= place[None])
    mask = torch.zeros(len(owner), length + len(owner), dtype=model.dtype, device=model.device)
    mask[:, length:].masked_fill_(~sees, torch.finfo(model.dtype).min)
    logits = model(
        torch.tensor([[token for answer in given for token in answer]], device=model.device),
        position_ids=(length + place)[None],
        attention_mask=mask[None, None],
        past_key_values=cache,
        use_cache=True,
    ).logits[0]
    wanted = torch.tensor([token for answer in answers for token in answer[1:]], device=model.device)
    each = torch.log_softmax(logits.float(), dim=-1).gather(1, wanted[:, None])[:, 0]
    return [float(each[owner == number].sum()) for number in range(len(answers))]


def _batched(model: Any, answers: Sequence[Sequence[int]], cache: Any, length: int) -> list[float]:
    """A row for each answer, for models that look at a window or count positions their own way."""
    longest = max(map(len, answers)) - 1
    # Padding stands at the end, where a causal model's earlier positions cannot see it.
    rows = [[*answer[:-1], *[0] * (longest - len(answer[:-1]))] for answer in answers]
    given = torch.tensor(rows, device=model.device)
    logits = model(given, past_key_values=repeat(cache, len(rows)), use_cache=True).logits
    likelihoods = torch.log_softmax(logits.float(), dim=-1)
    return [
        sum(float(likelihoods[row, place, token]) for place, token in enumerate(answer[1:]))
        for row, answer in enumerate(answers)
    ]
