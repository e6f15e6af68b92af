"""Where the stages of mining run: in this process, or on a Ray cluster.

A stage is a function of the module level over partitions. Every engine runs the same functions over the same
partitions and gives their results in the same order, so what is mined does not depend on the engine.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, Protocol, TypeVar
from uuid import uuid4

from taskflow.errors import TaskFlowError

EngineName = Literal["local", "ray"]

_S = TypeVar("_S")
_P = TypeVar("_P")
_R = TypeVar("_R")

_AHEAD = 2  # partitions for each processor of a cluster that are under way at once


class EngineError(TaskFlowError):
    """An engine that cannot be used: one sentence with the remedy."""


class Engine(Protocol):
    def map(self, function: Callable[[_S, _P], _R], shared: _S, partitions: Iterable[_P]) -> Iterator[_R]:
        """`function(shared, partition)` of each partition, in order; few are held in memory at a time.

        `shared` goes to each process once. A function is one of a module, as it may run in another process.
        """


class LocalEngine:
    """One partition after the other, in this process."""

    def map(self, function: Callable[[_S, _P], _R], shared: _S, partitions: Iterable[_P]) -> Iterator[_R]:
        for partition in partitions:
            yield function(shared, partition)


LOCAL = LocalEngine()


class RayEngine:
    """Partitions as tasks of a cluster to which this process is connected."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._task = ray.remote(_run)

    def map(self, function: Callable[[_S, _P], _R], shared: _S, partitions: Iterable[_P]) -> Iterator[_R]:
        # In a list, the reference is handed on as it is, and each process fetches the value when it first needs it.
        name, shared_there = uuid4().hex, [self._ray.put(shared)]
        most = max(1, _AHEAD * int(self._ray.cluster_resources().get("CPU", 1)))
        under_way: deque[Any] = deque()
        for partition in partitions:
            under_way.append(self._task.remote(function, name, shared_there, partition))
            if len(under_way) >= most:
                yield self._result(under_way.popleft())
        while under_way:
            yield self._result(under_way.popleft())

    def _result(self, task: Any) -> Any:
        try:
            return self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error  # as the local engine would raise it
        except self._ray.exceptions.RayError as error:
            raise EngineError(
                f"the Ray cluster lost a part of the work ({error}): look at its nodes, and mine again"
            ) from error


def open_engine(name: EngineName) -> AbstractContextManager[Engine]:
    """An engine for the time of a block. Ray runs on the cluster of RAY_ADDRESS, or on one of its own made here."""
    return nullcontext(LOCAL) if name == "local" else _ray_engine()


@contextmanager
def _ray_engine() -> Iterator[RayEngine]:
    try:
        import ray
    except ImportError as error:
        raise EngineError(
            "ray is not installed: pip install 'taskflow-dialogue[ray]', or use --engine local"
        ) from error
    address = os.environ.get("RAY_ADDRESS")
    try:
        _check_reachable(address)
        ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False)
    except (OSError, ValueError, RuntimeError) as error:
        where = f"the Ray cluster at {address}" if address else "a Ray cluster on this machine"
        raise EngineError(f"{where} cannot be used ({error}): check RAY_ADDRESS, or use --engine local") from error
    try:
        yield RayEngine(ray)
    finally:
        ray.shutdown()


def _check_reachable(address: str | None) -> None:
    """Ray itself would try for many minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and "/" not in host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


_held: dict[str, Any] = {}  # what the tasks of this process share now


def _run(function: Callable[[Any, Any], Any], name: str, shared_there: list[Any], partition: Any) -> Any:
    """A task, in a process of the cluster."""
    import ray

    if name not in _held:
        _held.clear()
        _held[name] = ray.get(shared_there[0])
    return function(_held[name], partition)
