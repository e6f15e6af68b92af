"""An assistant in a database of its own, where it can be talked to and no real conversation is touched."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from runtime.calls import CallResult, Calls, CallsError
from runtime.config import RuntimeConfig, Unbound
from runtime.dialogue_manager import DialogueManager
from runtime.outfit import Outfit
from taskflow.calibration import Calibration, calibrate
from taskflow.encoders import Vectors
from taskflow.model import AssistantVersion, Speaker
from taskflow.retrieval import exemplar_texts
from taskflow.review import without_rejected
from taskflow.store import Database, open_database
from taskflow.store.assistants import publish, save_mined
from taskflow.store.indexes import vectors_for
from taskflow.store.vectors import vectors_of


class Stage:
    """Serves one assistant as customers would meet it; `calls` and `clock` may be changed between conversations."""

    def __init__(self, database: Database, like: Outfit) -> None:
        self.database = database
        self.calls: Calls = nobody
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._encoder = like.encoder
        # What is said is held against the approved texts, and a call may reach nothing outside.
        self._config = like.config.model_copy(update={"wording": "approved"})
        self._backbone = like.backbone
        self.manager = self._new_manager(self._config, self._answer)

    def show(
        self, version: AssistantVersion, calibration: Calibration | None = None, source: Database | None = None
    ) -> None:
        """Publish a version here, as the next one; without its calibration, with the one that publishing would give.

        `source` is a database that may hold vectors of its exemplars already.
        """
        served = AssistantVersion(without_rejected(version.assistant), None, version.encoder)
        if source is not None:
            self._copy_vectors(served, source)
        with self.database.write() as session:
            save_mined(session, served.assistant, served.encoder)
        if calibration is None:
            vectors = vectors_for(self.database, served, self._encoder, Speaker.USER)
            calibration = calibrate(served.assistant, vectors, Speaker.USER)
        publish(self.database, served.assistant.name, calibration)
        self.manager = self._new_manager(self._config, self._answer)

    def without_calls(self, unbound: Unbound) -> DialogueManager:
        """A manager of what is shown that has no calls, and hands over or rehearses where one stands."""
        return self._new_manager(self._config.model_copy(update={"unbound_calls": unbound}), None)

    def _new_manager(self, config: RuntimeConfig, calls: Calls | None) -> DialogueManager:
        return DialogueManager(self.database, self._encoder, config, self._backbone, calls, self._now)

    def _answer(self, name: str, fields: Mapping[str, str]) -> CallResult:
        return self.calls(name, fields)

    def _now(self) -> datetime:
        return self.clock()

    def _copy_vectors(self, served: AssistantVersion, source: Database) -> None:
        texts = exemplar_texts(served.assistant, Speaker.USER)
        known = dict(zip(texts, vectors_for(source, served, self._encoder, Speaker.USER), strict=True))

        def looked_up(batches: Iterable[Sequence[str]]) -> Iterator[Vectors]:
            for batch in batches:
                rows = [known[text] for text in batch]
                yield np.stack(rows) if rows else np.empty((0, self._encoder.dimension), np.float32)

        vectors_of(self.database, self._encoder, texts, encode=looked_up)


def nobody(name: str, fields: Mapping[str, str]) -> CallResult:
    raise CallsError(f"nobody answers the call {name!r} here")


@contextmanager
def scratch_database() -> Iterator[Database]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="taskflow-")))
        yield stack.enter_context(closing(open_database(f"sqlite:///{folder / 'scratch.db'}")))
