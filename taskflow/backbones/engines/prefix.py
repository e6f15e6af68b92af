"""Keys and values of prompts that were computed before, for prompts that begin the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_KEPT = 8  # prompts; each holds its own keys and values


def cut(cache: Any, length: int) -> Any:
    """The cache of the first `length` tokens. Its tensors are shared: growing a cache makes new ones."""
    return DynamicCache([(layer.keys[..., :length, :], layer.values[..., :length, :]) for layer in cache.layers])


def repeat(cache: Any, times: int) -> Any:
    """The cache of one prompt for a batch of its continuations, without a copy."""
    size = (times, -1, -1, -1)
    return DynamicCache([(layer.keys.expand(size), layer.values.expand(size)) for layer in cache.layers])


class PrefixPool:
    """The last prompts of this process; safe between threads, because nothing in it is ever changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def take(self, ids: Sequence[int]) -> tuple[Any, int]:
        """A cache to go on from, and of how many tokens it is; the last token is always left to compute."""
        with self._lock:
            best = max(self._kept, key=lambda known: _common(known, ids), default=())
            length = min(_common(best, ids), len(ids) - 1)
            if length <= 0:
                return DynamicCache(), 0
            self._kept.move_to_end(best)
            return cut(self._kept[best], length), length

    def common(self, ids: Sequence[int]) -> int:
        """How many tokens `take` would spare."""
        with self._lock:
            return min(max((_common(known, ids) for known in self._kept), default=0), len(ids) - 1)

    def give(self, ids: Sequence[int], cache: Any) -> None:
        """Keep the cache of these tokens; one of their beginning alone is no longer needed."""
        if not all(type(layer) is DynamicLayer for layer in cache.layers):
            return  # layers that forget, such as sliding windows, cannot be cut
        known = tuple(ids)
        with self._lock:
            for other in [other for other in self._kept if known[: len(other)] == other]:
                del self._kept[other]
            self._kept[known] = cut(cache, len(known))
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


def _common(known: Sequence[int], ids: Sequence[int]) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(known, ids, strict=False)) if a != b), min(len(known), len(ids))
    )
