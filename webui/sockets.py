"""Listening on an address, and telling which it is."""

from __future__ import annotations

import os
import socket

from taskflow.errors import TaskFlowError

_BACKLOG = 1024


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
