"""The line to an OpenAI-compatible server: one pool of connections, and what to do when the server is in trouble."""

from __future__ import annotations

import random
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from taskflow.backbones.engines import Run
from taskflow.backbones.errors import (
    BackboneError,
    BrokenAnswerError,
    OutOfTimeError,
    OverloadedError,
    RefusedError,
    UnreachableError,
)
from taskflow.backbones.protocol import GREEDY

_TRIES = 3
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 4.0  # seconds
_FAILURES, _REST = 5, 15.0  # so many in a row, and the server is left alone for so many seconds


class Breaker:
    """Leaves a server alone that has failed again and again; after a rest one request tries whether it is back."""

    def __init__(self, failures: int = _FAILURES, rest: float = _REST) -> None:
        self._most, self._rest = failures, rest
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def check(self) -> None:
        with self._lock:
            left = self._closed_until - time.monotonic()
            if self._failures < self._most:
                return
            if left > 0:
                raise OverloadedError(
                    f"the model's server failed {self._failures} times in a row and is left alone for "
                    f"{left:.0f} seconds: check that it runs",
                    after=left,
                )
            self._closed_until = time.monotonic() + self._rest  # this request alone tries

    def tell(self, *, failed: bool) -> None:
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            if self._failures >= self._most:
                self._closed_until = time.monotonic() + self._rest


class Connection:
    """`concurrency` requests at once; those above wait. `timeout`: seconds for an answer that has no deadline."""

    def __init__(self, url: str, key: str | None, timeout: float, concurrency: int) -> None:
        try:
            import openai
        except ImportError as error:
            raise BackboneError(
                "openai is not installed: pip install 'taskflow-dialogue[openai]'", retryable=False
            ) from error
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._openai = openai
        self._client: Any = openai.OpenAI(
            base_url=self.url,
            api_key=key or "none",
            timeout=timeout,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(event_hooks={"response": [_bounded]}),
        )
        # The library closes only a pool that it made itself.
        weakref.finalize(self, self._client.close)
        self._free = threading.BoundedSemaphore(concurrency)
        self._breaker = Breaker()

    def get(self, path: str) -> Any:
        return self._call("get", path, None)

    def post(self, path: str, body: Mapping[str, object], run: Run | None = None) -> Any:
        return self._call("post", path, body, run)

    def stream(self, path: str, body: Mapping[str, object], run: Run) -> Iterator[Any]:
        """The events; a server that breaks down before the first one is asked again, within the deadline."""
        run = patient(run, self.timeout)
        with self._slot(run):
            for attempt in range(_TRIES):
                told = False
                try:
                    for event in self._events(path, body, run):
                        told = True
                        yield event
                    return
                except BackboneError as error:
                    if told or not error.retryable or attempt == _TRIES - 1:
                        raise
                    self._wait(attempt, error, run)

    def root(self, path: str) -> str:
        """The address of what a server keeps beside /v1."""
        return self.url.removesuffix("/v1") + path

    def _call(self, method: str, path: str, body: Mapping[str, object] | None, run: Run | None = None) -> Any:
        run = patient(run or Run(1, GREEDY), self.timeout)
        with self._slot(run):
            for attempt in range(_TRIES):
                try:
                    with self._watched():
                        options = {"timeout": self._seconds(run)}
                        if method == "get":
                            return self._client.get(path, cast_to=object, options=options)
                        return self._client.post(path, body=body, cast_to=object, options=options)
                except BackboneError as error:
                    if not error.retryable or attempt == _TRIES - 1:
                        raise
                    self._wait(attempt, error, run)
        raise AssertionError("unreachable")

    def _events(self, path: str, body: Mapping[str, object], run: Run) -> Iterator[Any]:
        with self._watched():
            answer: Any = self._client.post(
                path,
                body={**body, "stream": True},
                cast_to=object,
                options={"timeout": self._seconds(run)},
                stream=True,
                stream_cls=self._openai.Stream[Any],
            )
            with answer:
                for event in answer:
                    run.check()
                    yield event

    @contextmanager
    def _slot(self, run: Run) -> Iterator[None]:
        """One of the requests that may run at once."""
        run.check()
        if not self._free.acquire(timeout=self._seconds(run)):
            raise OverloadedError(
                f"too many requests wait for the model's server at {self.url}: ask again, or add machines"
            )
        try:
            yield
        finally:
            self._free.release()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """One try: what the library raises, as our errors, with the breaker told."""
        self._breaker.check()
        try:
            yield
        except OutOfTimeError:
            self._breaker.tell(failed=True)
            raise
        except BackboneError:
            raise  # we gave up, not the server
        except (self._openai.OpenAIError, ValueError) as error:
            told = self._as_ours(error)
            self._breaker.tell(failed=isinstance(told, UnreachableError))
            raise told from error
        self._breaker.tell(failed=False)

    def _as_ours(self, error: Exception) -> BackboneError:
        lib, why = self._openai, " ".join(str(error).split())[:300]
        if isinstance(error, lib.APITimeoutError):
            return UnreachableError(f"the model's server at {self.url} was silent for too long: check that it runs")
        if isinstance(error, lib.RateLimitError):
            asked = error.response.headers.get("retry-after", "")
            after = float(asked) if asked.replace(".", "", 1).isdigit() else None
            return OverloadedError(
                f"the model's server at {self.url} has too much to do ({why}): ask again later", after
            )
        if isinstance(error, lib.AuthenticationError | lib.PermissionDeniedError):
            return RefusedError(f"the model's server at {self.url} wants another key: set TASKFLOW_BACKBONE_KEY")
        if isinstance(error, lib.InternalServerError | lib.APIConnectionError):
            return UnreachableError(f"the model's server at {self.url} does not answer ({why}): check that it runs")
        if isinstance(error, lib.APIStatusError):
            return RefusedError(f"the model's server at {self.url} refused the request ({why}): check [backbone] model")
        return BrokenAnswerError(
            f"the model's server at {self.url} sent an answer that cannot be read ({why}): ask again"
        )

    def _wait(self, attempt: int, error: BackboneError, run: Run) -> None:
        """Longer each time and never the same for two; not at all where the deadline would pass."""
        wait = random.uniform(0.5, 1.0) * min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)  # noqa: S311
        if isinstance(error, OverloadedError) and error.after is not None:
            wait = max(wait, error.after)
        if run.deadline is not None and time.monotonic() + wait > run.deadline:
            raise error
        if run.cancelled is not None:
            run.cancelled.wait(wait)
        else:
            time.sleep(wait)
        run.check()

    def _seconds(self, run: Run) -> Any:
        if run.deadline is None:
            return self.timeout
        left = run.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTimeError(
                f"the model's server at {self.url} did not answer in time: allow more, or ask for less"
            )
        return min(self.timeout, left)


def _bounded(response: Any) -> None:
    """End an answer when its time is over; the library's timeout begins anew with every byte that a server sends."""
    until = time.monotonic() + response.request.extensions["timeout"]["read"]
    pieces = response.iter_raw

    def in_time(*size: int | None) -> Iterator[bytes]:
        for piece in pieces(*size):
            if time.monotonic() > until:
                raise OutOfTimeError(f"the model's server at {response.url.host} did not answer in time: allow more")
            yield piece

    response.iter_raw = in_time


def patient(run: Run, seconds: float) -> Run:
    """The run with a deadline so many seconds from now, where it has none."""
    return run if run.deadline is not None else replace(run, deadline=time.monotonic() + seconds)
