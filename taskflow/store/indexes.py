"""The exemplars of a version, ready for retrieval."""

from __future__ import annotations

from taskflow.encoders import Encoder, EncoderError, Vectors
from taskflow.model import AssistantVersion, Speaker
from taskflow.retrieval import ExemplarIndex, exemplar_texts
from taskflow.store.database import Database
from taskflow.store.vectors import vectors_of


def vectors_for(database: Database, version: AssistantVersion, encoder: Encoder, speaker: Speaker) -> Vectors:
    """The vectors of one speaker's exemplars, in the order of `exemplar_texts`.

    Raises EncoderError where the version was mined with another encoder: its vectors mean nothing to this one.
    """
    if version.encoder != encoder.name:
        name = version.assistant.name
        raise EncoderError(
            f"assistant {name!r} was mined with the encoder {version.encoder!r}, but {encoder.name!r} is configured: "
            f"set [encoder] name = {version.encoder!r}, or mine it again and publish it"
        )
    return vectors_of(database, encoder, exemplar_texts(version.assistant, speaker))


def build_index(database: Database, version: AssistantVersion, encoder: Encoder, speaker: Speaker) -> ExemplarIndex:
    """Raises EncoderError as `vectors_for` does."""
    return ExemplarIndex(version.assistant, speaker, vectors_for(database, version, encoder, speaker))
