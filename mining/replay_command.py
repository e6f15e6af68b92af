"""The subcommand that measures an assistant on logged dialogues."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from mining.held_out import Assigner, ReplayFigures, replay_dialogues
from taskflow.model import AssistantVersion, Speaker
from taskflow.options import Settings, as_json, print_json, say, with_settings
from taskflow.store.assistants import AssistantError, load_draft, load_version, published_id, summarise
from taskflow.store.corpora import read_corpus


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
    if not any(action.speaker is Speaker.AGENT for action in version.assistant.actions):
        raise AssistantError(f"assistant {assistant!r} has no action of an agent: there is nothing to predict")
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


def _served_version(settings: Settings, assistant: str) -> AssistantVersion:
    published = any(known.name == assistant and known.published for known in summarise(settings.database))
    if published:
        return load_version(settings.database, published_id(settings.database, assistant))
    return load_draft(settings.database, assistant)


def _opened(path: Path) -> Any:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written ({error.strerror}); name another file") from error
