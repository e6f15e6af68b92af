"""Subcommands that mine corpora and look at what was mined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from mining.config import MiningConfig
from mining.evaluation import evaluate as score_assistant
from mining.runs import run_mining
from mining.worker import work
from taskflow.options import Settings, as_json, print_json, say, with_settings
from taskflow.store.assistants import load_draft
from taskflow.store.corpora import CorpusError, read_corpus
from taskflow.store.names import checked_name
from taskflow.store.runs import read_assignments


@click.command()
@click.argument("corpus")
@click.option("--assistant", metavar="NAME", help="The assistant whose draft this becomes.  [default: CORPUS]")
@as_json
@with_settings
def mine(settings: Settings, corpus: str, assistant: str | None, as_json: bool) -> None:
    """Mine a corpus to Dialogue Actions and TaskFlows: the new draft of an assistant.

    Example: taskflow mine support
    """
    config = settings.configuration.section("mining", MiningConfig)
    name = checked_name(assistant or corpus)
    result = run_mining(settings.database, corpus, name, settings.encoder, config, say)
    figures = result.figures
    if as_json:
        wanted = ("actions", "flows", "utterances", "assigned", "seconds", "note")
        told = {key: figures[key] for key in wanted if key in figures}
        print_json({"run": result.saved.run, "assistant": name} | told)
        return
    assigned = figures["assigned"] / max(figures["utterances"], 1)
    cut = figures["steps_cut"] / max(figures["steps"], 1)
    click.echo(
        f"{name}: {figures['actions']} actions, {figures['flows']} TaskFlows with {figures['nodes']} nodes, "
        f"in {figures['seconds']} s\n"
        f"{assigned:.1%} of {figures['utterances']} utterances are in an action; "
        f"pruning cut {cut:.1%} of the dialogues' steps from the trees "
        f"(least_share {config.least_share:g}, least_probability {config.least_probability:g})"
    )
    if result.saved.edits_kept or result.saved.edits_dropped:
        click.echo(f"edits of the draft: {result.saved.edits_kept} kept, {result.saved.edits_dropped} no longer fit")
    if "note" in figures:
        click.echo(figures["note"])


@click.command()
@click.argument("corpus")
@with_settings
def assignments(settings: Settings, corpus: str) -> None:
    """Print the actions of every turn of a mined corpus, a JSON object a line.

    Example: taskflow assignments support > turns.jsonl
    """
    rows = read_assignments(settings.database, corpus)
    if rows is None:
        raise CorpusError(f"corpus {corpus!r} is not mined yet: run 'taskflow mine {corpus}'")
    for row in rows:
        print_json(
            {
                "dialogue_id": row.dialogue_id,
                "turn": row.turn,
                "speaker": row.speaker,
                "action_id": row.action_id,
                "action": row.action,
                "also": list(row.also),
            }
        )


@click.command()
@click.argument("assistant")
@click.option("--corpus", required=True, metavar="NAME", help="The corpus it was mined from, with labelled turns.")
@click.option("--gold", type=click.Path(path_type=Path), metavar="FILE", help="Gold trees, as data/README.md says.")
@as_json
@with_settings
def evaluate(settings: Settings, assistant: str, corpus: str, gold: Path | None, as_json: bool) -> None:
    """Score a mined draft against the labels of its corpus and against gold trees.

    Example: taskflow evaluate after-sale-en --corpus after-sale-en --gold data/after-sale.flow.json
    """
    draft = load_draft(settings.database, assistant).assistant
    dialogues = [dialogue for _, dialogue in read_corpus(settings.database, corpus)]
    rows = read_assignments(settings.database, corpus)
    if rows is None:
        raise CorpusError(f"corpus {corpus!r} is not mined yet: run 'taskflow mine {corpus}'")
    figures = score_assistant(draft, dialogues, rows, None if gold is None else _gold_flows(gold))
    if as_json:
        print_json(figures)
        return
    for speaker, scores in figures["actions"].items():
        click.echo(f"actions of the {speaker}: {_listed(scores)}")
    if "needs" in figures:
        click.echo(f"needs: {_listed(figures['needs'])}")
    for flow, scores in figures.get("edges", {}).items():
        click.echo(f"edges of {flow!r}: {_listed(scores)}")
    if "edge_F1_mean" in figures:
        click.echo(f"edges, mean F1: {figures['edge_F1_mean']}")


@click.command()
@click.option("--until-empty", is_flag=True, help="Stop when no job waits.")
@with_settings
def worker(settings: Settings, until_empty: bool) -> None:
    """Take the mining jobs that the web pages ask for, one at a time; several workers may run at once.

    Example: taskflow worker
    """
    config = settings.configuration.section("mining", MiningConfig)
    say("waiting for jobs; stop with Ctrl-C")
    work(settings.database, settings.encoder, config, say, until_empty=until_empty)


def _gold_flows(path: Path) -> dict[str, Any]:
    try:
        flows: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for flow in flows.values():
            actions = {node["id"]: node["action"] for node in flow["nodes"]}
            _ = [(actions[edge["from"]], actions[edge["to"]]) for edge in flow["edges"]]
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}): check --gold") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(
            f'{path}: holds no gold trees ({error}): give {{"NEED": {{"nodes": […], "edges": […]}}}}'
        ) from error
    return flows


def _listed(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in scores.items())
