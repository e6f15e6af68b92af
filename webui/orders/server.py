"""The order system on a socket, in threads of this process."""

from __future__ import annotations

import threading
from types import TracebackType

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from webui.sockets import address, listening_socket

_HOST = "127.0.0.1"
_POLL = 0.05  # seconds until it sees that it is to end


class OrderServer:
    """Serves `app` to this machine from its making until it is closed; `address` is where.

    A customer's request waits for nobody else's, and what is under way when it is closed is not waited for: clients
    of a real system lose their connection too.
    """

    def __init__(self, app: Flask, port: int = 0) -> None:
        with listening_socket(_HOST, port) as listener:
            self.address = address(listener)
            self._server = make_server(_HOST, port, app, threaded=True, request_handler=_Handler, fd=listener.fileno())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL,), name="orders", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> OrderServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Handler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: the book keeps every write, and addresses hold customers' mail."""
