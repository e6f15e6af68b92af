"""The published versions that conversations are served with, each made ready once."""

from __future__ import annotations

import threading
import time

from runtime.config import Understanding as Mode
from runtime.served import Served, serve
from runtime.understanding import Understander
from taskflow.backbones import Backbone
from taskflow.encoders import Encoder
from taskflow.model import Speaker
from taskflow.store import Database
from taskflow.store.assistants import calibration_of, load_version, newest_published
from taskflow.store.indexes import build_index

_FRESH_SECONDS = 1.0  # for so long the newest version is not looked up again


class Versions:
    """Looks versions up; may be used from several threads."""

    def __init__(self, database: Database, encoder: Encoder, mode: Mode, backbone: Backbone | None) -> None:
        self._database = database
        self._encoder = encoder
        self._mode: Mode = mode
        self._backbone = backbone
        self._known: dict[int, Served] = {}
        self._newest: dict[int, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def served(self, version_id: int) -> Served:
        with self._lock:
            if version_id not in self._known:
                self._known[version_id] = self._made_ready(version_id)
            return self._known[version_id]

    def newest(self, version_id: int) -> int:
        """The newest published version of the same assistant, as of a second ago."""
        known = self._newest.get(version_id)
        if known is None or time.monotonic() - known[0] > _FRESH_SECONDS:
            known = time.monotonic(), newest_published(self._database, version_id)
            self._newest[version_id] = known
        return known[1]

    def _made_ready(self, version_id: int) -> Served:
        version = load_version(self._database, version_id)
        index = build_index(self._database, version, self._encoder, Speaker.USER)
        calibration = calibration_of(self._database, version_id)
        understander = Understander(version.assistant, index, self._encoder, calibration, self._mode, self._backbone)
        return serve(version.assistant, understander, calibration)
