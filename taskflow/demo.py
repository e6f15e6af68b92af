"""The whole main job on the sample data, by running the other subcommands in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import click

from taskflow.options import Settings, say, with_settings
from taskflow.sample import sample_path
from taskflow.store.assistants import summarise

_LANGUAGES = ("en", "zh")
_ORDERS_URL = "ORDERS_URL"  # data/demo.toml reads it


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@with_settings
@click.pass_context
def demo(ctx: click.Context, settings: Settings, host: str, port: int) -> None:
    """Import, mine, bind and publish the sample logs in English and Chinese, then serve the demo shop.

    Its order system starts with it, with a new book each time; what is mined and published is kept, and running it
    again repeats nothing that is done.

    Example: taskflow demo --port 8080
    """
    run = _Runner(ctx, settings)
    for language in _LANGUAGES:
        name = f"after-sale-{language}"
        run("import", str(sample_path(f"after-sale.{language}.jsonl.gz")), "--corpus", name)
        known = {assistant.name: assistant for assistant in summarise(settings.database)}
        if name not in known:
            run("mine", name)
        if name not in known or known[name].published is None:
            run("bind", name, str(sample_path("after_sale/bindings.json")))
            run("publish", name)
    say("Open the address below: /shop is the demo shop with its chat, / shows what was mined. Stop with Ctrl-C.")
    settings.database.close()  # the server opens its own connections, after it forked
    with _order_system() as address:
        os.environ[_ORDERS_URL] = address
        run("serve", "--host", host, "--port", str(port))


@contextmanager
def _order_system() -> Iterator[str]:
    """The address of an order system with a book of its own, served for as long as the block lasts."""
    command = [sys.executable, "-c", "from taskflow.cli import main; main()", "orders", "--port", "0"]
    with TemporaryDirectory(prefix="taskflow-orders-") as folder:
        command += ["--database", f"sqlite:///{folder}/orders.db"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as served:
            try:
                said = "" if served.stdout is None else served.stdout.readline()
                found = re.search(r"https?://\S+", said)
                if found is None:
                    raise click.ClickException(f"the order system did not start: {said.strip() or 'it said nothing'}")
                say(f"$ taskflow orders   # {said.strip()}")
                yield found[0].rstrip(",")
            finally:
                served.terminate()


class _Runner:
    """Runs subcommands as a person would, on the demo's database, and shows each before it runs."""

    def __init__(self, ctx: click.Context, settings: Settings) -> None:
        self._ctx = ctx
        self._url = settings.url
        self._config = str(sample_path("demo.toml"))

    def __call__(self, name: str, *arguments: str) -> None:
        group = self._ctx.find_root().command
        command = group.get_command(self._ctx, name) if isinstance(group, click.Group) else None
        if command is None:
            raise click.ClickException(f"the subcommand {name!r} is not installed: install TaskFlow again")
        say(f"$ taskflow {' '.join((name, *arguments))}")
        settings = ["--database", self._url, "--config", self._config]
        command.main([*arguments, *settings], prog_name=f"taskflow {name}", standalone_mode=False)
