"""A server that speaks the OpenAI embeddings protocol (vLLM, llama.cpp, Ollama, a hosted one)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from taskflow.encoders import EncoderError, Vectors, unit_rows

PREFIX = "openai:"
KEY_VARIABLE = "TASKFLOW_ENCODER_KEY"
_BATCH = 128


class RemoteEncoder:
    """The key comes from the environment variable TASKFLOW_ENCODER_KEY; many local servers need none."""

    def __init__(self, model: str, url: str) -> None:
        try:
            import openai
        except ImportError as error:
            raise EncoderError("openai is not installed: pip install 'taskflow-dialogue[openai]'") from error
        self._error = openai.OpenAIError
        self.name = PREFIX + model
        self._model = model
        self._url = url
        self._client = openai.OpenAI(
            base_url=url, api_key=os.environ.get(KEY_VARIABLE, "none"), timeout=60.0, max_retries=2
        )
        self.dimension = self._request(["dimension"]).shape[1]

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = [self._request(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return unit_rows(np.concatenate(rows)) if rows else np.zeros((0, self.dimension), np.float32)

    def _request(self, texts: Sequence[str]) -> Vectors:
        # Servers refuse an empty text, though an empty turn is a legal utterance.
        given = [text or " " for text in texts]
        try:
            answer = self._client.embeddings.create(model=self._model, input=given, encoding_format="float")
        except self._error as error:
            raise EncoderError(
                f"the embeddings server at {self._url} did not encode with {self._model!r} ({error}): "
                "check that it runs, [encoder] url and name, and TASKFLOW_ENCODER_KEY"
            ) from error
        if len(answer.data) != len(given):
            raise EncoderError(
                f"the embeddings server at {self._url} sent {len(answer.data)} vectors for "
                f"{len(given)} texts: it does not follow the OpenAI embeddings protocol"
            )
        ordered = sorted(answer.data, key=lambda item: item.index)
        return np.array([item.embedding for item in ordered], dtype=np.float32)
