"""An assistant as a chart's YAML: reading it gives the same assistant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from taskflow.bindings import CallBinding, Effect
from taskflow.calls import Outcome
from taskflow.charts.building import derived_id, shares
from taskflow.charts.catalogue import key_of, outcome_action, outcome_of, usual_exemplars, usual_name
from taskflow.charts.form import DEEPEST, ChartError, Language
from taskflow.edit_forms import binding_to_json
from taskflow.model import ActionId, Assistant, DialogueAction, FlowNode, Speaker, Status, TaskFlow

_HAN = re.compile(r"[\u4e00-\u9fff]")
_SPEAKERS = {Speaker.USER: "customer", Speaker.AGENT: "agent", Speaker.SYSTEM: "system"}
_COMPACT = ("evidence", "ended", "outcomes")
_WIDTH = 110

_Values = dict[str, Any]


def write_chart(assistant: Assistant) -> str:
    """Raises ChartError where a flow branches more often on one path than a file can hold."""
    written = _Writing(assistant)
    values = {
        "assistant": assistant.name,
        "language": language_of(assistant),
        "actions": written.actions(),
        "flows": [written.flow(flow) for flow in assistant.flows],
    }
    text: str = yaml.serialize(_yaml(values), Dumper=yaml.SafeDumper, allow_unicode=True, width=_WIDTH)
    return text


def language_of(assistant: Assistant) -> Language:
    """ "zh" where most of the wordings and responses have Chinese characters, else "en"."""
    texts = [exemplar.text for action in assistant.actions for exemplar in action.exemplars]
    texts += [response for flow in assistant.flows for node in flow.nodes for response in node.responses]
    return "zh" if 2 * sum(_HAN.search(text) is not None for text in texts) > len(texts) else "en"


class _Writing:
    """What holds for the whole file: which outcomes a call declares, and what the agent usually says."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._declared = _declared_outcomes(assistant.actions)
        behind = {action.id for found in self._declared.values() for action in found.values()}
        self._plain = [action for action in assistant.actions if action.id not in behind]
        self._responses: dict[ActionId, tuple[str, ...]] = {}
        for flow in assistant.flows:
            for node in flow.nodes:
                if node.responses and node.jump_to is None and assistant.speaker(node) is Speaker.AGENT:
                    self._responses.setdefault(ActionId(str(node.action_id)), node.responses)

    def actions(self) -> _Values:
        return {action.id: self._action(action) for action in self._plain}

    def _action(self, action: DialogueAction) -> _Values:
        responses = self._responses.get(action.id, ())
        values: _Values = {"speaker": _SPEAKERS[action.speaker]}
        if action.name != usual_name(action.id):
            values["name"] = action.name
        if action.description:
            values["description"] = action.description
        if action.exemplars != usual_exemplars(action.id, action.speaker, responses):
            values["exemplars"] = [
                exemplar.text if exemplar.count == 1 else {"text": exemplar.text, "count": exemplar.count}
                for exemplar in action.exemplars
            ]
        if responses:
            values["responses"] = list(responses)
        if action.id in self._declared:
            values["outcomes"] = [outcome.value for outcome in self._declared[action.id]]
        if action.binding is not None:
            values["binding"] = _plain_binding(action.binding)
        return values | _counted(action.support, action.status)

    def flow(self, flow: TaskFlow) -> _Values:
        values: _Values = {"id": flow.id}
        if flow.name != usual_name(flow.id):
            values["name"] = flow.name
        root = self._said(flow.root) | self._attributes(
            flow.root, str(flow.root.id) == flow.id, flow.root.probability, 1.0
        )
        if root:
            values["root"] = root
        return values | self._following(flow, flow.root, "steps", 0)

    def _following(self, flow: TaskFlow, node: FlowNode, in_turn: str, depth: int) -> _Values:
        """What comes after a node: one thing after another under the key `in_turn`, or several ways."""
        if depth > DEEPEST:
            raise ChartError(
                f"flow {flow.name!r} branches more than {DEEPEST} times on one path: export it in the form json"
            )
        children = () if node.jump_to is not None else flow.children(node.id)
        if len(children) == 1:
            return {in_turn: self._in_turn(flow, children[0], depth)}
        return {"branches": self._side_by_side(flow, node, children, depth)} if children else {}

    def _in_turn(self, flow: TaskFlow, node: FlowNode, depth: int) -> list[_Values]:
        steps = []
        while True:
            step = self._step(flow, node, 0, 1.0)
            steps.append(step)
            children = () if node.jump_to is not None else flow.children(node.id)
            outcomes = self._outcomes(flow, node, children, depth)
            if outcomes or len(children) != 1:
                step |= outcomes or self._following(flow, node, "then", depth + 1)
                return steps
            node = children[0]

    def _side_by_side(self, flow: TaskFlow, node: FlowNode, children: Sequence[FlowNode], depth: int) -> list[_Values]:
        said: Counter[str] = Counter()
        steps = []
        for child, usual in zip(children, _usual_shares(children), strict=True):
            step = self._step(flow, child, said[_key(child)], usual)
            said[_key(child)] += 1
            below = () if child.jump_to is not None else flow.children(child.id)
            step |= self._outcomes(flow, child, below, depth) or self._following(flow, child, "then", depth + 1)
            steps.append(step)
        return steps

    def _outcomes(self, flow: TaskFlow, node: FlowNode, children: Sequence[FlowNode], depth: int) -> _Values:
        """The children of a call under the outcomes that they stand for; nothing where one stands for none."""
        call = None if node.action_id is None else self._assistant.action_by_id[node.action_id]
        if call is None or not _is_call(call) or node.jump_to is not None:
            return {}
        stands = {action: outcome for outcome, action in self._outcomes_of(call).items()}
        found = [stands.get(child.action_id) for child in children if child.action_id and child.jump_to is None]
        if len(found) != len(children) or None in found or len(set(found)) != len(found):
            return {}
        values: _Values = {}
        for outcome, child, usual in zip(found, children, _usual_shares(children), strict=True):
            own = derived_id(flow.id, node.id, str(child.action_id), 0)
            told = self._attributes(child, child.id == own, child.probability, usual)
            told |= self._following(flow, child, "then", depth + 1)
            values[str(outcome)] = told["then"] if set(told) == {"then"} else told
        return values

    def _outcomes_of(self, call: DialogueAction) -> Mapping[Outcome, ActionId]:
        """What a reader of the file takes for the call's outcomes."""
        if call.id in self._declared:
            return {outcome: action.id for outcome, action in self._declared[call.id].items()}
        known = {outcome: outcome_of(call, outcome, self._plain) for outcome in Outcome}
        return {outcome: action.id for outcome, action in known.items() if action is not None}

    def _step(self, flow: TaskFlow, node: FlowNode, earlier: int, usual: float) -> _Values:
        own = derived_id(flow.id, str(node.parent_id), _key(node), earlier)
        if node.jump_to is None:
            said = self._said(node)
        else:
            same = flow.by_id[node.jump_to].action_id == node.action_id
            said = {"jump": node.jump_to} if same else {"jump": node.jump_to, "action": node.action_id}
        return said | self._attributes(node, node.id == own, node.probability, usual)

    def _said(self, node: FlowNode) -> _Values:
        if node.action_id is None:
            return {}
        action = self._assistant.action_by_id[node.action_id]
        return {"call" if _is_call(action) else _SPEAKERS[action.speaker]: action.id}

    def _attributes(self, node: FlowNode, derived: bool, share: float, usual: float) -> _Values:
        values: _Values = {} if derived else {"id": node.id}
        spoken = node.jump_to is None and node.action_id is not None
        if node.responses != (self._responses.get(ActionId(str(node.action_id)), ()) if spoken else ()):
            values["responses"] = list(node.responses)
        if share != usual:
            values["share"] = share
        if node.cost != 1:
            values["cost"] = node.cost
        values |= _counted(node.support, node.status)
        if node.evidence:
            values["evidence"] = [[seen.dialogue_id, seen.turn] for seen in node.evidence]
        if node.outcomes:
            values["ended"] = dict(node.outcomes)
        return values


