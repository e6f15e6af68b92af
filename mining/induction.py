"""From sequences of actions to a TaskFlow: an automaton of merged contexts, pruned, drawn as a tree with jumps.

Our reconstruction of the paper's idea, whose own algorithm is not public (its literal prefix tree is
`mining/paper/prefix_tree.py`). Dialogues differ in the order of questions, answer early and digress; merging finds what
stays the same, and what few dialogues did is cut.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mining.automaton import ROOT, Automaton
from mining.config import MiningConfig
from mining.pruning import Kept, Thresholds, choose_thresholds, main_states, prune, reached
from mining.responses import Phrasebook
from mining.sequences import Step
from taskflow.model import ActionId, Evidence, FlowId, FlowNode, NodeId, Speaker, TaskFlow

_SAMPLE = 1_000  # dialogues that the automaton is learnt from; all are counted on it


@dataclass(frozen=True, slots=True)
class NeedDialogue:
    """A dialogue of one need: its sequence, and the log's words for how it ended."""

    dialogue_id: str
    steps: Sequence[Step]
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Induced:
    """A flow, the thresholds that held-out dialogues chose, and how many of all steps are not on its tree."""

    flow: TaskFlow
    thresholds: Thresholds
    steps: int
    cut: int


@dataclass(slots=True)
class _Place:
    """What was seen at a state, or on a step between two."""

    visits: int = 0
    evidence: dict[str, int] = field(default_factory=dict)  # dialogue to its first turn here
    outcomes: Counter[str] = field(default_factory=Counter)
    said: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)

    def add(self, dialogue: NeedDialogue, step: Step | None) -> None:
        self.visits += 1
        if dialogue.dialogue_id not in self.evidence:
            self.evidence[dialogue.dialogue_id] = step.turn if step else 0
            self.outcomes.update(dialogue.outcomes)
        if step is not None and step.speaker is Speaker.AGENT:
            self.said[step.text, dialogue.outcomes] += 1


def induce(name: str, dialogues: Sequence[NeedDialogue], phrasebook: Phrasebook, config: MiningConfig) -> Induced:
    """The TaskFlow of one need; its root stands for the need alone.

    The tree's branches are the most travelled steps; where another step leads to a state that the tree already has,
    a node jumps there.
    """
    sequences = [[step.action_id for step in dialogue.steps] for dialogue in dialogues]
    chosen = np.sort(np.random.default_rng(0).permutation(len(sequences))[:_SAMPLE])
    sample = [sequences[place] for place in chosen]
    thresholds = choose_thresholds(sample)
    automaton = Automaton(sample)
    counted = _count(automaton, prune(automaton, thresholds, len(sample)), dialogues)
    flow_id = FlowId("f-" + hashlib.sha256(name.encode()).hexdigest()[:12])
    drawing = _Drawing(flow_id, automaton, counted, phrasebook, config)
    flow = TaskFlow(flow_id, name, tuple(drawing.nodes()))
    return Induced(flow, thresholds, sum(map(len, sequences)), counted.off)


def _count(automaton: Automaton, kept: Kept, dialogues: Sequence[NeedDialogue]) -> _Counted:
    """Steps that no dialogue takes are left out, lest one be met again where no step of the tree leads."""
    counted = _Counted(automaton, kept, dialogues)
    taken = reached(
        {state: {a: to for a, to in steps.items() if (state, a) in counted.along} for state, steps in kept.items()}
    )
    return counted if taken == kept else _count(automaton, taken, dialogues)


class _Counted:
    """All dialogues walked along the kept steps; one that leaves them is met again where its action stands."""

    def __init__(self, automaton: Automaton, kept: Kept, dialogues: Sequence[NeedDialogue]) -> None:
        self.kept = kept
        self.at: defaultdict[int, _Place] = defaultdict(_Place)
        self.along: defaultdict[tuple[int, ActionId], _Place] = defaultdict(_Place)
        self.off = 0
        main = main_states(automaton, kept)
        for dialogue in dialogues:
            state = ROOT
            self.at[ROOT].add(dialogue, None)
            for step in dialogue.steps:
                reached = kept[state].get(step.action_id)
                if reached is not None:
                    self.along[state, step.action_id].add(dialogue, step)
                else:
                    self.off += 1
                    reached = main.get(step.action_id)
                if reached is not None:
                    state = reached
                    self.at[state].add(dialogue, step)


