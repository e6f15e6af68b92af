"""Which version of an assistant is to be tried, and trying it out of customers' sight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.outfit import Outfit
from runtime.stage import Stage, scratch_database
from taskflow.calibration import Calibration
from taskflow.charts.reading import read_chart_file
from taskflow.encoders import Encoder
from taskflow.model import AssistantVersion
from taskflow.store import Database
from taskflow.store.assistants import AssistantError, calibration_of, load_draft, load_version, published_id

DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Target:
    """A version; a draft and a chart are calibrated as they would be when they are published."""

    version: AssistantVersion
    calibration: Calibration | None = None


def find_target(database: Database, name: str, version: str) -> Target:
    """The draft, or the published version of a number. Raises AssistantError."""
    if version == DRAFT:
        return Target(load_draft(database, name))
    if not version.isdecimal():
        raise AssistantError(f"{version!r} is no version: give 'draft' or the number of a published one")
    key = published_id(database, name, int(version))
    return Target(load_version(database, key), calibration_of(database, key))


def chart_target(encoder: Encoder, chart: Path) -> Target:
    """Raises ChartError."""
    return Target(AssistantVersion(read_chart_file(chart).assistant, None, encoder.name))


@contextmanager
def staged(outfit: Outfit, target: Target) -> Iterator[Stage]:
    """The target in a database of its own, which is gone afterwards; vectors that are known are not made again."""
    with scratch_database() as scratch:
        stage = Stage(scratch, outfit)
        stage.show(target.version, target.calibration, outfit.database)
        yield stage
