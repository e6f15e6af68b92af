"""Subcommands that turn logs into assistants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import click

from mining.config import MiningConfig
from mining.evaluation import evaluate as score_assistant
from mining.held_out import Assigner, ReplayFigures, replay_dialogues
from mining.logs import LoggedDialogue, LogOptions, Refusal, read_log
from mining.runs import run_mining
from mining.worker import work
from taskflow.model import AssistantVersion, Speaker
from taskflow.options import Settings, as_json, print_json, say, with_settings
from taskflow.store.assistants import load_draft, load_version, published_id, summarise
from taskflow.store.corpora import CorpusError, add_dialogues, read_corpus
from taskflow.store.names import checked_name
from taskflow.store.runs import read_assignments

_BATCH = 500


@dataclass(slots=True)
class _Imported:
    dialogues: int = 0
    utterances: int = 0
    there: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--corpus", required=True, metavar="NAME", help="The corpus to add to; made if it is not there.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help="CSV: the column that holds a field, such as text=Message (for columns of unusual names).",
)
@click.option(
    "--speaker",
    "speakers",
    multiple=True,
    metavar="NAME=WHO",
    help="What the log calls a speaker, such as robot=agent; WHO is user, agent or system.",
)
@as_json
@with_settings
def import_(
    settings: Settings, file: Path, corpus: str, columns: tuple[str, ...], speakers: tuple[str, ...], as_json: bool
) -> None:
    """Add logged dialogues to a corpus, personal and order data masked.

    FILE is JSON Lines (one dialogue a line) or CSV/TSV (one utterance a row), plain or gzipped, UTF-8 or GB18030.
    Importing the same file again adds nothing; an import that was interrupted goes on where it stopped.

    \b
    Examples: taskflow import logs.jsonl.gz --corpus support
              taskflow import chats.csv --corpus support --column text=Message --speaker robot=agent
    """
    options = LogOptions(dict(map(_pair, columns)), {name: _speaker(who) for name, who in map(_pair, speakers)})
    imported = _import(settings, checked_name(corpus), read_log(file, options))
    for refusal in imported.refusals:
        say(f"{file}, line {refusal.line}: {refusal.reason}")
    if as_json:
        print_json(
            {
                "dialogues": imported.dialogues,
                "utterances": imported.utterances,
                "refused": len(imported.refusals),
                "refusals": [{"line": r.line, "reason": r.reason} for r in imported.refusals],
            }
        )
    else:
        click.echo(
            f"{imported.dialogues} dialogues with {imported.utterances} utterances went into {corpus}; "
            f"{imported.there} were there already, {len(imported.refusals)} were refused"
        )
    if not imported.dialogues and not imported.there:
        raise CorpusError(f"{file}: no dialogue could be imported; see the reasons above")


def _import(settings: Settings, corpus: str, entries: Iterator[LoggedDialogue | Refusal]) -> _Imported:
    imported = _Imported()
    while batch := list(islice(entries, _BATCH)):
        imported.refusals += [entry for entry in batch if isinstance(entry, Refusal)]
        offered = [entry for entry in batch if isinstance(entry, LoggedDialogue)]
        if not offered:
            continue
        additions = add_dialogues(settings.database, corpus, [(e.dialogue, e.digest) for e in offered])
        for entry, addition in zip(offered, additions, strict=True):
            if addition.conflict:
                told = f"dialogue {addition.dialogue_id!r} is in {corpus} already with other content"
                imported.refusals.append(Refusal(entry.line, f"{told}: give it another id"))
            elif addition.added:
                imported.dialogues += 1
                imported.utterances += len(entry.dialogue.utterances)
            else:
                imported.there += 1
        say(f"{imported.dialogues + imported.there:,} dialogues read")
    return imported


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
@click.option("--corpus", required=True, metavar="HELD", help="Logged dialogues; they need not be mined.")
@click.option("--predictions", type=click.Path(path_type=Path), metavar="FILE", help="Write each prediction here.")
@as_json
@with_settings
def replay(settings: Settings, assistant: str, corpus: str, predictions: Path | None, as_json: bool) -> None:
    """Say how far logged dialogues stay on an assistant's flows, and how often they tell the agent's next action.

    It takes the published version, or the draft of an assistant that has none.

    Example: taskflow replay support --corpus last-week --predictions predictions.jsonl
    """
    version = _served_version(settings, assistant)
    dialogues = (dialogue for _, dialogue in read_corpus(settings.database, corpus))
    assigner = Assigner(settings.database, version, settings.encoder)
    figures = ReplayFigures()
    with ExitStack() as stack:
        file = None if predictions is None else stack.enter_context(_opened(predictions))
        for replayed in replay_dialogues(version, assigner, dialogues):
            figures.add(replayed)
            if file is not None:
                for turn in replayed.agent_turns:
                    row = {"dialogue_id": turn.dialogue_id, "turn": turn.turn}
                    row |= {"predicted": list(turn.predicted), "action_id": turn.action_id}
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if figures.dialogues % 500 == 0:
                say(f"{figures.dialogues:,} dialogues replayed")
    shares = figures.shares()
    if as_json:
        print_json({"assistant": assistant, "version": version.number, "corpus": corpus} | shares)
        return
    for name, value in shares.items():
        click.echo(f"{name.replace('_', ' '):30} {value:.1%}" if isinstance(value, float) else f"{name:30} {value}")


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


def _served_version(settings: Settings, assistant: str) -> AssistantVersion:
    published = any(known.name == assistant and known.published for known in summarise(settings.database))
    if published:
        return load_version(settings.database, published_id(settings.database, assistant))
    return load_draft(settings.database, assistant)


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


def _opened(path: Path) -> Any:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written ({error.strerror}); name another file") from error


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _speaker(who: str) -> Speaker:
    if who not in tuple(Speaker):
        raise click.UsageError(f"{who!r} is no speaker: use user, agent or system")
    return Speaker(who)
