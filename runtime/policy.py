"""What happens next: the flow decides, from where the conversation stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taskflow.calls import Outcome
from taskflow.model import ActionId, Assistant, FlowNode, Speaker, TaskFlow
from taskflow.recognisers import FieldKind
from taskflow.replay import Position
from taskflow.retrieval import normalise


@dataclass(frozen=True, slots=True)
class Respond:
    """Say one of the node's responses, and go on from there."""

    position: Position
    node: FlowNode


@dataclass(frozen=True, slots=True)
class Ask:
    """It is the customer's turn."""


@dataclass(frozen=True, slots=True)
class Call:
    """Make the call of a node; the children stand for its outcomes, the commonest first."""

    position: Position
    name: str
    outcomes: Mapping[Outcome, Position]


@dataclass(frozen=True, slots=True)
class Close:
    """The flow ends here."""


@dataclass(frozen=True, slots=True)
class HandOff:
    """A person takes over; `reason` is for the service agent."""

    reason: str


_LOOK_AHEAD = 4

Step = Respond | Ask | Call | Close | HandOff


def next_step(
    assistant: Assistant, position: Position, known: Mapping[str, str], replied: bool, depth: int = _LOOK_AHEAD
) -> Step:
    """The step from a position, with what is known of the customer's fields.

    Among what the agent may do, the commonest wins whose words can be said with the known fields. Once something
    was said, a customer's answer that is as common as any further action of the agent is waited for. `depth` is
    how many turns of the customer may be passed over to find something to say.
    """
    flow = assistant.flow_by_id[position[0]]
    children = sorted(flow.children(position[1]), key=lambda node: -node.probability)
    ours = [node for node in children if assistant.speaker(node) is not Speaker.USER]
    waiting = sum(node.probability for node in children if assistant.speaker(node) is Speaker.USER)
    if replied and waiting and waiting >= sum(node.probability for node in ours):
        return Ask()
    for node in ours:
        step = _taken(assistant, flow, node, known)
        if step is not None:
            return step
    if ours:
        return HandOff("no response of this node can be said with what the customer has told")
    if children and not replied and depth:
        # In the logs the customer said more before anybody answered: the answer to that is the best there is.
        return next_step(assistant, _landing(flow, children[0]), known, replied, depth - 1)
    return Ask() if waiting and replied else Close()


def sayable(responses: tuple[str, ...], known: Mapping[str, str]) -> str | None:
    """The first response whose fields are all known, filled in."""
    for response in responses:
        filled = _filled(response, known)
        if filled is not None:
            return filled
    return None


def _taken(assistant: Assistant, flow: TaskFlow, node: FlowNode, known: Mapping[str, str]) -> Step | None:
    position = _landing(flow, node)
    target = flow.by_id[position[1]]
    if assistant.speaker(target) is Speaker.AGENT:
        return Respond(position, target) if sayable(target.responses, known) is not None else None
    name = _action_name(assistant, target.action_id)
    outcomes = {
        outcome: (flow.id, child.id)
        for child in sorted(flow.children(target.id), key=lambda child: -child.probability)
        for outcome in Outcome
        if normalise(_action_name(assistant, child.action_id)) == normalise(f"{name}: {outcome}")
    }
    return Call(position, name, outcomes)


def _landing(flow: TaskFlow, node: FlowNode) -> Position:
    return flow.id, node.id if node.jump_to is None else node.jump_to


def _action_name(assistant: Assistant, action_id: ActionId | None) -> str:
    """A system action is called by the key that it was mined under, whatever it was renamed to."""
    return "" if action_id is None else assistant.action_by_id[action_id].exemplars[0].text


def _filled(response: str, known: Mapping[str, str]) -> str | None:
    for kind in FieldKind:
        place = f"[{kind.value}]"
        if place in response:
            if kind.value not in known:
                return None
            response = response.replace(place, known[kind.value])
    return response
