"""From sequences of actions to a TaskFlow: a pruned prefix tree under the need.

Our reconstruction of the paper's idea, whose own algorithm is not public: sequences are merged by common
prefix, support is counted, and what too few dialogues passed is cut.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mining.config import MiningConfig
from mining.sequences import Step
from taskflow.model import ActionId, Evidence, FlowId, FlowNode, NodeId, Speaker, TaskFlow

_MOST_RESPONSES = 5
_RARE = 0.04  # an action in fewer of a need's dialogues is a digression, and in no path


@dataclass(frozen=True, slots=True)
class NeedDialogue:
    """A dialogue of one need: its sequence, and which step tells the need."""

    dialogue_id: str
    steps: Sequence[Step]
    opening: int


@dataclass(frozen=True, slots=True)
class Induced:
    """A flow, and how much of its dialogues' steps the pruning cut."""

    flow: TaskFlow
    steps: int
    cut: int


@dataclass(slots=True)
class _Branch:
    """A node of the prefix tree while it grows."""

    action_id: ActionId | None
    speaker: Speaker | None
    evidence: list[Evidence] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    children: dict[ActionId, _Branch] = field(default_factory=dict)
    jumps: Counter[ActionId] = field(default_factory=Counter)

    @property
    def support(self) -> int:
        return len(self.evidence)


def induce(name: str, dialogues: Sequence[NeedDialogue], config: MiningConfig) -> Induced:
    """The TaskFlow of one need; its root stands for the need alone.

    Dialogues start at the step that tells the need. A greeting before it becomes a path of its own that jumps
    to the telling step, so that the same sub-dialogue is not copied under every way of saying hello.
    """
    root = _Branch(None, None)
    common = _common_actions(dialogues)
    for dialogue in dialogues:
        _grow(root, dialogue, common)
    least = max(2 if len(dialogues) >= 10 else 1, math.ceil(config.least_share * len(dialogues)))
    total = sum(branch.support for branch in _below(root))
    _prune(root, least, config)
    kept = sum(branch.support for branch in _below(root))
    flow_id = FlowId("f-" + hashlib.sha256(name.encode()).hexdigest()[:12])
    nodes = tuple(_nodes(root, flow_id, config))
    return Induced(TaskFlow(flow_id, name, nodes), total, total - kept)


def _common_actions(dialogues: Sequence[NeedDialogue]) -> set[ActionId]:
    seen = Counter(action for d in dialogues for action in {step.action_id for step in d.steps})
    least = _RARE * len(dialogues)
    return {action for action, count in seen.items() if count >= least}


def _grow(root: _Branch, dialogue: NeedDialogue, common: set[ActionId]) -> None:
    root.evidence.append(Evidence(dialogue.dialogue_id, dialogue.steps[0].turn if dialogue.steps else 0))
    greeting, body = dialogue.steps[: dialogue.opening], dialogue.steps[dialogue.opening :]
    end = _walk(root, dialogue, [step for step in greeting if step.action_id in common])
    if end is not root and body:
        end.jumps[body[0].action_id] += 1
    opening = [step for place, step in enumerate(body) if place == 0 or step.action_id in common]
    _walk(root, dialogue, opening)


def _walk(start: _Branch, dialogue: NeedDialogue, steps: Sequence[Step]) -> _Branch:
    branch, last = start, None
    for step in steps:
        if step.action_id == last:  # a rare action between the two was passed over
            continue
        last = step.action_id
        branch = branch.children.setdefault(step.action_id, _Branch(step.action_id, step.speaker))
        branch.evidence.append(Evidence(dialogue.dialogue_id, step.turn))
        if step.speaker is Speaker.AGENT:
            branch.said[step.text] += 1
    return branch


def _below(branch: _Branch) -> Iterator[_Branch]:
    for child in branch.children.values():
        yield child
        yield from _below(child)


def _prune(branch: _Branch, least: int, config: MiningConfig) -> None:
    kept = [
        child
        for child in branch.children.values()
        if child.support >= least and child.support >= config.least_probability * branch.support
    ]
    if not kept and branch.action_id is None:  # nothing is common here: a flow of few dialogues keeps what it has
        kept = list(branch.children.values())
        least = 1
    kept.sort(key=lambda child: (-child.support, child.action_id or ""))
    branch.children = {child.action_id: child for child in kept[: config.most_children] if child.action_id}
    for child in kept[: config.most_children]:
        _prune(child, least, config)


def _nodes(root: _Branch, flow_id: FlowId, config: MiningConfig) -> Iterator[FlowNode]:
    """Depth first, every parent before its children."""
    starts = {action: _node_id(flow_id, (action,)) for action in root.children}
    # A dialogue that begins with a greeting passes two of the root's children: their shares still sum to one.
    opened = sum(child.support for child in root.children.values())
    stack: list[tuple[_Branch, tuple[ActionId, ...], NodeId | None, float]] = [(root, (), None, 1.0)]
    while stack:
        branch, path, parent, probability = stack.pop()
        node_id = _node_id(flow_id, path)
        yield FlowNode(
            id=node_id,
            parent_id=parent,
            action_id=branch.action_id,
            support=branch.support,
            probability=probability,
            responses=tuple(text for text, _ in branch.said.most_common(_MOST_RESPONSES)),
            evidence=tuple(branch.evidence[: config.most_evidence]),
        )
        for action, count in branch.jumps.most_common():
            # A jump is drawn where its target is kept and is not on the way here.
            if action in starts and action not in path and count >= config.least_probability * branch.support:
                yield FlowNode(
                    id=_node_id(flow_id, (*path, action), jump=True),
                    parent_id=node_id,
                    action_id=action,
                    support=count,
                    probability=count / branch.support,
                    jump_to=starts[action],
                )
        for child in reversed(branch.children.values()):
            if child.action_id is not None:
                share = child.support / max(branch.support, opened if branch is root else 0)
                stack.append((child, (*path, child.action_id), node_id, share))


def _node_id(flow_id: FlowId, path: Sequence[ActionId], jump: bool = False) -> NodeId:
    """The same path in the same flow has the same id in every run."""
    text = "\n".join((flow_id, *path, "jump" if jump else ""))
    return NodeId("n-" + hashlib.sha256(text.encode()).hexdigest()[:12])
