"""The calls of one turn: consented to where they change something, made once, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from threading import Timer
from typing import Any

from runtime import words
from runtime.calls import CallRequest, CallResult, CallsError, UnboundCallError
from runtime.claims import Claim
from runtime.config import RuntimeConfig
from runtime.fields import FieldValue, spoken
from runtime.policy import Call
from runtime.served import Served
from runtime.state import MOST_WRITTEN, Consent, ConversationState, Frame, Written
from taskflow.bindings import CallBinding
from taskflow.calls import Outcome
from taskflow.model import NodeId, Speaker
from taskflow.store.conversations import NewEvent

_DOUBTED = 0.3  # confidence in a value with which a call found nothing: it is asked for again
_SLOW = 2.0  # seconds after which the customer is told that it takes a moment

Answer = Callable[[CallRequest], CallResult]


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made or rehearsed: the state afterwards, and the node of its outcome, if there is one."""

    state: ConversationState
    target: NodeId | None
    events: tuple[NewEvent, ...]
    trouble: str = ""  # why a person has to take over, where no node does


class Calling:
    """Makes calls for one turn; `text` is what the customer has just said."""

    def __init__(self, served: Served, config: RuntimeConfig, answer: Answer | None, text: str, claim: Claim) -> None:
        self._served = served
        self._config = config
        self._answer = answer
        self._text = text
        self._claim = claim

    def consent_needed(self, state: ConversationState, frame: Frame, step: Call) -> Consent | None:
        """What the customer has to be asked before the call is made; None where nothing is in its way."""
        binding = self._binding(step)
        if self._answer is None or binding is None or not (binding.is_write and binding.confirm):
            return None
        values = tuple((kind, state.fields[kind].value) for kind in binding.inputs if kind in state.fields)
        wanted = Consent(frame.flow_id, frame.node_id, step.name, values)
        given = state.consent is not None and state.consent.given and replace(state.consent, given=False) == wanted
        return None if given or self._just_agreed(frame) else wanted

    def make(self, state: ConversationState, frame: Frame, step: Call) -> Made:
        """Call, and go to the node of the outcome."""
        binding = self._binding(step)
        try:
            result = self._made(state, step, binding)
        except UnboundCallError as error:
            return self._rehearsed(state, frame, step, str(error))
        used = {kind for visit in frame.path for kind in visit.fields} & set(state.fields)
        told: dict[str, Any] = {"name": step.name, "outcome": result.outcome.value, "fields": dict(result.fields)}
        told |= {"reason": result.reason} if result.reason else {}
        told |= {"certain": False} if not result.is_certain else {}
        told |= {"exchange": dict(result.record)} if result.record else {}
        state = self._after(state, step.name, binding, result, used, self._served.policy.asked(frame))
        # Logs that kept no results know no outcomes: then a call that went well goes straight on.
        target = (step.outcomes or {Outcome.OK: step.node.id}).get(result.outcome)
        frame = frame.at(step.node.id, tuple(sorted(used)))
        events = (NewEvent("call", told),)
        if not result.is_certain:
            return Made(state, None, events, f"nobody knows whether {step.name!r} was done: {result.reason}")
        if target is None:
            why = f": {result.reason}" if result.reason else ""
            return Made(state, None, events, f"the call {step.name!r} came back as {result.outcome.value}{why}")
        return Made(state.on(frame.at(target)), target, events)

    def _binding(self, step: Call) -> CallBinding | None:
        action_id = step.node.action_id
        return None if action_id is None else self._served.assistant.action_by_id[action_id].binding

    def _just_agreed(self, frame: Frame) -> bool:
        """Whether the flow itself asked whether to do it, and the customer has just said yes."""
        flow = self._served.assistant.flow_by_id[frame.flow_id]
        assistant, here = self._served.assistant, flow.by_id[frame.node_id]
        if assistant.speaker(here) is not Speaker.USER or here.parent_id is None or not words.agrees(self._text):
            return False
        return any(words.proposes(response) for response in flow.by_id[here.parent_id].responses)

    def _made(self, state: ConversationState, step: Call, binding: CallBinding | None) -> CallResult:
        if self._answer is None:
            raise UnboundCallError(f"the call {step.name!r} is not bound")
        self._claim.take()
        request = CallRequest(step.name, spoken(state.fields), _typed(state.fields), binding, self._key(step, state))
        slow = Timer(_SLOW, self._claim.tell, [NewEvent("waiting", {"text": words.WAITING[state.language or "en"]})])
        slow.daemon = True
        slow.start()
        try:
            return self._answer(request)
        except UnboundCallError:
            raise
        except CallsError as error:
            return CallResult(Outcome.FAILED, {}, str(error))
        finally:
            slow.cancel()

    def _key(self, step: Call, state: ConversationState) -> str:
        """The same for the same call of the same turn, and for no other."""
        told = repr((self._claim.turn, step.name, sorted(spoken(state.fields).items())))
        return blake2b(told.encode(), digest_size=16).hexdigest()

    def _rehearsed(self, state: ConversationState, frame: Frame, step: Call, why: str) -> Made:
        """What a call without anything that answers it comes to."""
        if self._config.unbound_calls != "rehearse":
            return Made(state, None, (), why)
        target = next(iter(step.outcomes.values()), step.node.id)
        return Made(
            state.on(frame.at(target)), target, (NewEvent("call", {"name": step.name, "outcome": "rehearsed"}),)
        )

    def _after(
        self,
        state: ConversationState,
        name: str,
        binding: CallBinding | None,
        result: CallResult,
        used: set[str],
        asked: Collection[str],
    ) -> ConversationState:
        """What the call tells is known, but where the customer was `asked` and has told it."""
        fields = dict(state.fields)
        if result.outcome is Outcome.NOT_FOUND:
            fields |= {kind: replace(fields[kind], confidence=_DOUBTED) for kind in used}
        for kind, value in result.fields.items():
            if kind not in fields or fields[kind].source == "call" or kind not in asked:
                fields[kind] = _told(value, kind, state)
        writes = binding.is_write if binding is not None else name in self._config.writes
        done = result.outcome is Outcome.OK or not result.is_certain
        written = (*state.written, Written(name, state.turn))[-MOST_WRITTEN:] if writes and done else state.written
        return replace(state, fields=fields, written=written, consent=None)


def _typed(fields: Mapping[str, FieldValue]) -> dict[str, str]:
    return {kind: field.typed or field.value for kind, field in fields.items()}


def _told(value: str, kind: str, state: ConversationState) -> FieldValue:
    """A day that a call tells as 2026-11-24 is said as people say it."""
    said = words.spoken_day(value, state.language) if kind == "date" else None
    return FieldValue(said or value, value, state.turn, source="call")
