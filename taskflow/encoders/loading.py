"""From an encoder's name to the encoder."""

from __future__ import annotations

from taskflow.encoders import Encoder, EncoderError, bundled
from taskflow.encoders.bundled import BundledEncoder
from taskflow.encoders.remote import PREFIX as REMOTE
from taskflow.encoders.remote import RemoteEncoder
from taskflow.encoders.sentence import PREFIX as SENTENCE
from taskflow.encoders.sentence import SentenceTransformersEncoder


def load_encoder(name: str, url: str | None = None) -> Encoder:
    """`url` is the address of the embeddings server, which only an `openai:` encoder has."""
    if name == bundled.NAME:
        return BundledEncoder()
    if name.startswith(SENTENCE):
        return SentenceTransformersEncoder(name.removeprefix(SENTENCE))
    if name.startswith(REMOTE):
        if url is None:
            raise EncoderError(f"the encoder {name!r} needs the address of its server: set [encoder] url")
        return RemoteEncoder(name.removeprefix(REMOTE), url)
    raise EncoderError(f"no encoder is called {name!r}: use {bundled.NAME}, {SENTENCE}CHECKPOINT or {REMOTE}MODEL")
