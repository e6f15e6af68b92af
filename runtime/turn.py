"""One turn: the customer's message is placed on a flow, and the flow is walked until it is their turn again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from runtime import words
from runtime.calls import CallResult, Calls, CallsError
from runtime.config import RuntimeConfig
from runtime.generation import Generator
from runtime.policy import Ask, Call, Close, HandOff, Respond, next_step, sayable
from runtime.tracking import ConversationState, Tracked, track
from runtime.understanding import Understander
from taskflow.calls import Outcome
from taskflow.model import Assistant, FlowNode, Speaker
from taskflow.replay import Replay
from taskflow.store.conversations import NewEvent

_MOST_STEPS = 64  # of the agent in one turn


@dataclass(frozen=True, slots=True)
class Served:
    """What is made once of a published version and serves all its conversations."""

    assistant: Assistant
    replay: Replay
    understander: Understander


class Turn:
    """Walks the flow for one message; `events` collects what happens, in order."""

    def __init__(
        self, served: Served, config: RuntimeConfig, calls: Calls | None, generator: Generator, text: str
    ) -> None:
        self._served = served
        self._config = config
        self._calls = calls
        self._generator = generator
        self._text = text
        self._language = words.language(text)
        self.events: list[NewEvent] = []

    def run(self, state: ConversationState) -> ConversationState:
        if words.asks_for_human(self._text):
            return self._hand_off(state, "the customer asked for a person")
        understanding = self._served.understander.understand(self._text, state.last_reply)
        tracked = track(state, understanding, self._served.replay)
        self._note("understood", _explained(tracked))
        if tracked.match is None:
            if tracked.state.misunderstood > 1:
                return self._hand_off(tracked.state, "the customer was not understood twice")
            return self._say(tracked.state, words.CLARIFY[self._language], None)
        return self._walk(tracked.state)

    def _walk(self, state: ConversationState) -> ConversationState:
        replied = False
        for _ in range(_MOST_STEPS):
            if state.position is None or state.handed_off:
                return state
            step = next_step(self._served.assistant, state.position, state.fields, replied)
            match step:
                case Ask():
                    return state
                case Respond(position, node):
                    state = self._respond(replace(state, position=position), node)
                    replied = True
                case Call():
                    moved = self._call(state, step)
                    if moved is None:
                        return self._hand_off(state, f"the call {step.name!r} could not be carried further")
                    state = moved
                case HandOff(reason):
                    return self._hand_off(state, reason)
                case Close():
                    state = replace(state, position=None)
                    return state if replied else self._say(state, words.CLOSE[self._language], None)
        return self._hand_off(state, f"the flow went on for {_MOST_STEPS} steps without the customer")

    def _call(self, state: ConversationState, step: Call) -> ConversationState | None:
        """The state after a call, at the node of its outcome; None where it cannot be made or has no such node."""
        if self._calls is not None:
            try:
                result = self._calls(step.name, state.fields)
            except CallsError:
                result = CallResult(Outcome.FAILED, {})
            self._note("call", {"name": step.name, "outcome": result.outcome.value})
            state = replace(state, fields={**state.fields, **result.fields})
            # Logs that kept no results know no outcomes: then a call that went well goes straight on.
            known = step.outcomes or {Outcome.OK: step.position}
            position = known.get(result.outcome)
        elif self._config.unbound_calls == "rehearse":
            self._note("call", {"name": step.name, "outcome": "rehearsed"})
            position = next(iter(step.outcomes.values()), step.position)
        else:
            position = None
        return None if position is None else replace(state, position=position)

    def _hand_off(self, state: ConversationState, reason: str) -> ConversationState:
        self._note("handoff", {"reason": reason})
        return self._say(replace(state, handed_off=True), words.HAND_OFF[self._language], None)

    def _respond(self, state: ConversationState, node: FlowNode) -> ConversationState:
        """Say a response of a node; one that promises a colleague is a handoff."""
        response = sayable(node.responses, state.fields) or ""
        if words.promises_colleague(response):
            self._note("handoff", {"reason": "the flow hands over here"})
            state = replace(state, handed_off=True)
        return self._say(state, self._generator.word(response, self._text), node)

    def _say(self, state: ConversationState, text: str, node: FlowNode | None) -> ConversationState:
        """Send words of a node, or, where there is none, of our own."""
        flow_id = None if state.position is None else state.position[0]
        assistant = self._served.assistant
        action_id = None if node is None else node.action_id
        self._note(
            "message",
            {
                "speaker": Speaker.AGENT.value,
                "text": text,
                "flow": None if flow_id is None else assistant.flow_by_id[flow_id].name,
                "node": None if node is None else node.id,
                "action": None if action_id is None else assistant.action_by_id[action_id].name,
                "evidence": [] if node is None else [[seen.dialogue_id, seen.turn] for seen in node.evidence],
                "handoff": state.handed_off,
            },
        )
        return replace(state, last_reply=text)

    def _note(self, kind: str, payload: dict[str, Any]) -> None:
        self.events.append(NewEvent(kind, payload))


def _explained(tracked: Tracked) -> dict[str, Any]:
    position = tracked.state.position
    return {
        "action_id": None if tracked.match is None else tracked.match.action_id,
        "exemplar": None if tracked.match is None else tracked.match.exemplar,
        "score": None if tracked.match is None else tracked.match.score,
        "position": None if position is None else list(position),
    }
