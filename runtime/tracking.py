"""Where a message moves a conversation: a distribution over the places of the assistant's TaskFlows.

P(place | message) ∝ P(place | where we stand) x P(message | the place's action). A message may answer the open
question, or a later one, go back, or change the subject: all are moves of this one distribution, and what is
likelier by the mined counts needs less evidence. Our reconstruction; the paper's own tracking is not public.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from runtime.state import ConversationState
from runtime.understanding import Candidate, Understanding
from taskflow.model import ActionId, Assistant, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.replay import Position

_SKIP = 0.2  # a customer's or agent's turn passed over
_BACK = 0.1  # to what stands beside the way here
_CHANGE = 0.2  # to another flow
_OUTSIDE = 0.02  # nothing that the assistant knows
_SKIP_DEPTH = 4
_WORDS = re.compile(r"\[[a-z_]+\]|[\u3400-\u9fff]|[^\W_]+")
_FEW_WORDS = 3  # values among them


class Level(StrEnum):
    """How a message relates to where the conversation stood; the order is that in which equals are taken."""

    HUMAN = "human"
    BUTTON = "button"
    CONSENT = "consent"
    ANSWER = "answer"
    CORRECTION = "correction"
    AHEAD = "ahead"
    BACK = "back"
    OTHER_FLOW = "other_flow"
    CANCEL = "cancel"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Placement:
    """A place that a message may lead to, with P(place | message)."""

    position: Position
    level: Level
    probability: float
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Tracked:
    """The places, likeliest first; what they lack to 1 is `outside`."""

    placements: tuple[Placement, ...]
    outside: float

    @property
    def best(self) -> Placement | None:
        return self.placements[0] if self.placements else None


@dataclass(frozen=True, slots=True)
class _Reach:
    """A customer's node ahead: the probability of the way, and how many turns it passes over.

    `agrees`: a call follows on few words. Such a node is reached by its own question alone: what was not asked is not
    agreed to.
    """

    position: Position
    action_id: ActionId
    probability: float
    skipped: int
    agrees: bool

    @property
    def is_free(self) -> bool:
        return not (self.skipped and self.agrees)

    @property
    def mass(self) -> float:
        return float(self.probability * _SKIP**self.skipped)


class Tracker:
    """The places of an assistant, indexed for tracking; no conversation's state is in it."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._flows = assistant.flow_by_id
        self._known: dict[Position, tuple[_Reach, ...]] = {}
        self._sides: dict[Position, dict[ActionId, list[tuple[Position, float]]]] = {}
        self._openings: dict[ActionId, list[tuple[Position, float]]] = defaultdict(list)
        total = sum(max(flow.support, 1) for flow in assistant.flows)
        for flow in assistant.flows:
            share = max(flow.support, 1) / total
            if assistant.speaker(flow.root) is Speaker.USER and flow.root.action_id is not None:
                self._openings[flow.root.action_id].append(((flow.id, flow.root.id), share))
            else:
                for reach in self._ahead((flow.id, flow.root.id)):
                    if reach.is_free:
                        self._openings[reach.action_id].append((reach.position, share * reach.mass))

    def track(self, state: ConversationState, understanding: Understanding) -> Tracked:
        """Weigh every place that a candidate action has from where the conversation stands."""
        beliefs = state.beliefs or (() if state.frame is None else ((state.frame.position, 1.0),))
        scored: dict[Position, tuple[float, Level, Candidate]] = {}
        for candidate in understanding.candidates:
            for position, mass, level in self._places(beliefs, candidate):
                score = candidate.probability * mass
                if position not in scored or score > scored[position][0]:
                    scored[position] = (score, level, candidate)
        outside = (understanding.outside + self._nowhere(understanding, scored)) * _OUTSIDE
        total = outside + sum(score for score, _, _ in scored.values())
        if not total:
            return Tracked((), 1.0)
        ranked = sorted(scored.items(), key=lambda item: (-item[1][0], _ORDER[item[1][1]], item[0]))
        placements = tuple(Placement(place, level, score / total, one) for place, (score, level, one) in ranked)
        return Tracked(placements, outside / total)

    def _nowhere(
        self, understanding: Understanding, scored: Mapping[Position, tuple[float, Level, Candidate]]
    ) -> float:
        """How probably the message is an action that has no place from here; a value alone is none."""
        placed = {candidate.action_id for _, _, candidate in scored.values()}
        return sum(
            one.probability for one in understanding.candidates if one.action_id not in placed and not one.is_value
        )

    def answers(self, position: Position) -> list[FlowNode]:
        """The customer's nodes right after a place; where a jump leads elsewhere, its target."""
        flow = self._flows[position[0]]
        landed = (landing(flow, child) for child in flow.children(position[1]))
        return [node for node in landed if self._assistant.speaker(node) is Speaker.USER]

    def _places(
        self, beliefs: Sequence[tuple[Position, float]], candidate: Candidate
    ) -> Iterator[tuple[Position, float, Level]]:
        """Where a candidate may lead; a value alone answers what is asked, and tells no other need nor a way back."""
        action = candidate.action_id
        here = {position[0] for position, _ in beliefs}
        for place, (position, weight) in enumerate(beliefs):
            for reach in self._ahead(position):
                if reach.action_id == action and reach.is_free:
                    level = Level.BACK if place else Level.AHEAD if reach.skipped else Level.ANSWER
                    yield reach.position, weight * reach.mass, level
            for reached, share in () if candidate.is_value else self._beside(position).get(action, ()):
                yield reached, weight * _BACK * share, Level.BACK
        for reached, share in () if candidate.is_value else self._openings.get(action, ()):
            if reached[0] not in here:
                yield reached, share * (_CHANGE if here else 1.0), Level.OTHER_FLOW

    def _ahead(self, position: Position) -> tuple[_Reach, ...]:
        """The customer's nodes ahead, before any call: a call is made and not passed over."""
        if position not in self._known:
            self._known[position] = tuple(self._search(position))
        return self._known[position]

    def _search(self, position: Position) -> Iterator[_Reach]:
        flow = self._flows[position[0]]
        front = [(child, child.probability, 0) for child in flow.children(position[1])]
        seen: set[NodeId] = set()
        for child, probability, skipped in front:  # breadth first: the list grows as it is read
            node = landing(flow, child)
            speaker = self._assistant.speaker(node)
            if node.id in seen or speaker is Speaker.SYSTEM or node.action_id is None:
                continue
            seen.add(node.id)
            if speaker is Speaker.USER:
                calls = any(self._assistant.speaker(after) is Speaker.SYSTEM for after in flow.children(node.id))
                agrees = calls and not self._tells(node.action_id)
                yield _Reach((flow.id, node.id), node.action_id, probability, skipped, agrees)
            if skipped < _SKIP_DEPTH:
                front += [(next_, probability * next_.probability, skipped + 1) for next_ in flow.children(node.id)]

    def _tells(self, action_id: ActionId) -> bool:
        """Whether most wordings give a value and say what it is about, such as "please check on [order_number]"."""
        exemplars = self._assistant.action_by_id[action_id].exemplars
        telling = sum(one.count for one in exemplars if "[" in one.text and len(_WORDS.findall(one.text)) > _FEW_WORDS)
        return 2 * telling > sum(one.count for one in exemplars)

    def _beside(self, position: Position) -> Mapping[ActionId, Sequence[tuple[Position, float]]]:
        """The customer's nodes beside the way from the root to here, the way itself among them, by their action."""
        if position not in self._sides:
            found: dict[ActionId, list[tuple[Position, float]]] = defaultdict(list)
            flow = self._flows[position[0]]
            if flow.root.action_id is not None:
                found[flow.root.action_id].append(((flow.id, flow.root.id), 1.0))
            for ancestor in flow.ancestors(position[1]):
                for child in flow.children(ancestor.id):
                    node = landing(flow, child)
                    if node.action_id is not None and self._assistant.speaker(node) is Speaker.USER:
                        found[node.action_id].append(((flow.id, node.id), child.probability))
            self._sides[position] = dict(found)
        return self._sides[position]


_ORDER = {level: place for place, level in enumerate(Level)}


def landing(flow: TaskFlow, node: FlowNode) -> FlowNode:
    """The node itself, or the one that it jumps to."""
    return node if node.jump_to is None else flow.by_id[node.jump_to]
