"""Every version, draft and proposal of an assistant without what dialogues that are gone gave to them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from taskflow.calls import system_keys
from taskflow.model import ActionId, Assistant, Speaker, Utterance
from taskflow.proposals import Decision
from taskflow.recounting import Form, Gone, edit_recounted, keeping, kept_wordings, recounted
from taskflow.store.schema import (
    ActionRow,
    AssignmentRow,
    AssistantRow,
    EditRow,
    ExemplarRow,
    NodeRow,
    ProposalRow,
    RunRow,
    UtteranceRow,
    VersionRow,
)
from taskflow.store.versions import read_version
from taskflow.texts import normalise

_BATCH = 500


@dataclass(slots=True)
class Counted:
    """What the turns of some dialogues gave to the counts of one mining run."""

    said: Counter[tuple[Speaker, str]] = field(default_factory=Counter)
    done: Counter[ActionId] = field(default_factory=Counter)


@dataclass(slots=True)
class Recount:
    """What went: evidence of nodes, wordings of actions; `kept` are wordings that stayed as the last of theirs."""

    evidence: int = 0
    wordings: int = 0
    kept: set[tuple[str, str]] = field(default_factory=set)  # an assistant's name, a wording


def counted_in_runs(session: Session, dialogues: Sequence[int]) -> dict[int, Counted]:
    """By run: what it counted in the dialogues with these keys."""
    runs: dict[int, Counted] = defaultdict(Counted)
    columns = (UtteranceRow.speaker, UtteranceRow.text, UtteranceRow.label, UtteranceRow.result)
    query = select(AssignmentRow.run_id, AssignmentRow.action_id, AssignmentRow.also, *columns).join(
        UtteranceRow,
        (UtteranceRow.dialogue_key == AssignmentRow.dialogue_key) & (UtteranceRow.turn == AssignmentRow.turn),
    )
    for start in range(0, len(dialogues), _BATCH):
        keys = dialogues[start : start + _BATCH]
        for run, action, also, *told in session.execute(query.where(AssignmentRow.dialogue_key.in_(keys))):
            speaker, text, label, result = told
            is_call = speaker == Speaker.SYSTEM
            texts = system_keys(Utterance(Speaker.SYSTEM, text, label, result)) if is_call else (text,)
            runs[run].said.update((Speaker(speaker), normalise(said)) for said in texts)
            runs[run].done.update(ActionId(one) for one in (action, *(also if is_call else ())) if one is not None)
    return runs


def recount(session: Session, assistant: AssistantRow, gone: Gone, runs: Mapping[int, Counted], told: Recount) -> None:
    """Change every version, edit and proposal; each version by the run that its counts are of."""
    made = select(RunRow.version_id, RunRow.id).join(VersionRow, VersionRow.id == RunRow.version_id)
    run_of = dict(session.execute(made.where(VersionRow.assistant_id == assistant.id)).all())
    counted = Counted()
    for row in session.scalars(
        select(VersionRow).where(VersionRow.assistant_id == assistant.id).order_by(VersionRow.id)
    ).all():
        if row.id in run_of:
            counted = runs.get(run_of[row.id], Counted())
        own = replace(gone, said=counted.said, done=counted.done)
        _recount_version(session, row, assistant.name, own, told)
    _recount_proposals(session, assistant.id, gone)


def _recount_version(session: Session, row: VersionRow, name: str, gone: Gone, told: Recount) -> None:
    before = read_version(session, row, name).assistant
    edits = list(session.scalars(select(EditRow).where(EditRow.version_id == row.id).order_by(EditRow.position)))
    going = keeping(before, [edit.edit for edit in _standing(edits)], gone)
    after = recounted(before, going)
    forms = [edit_recounted(edit.edit, going) for edit in edits]
    for edit, form in zip(edits, forms, strict=True):
        if form is None:
            session.delete(edit)
        elif form != edit.edit:
            edit.edit = form
    _write_actions(session, row.id, before, after, told)
    _write_nodes(session, row.id, before, after, told)
    kept = kept_wordings(after, [form for form in forms if form is not None], gone)
    told.kept.update((name, text) for text in kept)


def _standing(edits: Sequence[EditRow]) -> list[EditRow]:
    """The edits that count, and those that can be made again after them."""
    last = max((edit.position for edit in edits if edit.undone_at is None), default=-1)
    return [edit for edit in edits if edit.undone_at is None or edit.position > last]


def _write_actions(session: Session, version: int, before: Assistant, after: Assistant, told: Recount) -> None:
    for old, new in zip(before.actions, after.actions, strict=True):
        if old == new:
            continue
        key = {"version_id": version, "action_id": new.id}
        session.execute(update(ActionRow).filter_by(**key).values(support=new.support))
        session.execute(delete(ExemplarRow).filter_by(**key))
        rows = [
            key | {"position": position, "text": said.text, "count": said.count}
            for position, said in enumerate(new.exemplars)
        ]
        if rows:
            session.execute(insert(ExemplarRow), rows)
        told.wordings += len(old.exemplars) - len(new.exemplars)


def _write_nodes(session: Session, version: int, before: Assistant, after: Assistant, told: Recount) -> None:
    for flow in after.flows:
        nodes = before.flow_by_id[flow.id].by_id
        for node in flow.nodes:
            if node == nodes[node.id]:
                continue
            columns = {
                "support": node.support,
                "probability": node.probability,
                "evidence": [[seen.dialogue_id, seen.turn] for seen in node.evidence],
                "outcomes": [list(pair) for pair in node.outcomes],
            }
            key = {"version_id": version, "flow_id": flow.id, "node_id": node.id}
            session.execute(update(NodeRow).filter_by(**key).values(**columns))
            told.evidence += len(nodes[node.id].evidence) - len(node.evidence)


def _recount_proposals(session: Session, assistant_id: int, gone: Gone) -> None:
    """One that nobody decided goes where nothing is left to propose."""
    for row in session.scalars(select(ProposalRow).where(ProposalRow.assistant_id == assistant_id)):
        evidence = [seen for seen in row.evidence if seen[0] not in gone.endings]
        edits = [form for form in (edit_recounted(form, gone) for form in row.edits) if form is not None]
        if (evidence, edits) == (row.evidence, row.edits):
            continue
        row.support = max(0, row.support - len(row.evidence) + len(evidence))
        row.why = _without_examples(row.why, row.edits, gone)
        row.evidence, row.edits = evidence, edits
        if row.status == Decision.PENDING and not (edits and row.support):
            session.delete(row)


def _without_examples(why: str, edits: Sequence[Form], gone: Gone) -> str:
    for form in edits:
        for said in form.get("exemplars", ()):
            if normalise(said["text"]) in gone.only:
                why = why.replace(repr(said["text"]), "…")
    return why
