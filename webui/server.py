"""The production server: gunicorn with threads, started in this process.

An open event stream keeps a thread, which waits and costs little; so there are many threads, of which few may work
at a time.
"""

from __future__ import annotations

import gc
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from gunicorn.app.base import BaseApplication
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from taskflow.errors import TaskFlowError
from webui.sockets import address
from webui.streams import Listeners

_PATIENCE = 600  # seconds: a worker that loads a large model is not dead
_IDLE = 512  # connections that are kept open for a next request
_OTHER_FILES = 128  # that a worker has open: the database, the log, what the encoder loads
_ACCESS = "%(h)s %(m)s %(U)s %(s)s %(M)s ms"


WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Loaded = tuple[WsgiApp, Listeners]


class Turnstile:
    """Lets so many requests work at a time; a stream passes while it is opened, not while it waits."""

    def __init__(self, app: WsgiApp, listeners: Listeners, threads: int) -> None:
        self._app = app
        self._places = threading.BoundedSemaphore(threads)
        self.listeners = listeners

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._places:
            return self._app(environ, start_response)


class Server(BaseApplication):  # type: ignore[misc]
    """Serves what `load` makes in each worker: nothing that a fork would share is made before it.

    A worker answers `threads` requests at a time and holds `streams` event streams open beside them.
    """

    def __init__(
        self, load: Callable[[], Loaded], listener: socket.socket, workers: int, threads: int, streams: int
    ) -> None:
        self._load = load
        self._threads = threads
        self._told = f"serving on {address(listener)} (stop with Ctrl-C)"
        self._settings = {
            "bind": f"fd://{listener.detach()}",
            "worker_class": _Worker,
            "workers": workers,
            "threads": threads + streams,
            "worker_connections": _allowed(threads + streams + _IDLE),
            "timeout": _PATIENCE,
            "loglevel": "warning",
            "logger_class": _Log,
            "accesslog": "-",
            "access_log_format": _ACCESS,
            "control_socket_disable": True,
            "proc_name": "taskflow",
            "pre_fork": _freeze,
            "post_worker_init": self._ready,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            return Turnstile(*self._load(), self._threads)
        except TaskFlowError as error:
            # gunicorn prints this one's text alone and stops the server.
            raise AppImportError(f"taskflow: {error}") from error

    def _ready(self, worker: Any) -> None:
        if worker.age == 1:
            print(self._told, flush=True)  # noqa: T201 - the one line that scripts wait for


class _Worker(ThreadWorker):  # type: ignore[misc]
    """Ends its event streams when it is told to stop, so that no client waits for one that will not go on."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._end_streams()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        self._end_streams()
        super().handle_quit(sig, frame)

    def _end_streams(self) -> None:
        served = getattr(self, "wsgi", None)  # not there while the application is loaded
        if isinstance(served, Turnstile):
            served.listeners.close()


def _allowed(connections: int) -> int:
    """As many as this process may open files for; its own limit is raised as far as that takes and it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - _OTHER_FILES))


def _freeze(_arbiter: Any, _worker: Any) -> None:
    """What is loaded already stays in memory that the workers share: the collector would touch, and so copy, it."""
    gc.freeze()


class _Log(Logger):  # type: ignore[misc]
    """The access log goes to stderr, and a path cannot write lines of its own into it."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.access_log.handlers:
            handler.setStream(sys.stderr)

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return atoms | {"U": quote(environ.get("PATH_INFO", ""), encoding="latin-1")}
