"""Token by token: drawing the next one, and turning tokens into text as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from taskflow.backbones.engines import Run
from taskflow.backbones.engines.prefix import PrefixPool
from taskflow.backbones.errors import RefusedError
from taskflow.backbones.protocol import Sampling

_BLOCK = 512  # tokens of a prompt between two looks at the clock
_BROKEN = "\N{REPLACEMENT CHARACTER}"


@contextmanager
def told() -> Iterator[None]:
    """What torch raises for a prompt beyond the model's length or the machine's memory, as our error."""
    try:
        yield
    except (RuntimeError, IndexError) as error:
        cause = " ".join(str(error).split())[:200]
        raise RefusedError(
            f"the model could not answer ({cause}): shorten the input, or use a larger machine"
        ) from error


def prefill(model: Any, pool: PrefixPool, ids: Sequence[int], run: Run) -> tuple[Any, Any, int]:
    """The logits after the last token, the cache of all tokens, and how many of them were not computed again."""
    cache, reused = pool.take(ids)
    logits = None
    for start in range(reused, len(ids), _BLOCK):
        run.check()
        logits = _forward(model, ids[start : start + _BLOCK], cache)
    pool.give(ids, cache)
    return logits, cache, reused


def write(
    model: Any, pool: PrefixPool, ids: Sequence[int], run: Run, ends: frozenset[int]
) -> Iterator[tuple[int, float]]:
    """Tokens up to one of `ends`, which is the last, or to the run's most; each with its log-likelihood."""
    logits, cache, _ = prefill(model, pool, ids, run)
    drawing = _Drawing(run.sampling, ids, run.seed, logits.device)
    # What grows from here on is its own: the pool's tensors are never changed.
    seen = list(ids)
    try:
        for left in range(run.max_tokens, 0, -1):
            run.check()
            token = drawing.next(logits)
            yield token, float(torch.log_softmax(logits, dim=-1)[token])
            if token in ends or left == 1:
                return
            logits = _forward(model, [token], cache)
            seen.append(token)
    finally:
        pool.give(seen, cache)


@torch.inference_mode()
def _forward(model: Any, ids: Sequence[int], cache: Any) -> Any:
    with told():
        given = torch.tensor([list(ids)], device=model.device)
        return model(given, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[0, -1].float()


class _Drawing:
    def __init__(self, sampling: Sampling, prompt: Sequence[int], seed: int | None, device: Any) -> None:
        self._sampling = sampling
        self._ids = list(prompt)
        self._written: list[int] = []
        self._generator = torch.Generator(device)
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)
        self._warpers = _warpers(sampling)

    def next(self, logits: Any) -> int:
        scores = logits.clone()[None]
        if self._sampling.presence_penalty and self._written:
            scores[:, list(set(self._written))] -= self._sampling.presence_penalty
        scores = self._warpers(torch.tensor([self._ids], device=scores.device), scores)
        if self._sampling.greedy:
            token = int(scores.argmax())
        else:
            token = int(torch.multinomial(torch.softmax(scores, dim=-1), 1, generator=self._generator))
        self._ids.append(token)
        self._written.append(token)
        return token


def _warpers(sampling: Sampling) -> Any:
    warpers = LogitsProcessorList()
    if sampling.repetition_penalty != 1:
        warpers.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    if sampling.greedy:
        return warpers
    warpers.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    return warpers


class Spelling:
    """Text of tokens as they come; letters of which only some bytes are there wait for the rest."""

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._start = self._told = 0

    def add(self, token: int) -> str:
        self._ids.append(token)
        return self._new(whole=False)

    def rest(self) -> str:
        return self._new(whole=True)

    def _new(self, whole: bool) -> str:
        # Decoded with the tokens just before, on which spaces may depend.
        before = self._decode(self._ids[self._start : self._told])
        now = self._decode(self._ids[self._start :])
        if len(now) <= len(before) or (now.endswith(_BROKEN) and not whole):
            return ""
        self._start, self._told = self._told, len(self._ids)
        return now[len(before) :]
