"""The encoder that all methods share, and the time it takes: told apart from theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from taskflow.encoders import Encoder, Vectors
from taskflow.encoders.bundled import NAME
from taskflow.encoders.loading import load_encoder
from taskflow.store import Database, open_database
from taskflow.store.vectors import vectors_of

DEFAULT_VECTORS = Path(__file__).parent / "vectors.db"


class Encoding:
    """Texts to vectors, kept between runs; `seconds` is what it has taken so far."""

    def __init__(self, database: Database, encoder: Encoder) -> None:
        self.database = database
        self.encoder = encoder
        self.seconds = 0.0

    def __call__(self, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        vectors = vectors_of(self.database, self.encoder, texts)
        self.seconds += time.perf_counter() - started
        return vectors


@contextmanager
def open_encoding(vectors: Path) -> Iterator[Encoding]:
    with closing(open_database(f"sqlite:///{vectors}")) as database:
        yield Encoding(database, load_encoder(NAME))


class Stages:
    """The seconds of each stage that a miner reports."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._begun: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> None:
        self._begun.append((stage, self._now()))

    def seconds(self, left_out: tuple[str, ...] = ()) -> float:
        """From the first stage until now, but for encoding and for the stages that begin with one of these words."""
        ends = [*(begun for _, begun in self._begun[1:]), self._now()]
        timed = zip(self._begun, ends, strict=True)
        return sum(end - begun for (stage, begun), end in timed if not stage.startswith(left_out))

    def _now(self) -> float:
        return time.perf_counter() - self._encoding.seconds
