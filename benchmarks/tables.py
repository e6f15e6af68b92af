"""Figures as Markdown tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.sets import LabelledSet

Row = dict[str, Any]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mean_of(rows: Iterable[Row], name: str) -> float | None:
    """Over the rows that have the figure; None where none has."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return sum(values) / len(values) if values else None


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def whole(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def in_order(rows: Iterable[Row], name: str) -> list[Any]:
    """The distinct values in the order of their appearance."""
    return list(dict.fromkeys(row[name] for row in rows))


def say_licences(sets: Sequence[LabelledSet]) -> None:
    """Which figures may be shown where, and whom to credit."""
    open_, closed = ([known.name for known in sets if known.published is published] for published in (True, False))
    if open_:
        click.echo(f"May be published: {', '.join(open_)}.")
    if closed:
        click.echo(f"For internal use only: {', '.join(closed)}.")
    for known in sets:
        if known.credit:
            click.echo(f"Credit {known.name}: {known.credit}, {known.licence}.")


def write_json(path: Path, figures: object) -> None:
    try:
        path.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written ({error.strerror}); name another file") from error


def _cell(value: object) -> str:
    return value if isinstance(value, str) else f"{value}"
