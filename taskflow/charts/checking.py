"""What would go wrong when an assistant is served: each finding names the node and the remedy.

Mined assistants are checked like written ones. What was rejected is not looked at: it is never served.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property

from taskflow.calls import Outcome
from taskflow.charts.catalogue import key_of
from taskflow.model import ActionId, Assistant, DialogueAction, FlowId, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.recognisers import FieldKind
from taskflow.review import without_rejected
from taskflow.texts import normalise

_EVERYTHING = frozenset(FieldKind)
_IN_BRACKETS = re.compile(r"\[([a-z][a-z_ -]*)\]", re.IGNORECASE)


class FindingKind(StrEnum):
    UNREACHABLE = "unreachable"
    MISSING_FIELD = "missing_field"
    DEAD_END = "dead_end"
    NO_FAILURE_BRANCH = "no_failure_branch"
    NO_RESPONSE = "no_response"
    NO_EXEMPLARS = "no_exemplars"
    DUPLICATE_SIBLINGS = "duplicate_siblings"
    UNKNOWN_FIELD = "unknown_field"


class Severity(StrEnum):
    """With an error the assistant cannot do what the flow says; a warning is worth a look."""

    ERROR = "error"
    WARNING = "warning"


_ERRORS = (
    FindingKind.MISSING_FIELD,
    FindingKind.NO_RESPONSE,
    FindingKind.NO_EXEMPLARS,
    FindingKind.UNKNOWN_FIELD,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence` says what is wrong, `remedy` what to do, both without the place."""

    kind: FindingKind
    flow: FlowId
    node: NodeId
    sentence: str
    remedy: str

    @property
    def severity(self) -> Severity:
        return Severity.ERROR if self.kind in _ERRORS else Severity.WARNING


def check(assistant: Assistant) -> list[Finding]:
    """The findings in the order of the flows and their nodes."""
    served = without_rejected(assistant)
    found: list[Finding] = []
    for flow in served.flows:
        checked = _Flow(served, flow)
        for node in flow.nodes:
            found += checked.at(node)
    return found


