"""`python -m benchmarks.star_charts`: STAR's charts as TaskFlows, and what the agent does next in real dialogues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from benchmarks.encoding import DEFAULT_VECTORS, Encoding, open_encoding
from benchmarks.options import chosen_methods
from benchmarks.sets import VARIABLE
from benchmarks.star_dialogues import SEED, STAR, TUNED, Part, Ranked, read_part, turns_of
from benchmarks.star_flows import chart_and_ways, chart_as_drawn, mined
from benchmarks.star_peers import (
    ceiling,
    graph_of_actions,
    graph_with_calls,
    retrieval,
    retrieval_of_messages,
    strict_walk,
    walk_that_begins_again,
)
from benchmarks.tables import Row, percent, say_licences, table, write_json
from taskflow.errors import TaskFlowError

METHODS: dict[str, Callable[[Part, Encoding], Ranked]] = {
    "chart as drawn, replayed": chart_as_drawn,
    "chart and ways of the training part, replayed": chart_and_ways,
    "mined, replayed": mined,
    "graph of agents' actions": graph_of_actions,
    "graph with calls and outcomes": graph_with_calls,
    "strict walk of the chart": strict_walk,
    "walk that begins again anywhere": walk_that_begins_again,
    "retrieval without flow, by the message": retrieval_of_messages,
    "retrieval without flow, by three turns": retrieval,
    "logistic regression (ceiling)": ceiling,
}

_COLUMNS = {
    "hit@1": "hit_1",
    "hit@3": "hit_3",
    "kept: hit@1": "kept_hit_1",
    "kept: hit@3": "kept_hit_3",
    "given: hit@1": "given_hit_1",
    "given: hit@3": "given_hit_3",
    "kept, given: hit@1": "given_kept_hit_1",
    "kept, given: hit@3": "given_kept_hit_3",
}


@click.command()
@click.option("--data", envvar=VARIABLE, type=click.Path(path_type=Path), help="The folder with star.jsonl.gz.")
@click.option("--methods", metavar="NAME;…", help="Which methods, as the table names them.  [default: all]")
@click.option("--dialogues", type=click.IntRange(min=4), help="At most so many of each task.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here.")
@click.option("--vectors", type=click.Path(path_type=Path), default=DEFAULT_VECTORS, help="Keeps texts' vectors.")
def star_charts(
    data: Path | None, methods: str | None, dialogues: int | None, json_file: Path | None, vectors: Path
) -> None:
    """Say how often each method has the agent's next action first, or among its first three.

    Example: python -m benchmarks.star_charts --data FOLDER
    """
    chosen = chosen_methods(methods, list(METHODS))
    try:
        part = read_part(data, dialogues)
    except TaskFlowError as error:
        raise click.ClickException(str(error)) from error
    with open_encoding(vectors) as encoding:
        rows = [_measured(name, part, encoding) for name in chosen]
    click.echo(
        table(
            ["method", *_COLUMNS], [[row["method"], *(percent(row[key]) for key in _COLUMNS.values())] for row in rows]
        )
    )
    click.echo(f"\n{len(part.trained)} dialogues to learn from, {len(part.held)} held; seed {SEED}.")
    for row in rows[:1]:
        click.echo(f"{row['turns']} agent's turns with a label, {row['kept_turns']} of them of the kept tasks.")
    click.echo(f"Developed on {', '.join(TUNED)}; the other tasks were kept.\n")
    say_licences([STAR])
    if json_file is not None:
        write_json(json_file, rows)


def _measured(name: str, part: Part, encoding: Encoding) -> Row:
    """Once for all tasks together, and once for each alone."""
    alone = [own for task in part.charts if (own := part.of(task)).held and own.trained]
    together, given = _hits(name, [part], encoding), _hits(name, alone, encoding)
    click.echo(f"{name}: {percent(together['hit_1'])}", err=True)
    return {"method": name, **together, **{f"given_{key}": value for key, value in given.items()}}


def _hits(name: str, parts: Sequence[Part], encoding: Encoding) -> Row:
    """Over all turns, and over those of the tasks that nothing was tuned on."""
    hits: Counter[str] = Counter()
    for part in parts:
        turns = [(turn, dialogue.need) for dialogue in part.held for turn in turns_of(dialogue)]
        for (turn, task), ranked in zip(turns, METHODS[name](part, encoding), strict=True):
            first = list(dict.fromkeys(ranked))[:3]
            for side in ("", "kept_")[: 1 if task in TUNED else 2]:
                hits[f"{side}turns"] += 1
                hits[f"{side}hit_1"] += turn.label in first[:1]
                hits[f"{side}hit_3"] += turn.label in first
    shares = {
        f"{side}{hit}": hits[f"{side}{hit}"] / max(1, hits[f"{side}turns"])
        for side in ("", "kept_")
        for hit in ("hit_1", "hit_3")
    }
    return {"turns": hits["turns"], "kept_turns": hits["kept_turns"], **shares}


if __name__ == "__main__":
    star_charts()
