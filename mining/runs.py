"""A mining run: a corpus of the database in, an assistant's draft out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from mining.config import MiningConfig
from mining.engine import open_engine
from mining.paper.mining import mine_paper
from mining.pipeline import mine
from mining.progress import Progress, Report, peak_megabytes
from mining.remining.comparison import compare
from mining.remining.gain import Turns
from mining.rows import empty_rows
from taskflow.encoders import Encoder, Vectors
from taskflow.model import Assistant
from taskflow.store import Database
from taskflow.store.corpora import CorpusError, StoredDialogues
from taskflow.store.reviews import DraftChangedError, Review, read_reviewed
from taskflow.store.runs import Details, SavedRun, save_review, save_run
from taskflow.store.vectors import encode_batch, vectors_of

_TRIES = 5  # to compare with a draft that nobody changes meanwhile


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
    dialogues = StoredDialogues(database, corpus)
    if len(dialogues) < 2:
        raise CorpusError(
            f"corpus {corpus!r} has {len(dialogues)} dialogue{'' if len(dialogues) == 1 else 's'}: "
            "mining compares dialogues, so import at least two"
        )

    def told(done: int, total: int) -> None:
        report(f"encoding {done:,} of {total:,} texts")

    with open_engine(config.engine) as engine:

        def encode(texts: Sequence[str]) -> Vectors:
            rows = empty_rows(len(texts), encoder.dimension)
            return vectors_of(database, encoder, texts, told, partial(engine.map, encode_batch, encoder), rows)

        if config.method == "paper":
            mined = mine_paper(assistant, dialogues, encode, config, report)
        else:
            mined = mine(assistant, dialogues, encode, config, report, engine)
    figures = {
        "actions": len(mined.assistant.actions),
        "flows": len(mined.assistant.flows),
        "utterances": sum(len(turns) for turns in mined.turns),
        "assigned": mined.assigned,
        "dialogues": len(dialogues),
        "nodes": sum(len(flow.nodes) for flow in mined.assistant.flows),
        "steps": mined.steps,
        "steps_cut": mined.cut,
        "seconds": round(time.monotonic() - started, 2),
        "stage_seconds": mined.seconds,
        "peak_megabytes": peak_megabytes(),
    } | ({"note": mined.note} if mined.note else {})
    run = _Run(database, corpus, dialogues.keys, encoder.name, {"config": config.model_dump(), "figures": figures})
    progress = Progress(report)
    for _ in range(_TRIES):
        reviewed = read_reviewed(database, assistant)
        with suppress(DraftChangedError):  # somebody edited while this run compared: it compares again
            if reviewed is None:
                with progress.stage("saving", "saving"):
                    saved = run.save(mined.assistant, mined.turns)
            else:
                with progress.stage("comparing", "comparing with the reviewed draft"):
                    compared = compare(reviewed, mined.assistant, dialogues, mined.turns, config)
                    review = Review(reviewed.state, compared.assistant, compared.proposals)
                with progress.stage("saving", "saving"):
                    saved = run.save_review(review, compared.turns)
            return RunResult(saved, assistant, figures | {"stage_seconds": mined.seconds | progress.rounded()})
    raise DraftChangedError(f"the draft of {assistant!r} is edited all the time: mine again when its editors rest")


@dataclass(frozen=True, slots=True)
class _Run:
    """What is kept of a run, however its result is."""

    database: Database
    corpus: str
    keys: Sequence[int]
    encoder: str
    details: Details

    def save(self, assistant: Assistant, turns: Sequence[Turns]) -> SavedRun:
        keyed = list(zip(self.keys, turns, strict=True))
        return save_run(self.database, self.corpus, assistant, self.encoder, keyed, self.details)

    def save_review(self, review: Review, turns: Sequence[Turns]) -> SavedRun:
        keyed = list(zip(self.keys, turns, strict=True))
        return save_review(self.database, self.corpus, review, self.encoder, keyed, self.details)
