"""What a run tells while it goes on, and what each of its stages took."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str], None]


class Progress:
    """Tells when a stage begins, and keeps what each took. Stages do not nest."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._seconds: dict[str, float] = {}

    def rounded(self) -> dict[str, float]:
        """Seconds by stage, in the order in which the stages came; one that comes again adds to its own."""
        return {name: round(seconds, 2) for name, seconds in self._seconds.items()}

    @contextmanager
    def stage(self, name: str, told: str) -> Iterator[None]:
        """`told` is what people read when the stage begins."""
        self.report(told)
        started = time.monotonic()
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + time.monotonic() - started


def silent() -> Progress:
    return Progress(lambda _: None)


def peak_megabytes() -> int:
    """The most memory that this process has held since it began."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) // (1 << 20 if sys.platform == "darwin" else 1 << 10)
