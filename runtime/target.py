"""Which version of an assistant is to be tried, and trying it out of customers' sight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.commands import make_backbone
from runtime.config import RuntimeConfig
from runtime.stage import Stage, scratch_database
from taskflow.calibration import Calibration
from taskflow.charts.reading import read_chart_file
from taskflow.model import AssistantVersion
from taskflow.options import Settings
from taskflow.store.assistants import AssistantError, calibration_of, load_draft, load_version, published_id

DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Target:
    """A version; a draft and a chart are calibrated as they would be when they are published."""

    version: AssistantVersion
    calibration: Calibration | None = None


def find_target(settings: Settings, name: str, version: str) -> Target:
    """The draft, or the published version of a number. Raises AssistantError."""
    if version == DRAFT:
        return Target(load_draft(settings.database, name))
    if not version.isdecimal():
        raise AssistantError(f"{version!r} is no version: give 'draft' or the number of a published one")
    key = published_id(settings.database, name, int(version))
    return Target(load_version(settings.database, key), calibration_of(settings.database, key))


def chart_target(settings: Settings, chart: Path) -> Target:
    """Raises ChartError."""
    return Target(AssistantVersion(read_chart_file(chart).assistant, None, settings.encoder.name))


@contextmanager
def staged(settings: Settings, target: Target, config: RuntimeConfig) -> Iterator[Stage]:
    """The target in a database of its own, which is gone afterwards; vectors that are known are not made again."""
    with scratch_database() as scratch:
        stage = Stage(scratch, settings.encoder, config, make_backbone(settings))
        stage.show(target.version, target.calibration, settings.database)
        yield stage
