"""Walking a flow for the agent: what is said and called until it is the customer's turn again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from runtime import words
from runtime.calling import Answer, Calling
from runtime.claims import Claim
from runtime.config import RuntimeConfig
from runtime.fields import Patterns, spoken
from runtime.generation import Generator, sayable
from runtime.policy import Answered, Ask, Call, Close, HandOff, Respond, kinds_in
from runtime.repair import Repair
from runtime.served import Served
from runtime.state import LONGEST_TOLD, Choice, Consent, ConversationState, Frame
from taskflow.model import FlowNode, Speaker
from taskflow.store.conversations import ConversationStatus, NewEvent

MOST_STEPS = 64  # of the agent in one turn
_MOST_SAID = 64  # nodes whose wordings are counted
CONSENTS, REFUSES = "consent yes", "consent no"  # payloads of the buttons


@dataclass(frozen=True, slots=True)
class Ending:
    """How a conversation stands after a turn, where that changes."""

    status: ConversationStatus
    outcome: str | None = None
    satisfaction: float | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What every turn works with, whatever the version."""

    config: RuntimeConfig
    patterns: Patterns
    answer: Answer | None
    generator: Generator


class Walk:
    """One turn's walk; `events` collects what happens, in order, and `ending` how it leaves the conversation.

    `claim` is taken before the first call that reaches outside, so that no other writer makes it too.
    """

    def __init__(self, served: Served, means: Means, text: str, claim: Claim) -> None:
        self._served = served
        self._means = means
        self._text = text
        self._calling = Calling(served, means.config, means.answer, text, claim)
        self.events: list[NewEvent] = []
        self.ending: Ending | None = None
        self.backbone_until = time.monotonic() + means.config.backbone_seconds

    def run(self, state: ConversationState, replied: bool = False) -> ConversationState:
        """Go on from the top frame until the customer is asked, a person takes over, or all is done.

        `replied`: whether the customer's message was replied to already.
        """
        if state.consent is not None and not state.consent.given:
            state = replace(state, consent=None)
        for _ in range(MOST_STEPS):
            frame = state.frame
            if frame is None or self.ending is not None:
                return state
            step = self._served.policy.next_step(frame, state.fields, state.language, replied)
            if isinstance(step, Ask):
                return state
            if isinstance(step, Close):
                state, replied = self._leave(state, replied), True
            else:
                said = len(self.events)
                state = self._taken(state, frame, step)
                replied = replied or any(event.kind == "message" for event in self.events[said:])
                if state.consent is not None and not state.consent.given:
                    return state
        self.note("bound", {"what": "steps of one turn", "most": MOST_STEPS})
        return self.hand_off(state, f"the flow went on for {MOST_STEPS} steps without the customer")

    def begin(self, state: ConversationState) -> ConversationState:
        """Go on at the node where the top frame stands, which is said first, where it is the agent's."""
        said = self.ask_again(state)
        return self.run(said, replied=said is not state)

    def _taken(
        self, state: ConversationState, frame: Frame, step: Answered | Respond | Call | HandOff
    ) -> ConversationState:
        match step:
            case Answered(node, fields):
                return state.on(frame.at(node.id, fields))
            case Respond(node):
                answered = self._answered_early(state, frame, node)
                if answered is not None:
                    return answered
                return self._respond(state.on(frame.at(node.id, tuple(_used(node, state.fields)))), node)
            case Call():
                return self._call(state, frame, step)
            case HandOff(reason):
                return self.hand_off(state, reason)

    def hand_off(self, state: ConversationState, reason: str) -> ConversationState:
        """A person takes over, with all that is needed not to ask again."""
        self.note("handoff", {"reason": reason, "brief": self._brief(state, reason)})
        self.ending = Ending(ConversationStatus.HANDED_OFF)
        return self.repair(replace(state, choices=()), Repair.HUMAN)

    def repair(
        self, state: ConversationState, repair: Repair, choices: Sequence[Choice] = (), **known: str
    ) -> ConversationState:
        self.note("repair", {"repair": repair.value})
        said = state.said.get(repair.value, 0)
        for text in self._served.repairs.texts(repair, state.language, said, **known):
            state = self.say(state, text, None, choices)
        return replace(state, said=_counted(state.said, repair.value), choices=tuple(choices))

    def say(
        self, state: ConversationState, text: str, node: FlowNode | None, choices: Sequence[Choice] = ()
    ) -> ConversationState:
        """Send words of a node, or, where there is none, of a repair."""
        assistant, frame = self._served.assistant, state.frame
        action_id = None if node is None else node.action_id
        self.note(
            "message",
            {
                "speaker": Speaker.AGENT.value,
                "text": text,
                "flow": None if frame is None else assistant.flow_by_id[frame.flow_id].name,
                "node": None if node is None else node.id,
                "action": None if action_id is None else assistant.action_by_id[action_id].name,
                "evidence": [] if node is None else [[seen.dialogue_id, seen.turn] for seen in node.evidence],
                "handoff": self.ending is not None and self.ending.status is ConversationStatus.HANDED_OFF,
                "choices": [{"label": one.label, "payload": one.payload} for one in choices],
            },
        )
        return state.heard("agent", text)

    def note(self, kind: str, payload: dict[str, Any]) -> None:
        self.events.append(NewEvent(kind, payload))

    def resume(self, state: ConversationState) -> ConversationState:
        """Back in a flow that was interrupted: past its open question, where the interruption has answered it."""
        state = self.repair(state, Repair.RESUME)
        frame = state.frame
        if frame is None:
            return state
        flow = self._served.assistant.flow_by_id[frame.flow_id]
        answered = self._served.policy.answered(flow, flow.by_id[frame.node_id], state.fields)
        return self.ask_again(state) if answered is None else state.on(frame.at(answered.node.id, answered.fields))

    def ask_again(self, state: ConversationState, answers: Sequence[Choice] = ()) -> ConversationState:
        """Repeat the open question, in other words where there are some; `answers` to it are offered as buttons."""
        frame = state.frame
        if frame is None:
            return state
        if state.consent is not None and state.consent.is_at(frame):
            return self.ask_consent(state, state.consent)
        node = self._served.assistant.flow_by_id[frame.flow_id].by_id[frame.node_id]
        return self._respond(state, node, answers) if self._served.assistant.speaker(node) is Speaker.AGENT else state

    def _respond(self, state: ConversationState, node: FlowNode, answers: Sequence[Choice] = ()) -> ConversationState:
        """Say a response of a node; one that promises a colleague is a handoff."""
        text = sayable(node.responses, spoken(state.fields), state.language, state.said.get(node.id, 0))
        if text is None:
            return state
        if words.promises_colleague(text):
            self.note("handoff", {"reason": "the flow hands over here", "brief": self._brief(state, "the flow")})
            self.ending = Ending(ConversationStatus.HANDED_OFF)
        worded = self._means.generator.word(text, self._text, self.backbone_until)
        state = replace(self.say(state, worded.text, node, answers), choices=tuple(answers))
        if worded.asked is not None:
            self.note("worded", {"node": node.id, "approved": text, **worded.asked.to_json()})
        written = state.written
        if written and not written[-1].told:
            written = (*written[:-1], replace(written[-1], told=text[:LONGEST_TOLD]))
        return replace(state, said=_counted(state.said, node.id), written=written)

    def _answered_early(self, state: ConversationState, frame: Frame, question: FlowNode) -> ConversationState | None:
        """Past a question that the customer answered before it was asked.

        Never where a call comes next, since what is to be done is asked for, nor where one has just changed something,
        since that is told.
        """
        policy, flow = self._served.policy, self._served.assistant.flow_by_id[frame.flow_id]
        if state.written and not state.written[-1].told:
            return None
        for node in self._served.tracker.answers((flow.id, question.id)):
            for early in state.early:
                sure = early.probability >= self._served.calibration.threshold(node.cost)
                if early.action_id == node.action_id and sure and not policy.leads_to_call(flow, node):
                    left = tuple(one for one in state.early if one is not early)
                    return replace(state.on(frame.at(question.id).at(node.id)), early=left)
        return None

    def _call(self, state: ConversationState, frame: Frame, step: Call) -> ConversationState:
        wanted = self._calling.consent_needed(state, frame, step)
        if wanted is not None:
            return self.ask_consent(state, wanted)
        made = self._calling.make(state, frame, step)
        self.events += made.events
        if made.target is not None:
            return made.state
        return self.hand_off(made.state, made.trouble)

    def ask_consent(self, state: ConversationState, wanted: Consent) -> ConversationState:
        """Say what would be done, with which values, and wait for a yes."""
        names = {"call": wanted.call.replace("_", " "), "values": ", ".join(value for _, value in wanted.values)}
        buttons = {CONSENTS: words.YES, REFUSES: words.NO}
        position = wanted.flow_id, wanted.node_id
        choices = [Choice(payload, told[state.language], position, None) for payload, told in buttons.items()]
        return replace(self.repair(state, Repair.CONSENT, choices, **names), consent=wanted)

    def _leave(self, state: ConversationState, replied: bool) -> ConversationState:
        """The top flow is over: back to the one that it interrupted, or to nothing."""
        state = replace(state.left(), served=state.frame)
        if state.frame is not None:
            return self.resume(state)
        state = replace(state, early=(), beliefs=())
        if words.takes_leave(self._text, state.said_before(self._text)):
            return self.close(state, replied)
        return state if replied else self.repair(state, Repair.CLOSE)

    def close(self, state: ConversationState, replied: bool) -> ConversationState:
        """The customer is served and takes leave."""
        if not replied:
            state = self.repair(state, Repair.CLOSE)
        self.note("closed", {"outcome": "resolved"})
        self.ending = Ending(ConversationStatus.CLOSED, "resolved")
        if not self._means.config.satisfaction:
            return state
        return replace(self.repair(state, Repair.SATISFACTION), rating=True)

    def _brief(self, state: ConversationState, reason: str) -> dict[str, Any]:
        """What who takes over needs: the way here, the fields, what failed, the last messages."""
        assistant = self._served.assistant
        way = []
        for frame in state.frames:
            flow = assistant.flow_by_id[frame.flow_id]
            nodes = (flow.by_id[visit.node_id] for visit in frame.path if visit.node_id in flow.by_id)
            names = [assistant.action_by_id[node.action_id].name for node in nodes if node.action_id is not None]
            way.append({"flow": flow.name, "node": frame.node_id, "actions": names})
        return {
            "reason": reason,
            "path": way,
            "fields": {kind: value.to_json() for kind, value in state.fields.items()},
            "done": [one.name for one in state.written],
            "messages": [list(pair) for pair in state.recent],
        }


def _used(node: FlowNode, fields: Any) -> list[str]:
    return sorted(kinds_in(node.responses) & set(fields))


def _counted(said: Any, key: str) -> dict[str, int]:
    counted = {**{other: count for other, count in said.items() if other != key}, key: said.get(key, 0) + 1}
    return dict(list(counted.items())[-_MOST_SAID:])
