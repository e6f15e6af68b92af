"""The options that the commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from benchmarks.encoding import DEFAULT_VECTORS
from benchmarks.sets import VARIABLE
from taskflow.errors import TaskFlowError


def with_sets(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every command asks, and tell an error of ours as one sentence."""

    @click.option("--data", envvar=VARIABLE, type=click.Path(path_type=Path), help="The folder of external sets.")
    @click.option("--sets", metavar="NAME,…", help="Which sets.  [default: all that are there]")
    @click.option("--methods", metavar="NAME;…", help="Which methods, as the table names them.  [default: all]")
    @click.option("--dialogues", type=click.IntRange(min=2), help="At most so many of each slice.")
    @click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures of every slice here.")
    @click.option("--vectors", type=click.Path(path_type=Path), default=DEFAULT_VECTORS, help="Keeps texts' vectors.")
    @wraps(command)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except TaskFlowError as error:
            raise click.ClickException(str(error)) from error

    return told


def chosen_methods(names: str | None, known: list[str]) -> list[str]:
    """The methods named, semicolons apart; all without names."""
    chosen = known if names is None else [name.strip() for name in names.split(";")]
    for name in chosen:
        if name not in known:
            raise click.ClickException(f"no method is called {name!r}: choose from {'; '.join(known)}")
    return chosen
