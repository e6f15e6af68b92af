"""Conversation tests from mined flows: the commonest ways through each, weighted by the dialogues that went them.

What the agent does is the policy's, so a way forks only where the customer or a call decides. The customer's lines
are exemplars, with plausible values in their places.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import yaml

from runtime import words
from runtime.fields import FieldValue, spoken
from runtime.generation import sayable
from runtime.policy import Answered, Ask, Call, Policy, Respond, kinds_in
from runtime.repair import without_repairs
from runtime.state import Frame
from runtime.tracking import landing
from taskflow.calls import Outcome
from taskflow.model import ActionId, Assistant, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.recognisers import mask
from taskflow.review import without_rejected
from taskflow.texts import normalise

_MOST_STEPS = 12  # of the customer
_MOST_MOVES = 200  # of the agent between two of the customer
_TWICE = 2  # so often a way may come to the same customer's node
_DOUBTED = 0.3  # confidence in what a call found nothing for
_VALUES = {
    "order_number": ("TF-20418837",),
    "tracking_number": ("1Z999AA10123456784",),
    "phone": ("(555) 010-0199", "13800001234"),
    "email": ("ann@example.com",),
    "url": ("https://example.com/item",),
    "amount": ("$42.50", "328元"),
    "date": ("3 May", "5月3日"),
    "time": ("3:30 pm", "下午三点"),
    "card_number": ("4111 1111 1111 1111",),
    "id_number": ("078-05-1121", "11010519491231002X"),
    "address": ("12 Oak Street", "文化路12号"),
    "name": ("Ann Lee", "王小明"),
    "number": ("4711",),
}


@dataclass(frozen=True, slots=True)
class _Way:
    """A way through a flow so far; `steps` are the test's, the last one still growing."""

    node_id: NodeId
    weight: int
    steps: tuple[Mapping[str, Any], ...]
    fields: Mapping[str, FieldValue]
    calls: tuple[tuple[str, Outcome, Mapping[str, str]], ...] = ()
    seen: tuple[NodeId, ...] = ()
    replied: bool = False
    ended: bool = False

    @property
    def language(self) -> str:
        return words.language(self.steps[-1]["customer"])

    def said(self, node_id: NodeId) -> _Way:
        last = self.steps[-1]
        steps = (*self.steps[:-1], {**last, "node": [*last.get("node", ()), node_id]})
        return replace(self, node_id=node_id, steps=steps, replied=True)

    def noted(self, **expected: Any) -> _Way:
        return replace(self, steps=(*self.steps[:-1], {**self.steps[-1], **expected}))


def mined_tests(assistant: Assistant, most: int) -> dict[str, dict[str, Any]]:
    """What the file of each flow holds, at most `most` conversations, the commonest first; by the flow's id.

    What opens several flows, as a greeting does, does not tell which is meant: no way begins so.
    """
    served = without_repairs(without_rejected(assistant))
    found: dict[str, dict[str, Any]] = {}
    first = {flow.id: {node.action_id for node in _openings(served, flow)} for flow in served.flows}
    for flow in served.flows:
        elsewhere = {action for other, actions in first.items() if other != flow.id for action in actions}
        openings = [node for node in _openings(served, flow) if node.action_id not in elsewhere]
        ways = list(_Ways(served, flow).commonest(openings, most))
        if ways:
            conversations = [_conversation(flow, number, way) for number, way in enumerate(ways, 1)]
            found[flow.id] = {"assistant": assistant.name, "conversations": conversations}
    return found


def _openings(assistant: Assistant, flow: TaskFlow) -> Iterator[FlowNode]:
    """The customer's first nodes: the root, or those below what the agent alone says before them."""
    front = [flow.root]
    for node in front:  # grows as it is read
        if node.jump_to is not None:
            continue
        if assistant.speaker(node) is Speaker.USER:
            yield node
        elif assistant.speaker(node) is not Speaker.SYSTEM:
            front += flow.children(node.id)


def to_yaml(values: Mapping[str, Any]) -> str:
    # A list that stands in two places would become an anchor and an alias, which the form has none of.
    apart = json.loads(json.dumps(values))
    text: str = yaml.safe_dump(apart, allow_unicode=True, sort_keys=False, width=110)
    return text


