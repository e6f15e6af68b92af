"""Encoders turn masked texts into unit vectors.

A vector means something only beside vectors of the same encoder, so every stored vector carries the encoder's
name, and whoever reads vectors says which encoder it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from taskflow.errors import TaskFlowError

Vectors = NDArray[np.float32]


class EncoderError(TaskFlowError):
    """An encoder that cannot be loaded or does not answer: one sentence with the remedy."""


class Encoder(Protocol):
    """A pickled encoder is how to load it: another process loads the model itself, once."""

    @property
    def name(self) -> str:
        """The name that `load_encoder` takes, and that stored vectors carry."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in order: (n, dimension). The same text has the same row in any company."""


def unit_rows(vectors: Vectors) -> Vectors:
    """Rows scaled to length one; a zero row becomes the first axis, so that cosines stay defined."""
    vectors = np.array(vectors, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[norms[:, 0] == 0, 0] = 1.0
    norms[norms == 0] = 1.0
    return np.asarray(vectors / norms, dtype=np.float32)
