"""Mining runs: what they were given, what they found, and the actions of every turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from taskflow.model import ActionId, Assistant
from taskflow.store.assistants import ensure_assistant, save_mined
from taskflow.store.corpora import CorpusError, corpus_key
from taskflow.store.database import Database
from taskflow.store.proposals import replace_pending
from taskflow.store.reviews import DraftChangedError, DraftState, Review, draft_state
from taskflow.store.schema import (
    ActionRow,
    AssignmentRow,
    AssistantRow,
    CorpusRow,
    DialogueRow,
    RunRow,
    UtteranceRow,
    VersionRow,
)

_BATCH = 10_000  # rows that are written at once

Turns = Sequence[tuple[int, Sequence[tuple[ActionId, ...]]]]
Details = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RunSummary:
    id: int
    corpus: str
    assistant: str
    encoder: str
    figures: dict[str, Any]
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run; `proposals` is None where nobody had reviewed the draft, which the run then simply replaced."""

    run: int
    proposals: int | None


@dataclass(frozen=True, slots=True)
class TurnActions:
    """The actions that the newest run of a corpus found in one turn."""

    dialogue_id: str
    turn: int
    speaker: str
    action_id: str | None
    action: str | None
    also: tuple[str, ...]


def save_run(
    database: Database, corpus: str, assistant: Assistant, encoder: str, turns: Turns, details: Details
) -> SavedRun:
    """Keep a run whole or not at all: the assistant's new draft, the figures, the actions of every turn.

    `turns` are dialogue keys with the actions of each turn; `details` are `config` and `figures`. Raises
    DraftChangedError where somebody reviewed the draft that this one would replace.
    """
    with database.write() as session:
        assistant_id = ensure_assistant(session, assistant.name)
        _check_unchanged(session, assistant_id, assistant.name, None)
        version = save_mined(session, assistant, encoder)
        return SavedRun(_insert(session, RunRow(version_id=version, encoder=encoder, **details), corpus, turns), None)


def save_review(
    database: Database, corpus: str, review: Review, encoder: str, turns: Turns, details: Details
) -> SavedRun:
    """Keep a run on a reviewed draft: the draft with fresh counts, and the proposals in place of the last run's.

    Raises DraftChangedError where the draft is another one than the run was compared with.
    """
    with database.write() as session:
        assistant_id = ensure_assistant(session, review.assistant.name)
        _check_unchanged(session, assistant_id, review.assistant.name, review.seen)
        version = save_mined(session, review.assistant, encoder)
        run = _insert(session, RunRow(version_id=version, encoder=encoder, **details), corpus, turns)
        return SavedRun(run, replace_pending(session, assistant_id, run, review.proposals))


def _check_unchanged(session: Session, assistant_id: int, name: str, seen: DraftState | None) -> None:
    if draft_state(session, assistant_id) != seen:
        raise DraftChangedError(f"the draft of {name!r} was changed while it was mined: mine it again")


def _insert(session: Session, row: RunRow, corpus: str, turns: Turns) -> int:
    row.corpus_id = corpus_key(session, corpus)
    row.finished_at = datetime.now(UTC)
    session.add(row)
    session.flush()
    rows = (
        {
            "run_id": row.id,
            "dialogue_key": key,
            "turn": turn,
            "action_id": actions[0] if actions else None,
            "also": list(actions[1:]),
        }
        for key, dialogue in turns
        for turn, actions in enumerate(dialogue)
    )
    try:
        while batch := list(islice(rows, _BATCH)):
            session.execute(insert(AssignmentRow), batch)
    except IntegrityError as error:
        raise CorpusError(
            f"dialogues of {corpus!r} were forgotten or changed while it was mined: mine it again"
        ) from error
    return row.id


def list_runs(database: Database, corpus: str | None = None) -> list[RunSummary]:
    """The newest first."""
    query = (
        select(RunRow.id, CorpusRow.name, AssistantRow.name, RunRow.encoder, RunRow.figures, RunRow.finished_at)
        .join(CorpusRow, CorpusRow.id == RunRow.corpus_id)
        .join(VersionRow, VersionRow.id == RunRow.version_id)
        .join(AssistantRow, AssistantRow.id == VersionRow.assistant_id)
        .order_by(RunRow.id.desc())
    )
    if corpus is not None:
        query = query.where(CorpusRow.name == corpus)
    with database.read() as session:
        return [RunSummary(*row) for row in session.execute(query)]


def corpus_of(database: Database, assistant: str) -> str | None:
    """The corpus that an assistant was last mined from, where its evidence lies."""
    return next((run.corpus for run in list_runs(database) if run.assistant == assistant), None)


def read_assignments(database: Database, corpus: str) -> Iterator[TurnActions] | None:
    """One row for every turn of every dialogue in order; None where the corpus was never mined."""
    with database.read() as session:
        corpus_id = corpus_key(session, corpus)
        run = session.execute(
            select(RunRow.id, RunRow.version_id)
            .where(RunRow.corpus_id == corpus_id)
            .order_by(RunRow.id.desc())
            .limit(1)
        ).one_or_none()
    return None if run is None else _assigned(database, corpus_id, run[0], run[1])


def _assigned(database: Database, corpus_id: int, run: int, version_id: int) -> Iterator[TurnActions]:
    with database.read() as session:
        names = _action_names(session, version_id)
        rows = session.execute(
            select(
                DialogueRow.dialogue_id,
                UtteranceRow.turn,
                UtteranceRow.speaker,
                AssignmentRow.action_id,
                AssignmentRow.also,
            )
            .join(UtteranceRow, UtteranceRow.dialogue_key == DialogueRow.id)
            .outerjoin(
                AssignmentRow,
                (AssignmentRow.run_id == run)
                & (AssignmentRow.dialogue_key == UtteranceRow.dialogue_key)
                & (AssignmentRow.turn == UtteranceRow.turn),
            )
            .where(DialogueRow.corpus_id == corpus_id)
            .order_by(DialogueRow.id, UtteranceRow.turn)
            .execution_options(yield_per=1000)
        )
        for dialogue_id, turn, speaker, action_id, also in rows:
            yield TurnActions(dialogue_id, turn, speaker, action_id, names.get(action_id), tuple(also or ()))


def _action_names(session: Session, version_id: int) -> dict[str | None, str]:
    rows = session.execute(select(ActionRow.action_id, ActionRow.name).where(ActionRow.version_id == version_id))
    return dict(rows.all())
