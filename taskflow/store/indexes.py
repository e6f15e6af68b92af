"""The exemplars of a version, ready for retrieval."""

from __future__ import annotations

from taskflow.encoders import Encoder, EncoderError
from taskflow.model import AssistantVersion, Speaker
from taskflow.retrieval import ExemplarIndex, exemplar_texts
from taskflow.store.database import Database
from taskflow.store.vectors import vectors_of


def build_index(database: Database, version: AssistantVersion, encoder: Encoder, speaker: Speaker) -> ExemplarIndex:
    """Raises EncoderError where the version was mined with another encoder: its vectors mean nothing to this one."""
    if version.encoder != encoder.name:
        name = version.assistant.name
        raise EncoderError(
            f"assistant {name!r} was mined with the encoder {version.encoder!r}, but {encoder.name!r} is configured: "
            f"set [encoder] name = {version.encoder!r}, or mine it again and publish it"
        )
    texts = exemplar_texts(version.assistant, speaker)
    return ExemplarIndex(version.assistant, speaker, vectors_of(database, encoder, texts))
