"""What happens next: the flow decides, from where the conversation stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runtime.fields import FieldValue, spoken
from runtime.generation import sayable
from runtime.state import Frame
from runtime.tracking import landing
from taskflow.calls import Outcome
from taskflow.model import ActionId, Assistant, DialogueAction, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.recognisers import FieldKind
from taskflow.texts import normalise

_LOOK_AHEAD = 4
_TRUSTED = 0.5  # confidence in a field from which on it is not asked for


@dataclass(frozen=True, slots=True)
class Respond:
    """Say one of the node's responses, and go on from there."""

    node: FlowNode


@dataclass(frozen=True, slots=True)
class Ask:
    """It is the customer's turn."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The next question need not be asked: its answer, at `node`, is known from these fields."""

    node: FlowNode
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Make the call of a node; the nodes stand for its outcomes."""

    node: FlowNode
    name: str
    outcomes: Mapping[Outcome, NodeId]


@dataclass(frozen=True, slots=True)
class Close:
    """The flow ends here."""


@dataclass(frozen=True, slots=True)
class HandOff:
    """A person takes over; `reason` is for the service agent."""

    reason: str


Step = Respond | Ask | Answered | Call | Close | HandOff


class Policy:
    """The steps of one version's flows."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.gives: Mapping[ActionId, frozenset[str]] = {
            action.id: _given(action) for action in assistant.actions if action.speaker is Speaker.USER
        }

    def next_step(
        self, frame: Frame, fields: Mapping[str, FieldValue], language: str, replied: bool, depth: int = _LOOK_AHEAD
    ) -> Step:
        """The step from where a frame stands, with what is known of the customer's fields.

        Among what the agent may do, the commonest wins whose words can be said with the known fields. Once something
        was said, a customer's answer that is as common as any further action of the agent is waited for. `depth` is
        how many turns of the customer may be passed over to find something to say.
        """
        flow = self._assistant.flow_by_id[frame.flow_id]
        children = sorted(flow.children(frame.node_id), key=lambda node: -node.probability)
        ours = [node for node in children if self._assistant.speaker(node) is not Speaker.USER]
        waiting = sum(node.probability for node in children if self._assistant.speaker(node) is Speaker.USER)
        if replied and waiting and waiting >= sum(node.probability for node in ours):
            return Ask()
        for node in ours:
            step = self._taken(flow, landing(flow, node), fields, language)
            if step is not None:
                return step
        if ours:
            return HandOff("no response of this node can be said with what the customer has told")
        if children and not replied and depth:
            # In the logs the customer said more before anybody answered: the answer to that is the best there is.
            passed = Frame(flow.id, landing(flow, children[0]).id)
            return self.next_step(passed, fields, language, replied, depth - 1)
        return Ask() if waiting and replied else Close()

    def expected(self, frame: Frame) -> frozenset[str]:
        """The kinds of fields that the open question asks for."""
        flow = self._assistant.flow_by_id[frame.flow_id]
        answers = (landing(flow, child).action_id for child in flow.children(frame.node_id))
        return frozenset(kind for answer in answers if answer is not None for kind in self.gives.get(answer, ()))

    def asked(self, frame: Frame) -> frozenset[str]:
        """The kinds of fields that customers are asked for in the flow of a frame."""
        actions = {node.action_id for node in self._assistant.flow_by_id[frame.flow_id].nodes}
        return frozenset(kind for action in actions if action is not None for kind in self.gives.get(action, ()))

    def leads_to_call(self, flow: TaskFlow, node: FlowNode) -> bool:
        return any(self._assistant.speaker(landing(flow, child)) is Speaker.SYSTEM for child in flow.children(node.id))

    def is_given(self, action_id: ActionId, fields: Mapping[str, FieldValue]) -> bool:
        """Whether what a customer's action gives is known, where it gives a value at all."""
        kinds = self.gives.get(action_id)
        return not kinds or any(kind in fields and fields[kind].confidence > _TRUSTED for kind in kinds)

    def consents(self, flow: TaskFlow, node: FlowNode) -> bool:
        """Whether a customer's answer lets a call be made, and gives no value that the call is about."""
        gives = node.action_id is not None and self.gives.get(node.action_id)
        return not gives and self.leads_to_call(flow, node)

    def _taken(self, flow: TaskFlow, node: FlowNode, fields: Mapping[str, FieldValue], language: str) -> Step | None:
        if self._assistant.speaker(node) is Speaker.AGENT:
            answered = self.answered(flow, node, fields)
            if answered is not None:
                return answered
            return Respond(node) if sayable(node.responses, spoken(fields), language) else None
        name = self.call_name(node)
        outcomes = {
            outcome: landing(flow, child).id
            for child in sorted(flow.children(node.id), key=lambda child: -child.probability)
            for outcome in Outcome
            if normalise(self.call_name(child)) == normalise(f"{name}: {outcome}")
        }
        return Call(node, name, outcomes)

    def answered(self, flow: TaskFlow, node: FlowNode, fields: Mapping[str, FieldValue]) -> Answered | None:
        """Whether a question asks for fields that the customer has given; an agent who tells one asks none."""
        trusted = {kind for kind, field in fields.items() if field.source == "customer" and field.confidence > _TRUSTED}
        if any(f"[{kind}]" in response for response in node.responses for kind in trusted):
            return None
        for child in sorted(flow.children(node.id), key=lambda child: -child.probability):
            answer = landing(flow, child)
            asked = self.gives.get(answer.action_id, frozenset()) if answer.action_id is not None else frozenset()
            if asked and asked <= trusted:
                return Answered(answer, tuple(sorted(asked)))
        return None

    def call_name(self, node: FlowNode) -> str:
        """A system action is called by the key that it was mined under, whatever it was renamed to."""
        return "" if node.action_id is None else self._assistant.action_by_id[node.action_id].exemplars[0].text


def _given(action: DialogueAction) -> frozenset[str]:
    """The kinds of fields that most wordings of a customer's action hold."""
    total = sum(exemplar.count for exemplar in action.exemplars)
    counts: Counter[str] = Counter()
    for exemplar in action.exemplars:
        for kind in FieldKind:
            if f"[{kind.value}]" in exemplar.text:
                counts[kind.value] += exemplar.count
    return frozenset(kind for kind, count in counts.items() if count > total / 2)


def kinds_in(texts: Sequence[str]) -> frozenset[str]:
    """The kinds of fields that texts hold places for."""
    return frozenset(kind.value for kind in FieldKind if any(f"[{kind.value}]" in text for text in texts))