class _Ways:
    """The ways through one flow, commonest first."""

    def __init__(self, assistant: Assistant, flow: TaskFlow) -> None:
        self._assistant = assistant
        self._flow = flow
        self._policy = Policy(assistant)
        self._exemplars = {action.id: [e.text for e in action.exemplars] for action in assistant.actions}
        self._used: Counter[ActionId] = Counter()

    def commonest(self, openings: Sequence[FlowNode], most: int) -> Iterator[_Way]:
        """Best first: a way is never commoner than its beginning, so the first to end is the commonest left."""
        order = count()
        waiting: list[tuple[int, int, _Way]] = []

        def put(ways: Iterator[_Way]) -> None:
            for way in ways:
                heapq.heappush(waiting, (-way.weight, next(order), way))

        put(self._answered(_Way(node.id, node.support, (), {}), node) for node in openings)
        for _ in range(most):
            while waiting and not waiting[0][2].ended:
                put(self._forks(heapq.heappop(waiting)[2]))
            if not waiting:
                return
            yield heapq.heappop(waiting)[2]

    def _forks(self, way: _Way) -> Iterator[_Way]:
        """The way, gone on to where the customer or a call decides, once for each decision."""
        for _ in range(_MOST_MOVES):
            frame = Frame(self._flow.id, way.node_id)
            step = self._policy.next_step(frame, way.fields, way.language, way.replied)
            match step:
                case Answered(node):
                    way = replace(way, node_id=node.id)
                case Respond(node):
                    way = way.said(node.id)
                    text = sayable(node.responses, spoken(way.fields), way.language)
                    if text is not None and words.promises_colleague(text):
                        yield replace(way.noted(handoff=True), ended=True)
                        return
                case Call():
                    yield from self._called(way, step)
                    return
                case Ask():
                    yield from self._asked(way)
                    return
                case _:
                    yield replace(way, ended=True)
                    return
        yield replace(way, ended=True)

    def _asked(self, way: _Way) -> Iterator[_Way]:
        children = (landing(self._flow, child) for child in self._flow.children(way.node_id))
        answers = [node for node in children if self._speaker(node) is Speaker.USER]
        fresh = [node for node in answers if way.seen.count(node.id) < _TWICE]
        if not fresh or len(way.steps) == _MOST_STEPS:
            yield replace(way, ended=True)
            return
        for node in fresh:
            yield self._answered(way, node)

    def _answered(self, way: _Way, node: FlowNode) -> _Way:
        line, fields = self._line(node)
        given = {kind: FieldValue(value, value, len(way.steps)) for kind, value in fields.items()}
        return replace(
            way,
            node_id=node.id,
            weight=min(way.weight, node.support),
            steps=(*way.steps, {"customer": line}),
            fields={**way.fields, **given},
            seen=(*way.seen, node.id),
            replied=False,
        )

    def _called(self, way: _Way, step: Call) -> Iterator[_Way]:
        outcomes = step.outcomes or {Outcome.OK: step.node.id}
        for outcome, node_id in outcomes.items():
            fields = dict(way.fields)
            told: dict[str, str] = {}
            if outcome is Outcome.NOT_FOUND:
                fields = {kind: replace(value, confidence=_DOUBTED) for kind, value in fields.items()}
            else:
                told = {kind: _value(kind, way.language) for kind in sorted(self._needed(node_id) - set(fields))}
                fields |= {kind: FieldValue(value, value, 0, source="call") for kind, value in told.items()}
            made = [*way.steps[-1].get("calls", ()), {step.name: outcome.value}]
            yield replace(
                way.noted(calls=made),
                node_id=node_id,
                weight=min(way.weight, self._flow.by_id[node_id].support),
                fields=fields,
                calls=(*way.calls, (step.name, outcome, told)),
            )

    def _needed(self, node_id: NodeId) -> set[str]:
        """The fields that responses below a node have places for."""
        needed: set[str] = set()
        front = [self._flow.by_id[node_id]]
        for node in front:  # grows as it is read
            needed |= kinds_in(node.responses)
            front += () if node.jump_to is not None else self._flow.children(node.id)
        return needed

    def _line(self, node: FlowNode) -> tuple[str, dict[str, str]]:
        """What the customer says, another wording each time: one that is masked to its exemplar again."""
        action = ActionId(str(node.action_id))
        exemplars = self._exemplars[action]
        first = self._used[action]
        self._used[action] += 1
        lines = [_filled(exemplars[(first + place) % len(exemplars)]) for place in range(len(exemplars))]
        return next((line for line in lines if normalise(mask(line[0])) == normalise(line[2])), lines[0])[:2]

    def _speaker(self, node: FlowNode) -> Speaker | None:
        return self._assistant.speaker(node)


def _filled(exemplar: str) -> tuple[str, dict[str, str], str]:
    """The exemplar with values in its places, these values, and the exemplar."""
    language = words.language(exemplar)
    fields = {kind: _value(kind, language) for kind in _VALUES if f"[{kind}]" in exemplar}
    line = exemplar
    for kind, value in fields.items():
        line = line.replace(f"[{kind}]", value)
    return line, fields, exemplar


def _value(kind: str, language: str) -> str:
    return _VALUES[kind][-1 if language == "zh" else 0]


def _conversation(flow: TaskFlow, number: int, way: _Way) -> dict[str, Any]:
    told: dict[str, Any] = {"name": f"{flow.name}, way {number}", "weight": max(way.weight, 1)}
    answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, outcome, fields in way.calls:
        answers[name].append({"outcome": outcome.value} | ({"fields": dict(fields)} if fields else {}))
    if answers:
        told["calls"] = dict(answers)
    return told | {"steps": [dict(step) for step in way.steps]}
