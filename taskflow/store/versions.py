"""A version of an assistant as rows, and the rows as a version."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from taskflow.edit_forms import binding_from_json, binding_to_json
from taskflow.model import (
    ActionId,
    Assistant,
    AssistantVersion,
    DialogueAction,
    Evidence,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    Status,
    TaskFlow,
)
from taskflow.store.schema import ActionRow, ExemplarRow, FlowRow, NodeRow, VersionRow


def insert_version(session: Session, assistant_id: int, version: AssistantVersion) -> int:
    """Write a version that is never changed afterwards; returns its key."""
    row = VersionRow(
        assistant_id=assistant_id,
        number=version.number,
        encoder=version.encoder,
        created_at=datetime.now(UTC),
    )
    session.add(row)
    session.flush()
    assistant, key = version.assistant, {"version_id": row.id}
    _insert_rows(
        session,
        ActionRow,
        [
            key
            | {
                "action_id": action.id,
                "position": position,
                "speaker": action.speaker.value,
                "name": action.name,
                "support": action.support,
                "description": action.description,
                "status": action.status.value,
                "binding": None if action.binding is None else binding_to_json(action.binding),
            }
            for position, action in enumerate(assistant.actions)
        ],
    )
    _insert_rows(
        session,
        ExemplarRow,
        [
            key | {"action_id": action.id, "position": position, "text": said.text, "count": said.count}
            for action in assistant.actions
            for position, said in enumerate(action.exemplars)
        ],
    )
    _insert_rows(
        session,
        FlowRow,
        [
            key | {"flow_id": flow.id, "position": position, "name": flow.name}
            for position, flow in enumerate(assistant.flows)
        ],
    )
    _insert_rows(
        session,
        NodeRow,
        [
            key | {"flow_id": flow.id, "position": position} | _node_columns(node)
            for flow in assistant.flows
            for position, node in enumerate(flow.nodes)
        ],
    )
    return row.id


def _insert_rows(session: Session, table: type[Any], rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(table), rows)


def _node_columns(node: FlowNode) -> dict[str, Any]:
    return {
        "node_id": node.id,
        "parent_id": node.parent_id,
        "action_id": node.action_id,
        "support": node.support,
        "probability": node.probability,
        "jump_to": node.jump_to,
        "responses": list(node.responses),
        "evidence": [[seen.dialogue_id, seen.turn] for seen in node.evidence],
        "status": node.status.value,
        "outcomes": [list(pair) for pair in node.outcomes],
        "cost": node.cost,
    }


def read_version(session: Session, row: VersionRow, name: str) -> AssistantVersion:
    exemplars: dict[str, list[Exemplar]] = defaultdict(list)
    for said in session.scalars(
        select(ExemplarRow).where(ExemplarRow.version_id == row.id).order_by(ExemplarRow.position)
    ):
        exemplars[said.action_id].append(Exemplar(said.text, said.count))
    nodes: dict[str, list[FlowNode]] = defaultdict(list)
    for node in session.scalars(select(NodeRow).where(NodeRow.version_id == row.id).order_by(NodeRow.position)):
        nodes[node.flow_id].append(_node(node))
    actions = session.scalars(select(ActionRow).where(ActionRow.version_id == row.id).order_by(ActionRow.position))
    flows = session.scalars(select(FlowRow).where(FlowRow.version_id == row.id).order_by(FlowRow.position))
    assistant = Assistant(
        name,
        tuple(
            DialogueAction(
                ActionId(action.action_id),
                Speaker(action.speaker),
                action.name,
                tuple(exemplars[action.action_id]),
                action.support,
                action.description,
                Status(action.status),
                None if action.binding is None else binding_from_json(action.binding),
            )
            for action in actions
        ),
        tuple(TaskFlow(FlowId(flow.flow_id), flow.name, tuple(nodes[flow.flow_id])) for flow in flows),
    )
    return AssistantVersion(assistant, row.number, row.encoder)


def _node(row: NodeRow) -> FlowNode:
    return FlowNode(
        id=NodeId(row.node_id),
        parent_id=None if row.parent_id is None else NodeId(row.parent_id),
        action_id=None if row.action_id is None else ActionId(row.action_id),
        support=row.support,
        probability=row.probability,
        jump_to=None if row.jump_to is None else NodeId(row.jump_to),
        responses=tuple(row.responses),
        evidence=tuple(Evidence(dialogue_id, turn) for dialogue_id, turn in row.evidence),
        status=Status(row.status),
        outcomes=tuple((outcome, count) for outcome, count in row.outcomes),
        cost=row.cost,
    )