class _Flow:
    def __init__(self, assistant: Assistant, flow: TaskFlow) -> None:
        self._assistant = assistant
        self._flow = flow

    def at(self, node: FlowNode) -> Iterator[Finding]:
        # What a node that jumps leads to is looked at where it stands.
        if node.jump_to is None:
            yield from self._own(node)
            yield from self._passed_over(node)
            yield from self._twins(node)

    def _own(self, node: FlowNode) -> Iterator[Finding]:
        action = self._action(node)
        match None if action is None else action.speaker:
            case Speaker.USER:
                yield from self._customer(node)
            case Speaker.AGENT:
                yield from self._agent(node)
            case Speaker.SYSTEM:
                yield from self._system(node)
        if node.parent_id is None and not self._has_customer:
            yield self._finding(
                FindingKind.UNREACHABLE,
                node,
                "no message can lead into this flow, for no step in it is the customer's",
                "begin with what the customer writes",
            )

    def _customer(self, node: FlowNode) -> Iterator[Finding]:
        action = self._action(node)
        if action is not None and not action.exemplars:
            yield self._finding(
                FindingKind.NO_EXEMPLARS,
                node,
                f"no message is recognised as {self._told(node)}, for the action has no exemplars",
                "write some messages that customers would send",
            )
        if action is not None:
            yield from self._misspelt(node, [exemplar.text for exemplar in action.exemplars])
        if not self._flow.children(node.id):
            yield self._finding(
                FindingKind.DEAD_END, node, f"nothing comes after {self._told(node)}", "add the agent's answer"
            )

    def _agent(self, node: FlowNode) -> Iterator[Finding]:
        if not node.responses:
            yield self._finding(
                FindingKind.NO_RESPONSE, node, f"the agent has no words for {self._told(node)}", "write a response"
            )
            return
        yield from self._misspelt(node, node.responses)
        known = self._known_before[node.id]
        missing = [_fields(response) - known for response in node.responses]
        if all(missing):
            names = ", ".join(sorted(f"[{kind}]" for kind in min(missing, key=len)))
            yield self._finding(
                FindingKind.MISSING_FIELD,
                node,
                f"{self._told(node)} needs {names}, which no customer's exemplar and no call before it gives",
                f"ask for it before, with {names} in an exemplar of the customer's answer, or write a response without",
            )

    def _misspelt(self, node: FlowNode, texts: Iterable[str]) -> Iterator[Finding]:
        for name in dict.fromkeys(name for text in texts for name in _IN_BRACKETS.findall(text)):
            if name not in _EVERYTHING:
                near = get_close_matches(name.lower(), _EVERYTHING, 1)
                yield self._finding(
                    FindingKind.UNKNOWN_FIELD,
                    node,
                    f"no field is called [{name}], so {self._told(node)} has these very words",
                    f"write [{near[0]}]"
                    if near
                    else "write the field's name as the documentation has it, or no brackets",
                )

    def _system(self, node: FlowNode) -> Iterator[Finding]:
        if self._is_outcome(node):
            return
        outcomes = {self._outcome(node, child) for child in self._flow.children(node.id)}
        if Outcome.FAILED not in outcomes:
            yield self._finding(
                FindingKind.NO_FAILURE_BRANCH,
                node,
                f"the call {self._told(node)} has no branch for its failure, so that a failure is handed to a person",
                "add the outcome failed and what the agent says then",
            )

    def _passed_over(self, node: FlowNode) -> Iterator[Finding]:
        """Children that are never come to: beside a call's outcomes, or behind a sibling that always comes first."""
        children = self._flow.children(node.id)
        if not self._is_call(node):
            yield from self._behind(node, children)
        elif any(self._outcome(node, child) for child in children):
            for child in children:
                if self._outcome(node, child) is None:
                    yield self._finding(
                        FindingKind.UNREACHABLE,
                        child,
                        f"{self._told(child)} is no outcome of the call {self._told(node)}, so it never comes after it",
                        "move it under one of the outcomes",
                    )

    def _behind(self, node: FlowNode, children: tuple[FlowNode, ...]) -> Iterator[Finding]:
        ours = [child for child in children if self._assistant.speaker(child) is not Speaker.USER]
        first: FlowNode | None = None
        for child in sorted(ours, key=lambda child: -child.probability):
            if first is not None:
                yield self._finding(
                    FindingKind.UNREACHABLE,
                    child,
                    f"{self._told(child)} is never come to, for {self._told(first)} can always be done in its place",
                    "put what the customer or a call says before each, or remove one",
                )
            elif self._is_always_taken(child):
                first = child

    def _twins(self, node: FlowNode) -> Iterator[Finding]:
        seen: dict[ActionId | None, FlowNode] = {}
        for child in self._flow.children(node.id):
            twin = seen.setdefault(child.action_id, child)
            if twin is not child:
                yield self._finding(
                    FindingKind.DUPLICATE_SIBLINGS,
                    child,
                    f"{self._told(child)} stands twice after the same step",
                    f"move what comes after it to {twin.id!r} and remove it",
                )

    def _is_always_taken(self, node: FlowNode) -> bool:
        target = node if node.jump_to is None else self._flow.by_id[node.jump_to]
        spoken = self._assistant.speaker(target) is Speaker.AGENT
        return not spoken or any(not _fields(response) for response in target.responses)

    def _is_call(self, node: FlowNode) -> bool:
        return self._assistant.speaker(node) is Speaker.SYSTEM and not self._is_outcome(node)

    def _is_outcome(self, node: FlowNode) -> bool:
        return node.id in self._outcomes

    @cached_property
    def _outcomes(self) -> frozenset[NodeId]:
        return frozenset(
            node.id
            for node in self._flow.nodes
            if node.parent_id is not None and self._outcome(self._flow.by_id[node.parent_id], node) is not None
        )

    def _outcome(self, call: FlowNode, node: FlowNode) -> Outcome | None:
        made, answered = self._action(call), self._action(node)
        if made is None or answered is None or made.speaker is not Speaker.SYSTEM:
            return None
        key = normalise(key_of(answered))
        return next((outcome for outcome in Outcome if key == normalise(f"{key_of(made)}: {outcome}")), None)

    @cached_property
    def _has_customer(self) -> bool:
        return any(self._assistant.speaker(node) is Speaker.USER for node in self._flow.nodes)

    @cached_property
    def _known_before(self) -> Mapping[NodeId, frozenset[str]]:
        """The fields that some way to a node can have filled."""
        known: dict[NodeId, frozenset[str]] = defaultdict(frozenset)
        waiting = [self._flow.root]
        seen: set[NodeId] = {self._flow.root.id}
        while waiting:
            node = waiting.pop()
            after = known[node.id] | self._gives(node)
            for child in self._flow.children(node.id):
                reached = child if child.jump_to is None else self._flow.by_id[child.jump_to]
                if reached.id not in seen or not after <= known[reached.id]:
                    seen.add(reached.id)
                    known[reached.id] |= after
                    waiting.append(reached)
        return known

    def _gives(self, node: FlowNode) -> frozenset[str]:
        """A call may answer with any field, and says only when it is made which."""
        action = self._action(node)
        if action is None or action.speaker is Speaker.AGENT:
            return frozenset()
        if action.speaker is Speaker.SYSTEM:
            return _EVERYTHING
        return frozenset().union(*(_fields(exemplar.text) for exemplar in action.exemplars))

    def _action(self, node: FlowNode) -> DialogueAction | None:
        return None if node.action_id is None else self._assistant.action_by_id[node.action_id]

    def _told(self, node: FlowNode) -> str:
        action = self._action(node)
        return repr(self._flow.name if action is None else action.name)

    def _finding(self, kind: FindingKind, node: FlowNode, sentence: str, remedy: str) -> Finding:
        return Finding(kind, self._flow.id, node.id, sentence, remedy)


def _fields(text: str) -> frozenset[str]:
    return frozenset(kind for kind in FieldKind if f"[{kind}]" in text)
