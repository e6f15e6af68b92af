"""Numbers as the figures give them: four decimals, 0 of nothing."""

from __future__ import annotations

from collections.abc import Sequence

Figures = dict[str, "int | float"]


def share(part: float, whole: float) -> float:
    return round(float(part / whole), 4) if whole else 0.0


def mean(values: Sequence[float]) -> float:
    return share(sum(values), len(values))


def harmonic(one: float, other: float) -> float:
    """F1 of a precision and a recall."""
    return share(2 * one * other, one + other)
