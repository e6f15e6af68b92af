"""A mining run: a corpus of the database in, an assistant's draft out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from mining.config import MiningConfig
from mining.pipeline import Report, mine
from taskflow.encoders import Encoder
from taskflow.store import Database
from taskflow.store.corpora import CorpusError, read_corpus
from taskflow.store.runs import SavedRun, save_run
from taskflow.store.vectors import vectors_of


@dataclass(frozen=True, slots=True)
class RunResult:
    saved: SavedRun
    assistant: str
    figures: dict[str, Any]


def run_mining(
    database: Database, corpus: str, assistant: str, encoder: Encoder, config: MiningConfig, report: Report
) -> RunResult:
    """Mine and keep the result, whole or not at all. Vectors made on the way stay, so a second try is quicker."""
    started = time.monotonic()
    read = list(read_corpus(database, corpus))
    if len(read) < 2:
        raise CorpusError(
            f"corpus {corpus!r} has {len(read)} dialogue{'' if len(read) == 1 else 's'}: "
            "mining compares dialogues, so import at least two"
        )

    def told(done: int, total: int) -> None:
        report(f"encoding {done:,} of {total:,} texts")

    mined = mine(
        assistant,
        [dialogue for _, dialogue in read],
        lambda texts: vectors_of(database, encoder, texts, told),
        config,
        report,
    )
    figures = {
        "actions": len(mined.assistant.actions),
        "flows": len(mined.assistant.flows),
        "utterances": sum(len(dialogue.utterances) for _, dialogue in read),
        "assigned": mined.assigned,
        "dialogues": len(read),
        "nodes": sum(len(flow.nodes) for flow in mined.assistant.flows),
        "steps": mined.steps,
        "steps_cut": mined.cut,
        "seconds": round(time.monotonic() - started, 2),
    } | ({"note": mined.note} if mined.note else {})
    report("saving")
    saved = save_run(
        database,
        corpus,
        mined.assistant,
        encoder.name,
        [(key, actions) for (key, _), actions in zip(read, mined.turns, strict=True)],
        {"config": config.model_dump(), "figures": figures},
    )
    return RunResult(saved, assistant, figures)
