"""The production server: gunicorn with threads, started in this process."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from gunicorn.app.base import BaseApplication
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger

from taskflow.errors import TaskFlowError

_BACKLOG = 1024
_PATIENCE = 600  # seconds: a worker that loads a large model is not dead
_ACCESS = "%(h)s %(m)s %(U)s %(s)s %(M)s ms"


class ServerError(TaskFlowError):
    """The address cannot be served."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that nobody else can take the port; port 0 is any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise ServerError(f"{host} port {port} cannot be served ({reason}): choose another with --port") from error


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(BaseApplication):  # type: ignore[misc]
    """Serves what `load` makes in each worker: nothing that a fork would share is made before it."""

    def __init__(self, load: Callable[[], Any], listener: socket.socket, workers: int, threads: int) -> None:
        self._load = load
        self._told = f"serving on {address(listener)} (stop with Ctrl-C)"
        self._settings = {
            "bind": f"fd://{listener.detach()}",
            "worker_class": "gthread",
            "workers": workers,
            "threads": threads,
            "timeout": _PATIENCE,
            "loglevel": "warning",
            "logger_class": _Log,
            "accesslog": "-",
            "access_log_format": _ACCESS,
            "control_socket_disable": True,
            "proc_name": "taskflow",
            "post_worker_init": self._ready,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            return self._load()
        except TaskFlowError as error:
            # gunicorn prints this one's text alone and stops the server.
            raise AppImportError(f"taskflow: {error}") from error

    def _ready(self, worker: Any) -> None:
        if worker.age == 1:
            print(self._told, flush=True)  # noqa: T201 - the one line that scripts wait for


class _Log(Logger):  # type: ignore[misc]
    """The access log goes to stderr, and a path cannot write lines of its own into it."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.access_log.handlers:
            handler.setStream(sys.stderr)

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return atoms | {"U": quote(environ.get("PATH_INFO", ""), encoding="latin-1")}
