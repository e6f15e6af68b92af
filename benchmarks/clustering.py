"""`python -m benchmarks.clustering`: how true each method's clusters are to the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from benchmarks.clusterers import CLUSTERERS, PEER, SPOKEN, UNSPLIT, Clustered, peer_installed
from benchmarks.encoding import Encoding, open_encoding
from benchmarks.options import chosen_methods, with_sets
from benchmarks.sets import LabelledSet, Slice, chosen_sets, read_slices
from benchmarks.tables import Row, in_order, mean_of, percent, say_licences, table, whole, write_json
from mining.evaluation.clusters import cluster_scores

USUAL = ("own_en", "own_zh", "star_typed", "tau_retail", "flodial", "sgd", "multidogo_user", "crosswoz")
_SCORES = ("ACC", "NMI", "F1", "clusters", "labels", "left_out")


@click.command()
@with_sets
@click.option("--without-split", is_flag=True, help="Also ours without the split by the agent's next action.")
def clustering(  # noqa: PLR0913, PLR0917 - one parameter an option
    data: Path | None,
    sets: str | None,
    methods: str | None,
    dialogues: int | None,
    json_file: Path | None,
    vectors: Path,
    without_split: bool,
) -> None:
    """Group the turns of labelled logs and hold the groups against the labels, per domain and speaker.

    What a method leaves out is one more group in every score. Example:
    python -m benchmarks.clustering --data FOLDER --sets own_en,star_typed
    """
    chosen = chosen_sets(sets, data, USUAL)
    wanted = chosen_methods(methods, [name for name in CLUSTERERS if without_split or name != UNSPLIT])
    if PEER in wanted and not peer_installed():
        click.echo(f"{PEER} is not installed, so it is left out: pip install 'taskflow-dialogue[peers]'", err=True)
        wanted.remove(PEER)
    rows: list[Row] = []
    with open_encoding(vectors) as encoding:
        for known in chosen:
            for measured in read_slices(known, data, dialogues):
                rows += _measure(measured, wanted, encoding)
    _print(rows, chosen, wanted)
    if json_file is not None:
        write_json(json_file, rows)


def _measure(measured: Slice, methods: Sequence[str], encoding: Encoding) -> Iterator[Row]:
    for speaker in SPOKEN:  # so that no method's seconds hold the others' encoding
        encoding([turn.text for turn in measured.turns(speaker)])
    for method in methods:
        found = CLUSTERERS[method](measured, encoding)
        click.echo(f"{measured.set.name} {measured.domain}: {method}, {found.seconds:.1f} s", err=True)
        yield from _scored(measured, method, found)


def _scored(measured: Slice, method: str, found: Clustered) -> Iterator[Row]:
    """A row a speaker; without labels it has no scores."""
    for speaker, groups in found.groups.items():
        pairs = [
            (group, turn.label)
            for group, turn in zip(groups, measured.turns(speaker), strict=True)
            if turn.label is not None
        ]
        scores = cluster_scores([group for group, _ in pairs], [label for _, label in pairs])
        yield {
            "set": measured.set.name,
            "domain": measured.domain,
            "speaker": speaker.value,
            "method": method,
            "dialogues": len(measured.dialogues),
            "turns": len(groups),
            "labelled": len(pairs),
            "seconds": round(found.seconds, 2),
            **{name: scores.get(name) for name in _SCORES},
            # Over all turns: a cluster of turns without labels was found too.
            "clusters": len(set(groups) - {None}),
            "left_out": sum(group is None for group in groups) / len(groups),
        }


def _print(rows: Sequence[Row], chosen: Sequence[LabelledSet], methods: Sequence[str]) -> None:
    click.echo(
        table(["set, speaker", "slices", "turns", "method", "ACC", "NMI", "F1", "K", "gold K", "left out"], _body(rows))
    )
    click.echo("\nMean over the sets and speakers that all methods have figures for, each of the same weight:\n")
    click.echo(table(["method", "ACC", "NMI", "F1", "seconds in all", "sets and speakers"], _means(rows, methods)))
    click.echo()
    say_licences(chosen)


def _body(rows: Sequence[Row]) -> Iterator[list[str]]:
    """The mean over domains, a line for each set, speaker and method."""
    for name in in_order(rows, "set"):
        for speaker in sorted(in_order(rows, "speaker")):
            for method in in_order(rows, "method"):
                own = [r for r in rows if (r["set"], r["speaker"], r["method"]) == (name, speaker, method)]
                if own:
                    yield [
                        f"{name}, {speaker}",
                        str(len(own)),
                        f"{sum(row['turns'] for row in own):,}",
                        method,
                        *(percent(mean_of(own, score)) for score in ("ACC", "NMI", "F1")),
                        whole(mean_of(own, "clusters")),
                        whole(mean_of(own, "labels")),
                        percent(mean_of(own, "left_out")),
                    ]


def _means(rows: Sequence[Row], methods: Sequence[str]) -> Iterator[list[str]]:
    """Every set and speaker weighs the same; only what all methods have a figure for."""
    groups: dict[str, dict[tuple[str, str], list[Row]]] = {method: {} for method in methods}
    for row in rows:
        if row["ACC"] is not None:
            groups[row["method"]].setdefault((row["set"], row["speaker"]), []).append(row)
    shared = set.intersection(*(set(own) for own in groups.values())) if groups else set()
    for method in methods:
        means = [
            {score: mean_of(groups[method][key], score) for score in ("ACC", "NMI", "F1")} for key in sorted(shared)
        ]
        slices = {(row["set"], row["domain"]): row["seconds"] for row in rows if row["method"] == method}
        scores = [percent(mean_of(means, score)) for score in ("ACC", "NMI", "F1")]
        yield [method, *scores, f"{sum(slices.values()):.0f}", str(len(shared))]


if __name__ == "__main__":
    clustering()
