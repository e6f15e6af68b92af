"""The sole right to write a conversation's next turn."""

from __future__ import annotations

import uuid
from threading import Lock

from taskflow.store import Database
from taskflow.store.conversations import NewEvent, Snapshot, claim, release, tell_meanwhile

_SECONDS = 60.0


class SupersededError(Exception):
    """Another writer was first: the turn is thought through again."""


class Claim:
    """Taken before the first thing that cannot be undone.

    A turn that fails gives it up; one that is committed ends it; of one that dies it ends with time.
    """

    def __init__(self, database: Database, before: Snapshot) -> None:
        self.writer = str(uuid.uuid4())
        self.taken = False
        self.before = before
        self._database = database
        self._lock = Lock()

    @property
    def turn(self) -> str:
        """Which turn of which conversation it is."""
        return f"{self.before.id} {self.before.revision}"

    def take(self) -> None:
        """Raises SupersededError."""
        if not self.taken and not claim(self._database, self.before, self.writer, _SECONDS):
            raise SupersededError
        self.taken = True

    def tell(self, event: NewEvent) -> None:
        """Let the customer know something at once, while the turn is not over; `before` is then one event further."""
        with self._lock:
            if self.taken:
                self.before = tell_meanwhile(self._database, self.before, event, self.writer) or self.before

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.taken and kind is not None:
            release(self._database, self.before.id, self.writer)
