"""Any sentence-transformers checkpoint, by name or folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from safetensors import SafetensorError

from taskflow.encoders import EncoderError, Vectors, unit_rows

PREFIX = "sentence-transformers:"


class SentenceTransformersEncoder:
    """A checkpoint from disk or the local cache; its code runs only if the library itself ships it."""

    def __init__(self, checkpoint: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EncoderError(
                "sentence-transformers is not installed: pip install 'taskflow-dialogue[sentence-transformers]'"
            ) from error
        try:
            if not checkpoint:
                raise ValueError("an empty name would load an empty model")
            self._model = SentenceTransformer(checkpoint, device="cpu", local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, SafetensorError) as error:
            raise EncoderError(
                f"the encoder checkpoint {checkpoint!r} cannot be loaded: "
                "give the folder of a sentence-transformers checkpoint, or download it first"
            ) from error
        self.name = PREFIX + checkpoint
        self.dimension = int(self._model.get_embedding_dimension() or 0)

    def __reduce__(self) -> tuple[type[SentenceTransformersEncoder], tuple[str]]:
        return SentenceTransformersEncoder, (self.name.removeprefix(PREFIX),)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return unit_rows(self._model.encode(list(texts), convert_to_numpy=True, show_progress_bar=False))
