"""Large tables of vectors: in memory, or in a file that the system pages in and out."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile

import numpy as np

from taskflow.encoders import Vectors

CHUNK = 8_192  # rows that are worked on at a time
_LARGEST = 1 << 28  # bytes of a table that is kept in memory


def empty_rows(number: int, dimension: int) -> Vectors:
    """A table to be filled. A large one lies in the temporary folder (TMPDIR), and is gone with the process."""
    if 4 * number * dimension <= _LARGEST:
        return np.empty((number, dimension), np.float32)
    with TemporaryFile(prefix="taskflow-") as file:
        return np.memmap(file, np.float32, "w+", shape=(number, dimension))


def chunks(number: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, number)) for start in range(0, number, CHUNK))
