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
from taskflow.store.assistants import calibration_of, load_version
from taskflow.store.indexes import build_index
from taskflow.store.traffic import Share, assigned, serving

_FRESH_SECONDS = 1.0  # for so long it is not looked up again which versions are served


class Versions:
    """Looks versions up; may be used from several threads."""

    def __init__(self, database: Database, encoder: Encoder, mode: Mode, backbone: Backbone | None) -> None:
        self._database = database
        self._encoder = encoder
        self._mode: Mode = mode
        self._backbone = backbone
        self._known: dict[int, Served] = {}
        self._serving: dict[int, tuple[float, tuple[Share, ...]]] = {}
        self._lock = threading.Lock()

    def served(self, version_id: int) -> Served:
        with self._lock:
            if version_id not in self._known:
                self._known[version_id] = self._made_ready(version_id)
            return self._known[version_id]

    def now_serving(self, version_id: int, conversation: str) -> int:
        """The version that a conversation goes on with: its own while that has a share, as of a second ago."""
        known = self._serving.get(version_id)
        if known is None or time.monotonic() - known[0] > _FRESH_SECONDS:
            known = time.monotonic(), serving(self._database, version_id)
            self._serving[version_id] = known
        shares = known[1]
        return version_id if any(one.version_id == version_id for one in shares) else assigned(shares, conversation)

    def _made_ready(self, version_id: int) -> Served:
        version = load_version(self._database, version_id)
        index = build_index(self._database, version, self._encoder, Speaker.USER)
        calibration = calibration_of(self._database, version_id)
        understander = Understander(version.assistant, index, self._encoder, calibration, self._mode, self._backbone)
        return serve(version.assistant, understander, calibration)
