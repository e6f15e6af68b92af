"""Messages of one conversation that come at once: those that wait are answered together, in their order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from runtime.events import Event
from runtime.turn import Said

_MOST_TOGETHER = 8
_MOST_CHARACTERS = 4_000


@dataclass(slots=True)
class Incoming:
    """A message that waits; `events` are those of the turn that answered it."""

    client_message_id: str
    said: Said
    events: list[Event] | None = None


class Queue:
    """The messages of one conversation in this process; whoever holds `lock` answers them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.guests = 0
        self._waiting: list[Incoming] = []
        self._guard = threading.Lock()

    def add(self, incoming: Incoming) -> None:
        with self._guard:
            self._waiting.append(incoming)

    def remove(self, incoming: Incoming) -> None:
        with self._guard:
            self._waiting = [one for one in self._waiting if one is not incoming]

    def take(self, batch: list[Incoming]) -> list[Incoming]:
        """The batch with the waiting messages that may be answered with it; a button's press is answered alone."""
        with self._guard:
            batch = list(batch)
            while self._waiting and self._fits(batch, self._waiting[0]):
                batch.append(self._waiting.pop(0))
        return batch

    def _fits(self, batch: list[Incoming], incoming: Incoming) -> bool:
        if not batch:
            return True
        characters = sum(len(one.said.text) + 1 for one in (*batch, incoming))
        alone = any(one.said.choice is not None for one in (*batch, incoming))
        return not alone and len(batch) < _MOST_TOGETHER and characters <= _MOST_CHARACTERS


class WaitingRoom:
    """The queues of the conversations that are being answered in this process."""

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}
        self._lock = threading.Lock()

    @contextmanager
    def queue(self, conversation_id: str) -> Iterator[Queue]:
        with self._lock:
            queue = self._queues.setdefault(conversation_id, Queue())
            queue.guests += 1
        try:
            yield queue
        finally:
            with self._lock:
                queue.guests -= 1
                if not queue.guests:
                    del self._queues[conversation_id]


def together(batch: list[Incoming]) -> Said:
    """What several messages say as one."""
    first = batch[0].said
    texts = dict.fromkeys(one.said.text for one in batch)
    attachments = tuple(name for one in batch for name in one.said.attachments)
    return replace(first, text="\n".join(texts), attachments=attachments)
