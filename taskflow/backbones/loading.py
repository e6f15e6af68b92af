"""From the configuration to the backbone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from taskflow.backbones.dialects import Dialect, Room
from taskflow.backbones.dialects.detection import DialectName, detect
from taskflow.backbones.embedded import load_embedded
from taskflow.backbones.engines import Hub, Run
from taskflow.backbones.engines.connection import Connection
from taskflow.backbones.engines.server import ServerEngine
from taskflow.backbones.errors import RefusedError
from taskflow.backbones.pairing import PairedBackbone
from taskflow.backbones.protocol import GREEDY, Message, Request

if TYPE_CHECKING:
    from taskflow.config import BackboneConfig

KEY_VARIABLE = "TASKFLOW_BACKBONE_KEY"
_TRIAL = Message("user", "Which is larger, 9.11 or 9.8? Think it through.")
_TRIAL_LENGTH, _TRIAL_BUDGET = 48, 4  # tokens


def load_backbone(config: BackboneConfig) -> PairedBackbone | None:
    """None where no backbone is configured; BackboneError where it cannot be had."""
    if config.url is not None:
        return _served(config)
    if config.embedded:
        return load_embedded()
    if config.checkpoint is None and config.hub is None:
        return None
    if config.checkpoint is not None:
        return load_checkpoint(config.checkpoint, config.dialect)
    return load_checkpoint(Hub(str(config.hub), config.revision, config.run_checkpoint_code), config.dialect)


def load_checkpoint(checkpoint: Path | Hub, dialect: DialectName | None = None) -> PairedBackbone:
    """One in this process; of safetensors or GGUF, and without code that it brings along unless a `Hub` allows it."""
    # torch and transformers take seconds to import, and a server needs neither.
    from taskflow.backbones.engines.local import LocalEngine

    engine = LocalEngine(checkpoint)
    return PairedBackbone(detect(engine, dialect), engine)


def _served(config: BackboneConfig) -> PairedBackbone:
    tokenizer = None
    if config.tokenizer is not None:
        from taskflow.backbones.engines.checkpoint import load_tokenizer

        tokenizer = load_tokenizer(config.tokenizer)
    key = os.environ.get(KEY_VARIABLE)
    connection = Connection(str(config.url), key, config.timeout, config.concurrency)
    engine = ServerEngine(connection, config.model, tokenizer, config.concurrency)
    dialect = detect(engine, config.dialect)
    engine.limit_thinking(keeps_budget(dialect, engine))
    return PairedBackbone(dialect, engine)


def keeps_budget(dialect: Dialect, engine: ServerEngine) -> bool:
    """The same question twice, with a tiny thinking budget and without: a server that ignores it writes the same.

    This one trial is greedy, or two runs would differ by chance.
    """
    if dialect.stop_thought is None:
        return False
    prompt = dialect.prompt([_TRIAL], Request(thinking=True), Room(engine.facts.context, engine.count))
    run = Run(_TRIAL_LENGTH, GREEDY, dialect.stops)
    try:
        free = [(chunk.reasoning, chunk.text) for chunk in engine.generate(prompt, run)]
        limited = [
            (chunk.reasoning, chunk.text)
            for chunk in engine.generate(prompt, replace(run, thought_limit=_TRIAL_BUDGET))
        ]
    except RefusedError:
        return False
    return _said(free) != _said(limited)


def _said(pieces: list[tuple[str, str]]) -> tuple[str, str]:
    return "".join(thought for thought, _ in pieces), "".join(text for _, text in pieces)
