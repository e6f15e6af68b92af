"""What a test expects of a step, held against what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.conversation_tests import ExpectedCall, Step
from runtime.happened import Happened
from taskflow.model import Assistant
from taskflow.store.conversations import ConversationStatus


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation, named as in the file, that was not met."""

    what: str
    expected: str
    happened: str


def unmet(step: Step, happened: Happened, assistant: Assistant) -> list[Failure]:
    return [*_words(step, happened), *_places(step, happened, assistant), *_standing(step, happened)]


def _words(step: Step, happened: Happened) -> Iterator[Failure]:
    said = [reply.text for reply in happened.replies]
    if step.says is not None and not _in_order(step.says, said):
        yield Failure("says", _shown(step.says), _shown(said))
    for part in step.contains or ():
        if not any(part in text for text in said):
            yield Failure("contains", part, _shown(said))
    offered = [choice.label for choice in happened.choices]
    if step.choices is not None and sorted(step.choices) != sorted(offered):
        yield Failure("choices", _shown(step.choices), _shown(offered))


def _places(step: Step, happened: Happened, assistant: Assistant) -> Iterator[Failure]:
    """Actions and flows go by their name or their id."""
    placed = [reply for reply in happened.replies if reply.node is not None]
    actions = {action.id: action.name for action in assistant.actions}
    flows = {flow.id: flow.name for flow in assistant.flows}
    for what, wanted, found, names in (
        ("node", step.node, [reply.node for reply in placed], {}),
        ("action", step.action, [reply.action for reply in placed], actions),
        ("flow", step.flow, [reply.flow for reply in placed], flows),
    ):
        if wanted is not None and not _in_order([_named(one, names) for one in wanted], found):
            yield Failure(what, _shown(wanted), _shown([one for one in found if one is not None]))


def _standing(step: Step, happened: Happened) -> Iterator[Failure]:
    if step.repair is not None and not _in_order(step.repair, happened.repairs):
        yield Failure("repair", _shown(step.repair), _shown(happened.repairs))
    for kind, value in (step.fields or {}).items():
        known = happened.state.fields.get(kind)
        if (known is None) != (value is None) or (known is not None and value not in (known.value, known.typed)):
            yield Failure(f"fields.{kind}", value or "not known", "not known" if known is None else known.value)
    if step.calls is not None and not _called(step.calls, happened.calls):
        wanted = [call.name if call.outcome is None else f"{call.name}: {call.outcome.value}" for call in step.calls]
        yield Failure("calls", _shown(wanted), _shown([": ".join(call) for call in happened.calls]))
    for what, wanted_status, status in (
        ("handoff", step.handoff, ConversationStatus.HANDED_OFF),
        ("closed", step.closed, ConversationStatus.CLOSED),
    ):
        if wanted_status is not None and wanted_status != (happened.status is status):
            yield Failure(what, str(wanted_status).lower(), f"the conversation is {happened.status.value}")


def _called(wanted: Sequence[ExpectedCall], made: Sequence[tuple[str, str]]) -> bool:
    """All calls, and no others: a call too many may be a refund too many."""
    return len(wanted) == len(made) and all(
        call.name == name and call.outcome in (None, outcome)
        for call, (name, outcome) in zip(wanted, made, strict=True)
    )


def _in_order(wanted: Sequence[Any], found: Sequence[Any]) -> bool:
    """Whether all that is wanted was found, in this order; where nothing is wanted, whether nothing was."""
    if not wanted:
        return not found
    left = iter(found)
    return all(one in left for one in wanted)


def _named(given: str, names: Mapping[Any, str]) -> str:
    return names.get(given, given)


def _shown(texts: Sequence[str]) -> str:
    return " | ".join(texts) if texts else "nothing"
