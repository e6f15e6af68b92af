"""An assistant, and the edits of its draft, without what dialogues that are gone gave to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taskflow.edit_forms import edit_from_json
from taskflow.edits import EditError, SplitAction, apply
from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.texts import normalise

Form = dict[str, Any]
"""An edit as JSON, as it is stored."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Dialogues that are gone: by id, how each ended; `only` are normalised wordings that nobody else says.

    `said` and `done` count, in the dialogues that the counts to be changed are of, how often something was said and
    how many turns were of an action.
    """

    endings: Mapping[str, tuple[str, ...]]
    only: frozenset[str] = frozenset()
    said: Mapping[tuple[Speaker, str], int] = field(default_factory=dict)
    done: Mapping[ActionId, int] = field(default_factory=dict)


def recounted(assistant: Assistant, gone: Gone) -> Assistant:
    """The assistant with fewer counts, without the evidence, and without the wordings that nobody else says.

    An action keeps its last wording, whoever said it: without one it could not be recognised. No node goes.
    """
    return replace(
        assistant,
        actions=tuple(_action(action, gone) for action in assistant.actions),
        flows=tuple(_flow(flow, gone) for flow in assistant.flows),
    )


def edit_recounted(form: Form, gone: Gone) -> Form | None:
    """An edit in its stored form, likewise; None for one that only added wordings that nobody else says."""
    if form["edit"] == "add_exemplars" and all(_is_gone(one["text"], gone) for one in form["exemplars"]):
        return None
    told: Form = {key: _told(key, value, gone) for key, value in form.items()}
    return told


def keeping(assistant: Assistant, forms: Sequence[Form], gone: Gone) -> Gone:
    """What may go without standing in the way of a draft: the assistant, and the edits that are made on it in order.

    A split names wordings: where it would have none left to part, those of its action stay.
    """
    while True:
        bound = _bound(assistant, forms, gone)
        if not bound & gone.only:
            return gone
        gone = replace(gone, only=gone.only - bound)


def kept_wordings(assistant: Assistant, forms: Sequence[Form], gone: Gone) -> set[str]:
    """The wordings that stayed though nobody else says them: no other is left in their place."""
    said = {said.text for action in assistant.actions for said in action.exemplars}
    return {text for text in said.union(*map(_wordings, forms)) if _is_gone(text, gone)}


def _wordings(part: Any, key: str = "") -> set[str]:
    """What a part of an edit's form says of wordings; responses are none."""
    if isinstance(part, dict):
        own = {part["text"]} if key == "exemplars" else set[str]()
        return own.union(*(_wordings(item, name) for name, item in part.items()))
    if isinstance(part, list | tuple):
        return set(part) if key == "texts" else set[str]().union(*(_wordings(item, key) for item in part))
    return set()


def _bound(assistant: Assistant, forms: Sequence[Form], gone: Gone) -> frozenset[str]:
    """The wordings of the first split that would no longer fit."""
    before, after = assistant, recounted(assistant, gone)
    for form in forms:
        edit, changed = edit_from_json(form), edit_recounted(form, gone)
        try:
            after = after if changed is None else apply(edit_from_json(changed), after)
        except EditError:
            if not isinstance(edit, SplitAction):
                raise
            texts = (said.text for said in before.action_by_id[edit.action_id].exemplars)
            return frozenset(map(normalise, texts))
        before = apply(edit, before)
    return frozenset()


def _action(action: DialogueAction, gone: Gone) -> DialogueAction:
    exemplars = tuple(_exemplar(action.speaker, said, gone) for said in action.exemplars)
    left = tuple(said for said in exemplars if not _is_gone(said.text, gone))
    support = max(0, action.support - gone.done.get(action.id, 0))
    return replace(action, support=support, exemplars=left or exemplars[:1])


def _exemplar(speaker: Speaker, said: Exemplar, gone: Gone) -> Exemplar:
    return replace(said, count=max(1, said.count - gone.said.get((speaker, normalise(said.text)), 0)))


def _is_gone(text: str, gone: Gone) -> bool:
    return normalise(text) in gone.only


def _flow(flow: TaskFlow, gone: Gone) -> TaskFlow:
    fewer = {node.id: sum(seen.dialogue_id in gone.endings for seen in node.evidence) for node in flow.nodes}
    if not any(fewer.values()):
        return flow
    nodes = {node.id: _node(node, fewer[node.id], gone) for node in flow.nodes}
    for parent in flow.nodes:
        children = [node for node in flow.nodes if node.parent_id == parent.id]
        if any(fewer[node.id] for node in (parent, *children)):
            shares = _shares(parent, children, fewer)
            nodes |= {child: replace(nodes[child], probability=share) for child, share in shares.items()}
    return replace(flow, nodes=tuple(nodes.values()))


def _node(node: FlowNode, fewer: int, gone: Gone) -> FlowNode:
    if not fewer:
        return node
    ended = _fewer_endings((seen.dialogue_id for seen in node.evidence), gone)
    outcomes = ((outcome, count - ended[outcome]) for outcome, count in node.outcomes)
    return replace(
        node,
        support=max(0, node.support - fewer),
        evidence=tuple(seen for seen in node.evidence if seen.dialogue_id not in gone.endings),
        outcomes=tuple((outcome, count) for outcome, count in outcomes if count > 0),
    )


def _shares(parent: FlowNode, children: Sequence[FlowNode], fewer: Mapping[NodeId, int]) -> dict[NodeId, float]:
    """P(child | parent) of the visits that are left; as it was where none is."""
    left = parent.support - fewer[parent.id]
    if left <= 0:
        return {}
    shares = {n.id: max(0.0, n.probability * parent.support - fewer[n.id]) / left for n in children}
    whole = max(1.0, sum(shares.values()))
    return {id_: share / whole for id_, share in shares.items()}


def _fewer_endings(dialogues: Iterable[str], gone: Gone) -> Counter[str]:
    return Counter(outcome for dialogue in dialogues for outcome in gone.endings.get(dialogue, ()))


def _told(key: str, value: Any, gone: Gone) -> Any:
    """A part of an edit's form, of whatever kind of edit: it is told by its key."""
    if isinstance(value, dict):
        told = {name: _told(name, item, gone) for name, item in value.items()}
        return told | _node_counts(value, told, gone) if "evidence" in value else told
    if not isinstance(value, list | tuple):
        return value
    if key == "evidence":
        return [seen for seen in value if seen["dialogue_id"] not in gone.endings]
    if key == "exemplars":
        return [said for said in value if not _is_gone(said["text"], gone)] or list(value[:1])
    if key == "texts":
        return [text for text in value if not _is_gone(text, gone)] or list(value[:1])
    return [_told(key, item, gone) for item in value]


def _node_counts(before: Form, after: Form, gone: Gone) -> Form:
    ended = _fewer_endings((seen["dialogue_id"] for seen in before["evidence"]), gone)
    outcomes = {name: count - ended[name] for name, count in before.get("outcomes", {}).items()}
    fewer = len(before["evidence"]) - len(after["evidence"])
    return {
        "support": max(0, before.get("support", 0) - fewer),
        "outcomes": {name: count for name, count in outcomes.items() if count > 0},
    }
