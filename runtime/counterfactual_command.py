"""The subcommand that tells which of the last conversations would now go differently."""

from __future__ import annotations

import click

from runtime.commands import make_outfit
from runtime.config import RuntimeConfig
from runtime.counterfactual import Act, Difference, Place, replay_conversations
from taskflow.options import Settings, as_json, print_json, with_settings


@click.command("replay-conversations")
@click.argument("assistant")
@click.option("--last", "most", default=100, show_default=True, type=click.IntRange(min=1), help="How many of them.")
@click.option(
    "--version", default="draft", show_default=True, metavar="draft|NUMBER", help="Go through them with this."
)
@as_json
@with_settings
def replay_live(settings: Settings, assistant: str, most: int, version: str, as_json: bool) -> None:
    """Say which of the last live conversations would now go differently, and where.

    What customers said and calls answered stays as it was; each conversation is followed up to where it first goes
    another way. No customer and no call is reached.

    \b
    Examples: taskflow replay-conversations support
              taskflow replay-conversations support --last 500 --version 3 --json
    """
    outfit = make_outfit(settings, settings.configuration.section("runtime", RuntimeConfig))
    replayed = replay_conversations(outfit, assistant, version, most)
    if as_json:
        print_json(replayed.as_json())
        return
    for one in replayed.differences:
        click.echo(_told(one))
    counts = f"{len(replayed.differences)} of {replayed.conversations}"
    click.echo(f"{counts} conversations would go differently ({replayed.turns} turns gone through)")
    for place, count in replayed.places:
        click.echo(f"{count:6}  after {_stood(place)}")


def _told(one: Difference) -> str:
    lines = [
        f"{one.conversation}, turn {one.turn}, after {_stood(one.place)}",
        f"  customer: {one.said or '-'}",
        f"  then: {_done(one.before)}",
        f"  now:  {_done(one.after)}",
    ]
    return "\n".join((*lines, *(f"  {why}" for why in one.why)))


def _stood(place: Place) -> str:
    return "the beginning" if place.node is None else f"{place.flow or '-'}, {place.node}"


def _done(act: Act | None) -> str:
    return "nothing" if act is None else f"{act.what} {act.name}" + (f" ({act.node})" if act.node else "")
