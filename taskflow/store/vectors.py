"""Vectors of texts, kept once for every encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from taskflow.encoders import Encoder, EncoderError, Vectors, unit_rows
from taskflow.store.database import Database, serialise
from taskflow.store.schema import VectorRow

_BATCH = 2_000


def vectors_of(
    database: Database,
    encoder: Encoder,
    texts: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Vectors:
    """One unit row a text, in order; what is not yet stored is encoded and stored, batch by batch.

    An interrupted call loses at most one batch. Rows are float16 on disk, and rounded so before their first
    use too: a result does not depend on what was stored before.
    """
    found = np.zeros((len(texts), encoder.dimension), np.float32)
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        digests = [_digest(text) for text in batch]
        with database.read() as session:
            stored = _stored(session, encoder.name, digests)
        if any(len(vector) != 2 * encoder.dimension for vector in stored.values()):
            raise EncoderError(
                f"the stored vectors of {encoder.name!r} have another dimension than it gives now: "
                "it is another model; use it under another name (a folder or server name of its own)"
            )
        missing = {d: text for d, text in zip(digests, batch, strict=True) if d not in stored}
        if missing:
            encoded = encoder.encode(list(missing.values())).astype("<f2")
            fresh = {digest: row.tobytes() for digest, row in zip(missing, encoded, strict=True)}
            _keep(database, encoder.name, fresh)
            stored |= fresh
        for offset, digest in enumerate(digests):
            found[start + offset] = np.frombuffer(stored[digest], dtype="<f2")
        progress(start + len(batch), len(texts))
    return unit_rows(found)


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