class _Drawing:
    """The kept states as a tree: each once, under the state that most dialogues came from."""

    def __init__(
        self,
        flow_id: FlowId,
        automaton: Automaton,
        counted: _Counted,
        phrasebook: Phrasebook,
        config: MiningConfig,
    ) -> None:
        self._flow_id, self._automaton, self._kept, self._counted = flow_id, automaton, counted.kept, counted
        self._phrasebook, self._config = phrasebook, config
        self._ids: dict[int, NodeId] = {ROOT: _node_id(flow_id, ())}
        self._paths: dict[int, tuple[ActionId, ...]] = {ROOT: ()}
        self._span()

    def _span(self) -> None:
        """The spanning tree of the heaviest steps, from the root."""
        steps = self._ahead(ROOT)
        heapq.heapify(steps)
        while steps:
            _, action, state = heapq.heappop(steps)
            target = self._kept[state][action]
            if target not in self._paths:
                self._paths[target] = (*self._paths[state], action)
                self._ids[target] = _node_id(self._flow_id, self._paths[target])
                for ahead in self._ahead(target):
                    heapq.heappush(steps, ahead)

    def _ahead(self, state: int) -> list[tuple[int, ActionId, int]]:
        return [(-self._visits(state, action), action, state) for action in self._kept[state]]

    def nodes(self) -> Iterator[FlowNode]:
        """Depth first, every parent before its children."""
        stack: list[FlowNode | tuple[int, NodeId | None, float]] = [(ROOT, None, 1.0)]
        while stack:
            top = stack.pop()
            if isinstance(top, FlowNode):
                yield top
                continue
            state, parent, probability = top
            yield self._node(state, parent, probability)
            stack += reversed([self._child(state, action) for _, action, _ in sorted(self._ahead(state))])

    def _child(self, state: int, action: ActionId) -> FlowNode | tuple[int, NodeId | None, float]:
        target, path = self._kept[state][action], (*self._paths[state], action)
        probability = self._visits(state, action) / max(self._counted.at[state].visits, 1)
        if self._paths[target] == path:
            return target, self._ids[state], probability
        seen = self._counted.along[state, action]
        return FlowNode(
            id=_node_id(self._flow_id, path, jump=True),
            parent_id=self._ids[state],
            action_id=action,
            support=len(seen.evidence),
            probability=probability,
            jump_to=self._ids[target],
            evidence=self._evidence(seen),
            outcomes=_sorted(seen.outcomes),
        )

    def _node(self, state: int, parent: NodeId | None, probability: float) -> FlowNode:
        seen = self._counted.at[state]
        return FlowNode(
            id=self._ids[state],
            parent_id=parent,
            action_id=self._automaton.action[state],
            support=len(seen.evidence),
            probability=probability,
            responses=self._phrasebook.responses(seen.said),
            evidence=self._evidence(seen),
            outcomes=_sorted(seen.outcomes),
        )

    def _visits(self, state: int, action: ActionId) -> int:
        return self._counted.along[state, action].visits

    def _evidence(self, place: _Place) -> tuple[Evidence, ...]:
        return tuple(Evidence(*seen) for seen in list(place.evidence.items())[: self._config.most_evidence])


def _sorted(outcomes: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(outcomes.items()))


def _node_id(flow_id: FlowId, path: Sequence[ActionId], jump: bool = False) -> NodeId:
    """The same path in the same flow has the same id in every run."""
    text = "\n".join((flow_id, *path, "jump" if jump else ""))
    return NodeId("n-" + hashlib.sha256(text.encode()).hexdigest()[:12])
