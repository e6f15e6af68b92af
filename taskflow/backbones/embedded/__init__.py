"""The tiny model that comes with TaskFlow: a Qwen3 of 2.6 million weights, which words replies and chooses nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from taskflow.backbones.dialects.detection import detect
from taskflow.backbones.errors import BackboneError
from taskflow.backbones.pairing import PairedBackbone

FOLDER = Path(__file__).with_name("taskflow-wording")
_SUMS = "SHA256SUMS"


def load_embedded(folder: Path = FOLDER) -> PairedBackbone:
    """BackboneError where a file is not the one that was made."""
    _check(folder)
    # torch and transformers take seconds to import.
    from taskflow.backbones.engines.local import LocalEngine

    engine = LocalEngine(folder)
    engine.facts = replace(engine.facts, scoring="none")
    return PairedBackbone(detect(engine), engine)


def write_sums(folder: Path) -> None:
    """Note what the files of a checkpoint that was just made are."""
    files = sorted(path for path in folder.iterdir() if path.name not in {_SUMS, "README.md"})
    lines = (f"{_sum(path)}  {path.name}\n" for path in files)
    (folder / _SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def _check(folder: Path) -> None:
    try:
        lines = (folder / _SUMS).read_text(encoding="utf-8").splitlines()
        wrong = [name for noted, name in (line.split("  ", 1) for line in lines) if _sum(folder / name) != noted]
    except (OSError, ValueError) as error:
        raise _damaged(folder, "is not whole") from error
    if wrong:
        raise _damaged(folder, f"has another {wrong[0]} than was made")


def _damaged(folder: Path, what: str) -> BackboneError:
    return BackboneError(f"the model in {folder} {what}: install TaskFlow again, or make it anew", retryable=False)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
