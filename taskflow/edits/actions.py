"""Edits of Dialogue Actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from taskflow.bindings import CallBinding
from taskflow.edits.merging import relabelled
from taskflow.edits.places import EditError, action_of, told, with_action
from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, Speaker, Status
from taskflow.texts import normalise


@dataclass(frozen=True, slots=True)
class RenameAction:
    action_id: ActionId
    name: str

    def apply(self, assistant: Assistant) -> Assistant:
        return with_action(assistant, replace(action_of(assistant, self.action_id), name=told(self.name)))

    def inverse(self, assistant: Assistant) -> RenameAction:
        return RenameAction(self.action_id, action_of(assistant, self.action_id).name)


@dataclass(frozen=True, slots=True)
class DescribeAction:
    action_id: ActionId
    description: str

    def apply(self, assistant: Assistant) -> Assistant:
        return with_action(assistant, replace(action_of(assistant, self.action_id), description=self.description))

    def inverse(self, assistant: Assistant) -> DescribeAction:
        return DescribeAction(self.action_id, action_of(assistant, self.action_id).description)


@dataclass(frozen=True, slots=True)
class SetActionStatus:
    """Approve or reject an action; a rejected one is neither recognised nor published, but mining knows it."""

    action_id: ActionId
    status: Status

    def apply(self, assistant: Assistant) -> Assistant:
        return with_action(assistant, replace(action_of(assistant, self.action_id), status=self.status))

    def inverse(self, assistant: Assistant) -> SetActionStatus:
        return SetActionStatus(self.action_id, action_of(assistant, self.action_id).status)


@dataclass(frozen=True, slots=True)
class AttachCall:
    """Let an endpoint answer a call; None takes the binding away."""

    action_id: ActionId
    binding: CallBinding | None

    def apply(self, assistant: Assistant) -> Assistant:
        action = action_of(assistant, self.action_id)
        if action.speaker is not Speaker.SYSTEM:
            raise EditError(f"action {self.action_id!r} is no call, but what the {action.speaker} says")
        return with_action(assistant, replace(action, binding=self.binding))

    def inverse(self, assistant: Assistant) -> AttachCall:
        return AttachCall(self.action_id, action_of(assistant, self.action_id).binding)


@dataclass(frozen=True, slots=True)
class AddAction:
    """Add an action, with the id that it is to have, after all others."""

    action: DialogueAction

    def apply(self, assistant: Assistant) -> Assistant:
        told(self.action.name)
        if not self.action.exemplars:
            raise EditError(f"action {self.action.id!r} has no wording: nothing could be recognised as it")
        return replace(assistant, actions=(*assistant.actions, self.action))


@dataclass(frozen=True, slots=True)
class AddExemplars:
    """Add wordings to an action; one that it has already is counted on."""

    action_id: ActionId
    exemplars: tuple[Exemplar, ...]

    def apply(self, assistant: Assistant) -> Assistant:
        action = action_of(assistant, self.action_id)
        if not self.exemplars:
            raise EditError(f"no wording is given for action {self.action_id!r}")
        added = sum(exemplar.count for exemplar in self.exemplars)
        exemplars = _joined((action.exemplars, self.exemplars))
        return with_action(assistant, replace(action, exemplars=exemplars, support=action.support + added))


@dataclass(frozen=True, slots=True)
class SplitAction:
    """Let some wordings of an action leave it for a new one; its nodes stay with the old one."""

    action_id: ActionId
    new_id: ActionId
    name: str
    texts: tuple[str, ...]

    def apply(self, assistant: Assistant) -> Assistant:
        action = action_of(assistant, self.action_id)
        leaving = tuple(exemplar for exemplar in action.exemplars if exemplar.text in self.texts)
        unknown = set(self.texts) - {exemplar.text for exemplar in leaving}
        if unknown:
            raise EditError(f"action {self.action_id!r} has no wording {min(unknown)!r}")
        if not leaving or len(leaving) == len(action.exemplars):
            raise EditError(f"action {self.action_id!r} cannot be split: some of its wordings have to leave, some stay")
        moved = sum(exemplar.count for exemplar in leaving)
        staying = tuple(exemplar for exemplar in action.exemplars if exemplar not in leaving)
        old = replace(action, exemplars=staying, support=max(0, action.support - moved))
        new = DialogueAction(self.new_id, action.speaker, told(self.name), leaving, moved)
        place = assistant.actions.index(action)
        return replace(assistant, actions=(*assistant.actions[:place], old, new, *assistant.actions[place + 1 :]))


@dataclass(frozen=True, slots=True)
class MergeActions:
    """Let an action take over others of its speaker: their wordings, their counts, their nodes.

    Sibling nodes that become the same action are joined.
    """

    action_id: ActionId
    merged: tuple[ActionId, ...]

    def apply(self, assistant: Assistant) -> Assistant:
        kept = action_of(assistant, self.action_id)
        others = [action_of(assistant, other) for other in self.merged]
        if not others or len({kept.id, *self.merged}) != len(others) + 1:
            raise EditError(f"action {kept.id!r} can be merged with other actions only, each named once")
        for other in others:
            if other.speaker is not kept.speaker:
                raise EditError(
                    f"action {other.id!r} is the {other.speaker}'s, action {kept.id!r} the {kept.speaker}'s"
                )
        whole = replace(
            kept,
            exemplars=_joined(action.exemplars for action in (kept, *others)),
            support=sum(action.support for action in (kept, *others)),
        )
        into = dict.fromkeys(self.merged, kept.id)
        left = tuple(whole if action is kept else action for action in assistant.actions if action.id not in into)
        return replace(assistant, actions=left, flows=tuple(relabelled(flow, into) for flow in assistant.flows))


def _joined(groups: Iterable[Sequence[Exemplar]]) -> tuple[Exemplar, ...]:
    """Each wording once with its counts summed: the first of all stays first, the rest by count."""
    found: dict[str, Exemplar] = {}
    for exemplar in (exemplar for group in groups for exemplar in group):
        key = normalise(exemplar.text)
        first = found.get(key)
        found[key] = exemplar if first is None else replace(first, count=first.count + exemplar.count)
    typical, *rest = found.values() or (None,)
    return () if typical is None else (typical, *sorted(rest, key=lambda exemplar: -exemplar.count))
