"""The backbone of a checkpoint in this process."""

from __future__ import annotations

from pathlib import Path

from taskflow.backbones.dialects.detection import DialectName, detect
from taskflow.backbones.engines.checkpoint import Hub
from taskflow.backbones.engines.local import LocalEngine
from taskflow.backbones.pairing import PairedBackbone


class LocalBackbone(PairedBackbone):
    """Loads safetensors or GGUF only, and runs no code that the checkpoint brings along unless a `Hub` allows it."""

    def __init__(self, checkpoint: Path | Hub, dialect: DialectName | None = None) -> None:
        engine = LocalEngine(checkpoint)
        super().__init__(detect(engine, dialect), engine)
