"""The sole right to write a conversation's next turn."""

from __future__ import annotations

import uuid

from taskflow.store import Database
from taskflow.store.conversations import Snapshot, claim, release

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
        self._database = database
        self._before = before

    def take(self) -> None:
        """Raises SupersededError."""
        if not self.taken and not claim(self._database, self._before, self.writer, _SECONDS):
            raise SupersededError
        self.taken = True

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.taken and kind is not None:
            release(self._database, self._before.id, self.writer)
