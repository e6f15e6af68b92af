"""The subcommand that serves the web pages and the chat."""

from __future__ import annotations

import os
from pathlib import Path

import click

from runtime.commands import make_manager
from runtime.config import RuntimeConfig
from taskflow.config import EncoderConfig
from taskflow.encoders import bundled
from taskflow.options import Settings, say, with_settings
from webui.access import DEVELOPER_VARIABLE, is_loopback
from webui.app import create_app
from webui.config import ServerConfig
from webui.keys import secret_key
from webui.parts import NAME
from webui.server import Loaded, Server
from webui.sockets import ServerError, listening_socket

_WIDGET = Path(__file__).parent / "static" / "dist" / "widget.js"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--threads", default=32, show_default=True, type=click.IntRange(1), help="Requests at a time in each.")
@with_settings
def serve(settings: Settings, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the chat, the demo shop and the developers' pages.

    The developers' pages are for this machine alone, or, with TASKFLOW_DEVELOPER_TOKEN set, for those who know
    it. TASKFLOW_SECRET_KEY signs customers' tokens; without it a key is kept beside a SQLite database.

    Example: taskflow serve --port 8080
    """
    developer_token = os.environ.get(DEVELOPER_VARIABLE) or None
    if developer_token is None and not is_loopback(host):
        raise ServerError(f"--host {host} opens the developers' pages to the network: set {DEVELOPER_VARIABLE} first")
    settings.configuration.section("runtime", RuntimeConfig)
    settings.configuration.section("server", ServerConfig)
    key = secret_key(settings.url)
    if not _WIDGET.is_file():
        say("the front end is not built, so there is no chat widget: install again without TASKFLOW_SKIP_FRONTEND")
    listener = listening_socket(host, port)
    if settings.configuration.section("encoder", EncoderConfig).name == bundled.NAME:
        # Its weights are arrays that nobody changes, so the workers can share them; other encoders hold connections
        # or threads, and each worker loads its own.
        settings.encoder.encode(["hello"])
    # No connection may be open when the workers are forked: SQLite's locks and libpq's streams cannot be shared.
    settings.database.close()
    Server(
        lambda: _application(settings, key, developer_token),
        listener,
        workers,
        threads,
        settings.configuration.section("server", ServerConfig).streams,
    ).run()


def _application(settings: Settings, key: str, developer_token: str | None) -> Loaded:
    # The first encoding takes seconds: no customer should wait for it.
    settings.encoder.encode(["hello"])
    manager = make_manager(settings, settings.configuration.section("runtime", RuntimeConfig))
    config = settings.configuration.section("server", ServerConfig)
    app = create_app(settings.database, manager, config, key, developer_token)
    return app, app.extensions[NAME].listeners
