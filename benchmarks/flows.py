"""`python -m benchmarks.flows`: mined flows of several methods against charts, trees and held dialogues."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from benchmarks.dialog2flow import dialog2flow, dialog2flow_of_needs
from benchmarks.encoding import Encoding, open_encoding
from benchmarks.flow_models import FlowModel
from benchmarks.flow_scores import flow_scores
from benchmarks.options import chosen_methods, with_sets
from benchmarks.sequence_models import bigrams, ours, paper, prefix_tree, prefix_tree_with_bigrams
from benchmarks.sets import chosen_sets
from benchmarks.tables import Row, in_order, mean_of, percent, say_licences, table, whole, write_json
from benchmarks.tasks import Task, tasks

USUAL = ("own_en", "own_zh", "star", "star_typed", "flodial")
Builder = Callable[[Task, Encoding], FlowModel]
MINERS: dict[str, Builder] = {
    "ours": ours,
    "Dialog2Flow, K given": dialog2flow,
    "Dialog2Flow, K and needs given": dialog2flow_of_needs,
    "paper": paper,
}
OF_OURS: dict[str, Callable[[Task, FlowModel], FlowModel]] = {
    "ours' actions, prefix tree": prefix_tree,
    "ours' actions, prefix tree with bigrams": prefix_tree_with_bigrams,
    "ours' actions, bigrams": bigrams,
}
METHODS = ["ours", *OF_OURS, *list(MINERS)[1:]]
NEEDS_GIVEN = "Dialog2Flow, K and needs given"
_COLUMNS = {
    "edge P": "one_to_one precision",
    "edge R": "one_to_one recall",
    "edge F1": "one_to_one F1",
    "F1 of visited": "one_to_one F1_of_visited",
    "F1 by majority": "majority F1",
    "path recall": "majority path_recall",
    "path distance": "majority path_distance",
    "held without edit": "without_edit",
    "edit distance": "edit_distance",
    "hit@1": "hit_1",
    "hit@3": "hit_3",
}


@click.command()
@with_sets
def flows(
    data: Path | None,
    sets: str | None,
    methods: str | None,
    dialogues: int | None,
    json_file: Path | None,
    vectors: Path,
) -> None:
    """Mine a training part; hold the flows against gold flows and against dialogues that were not mined.

    Example: python -m benchmarks.flows --data FOLDER --sets own_en,star
    """
    wanted = chosen_methods(methods, METHODS)
    chosen = chosen_sets(sets, data, USUAL)
    rows: list[Row] = []
    with open_encoding(vectors) as encoding:
        for known in chosen:
            for task in tasks(known, data, dialogues):
                rows += _measure(task, wanted, encoding)
    click.echo(table(["set", "domain", "mined", "held", "method", *_COLUMNS, "nodes"], _body(rows)))
    click.echo("\nMean over the domains of each set:\n")
    click.echo(table(["set", "method", *_COLUMNS, "nodes", "seconds"], _means(rows)))
    click.echo()
    say_licences(chosen)
    if json_file is not None:
        write_json(json_file, rows)


def _measure(task: Task, methods: Sequence[str], encoding: Encoding) -> Iterator[Row]:
    for method, model in _models(task, methods, encoding):
        scores = flow_scores(task, model)
        told = f"hit@1 {percent(scores['hit_1'])}, {model.seconds:.1f} s"
        click.echo(f"{task.set.name} {task.domain}: {method}, {told}", err=True)
        sizes = {"dialogues": len(task.trained), "held": len(task.held)}
        yield {"set": task.set.name, "domain": task.domain, "method": method, **sizes, **scores}


def _models(task: Task, methods: Sequence[str], encoding: Encoding) -> Iterator[tuple[str, FlowModel]]:
    """A log of one need has no use for being told the needs."""
    mined = ours(task, encoding) if {"ours", *OF_OURS} & set(methods) else None
    for method in methods:
        if mined is not None and method in OF_OURS:
            yield method, OF_OURS[method](task, mined)
        elif mined is not None and method == "ours":
            yield method, mined
        elif method != NEEDS_GIVEN or len(task.gold) > 1:
            yield method, MINERS[method](task, encoding)


def _body(rows: Sequence[Row]) -> Iterator[list[str]]:
    for row in rows:
        named = [row["set"], row["domain"], f"{row['dialogues']}", f"{row['held']}", row["method"]]
        yield [*named, *(percent(row[key]) for key in _COLUMNS.values()), f"{row['nodes']}"]


def _means(rows: Sequence[Row]) -> Iterator[list[str]]:
    for name in in_order(rows, "set"):
        for method in in_order(rows, "method"):
            own = [row for row in rows if (row["set"], row["method"]) == (name, method)]
            if own:
                figures = [percent(mean_of(own, key)) for key in _COLUMNS.values()]
                yield [
                    name,
                    method,
                    *figures,
                    whole(mean_of(own, "nodes")),
                    f"{sum(row['seconds'] for row in own):.0f}",
                ]


if __name__ == "__main__":
    flows()
