"""The subcommand that lets customers who never were talk to an assistant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import click

from runtime.commands import make_outfit
from runtime.config import RuntimeConfig
from runtime.target import Target
from taskflow.errors import TaskFlowError
from taskflow.options import Settings, print_json, say, with_settings
from taskflow.options import as_json as json_option
from taskflow.store.assistants import calibration_of, load_version, published_id
from webui.orders.faults import FaultPlan, read_faults
from webui.orders.opening import open_book
from webui.orders.seeds import LANGUAGES
from webui.simulation import report
from webui.simulation.gold import read_gold
from webui.simulation.running import Plan, Played, Simulation, Witnessed
from webui.simulation.serving import chat_server, endpoints_of, order_system, scratch_book
from webui.simulation.speaking import Noise
from webui.simulation.talking import Server

_TOLD_EVERY = 25  # conversations


class SimulationError(TaskFlowError):
    """A simulation that cannot be run as it was asked for."""


@click.command()
@click.argument("assistant")
@click.option("--customers", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many come.")
@click.option("--language", default="en", show_default=True, type=click.Choice(LANGUAGES))
@click.option("--seed", default=1, show_default=True, help="The same seed, the same customers and words.")
@click.option(
    "--times", default=1, show_default=True, type=click.IntRange(1, 100), help="Each customer, in other words."
)
@click.option("--noise", default="usual", show_default=True, type=click.Choice([one.value for one in Noise]))
@click.option("--faults", metavar="FILE|LIST", help="Of the order system, such as slow=0.1,down=0.05@track_parcel.")
@click.option("--server", metavar="URL", help="A server that runs already.  [default: one of its own]")
@click.option("--orders", metavar="URL", help="The database of its order system; the book begins anew each time.")
@click.option("--parallel", default=8, show_default=True, type=click.IntRange(1, 256), help="Customers at a time.")
@click.option("--show", default=0, type=click.IntRange(0), metavar="K", help="Print K conversations that failed.")
@click.option("--report", "file", type=click.Path(path_type=Path), metavar="FILE", help="Every conversation, as JSON.")
@json_option
@with_settings
def simulate(  # noqa: PLR0913, PLR0917 - the options of a command
    settings: Settings,
    assistant: str,
    language: str,
    faults: str | None,
    server: str | None,
    orders: str | None,
    show: int,
    file: Path | None,
    as_json: bool,
    **plan: Any,
) -> None:
    """Let scripted customers talk to the published version of an assistant, and judge by the order book.

    Without --server it starts a server and an order system of its own, and leaves the database as it is.

    Example: taskflow simulate after-sale-en --customers 200 --times 4
    """
    if (server is None) is not (orders is None):
        raise SimulationError("--server and --orders go together: give the database of that server's order system")
    if server is not None and faults is not None:
        raise SimulationError("--faults are of an order system that is started here: give them to 'taskflow orders'")
    wanted = Plan(**plan | {"noise": Noise(plan["noise"])})
    witnessed = Witnessed(read_faults(faults) if faults else FaultPlan())
    with ExitStack() as stack:
        if server is None or orders is None:
            book = stack.enter_context(scratch_book(wanted.seed, wanted.customers))
            outfit = make_outfit(settings, settings.configuration.section("runtime", RuntimeConfig))
            address = stack.enter_context(order_system(book, witnessed))
            server = stack.enter_context(chat_server(outfit, _target(settings, assistant), address))
        else:
            book = open_book(orders)
            stack.enter_context(closing(book.database))
        simulation = Simulation(read_gold(language), settings.encoder, book, witnessed, wanted)
        played = simulation.run(Server(server, assistant).begin, _Progress(wanted))
    told = {**report.figures(played, wanted.times), "reasons": report.reasons(played)}
    if file is not None:
        whole = {**told, "played": [report.as_json(one) for one in played]}
        file.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
    if as_json:
        print_json(told)
    else:
        for line in _lines(told, played, wanted.times, show):
            click.echo(line)


class _Progress:
    def __init__(self, plan: Plan) -> None:
        self._all = plan.customers * plan.times
        self._done = 0
        self._reached = 0

    def __call__(self, one: Played) -> None:
        self._done += 1
        self._reached += one.verdict.reached
        if self._done % _TOLD_EVERY == 0:
            say(f"{self._done:,} of {self._all:,} conversations, {self._reached / self._done:.0%} of the goals reached")


def _target(settings: Settings, assistant: str) -> Target:
    key = published_id(settings.database, assistant)
    target = Target(load_version(settings.database, key), calibration_of(settings.database, key))
    if not endpoints_of(target.version.assistant):
        raise SimulationError(
            f"the calls of {assistant!r} are not bound, so it could do nothing: "
            "bind them with 'taskflow bind', and publish it"
        )
    return target


def _lines(told: dict[str, Any], played: Sequence[Played], times: int, show: int) -> Iterator[str]:
    yield from report.table(told, times)
    yield from report.explained(told["reasons"])
    for one in [one for one in played if not one.verdict.reached][:show]:
        yield ""
        yield from report.conversation(one)
