"""Subcommands that mine corpora and look at what was mined."""

from __future__ import annotations

import click

from mining.config import MiningConfig
from mining.engine import EngineName
from mining.runs import run_mining
from mining.worker import work
from taskflow.options import Settings, as_json, print_json, say, with_settings
from taskflow.store.corpora import CorpusError
from taskflow.store.names import checked_name
from taskflow.store.runs import read_assignments


@click.command()
@click.argument("corpus")
@click.option("--assistant", metavar="NAME", help="The assistant whose draft this becomes.  [default: CORPUS]")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    help="Where the stages run: here, or on a Ray cluster (RAY_ADDRESS, or one made for this run).  [default: local]",
)
@as_json
@with_settings
def mine(settings: Settings, corpus: str, assistant: str | None, engine: EngineName | None, as_json: bool) -> None:
    """Mine a corpus to Dialogue Actions and TaskFlows: the new draft of an assistant.

    Example: taskflow mine support
    """
    config = settings.configuration.section("mining", MiningConfig)
    if engine is not None:
        config = config.model_copy(update={"engine": engine})
    name = checked_name(assistant or corpus)
    result = run_mining(settings.database, corpus, name, settings.encoder, config, say)
    figures = result.figures
    if as_json:
        wanted = ("actions", "flows", "utterances", "assigned", "seconds", "stage_seconds", "peak_megabytes", "note")
        told = {key: figures[key] for key in wanted if key in figures}
        proposed = {} if result.saved.proposals is None else {"proposals": result.saved.proposals}
        print_json({"run": result.saved.run, "assistant": name} | told | proposed)
        return
    assigned = figures["assigned"] / max(figures["utterances"], 1)
    cut = figures["steps_cut"] / max(figures["steps"], 1)
    click.echo(
        f"{name}: {figures['actions']} actions, {figures['flows']} TaskFlows with {figures['nodes']} nodes, "
        f"in {figures['seconds']} s\n"
        f"{assigned:.1%} of {figures['utterances']} utterances are in an action; "
        f"pruning cut {cut:.1%} of the dialogues' steps from the trees "
        f"({_thresholds(config)})"
    )
    if result.saved.proposals is not None:
        click.echo(
            f"the draft was reviewed: its counts are fresh, nothing else changed; {result.saved.proposals} proposals "
            f"(see 'taskflow proposals {name}')"
        )
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
@click.option("--until-empty", is_flag=True, help="Stop when no job waits.")
@with_settings
def worker(settings: Settings, until_empty: bool) -> None:
    """Take the mining jobs that the web pages ask for, one at a time; several workers may run at once.

    Example: taskflow worker
    """
    config = settings.configuration.section("mining", MiningConfig)
    say("waiting for jobs; stop with Ctrl-C")
    work(settings.database, settings.encoder, config, say, until_empty=until_empty)


def _thresholds(config: MiningConfig) -> str:
    if config.method == "taskflow":
        return "held-out dialogues chose how far"
    paper = config.paper
    return (
        f"least_support {paper.least_support}, least_probability {paper.least_probability:g}, "
        f"most_children {paper.most_children}, depth {paper.depth}"
    )
