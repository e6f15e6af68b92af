"""The subcommand that talks to an assistant in the terminal."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Sequence

import click

from runtime.bound_calls import BoundCalls
from runtime.calls import load_calls
from runtime.config import RuntimeConfig
from runtime.dialogue_manager import ConversationError, DialogueManager
from runtime.events import Event
from runtime.outfit import Outfit
from taskflow.backbones.loading import load_backbone
from taskflow.config import BackboneConfig
from taskflow.options import Settings, as_json, print_json, with_settings


@click.command()
@click.argument("assistant")
@as_json
@with_settings
def chat(settings: Settings, assistant: str, as_json: bool) -> None:
    """Talk to the published version of an assistant.

    With --json it reads messages on stdin, one a line, and answers each with one JSON line; empty lines are
    skipped. Calls that no function answers are rehearsed here: they take the outcome that the logs had most often.

    \b
    Examples: taskflow chat support
              printf 'my parcel is late\\n' | taskflow chat support --json
    """
    config = settings.configuration.section("runtime", RuntimeConfig)
    manager = make_manager(settings, config.model_copy(update={"unbound_calls": "rehearse"}))
    conversation = manager.start(assistant)
    if not as_json:
        click.echo("Write a message; an empty line ends the conversation.")
    for line in _lines(ends_at_empty=not as_json):
        try:
            events = manager.reply(conversation, str(uuid.uuid4()), line)
        except ConversationError as error:
            # One message that cannot be taken does not end the conversation.
            print_json(_told([]) | {"text": str(error), "handoff": False}) if as_json else click.echo(str(error))
            continue
        replies = [event for event in events if event.speaker == "agent"]
        if as_json:
            print_json(_told(replies))
            sys.stdout.flush()
        else:
            for reply in replies:
                click.echo(f"{reply.text}\n    {reply.flow or '-'} | {reply.action or '-'} | {reply.node or '-'}")


@click.command()
@as_json
@with_settings
def close_silent(settings: Settings, as_json: bool) -> None:
    """Close the conversations whose customers have gone.

    A conversation is closed as abandoned when its customer has said nothing for [runtime] silence_minutes; one that a
    person has taken over stays. Run it every few minutes.

    Example: taskflow close-silent
    """
    closed = make_manager(settings, settings.configuration.section("runtime", RuntimeConfig)).close_silent()
    if as_json:
        print_json({"closed": closed})
    else:
        click.echo(f"{closed} conversations closed")


def _lines(ends_at_empty: bool) -> Iterator[str]:
    """The messages on stdin; bytes that are no UTF-8 become replacement characters."""
    while True:
        if sys.stdin.isatty():
            click.echo("> ", nl=False)
        line = sys.stdin.buffer.readline().decode("utf-8", "replace")
        if line.strip(" \t\r\n\x00"):
            yield line
        elif not line or ends_at_empty:
            return


def make_manager(settings: Settings, config: RuntimeConfig) -> DialogueManager:
    """The dialogue manager that the configuration describes."""
    calls = BoundCalls(config.endpoints, None if config.calls is None else load_calls(config.calls))
    outfit = make_outfit(settings, config)
    return DialogueManager(outfit.database, outfit.encoder, outfit.config, outfit.backbone, calls)


def make_outfit(settings: Settings, config: RuntimeConfig) -> Outfit:
    backbone = load_backbone(settings.configuration.section("backbone", BackboneConfig))
    return Outfit(settings.database, settings.encoder, config, backbone)


def _told(replies: Sequence[Event]) -> dict[str, object]:
    """All replies of a turn as one line: their texts joined, the rest of the last that came from a node."""
    last = next((reply for reply in reversed(replies) if reply.node is not None), replies[-1] if replies else None)
    return {
        "text": "\n".join(reply.text for reply in replies),
        "flow": last.flow if last else None,
        "node": last.node if last else None,
        "action": last.action if last else None,
        "evidence": [{"dialogue_id": e.dialogue_id, "turn": e.turn} for e in last.evidence] if last else [],
        "handoff": any(reply.handoff for reply in replies) or not replies,
    }
