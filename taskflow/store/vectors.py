"""Vectors of texts, kept once for every encoder."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from taskflow.encoders import Encoder, EncoderError, Vectors, unit_rows
from taskflow.store.database import Database, serialise
from taskflow.store.schema import VectorRow

_BATCH = 2_000

EncodeBatches = Callable[[Iterable[Sequence[str]]], Iterable[Vectors]]


def vectors_of(
    database: Database,
    encoder: Encoder,
    texts: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
    encode: EncodeBatches | None = None,
    into: Vectors | None = None,
) -> Vectors:
    """One unit row a text, in order; what is not yet stored is encoded and stored, batch by batch.

    An interrupted call loses at most the batches under way. Rows are float16 on disk, and rounded so before their
    first use too: a result does not depend on what was stored before. `encode` is for who encodes batches
    elsewhere than in `encoder`, and gives their rows in order; `into` is a table to fill, and to give back.
    """
    found = np.empty((len(texts), encoder.dimension), np.float32) if into is None else into
    opened: deque[_Batch] = deque()

    def missing() -> Iterator[list[str]]:
        for start in range(0, len(texts), _BATCH):
            opened.append(_open(database, encoder, texts[start : start + _BATCH]))
            yield list(opened[-1].missing.values())

    done = 0
    for rows in map(partial(encode_batch, encoder), missing()) if encode is None else encode(missing()):
        batch = opened.popleft()
        fresh = {digest: row.tobytes() for digest, row in zip(batch.missing, rows.astype("<f2"), strict=True)}
        if fresh:
            _keep(database, encoder.name, fresh)
        stored = batch.stored | fresh
        joined = b"".join(stored[digest] for digest in batch.digests)
        part = np.frombuffer(joined, "<f2").reshape(-1, encoder.dimension)
        found[done : done + len(part)] = unit_rows(part)
        done += len(part)
        progress(done, len(texts))
    return found


def encode_batch(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """An encoder is not asked where there is nothing to encode."""
    return encoder.encode(texts) if texts else np.empty((0, encoder.dimension), np.float32)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some texts by their digests, those that are stored, and those that are not, each once."""

    digests: Sequence[str]
    stored: dict[str, bytes]
    missing: dict[str, str]


def _open(database: Database, encoder: Encoder, texts: Sequence[str]) -> _Batch:
    digests = [_digest(text) for text in texts]
    with database.read() as session:
        stored = _stored(session, encoder.name, digests)
    if any(len(vector) != 2 * encoder.dimension for vector in stored.values()):
        raise EncoderError(
            f"the stored vectors of {encoder.name!r} have another dimension than it gives now: "
            "it is another model; use it under another name (a folder or server name of its own)"
        )
    return _Batch(digests, stored, {d: text for d, text in zip(digests, texts, strict=True) if d not in stored})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _stored(session: Session, encoder: str, digests: Sequence[str]) -> dict[str, bytes]:
    return dict(
        session.execute(
            select(VectorRow.text_digest, VectorRow.vector).where(
                VectorRow.encoder == encoder, VectorRow.text_digest.in_(digests)
            )
        ).all()
    )


def _keep(database: Database, encoder: str, fresh: dict[str, bytes]) -> None:
    with database.write() as session:
        serialise(session, "vectors")
        already = _stored(session, encoder, list(fresh))
        rows = [
            {"encoder": encoder, "text_digest": digest, "vector": vector}
            for digest, vector in fresh.items()
            if digest not in already
        ]
        if rows:
            session.execute(insert(VectorRow), rows)
