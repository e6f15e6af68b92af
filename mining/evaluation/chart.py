"""Coverage against size as lines in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mining.evaluation.coverage import Curve

WIDTH, HEIGHT = 400.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 42.0, 12.0, 12.0, 40.0


@dataclass(frozen=True, slots=True)
class Plotted:
    """A curve as an SVG path; `colour` counts from 0. `half` is what half of its nodes cover of what all do."""

    name: str | None
    path: str
    colour: int
    nodes: int
    covered: float
    half: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`across` and `up` are the ticks of the axes: where they stand and what they say."""

    curves: tuple[Plotted, ...]
    across: tuple[tuple[float, int], ...]
    up: tuple[tuple[float, float], ...]


def chart(curves: Sequence[Curve]) -> Chart:
    most = max((curve.points[-1][0] for curve in curves), default=1) or 1
    return Chart(
        tuple(_plotted(curve, most, place) for place, curve in enumerate(curves)),
        tuple((_across(size, most), size) for size in _ticks(most)),
        tuple((_up(part), part) for part in (0.0, 0.25, 0.5, 0.75, 1.0)),
    )


def _plotted(curve: Curve, most: int, colour: int) -> Plotted:
    steps = " ".join(f"{_across(size, most):.1f},{_up(covered):.1f}" for size, covered in curve.points)
    nodes, covered = curve.points[-1]
    half = max(share for size, share in curve.points if size <= max(nodes / 2, 1))
    name = None if curve.flow is None else curve.flow.name
    return Plotted(name, "M" + steps.replace(" ", "L"), colour, nodes, covered, half / covered if covered else 0.0)


def _across(size: float, most: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * size / most


def _up(part: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part)


def _ticks(most: int) -> list[int]:
    """About five round numbers from 0."""
    rough = most / 5
    scale = 10 ** max(0, len(str(int(rough))) - 1)
    step = next(scale * times for times in (1, 2, 5, 10) if scale * times >= rough)
    return list(range(0, most + 1, max(1, int(step))))
