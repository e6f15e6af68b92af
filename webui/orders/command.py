"""The subcommand that serves the order system."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing
from datetime import datetime

import click

from webui.orders.app import TOKEN_VARIABLE, create_orders
from webui.orders.faults import FaultPlan, Faults, read_faults
from webui.orders.opening import open_book
from webui.orders.server import OrderServer


@click.command()
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--database", "url", default="sqlite:///orders.db", show_default=True, metavar="URL", help="Its own.")
@click.option("--seed", type=int, help="What the customers of a new book are made from.  [default: 1]")
@click.option(
    "--customers",
    type=click.IntRange(0, 1_000_000),
    help="How many a new book has in each language, beside the sample shop's.  [default: 0]",
)
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day that it always is in this shop.  [default: today; for a book that is there, its own]",
)
@click.option("--faults", metavar="FILE|LIST", help="A JSON file, or such as slow=0.1,down=0.05@track_parcel.")
def orders(
    port: int, url: str, seed: int | None, customers: int | None, day: datetime | None, faults: str | None
) -> None:
    """Serve, to this machine, a shop's order system: a book of orders under rules, to try an assistant's calls on.

    With ORDERS_TOKEN set, requests have to bring it as a bearer token. docs/order-system.md tells the rules.

    Example: taskflow orders --port 8090 --customers 1000 --faults slow=0.1
    """
    token = os.environ.get(TOKEN_VARIABLE) or None
    plan = read_faults(faults) if faults else FaultPlan()
    book = open_book(url, seed=seed, customers=customers, day=None if day is None else day.date())
    ended = threading.Event()
    with closing(book.database), OrderServer(create_orders(book, Faults(plan), token), port) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        click.echo(f"orders on {server.address}, where it is {book.day} (stop with Ctrl-C)")
        ended.wait()
    click.echo("the order system has stopped; its book is kept", err=True)
