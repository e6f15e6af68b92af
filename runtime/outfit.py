"""What conversations are served with."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.config import RuntimeConfig
from taskflow.backbones import Backbone
from taskflow.encoders import Encoder
from taskflow.store import Database


@dataclass(frozen=True, slots=True)
class Outfit:
    """All that a dialogue manager needs, but the shop's calls: enough to serve the same way in another place."""

    database: Database
    encoder: Encoder
    config: RuntimeConfig
    backbone: Backbone | None = None
