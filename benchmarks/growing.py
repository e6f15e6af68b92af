"""A corpus of any size: dialogues of our simulator, and of external sets where they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from mining.logs import LoggedDialogue, LogOptions, read_log
from taskflow.store import Database
from taskflow.store.corpora import add_dialogues

EXTERNAL = {"sgd": 0.26, "multidogo_user": 0.08}
"""The share of the utterances that each external set gives: what it has, of a million."""

_SIMULATOR = Path(__file__).parent.parent / "data" / "simulator.py"
_SEED = 11
_FEWEST_TURNS = 10  # in the mean, of the simulator's dialogues
_BATCH = 500


def fill(database: Database, corpus: str, utterances: int, folder: Path | None) -> int:
    """Import about so many masked utterances; gives how many they are."""
    left = utterances
    for name, share in EXTERNAL.items():
        path = None if folder is None else folder / f"{name}.jsonl.gz"
        if path is not None and path.is_file():
            left -= _add(database, corpus, _read(path), round(share * utterances))
    for entries in _simulated(left):
        left -= _add(database, corpus, entries, left)
    return utterances - left


def _simulated(utterances: int) -> Iterator[Iterator[LoggedDialogue]]:
    with TemporaryDirectory(prefix="taskflow-") as folder:
        dialogues = utterances // 2 // _FEWEST_TURNS + 1
        options = ["--seed", str(_SEED), "--dialogues", str(dialogues), "--out", folder]
        subprocess.run([sys.executable, str(_SIMULATOR), *options], check=True)
        files = sorted(Path(folder).glob("*.jsonl.gz"))
        # Half of each language; every fifth dialogue, with wordings of its own, is in a file of its own.
        parts = [(path, 0.1 if ".held." in path.name else 0.4) for path in files]
        for path, share in parts:
            yield _until(_read(path), round(share * utterances))


def _read(path: Path) -> Iterator[LoggedDialogue]:
    return (entry for entry in read_log(path, LogOptions()) if isinstance(entry, LoggedDialogue))


def _until(entries: Iterator[LoggedDialogue], utterances: int) -> Iterator[LoggedDialogue]:
    """The first of them that have so many utterances together."""
    for entry in entries:
        if utterances <= 0:
            return
        utterances -= len(entry.dialogue.utterances)
        yield entry


def _add(database: Database, corpus: str, entries: Iterator[LoggedDialogue], utterances: int) -> int:
    added = 0
    wanted = _until(entries, utterances)
    while batch := list(islice(wanted, _BATCH)):
        additions = add_dialogues(database, corpus, [(entry.dialogue, entry.digest) for entry in batch])
        added += sum(
            len(entry.dialogue.utterances) for entry, addition in zip(batch, additions, strict=True) if addition.added
        )
    return added
