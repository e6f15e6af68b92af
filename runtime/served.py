"""A published version, made ready once to serve all its conversations."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.policy import Policy
from runtime.repair import Repairs, without_repairs
from runtime.tracking import Tracker
from runtime.understanding import Understander
from taskflow.calibration import Calibration
from taskflow.model import Assistant
from taskflow.review import without_rejected


@dataclass(frozen=True, slots=True)
class Served:
    """`assistant` has the flows that serve needs; those that repair are in `repairs`."""

    assistant: Assistant
    understander: Understander
    calibration: Calibration
    tracker: Tracker
    policy: Policy
    repairs: Repairs


def serve(assistant: Assistant, understander: Understander, calibration: Calibration) -> Served:
    kept = without_rejected(assistant)
    flows = without_repairs(kept)
    return Served(flows, understander, calibration, Tracker(flows), Policy(flows), Repairs(kept))
