"""Common questions: what customers ask in the middle of any need, and what agents answer before they go on.

Pruning takes such digressions out of the flows, as each is rare in each of them. Counted over all needs they are
common enough to be answered.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from mining.distinctive import is_han
from mining.induction import NeedDialogue
from mining.naming import unused_name
from mining.responses import Phrasebook
from mining.sequences import Step
from taskflow.model import ActionId, Evidence, FlowId, FlowNode, NodeId, Speaker, TaskFlow

FLOW_ID = FlowId("f-common-questions")
_NAMES = {False: "Common questions", True: "常见问题"}
_DIALOGUES = 3  # in which a question got the same kind of answer
_ELSEWHERE = 0.5  # share of an action's turns that the flows hold, from which on it is theirs
_MOST_EVIDENCE = 20


class _Pair:
    """A question with one kind of answer."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.answered: dict[str, int] = {}
        self.said: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.outcomes: Counter[str] = Counter()

    def add(self, dialogue: NeedDialogue, question: Step, answer: Step) -> None:
        if dialogue.dialogue_id not in self.asked:
            self.outcomes.update(dialogue.outcomes)
        self.asked.setdefault(dialogue.dialogue_id, question.turn)
        self.answered.setdefault(dialogue.dialogue_id, answer.turn)
        self.said[answer.text, dialogue.outcomes] += 1


def common_questions(
    dialogues: Sequence[NeedDialogue], flows: Sequence[TaskFlow], phrasebook: Phrasebook
) -> TaskFlow | None:
    """A flow of questions, each with its answers and nothing below; None where there are none.

    A question and its answer are both mostly outside the flows, and have met in three dialogues. Their place in the
    order is by how often they were asked.
    """
    outside = _outside(dialogues, flows)
    pairs: dict[ActionId, dict[ActionId, _Pair]] = defaultdict(lambda: defaultdict(_Pair))
    for dialogue in dialogues:
        for question, answer in pairwise(dialogue.steps):
            is_asked = question.speaker is Speaker.USER and answer.speaker is Speaker.AGENT
            if is_asked and {question.action_id, answer.action_id} <= outside:
                pairs[question.action_id][answer.action_id].add(dialogue, question, answer)
    kept = {
        question: {answer: pair for answer, pair in answers.items() if len(pair.asked) >= _DIALOGUES}
        for question, answers in pairs.items()
    }
    kept = {question: answers for question, answers in kept.items() if answers}
    return _drawn(kept, phrasebook, {flow.name for flow in flows}) if kept else None


def _outside(dialogues: Sequence[NeedDialogue], flows: Sequence[TaskFlow]) -> set[ActionId]:
    said = Counter(step.action_id for dialogue in dialogues for step in dialogue.steps)
    held: Counter[ActionId] = Counter()
    for flow in flows:
        for node in flow.nodes:
            if node.action_id is not None:
                held[node.action_id] += node.support
    return {action for action, count in said.items() if held[action] < _ELSEWHERE * count}


def _drawn(kept: dict[ActionId, dict[ActionId, _Pair]], phrasebook: Phrasebook, taken: set[str]) -> TaskFlow:
    asked = {question: _together(pair.asked for pair in answers.values()) for question, answers in kept.items()}
    everybody = _together(asked.values())
    root = FlowNode(_node_id(()), None, None, support=len(everybody))
    nodes = [root]
    total = sum(map(len, asked.values()))
    for question in sorted(kept, key=lambda question: (-len(asked[question]), question)):
        answers = kept[question]
        outcomes = sum((pair.outcomes for pair in answers.values()), Counter[str]())
        share = len(asked[question]) / total
        nodes.append(_node(root.id, (question,), share, asked[question], outcomes, ()))
        visits = sum(len(pair.asked) for pair in answers.values())
        for answer, pair in sorted(answers.items(), key=lambda item: (-len(item[1].asked), item[0])):
            responses = phrasebook.responses(pair.said)
            probability = len(pair.asked) / visits
            nodes.append(
                _node(_node_id((question,)), (question, answer), probability, pair.answered, pair.outcomes, responses)
            )
    texts = "".join(text for answers in kept.values() for pair in answers.values() for text, _ in pair.said)
    return TaskFlow(FLOW_ID, unused_name(_NAMES[any(map(is_han, texts))], taken), tuple(nodes))


def _node(
    parent: NodeId,
    path: tuple[ActionId, ...],
    probability: float,
    seen: dict[str, int],
    outcomes: Counter[str],
    responses: tuple[str, ...],
) -> FlowNode:
    return FlowNode(
        id=_node_id(path),
        parent_id=parent,
        action_id=path[-1],
        support=len(seen),
        probability=probability,
        responses=responses,
        evidence=tuple(Evidence(*one) for one in list(seen.items())[:_MOST_EVIDENCE]),
        outcomes=tuple(sorted(outcomes.items())),
    )


def _together(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    """The dialogues of all parts, each with its first turn."""
    found: dict[str, int] = {}
    for part in parts:
        found = part | found
    return found


def _node_id(path: tuple[ActionId, ...]) -> NodeId:
    return NodeId("n-" + hashlib.sha256("\n".join((FLOW_ID, *path)).encode()).hexdigest()[:12])
