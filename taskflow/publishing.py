"""Publishing: the draft becomes a version, and learns how sure it may be of what customers say."""

from __future__ import annotations

from taskflow.calibration import Calibration, calibrate
from taskflow.encoders import Encoder
from taskflow.model import AssistantVersion, Speaker
from taskflow.review import without_rejected
from taskflow.store import Database
from taskflow.store.assistants import load_draft, publish
from taskflow.store.indexes import vectors_for


def publish_calibrated(database: Database, name: str, encoder: Encoder, share: float = 1.0) -> tuple[int, Calibration]:
    """Publish the draft for a share of the new conversations; returns the version's number and its calibration.

    That is made on exemplars held out from it.
    Raises EncoderError where the assistant was mined with another encoder.
    """
    draft = load_draft(database, name)
    served = AssistantVersion(without_rejected(draft.assistant), None, draft.encoder)
    calibration = calibrate(served.assistant, vectors_for(database, served, encoder, Speaker.USER), Speaker.USER)
    return publish(database, name, calibration, share), calibration
