"""Where a sequence of actions stands on an assistant's TaskFlows, and what the agent does next.

Real dialogues skip questions, answer early, digress and change the subject, so a position is a distribution:
P(node | history) ∝ P(node | previous position, mined counts) × P(action | node). Mining measures with it,
the dialogue manager tracks with it. Our reconstruction; the paper's own matching is not public.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from taskflow.model import ActionId, Assistant, FlowId, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.review import without_rejected

Position = tuple[FlowId, NodeId]
_Place = tuple[FlowId | None, ActionId | None]  # an action in a flow, or anywhere

SKIP = 0.2  # each node passed over without being said
STAY = 0.05  # a digression: the position does not move
RETURN = 0.1  # to another node of the same flow
CHANGE = 0.02  # to a node of another flow
PRIOR = 1e-3  # an agent action that nothing else speaks for, by how common it is
SKIP_DEPTH = 4
WIDTH = 24  # positions kept
SHRINK = 4.0
_ASIDE = 1e-6  # by which a common question is likelier than what it interrupts


@dataclass(frozen=True, slots=True)
class Belief:
    """A distribution over positions; `followed`: the best one was reached by a step of the tree."""

    weights: Mapping[Position | None, float]
    followed: bool = True
    last: ActionId | None = None

    @property
    def best(self) -> Position | None:
        return max(self.weights, key=lambda position: self.weights[position])


START = Belief({None: 1.0})


class Replay:
    """The TaskFlows of an assistant but for what was rejected, indexed for walking; no dialogue's state is in it."""

    def __init__(self, assistant: Assistant) -> None:
        assistant = without_rejected(assistant)
        self._assistant = assistant
        self._flows = {flow.id: flow for flow in assistant.flows}
        self._nodes: dict[ActionId, list[tuple[Position, int]]] = defaultdict(list)
        for flow in assistant.flows:
            for node in flow.nodes:
                if node.action_id is not None and node.jump_to is None:
                    self._nodes[node.action_id].append(((flow.id, node.id), node.support))
        total = sum(action.support for action in assistant.actions) or 1
        self._shares = {action.id: action.support / total for action in assistant.actions}
        self._after = self._follow_ups()

    def step(self, position: Position | None) -> list[tuple[Position, float]]:
        """The positions one step on with their probabilities; from None, into every flow by its support."""
        if position is not None:
            flow = self._flows[position[0]]
            return [(_landing(flow, node), node.probability) for node in flow.children(position[1])]
        total = sum(flow.support for flow in self._flows.values()) or 1
        steps = []
        for flow in self._flows.values():
            share = flow.support / total
            if flow.root.action_id is not None:
                steps.append(((flow.id, flow.root.id), share))
            else:
                steps += [(_landing(flow, node), share * node.probability) for node in flow.children(flow.root.id)]
        return steps

    def action(self, position: Position) -> ActionId | None:
        return self._flows[position[0]].by_id[position[1]].action_id

    def observe(self, belief: Belief, action: ActionId | None) -> Belief:
        """The belief after one more action; None, an action that nobody knows, leaves the position."""
        if action is None:
            return Belief(belief.weights, followed=False, last=belief.last)
        weights = dict(self.reach(belief, action))
        for position, weight in belief.weights.items():
            digressed = weight * max(STAY * self._shares.get(action, 0.0), 1e-12)
            weights[position] = weights.get(position, 0.0) + digressed
        best = max(weights, key=weights.__getitem__)
        followed = self._stepped(belief, action, best) > weights[best] / 2
        if self._is_aside(best):
            weights = self._beside(belief, best)
        return Belief(_normalised(weights), followed, action)

    def _is_aside(self, position: Position | None) -> bool:
        return position is not None and self._flows[position[0]].is_aside

    def _beside(self, belief: Belief, aside: Position | None) -> dict[Position | None, float]:
        """A common question and its answer leave what was under way where it stood."""
        weights = {position: weight for position, weight in belief.weights.items() if not self._is_aside(position)}
        total = sum(weights.values()) or 1.0
        return {position: weight / total for position, weight in weights.items()} | {aside: 1.0 + _ASIDE}

    def _stepped(self, belief: Belief, action: ActionId, target: Position | None) -> float:
        """The mass that reaches the target by one step of the tree that says the action."""
        return sum(
            weight * probability
            for position, weight in belief.weights.items()
            for reached, probability in self.step(position)
            if reached == target and self.action(reached) == action
        )

    def likeliest(self, belief: Belief, likelihoods: Mapping[ActionId, float]) -> ActionId | None:
        """The action that an utterance is: P(action | history, text) ∝ P(action | history) × P(text | action)."""
        return max(
            likelihoods,
            key=lambda action: likelihoods[action] * (self._mass(belief, action) + 1e-9),
            default=None,
        )

    def _mass(self, belief: Belief, action: ActionId) -> float:
        return sum(self.reach(belief, action).values()) + STAY * self._shares.get(action, 0.0)

    def reach(self, belief: Belief, action: ActionId) -> Mapping[Position | None, float]:
        """The nodes of an action with the mass that moves there: ahead, or elsewhere in this or another flow."""
        weights: dict[Position | None, float] = defaultdict(float)
        for position, weight in belief.weights.items():
            for reached, probability, skipped in self._ahead(position, action):
                weights[reached] += weight * probability * SKIP**skipped
            for reached, share in self._elsewhere(position, action):
                weights[reached] += weight * share
        return weights

    def next_agent_actions(self, belief: Belief) -> list[tuple[ActionId, float]]:
        """Every agent action, the likeliest next one first; never empty where the assistant has one."""
        scores = {
            action.id: self._shares[action.id] * PRIOR
            for action in self._assistant.actions
            if action.speaker is Speaker.AGENT
        }
        for position, weight in belief.weights.items():
            for share, following in self._opinions(position, belief.last):
                for action, probability in following.items():
                    scores[action] += weight * share * probability
        total = sum(scores.values()) or 1.0
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return [(action, score / total) for action, score in ranked]

    def _opinions(
        self, position: Position | None, last: ActionId | None
    ) -> Iterable[tuple[float, Mapping[ActionId, float]]]:
        """What follows here, what follows the last action in this flow, and anywhere: each trusted by its support."""
        flow = None if position is None else position[0]
        support = 0 if position is None else self._flows[position[0]].by_id[position[1]].support
        here = (float(support), self._agent_ahead(position, SKIP_DEPTH))
        left = 1.0
        for seen, following in (here, self._after[flow, last], self._after[None, last]):
            trust = seen / (seen + SHRINK) if following else 0.0
            yield left * trust, following
            left *= 1 - trust

    def _ahead(self, position: Position | None, action: ActionId) -> Iterable[tuple[Position, float, int]]:
        """Where the action is found ahead: (position, probability of the way, nodes skipped)."""
        front = [(reached, probability, 0) for reached, probability in self.step(position)]
        while front:
            reached, probability, skipped = front.pop()
            if self.action(reached) == action:
                yield reached, probability, skipped
            elif skipped < SKIP_DEPTH and probability > 1e-4:
                front += [(next_, probability * p, skipped + 1) for next_, p in self.step(reached)]

    def _elsewhere(self, position: Position | None, action: ActionId) -> Iterable[tuple[Position, float]]:
        nodes = self._nodes.get(action, [])
        total = sum(support for _, support in nodes) or 1
        for reached, support in nodes:
            same = position is not None and reached[0] == position[0]
            yield reached, (RETURN if same else CHANGE) * support / total

    def _agent_ahead(self, position: Position | None, depth: int) -> dict[ActionId, float]:
        """The next agent actions from here; a customer's or a system's turn in between counts as skipped.

        The log shows the calls that were made: an agent who speaks before one is not on the way through it.
        """
        found: dict[ActionId, float] = defaultdict(float)
        for reached, probability in self.step(position):
            action = self.action(reached)
            speaker = None if action is None else self._assistant.action_by_id[action].speaker
            if speaker is Speaker.AGENT and action is not None:
                found[action] += probability
            elif depth > 0:
                for further, share in self._agent_ahead(reached, depth - 1).items():
                    found[further] += probability * SKIP * share
        return dict(found)

    def _follow_ups(self) -> Mapping[_Place, tuple[float, dict[ActionId, float]]]:
        """What the agent does after an action, in each flow and (under None) anywhere, with the support of that."""
        counts: dict[_Place, dict[ActionId, float]] = defaultdict(lambda: defaultdict(float))
        support: dict[_Place, float] = defaultdict(float)
        for flow in self._flows.values():
            for node in flow.nodes:
                if node.jump_to is None:
                    ahead = self._agent_ahead((flow.id, node.id), SKIP_DEPTH)
                    places: tuple[_Place, _Place] = ((flow.id, node.action_id), (None, node.action_id))
                    for key in places:
                        support[key] += node.support
                        for action, probability in ahead.items():
                            counts[key][action] += node.support * probability
        found: dict[_Place, tuple[float, dict[ActionId, float]]]
        found = defaultdict(lambda: (0.0, {}))
        for key, row in counts.items():
            total = sum(row.values()) or 1.0
            found[key] = (support[key], {action: count / total for action, count in row.items()})
        return found


def _landing(flow: TaskFlow, node: FlowNode) -> Position:
    return flow.id, node.id if node.jump_to is None else node.jump_to


def _normalised(weights: Mapping[Position | None, float]) -> dict[Position | None, float]:
    kept = sorted(weights.items(), key=lambda item: (-item[1], str(item[0])))[:WIDTH]
    total = sum(weight for _, weight in kept)
    return {position: weight / total for position, weight in kept}
