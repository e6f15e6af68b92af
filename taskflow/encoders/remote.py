"""A server that speaks the OpenAI embeddings protocol (vLLM, llama.cpp, Ollama, a hosted one)."""

from __future__ import annotations

import json
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

    def __reduce__(self) -> tuple[type[RemoteEncoder], tuple[str, str]]:
        return RemoteEncoder, (self._model, self._url)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        rows = [self._request(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        if any(row.shape[1] != self.dimension for row in rows):
            raise self._misspoken(f"vectors that have not the {self.dimension} numbers of its first")
        return unit_rows(np.concatenate(rows))

    def _request(self, texts: Sequence[str]) -> Vectors:
        # Servers refuse an empty text, though an empty turn is a legal utterance.
        given = [text or " " for text in texts]
        try:
            answer = self._client.embeddings.with_raw_response.create(
                model=self._model, input=given, encoding_format="float"
            )
        except self._error as error:
            raise EncoderError(
                f"the embeddings server at {self._url} did not encode with {self._model!r} ({error}): "
                "check that it runs, [encoder] url and name, and TASKFLOW_ENCODER_KEY"
            ) from error
        try:
            data = sorted(json.loads(answer.content)["data"], key=lambda item: item["index"])
            vectors = np.array([item["embedding"] for item in data], dtype=np.float32)
        except (ValueError, TypeError, KeyError) as error:
            raise self._misspoken("something other than vectors") from error
        if vectors.ndim != 2 or len(vectors) != len(given) or not np.isfinite(vectors).all():
            raise self._misspoken(f"vectors of the shape {vectors.shape} for {len(given)} texts")
        return vectors

    def _misspoken(self, what: str) -> EncoderError:
        return EncoderError(
            f"the embeddings server at {self._url} sent {what}: it does not follow the OpenAI embeddings "
            "protocol, so check [encoder] url"
        )
