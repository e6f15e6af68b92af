"""Who waits for a conversation's events, and the one thread of a process that looks for them.

A stream waits on its own mailbox and asks the database nothing: however many are open, the watch asks once in a
while, for all of them together, how far their conversations have come.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from runtime.dialogue_manager import ConversationError, DialogueManager
from runtime.events import Event
from taskflow.errors import TaskFlowError
from taskflow.store import Database
from taskflow.store.schema import ConversationRow

_TICK = 0.2  # seconds between two looks
_MOST_READERS = 8  # of one conversation: the customer's open pages, and a few that were lost on the way
_MOST_UNREAD = 100  # deliveries: who is further behind comes back with the offset that they have
_log = logging.getLogger(__name__)


class StreamError(TaskFlowError):
    """A stream that cannot be opened just now; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True, eq=False)
class Listener:
    """One reader of a conversation: `after` is the last offset delivered, `known` how far the conversation was then."""

    conversation: str
    known: int
    after: int
    ended: bool = False
    _mailbox: SimpleQueue[list[Event] | None] = field(default_factory=SimpleQueue)

    def deliver(self, events: list[Event], known: int) -> None:
        self.known = known
        fresh = [event for event in events if event.offset > self.after]
        if not fresh or self.ended:
            return
        self.after = fresh[-1].offset
        self._mailbox.put(fresh)
        if self._mailbox.qsize() > _MOST_UNREAD:
            self.end()

    def end(self) -> None:
        """Let the reader go, after what is delivered already."""
        self.ended = True
        self._mailbox.put(None)

    def batches(self, patience: float) -> Iterator[list[Event]]:
        """Events as they come; an empty list where none came for `patience` seconds."""
        while True:
            try:
                events = self._mailbox.get(timeout=patience)
            except Empty:
                events = []
            if events is None:
                return
            yield events


class Listeners:
    """The readers of one process; the watch runs while there are any."""

    def __init__(self, database: Database, manager: DialogueManager, most: int) -> None:
        self._database = database
        self._manager = manager
        self._most = most
        self._lock = threading.Lock()
        self._open: list[Listener] = []
        self._watched = False
        self._closed = threading.Event()

    def listen(self, conversation: str, after: int) -> Listener:
        """A new reader, with the events above `after` delivered already; whoever asks must `leave`."""
        # In this order a turn that is written meanwhile is found by the watch's next look.
        known = self._next_offsets([conversation]).get(conversation, 0)
        listener = Listener(conversation, known, after)
        listener.deliver(self._manager.events(conversation, after), known)
        with self._lock:
            self._admit(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._open:
                self._open.remove(listener)

    def close(self) -> None:
        """End every stream and open no further one: the process is about to stop."""
        self._closed.set()
        with self._lock:
            for listener in self._open:
                listener.end()

    def _admit(self, listener: Listener) -> None:
        if self._closed.is_set() or len(self._open) >= self._most:
            raise StreamError("no further event stream can be opened just now: ask for the events instead", 503)
        if sum(other.conversation == listener.conversation for other in self._open) >= _MOST_READERS:
            raise StreamError(f"this conversation has {_MOST_READERS} open event streams: close one first", 429)
        self._open.append(listener)
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(_TICK):
            with self._lock:
                self._watched = bool(self._open)
                waiting = [listener for listener in self._open if not listener.ended]
                if not self._watched:
                    return
            try:
                self._look(waiting)
            except SQLAlchemyError as error:
                # The streams stay open: what happened meanwhile is found when the database is back.
                _log.error("the watch of %d event streams got no answer: %s", len(waiting), error)

    def _look(self, waiting: list[Listener]) -> None:
        newest = self._next_offsets({listener.conversation for listener in waiting})
        behind: defaultdict[str, list[Listener]] = defaultdict(list)
        for listener in waiting:
            if newest.get(listener.conversation) != listener.known:
                behind[listener.conversation].append(listener)
        for conversation, listeners in behind.items():
            try:
                events = self._manager.events(conversation, min(listener.after for listener in listeners))
            except ConversationError:
                for listener in listeners:  # it was deleted: who comes back is told so
                    listener.end()
                continue
            for listener in listeners:
                listener.deliver(events, newest.get(conversation, 0))

    def _next_offsets(self, conversations: Collection[str]) -> dict[str, int]:
        """How many events each has, of whatever kind; those that are gone are left out."""
        query = select(ConversationRow.id, ConversationRow.next_offset).where(ConversationRow.id.in_(conversations))
        with self._database.read() as session:
            return {row.id: row.next_offset for row in session.execute(query)}