def _declared_outcomes(actions: Sequence[DialogueAction]) -> dict[ActionId, dict[Outcome, DialogueAction]]:
    """The calls that are followed by nothing but what a reader would put there for their outcomes."""
    found: dict[ActionId, dict[Outcome, DialogueAction]] = {}
    call: DialogueAction | None = None
    for action in actions:
        outcome = None if call is None else _made_of(call, action)
        if call is None or outcome is None:
            call = action if _is_call(action) else None
        else:
            found.setdefault(call.id, {})[outcome] = action
    return found


def _made_of(call: DialogueAction, action: DialogueAction) -> Outcome | None:
    return next((outcome for outcome in Outcome if outcome_action(call, outcome) == action), None)


def _is_call(action: DialogueAction) -> bool:
    return action.speaker is Speaker.SYSTEM and not key_of(action).endswith(
        tuple(f": {outcome}" for outcome in Outcome)
    )


def _usual_shares(children: Sequence[FlowNode]) -> list[float]:
    """What a reader gives siblings without shares; where one has another share, all are written."""
    usual = shares([None] * len(children))
    return usual if usual == [child.probability for child in children] else [-1.0] * len(children)


def _key(node: FlowNode) -> str:
    return str(node.action_id) if node.jump_to is None else f"jump {node.jump_to}"


def _plain_binding(binding: CallBinding) -> _Values:
    """What is not as it usually is, and the endpoint."""
    usual = binding_to_json(CallBinding(binding.endpoint))
    told = binding_to_json(binding)
    return {
        key: list(value) if isinstance(value, tuple) else value.value if isinstance(value, Effect) else value
        for key, value in told.items()
        if key == "endpoint" or value != usual[key]
    }


def _counted(support: int, status: Status) -> _Values:
    values: _Values = {} if support == 1 else {"support": support}
    return values if status is Status.PROPOSED else values | {"status": status.value}


def _yaml(value: Any, compact: bool = False) -> yaml.Node:
    """Built by hand, so that short records stand on one line and texts on lines of their own."""
    if isinstance(value, Mapping):
        pairs = [(_yaml(key), _yaml(item, compact or key in _COMPACT)) for key, item in value.items()]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=compact or set(value) == {"text", "count"})
    if isinstance(value, list):
        return yaml.SequenceNode("tag:yaml.org,2002:seq", [_yaml(item, compact) for item in value], flow_style=compact)
    if isinstance(value, float):
        # YAML wants a dot in a number.
        return yaml.ScalarNode("tag:yaml.org,2002:float", re.sub(r"^(-?\d+)e", r"\1.0e", repr(value)))
    if isinstance(value, bool):
        return yaml.ScalarNode("tag:yaml.org,2002:bool", str(value).lower())
    if isinstance(value, int):
        return yaml.ScalarNode("tag:yaml.org,2002:int", str(value))
    # The emitter folds some of what ends a line unless it is told to escape it.
    return yaml.ScalarNode("tag:yaml.org,2002:str", str(value), style=None if value.isprintable() else '"')
