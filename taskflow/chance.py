"""How likely counts are by chance alone. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LEAST_EXPECTED = 5.0  # in each cell, for the chi-square distribution to hold


def chance_of_split(one: Sequence[int], other: Sequence[int]) -> float:
    """P of two rows of counts that differ so much or more, if both are drawn alike; 1.0 where nothing can differ.

    Pearson's chi-square test, columns whose expected counts are below 5 taken together; Fisher's exact test where two
    columns are left and one is still so rare.
    """
    columns = _joined(list(zip(one, other, strict=True)))
    if len(columns) < 2 or not sum(left for left, _ in columns) or not sum(right for _, right in columns):
        return 1.0
    if len(columns) == 2 and _rarest(columns, columns[-1]) < _LEAST_EXPECTED:
        (a, b), (c, d) = columns
        return _fisher(a, b, c, d)
    total = sum(map(sum, columns))
    rows = sum(left for left, _ in columns), sum(right for _, right in columns)
    statistic = sum(
        (held - sum(column) * row / total) ** 2 / (sum(column) * row / total)
        for column in columns
        for held, row in zip(column, rows, strict=True)
    )
    return _chi_square_tail(statistic, len(columns) - 1)


def holm(chances: Sequence[float]) -> list[float]:
    """Each chance corrected for how many were looked at (Holm): below α with P < α that even one is so by chance."""
    corrected = [0.0] * len(chances)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda place: chances[place])):
        least = max(least, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = least
    return corrected


_Column = tuple[int, int]


def _joined(columns: Sequence[_Column]) -> list[_Column]:
    """The columns that are seen at all, the commonest first, the rarest taken together."""
    kept = sorted((column for column in columns if sum(column)), key=sum, reverse=True)
    while len(kept) > 2 and _rarest(kept, kept[-1]) < _LEAST_EXPECTED:
        (a, b), (c, d) = kept[-2:]
        kept = sorted([*kept[:-2], (a + c, b + d)], key=sum, reverse=True)
    return kept


def _rarest(columns: Sequence[_Column], column: _Column) -> float:
    """The least count that is expected in a column."""
    rows = sum(left for left, _ in columns), sum(right for _, right in columns)
    return sum(column) * min(rows) / sum(rows)


def _fisher(a: int, b: int, c: int, d: int) -> float:
    """Both tails: all tables with these margins that are no likelier than this one."""
    row, column, total = a + b, a + c, a + b + c + d
    every = range(max(0, row + column - total), min(row, column) + 1)
    logs = {here: _log_ways(column, here) + _log_ways(total - column, row - here) for here in every}
    most = logs[a] + 1e-7
    whole = _log_ways(total, row)
    return min(1.0, sum(math.exp(ways - whole) for ways in logs.values() if ways <= most))


def _log_ways(of: int, taken: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(taken + 1) - math.lgamma(of - taken + 1)


def _chi_square_tail(statistic: float, freedom: int) -> float:
    """P(X ≥ statistic) for `freedom` degrees, by the closed forms for even and odd ones."""
    half = statistic / 2
    if freedom % 2 == 0:
        terms = [1.0]
        for place in range(1, freedom // 2):
            terms.append(terms[-1] * half / place)
        return min(1.0, math.exp(-half) * sum(terms))
    tail = math.erfc(math.sqrt(half))
    term = math.exp(-half) * math.sqrt(half / math.pi) * 2
    for place in range(1, freedom, 2):
        tail += term
        term *= statistic / (place + 2)
    return min(1.0, tail)
