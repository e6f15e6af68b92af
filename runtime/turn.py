"""One turn: the customer's message is placed on a flow, or repaired, and the flow is walked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from runtime import words
from runtime.claims import Claim
from runtime.fields import FieldValue, Given, read_fields
from runtime.mending import NEARLY, Mend
from runtime.repair import Repair
from runtime.served import Served
from runtime.state import MOST_EARLY, MOST_FRAMES, MOST_POSITIONS, Choice, Consent, ConversationState, Early, Frame
from runtime.tracking import Level, Placement, Tracked
from runtime.understanding import Understanding
from runtime.walk import CONSENTS, REFUSES, Ending, Means, Walk
from taskflow.model import NodeId
from taskflow.recognisers import FieldKind
from taskflow.replay import Position
from taskflow.store.conversations import ConversationStatus, NewEvent

_EXPLAINED = 5
_ANOTHER_NEED = 1.5  # what a need that nobody came for costs: questions that lead nowhere
_RATINGS = ("1", "2", "3", "4", "5")
_RATING = "rating "


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer sends: words, the payload of a button, the names of attachments."""

    text: str
    at: datetime
    choice: str | None = None
    attachments: tuple[str, ...] = ()


class Turn:
    """Places one message and walks on; `events` is what happened, `ending` how it leaves the conversation."""

    def __init__(
        self,
        served: Served,
        means: Means,
        said: Said,
        claim: Claim,
    ) -> None:
        self._served = served
        self._means = means
        self._said = said
        self._walk = Walk(served, means, said.text, claim)
        self._mend = Mend(served, self._walk, said.text)
        self._offered: tuple[Choice, ...] = ()

    @property
    def events(self) -> list[NewEvent]:
        return self._walk.events

    @property
    def ending(self) -> Ending | None:
        return self._walk.ending

    def run(self, state: ConversationState) -> ConversationState:
        text = self._said.text
        pressed = self._said.choice is not None and state.language
        language = state.language if pressed else words.language_after(text, state.language)
        state = replace(state.heard("user", text), turn=state.turn + 1, language=language)
        if state.rating:
            rating = self._rating()
            if rating is not None:
                return self._rated(state, rating)
            state = replace(state, rating=False)
        chosen = next((one for one in state.choices if one.payload == self._said.choice), None)
        self._offered = state.choices
        state = replace(state, choices=())
        if chosen is None and words.asks_for_human(text):
            self._explain(Level.HUMAN, None, None)
            return self._walk.hand_off(state, "the customer asked for a person")
        expected = frozenset() if state.frame is None else self._served.policy.expected(state.frame)
        given = read_fields(text, state.turn, self._means.patterns, self._said.at, expected)
        if self._said.attachments:
            photo = FieldValue(self._said.attachments[0], self._said.attachments[0], state.turn)
            given = Given({**given.values, FieldKind.PHOTO.value: photo}, given.refused)
        if state.consent is not None and not given.values:
            settled = self._settled(state, state.consent, chosen)
            if settled is not None:
                return settled
        if chosen is not None:
            self._explain(Level.BUTTON, None, None, chosen.position)
            return self._go(state, chosen.position, Level.BUTTON, given)
        return self._place(state, given)

    def _settled(self, state: ConversationState, asked: Consent, chosen: Choice | None) -> ConversationState | None:
        """The state after a yes or a no to what was to be done; None where the message says something else."""
        frame, text = state.frame, self._said.text
        if frame is None or not asked.is_at(frame) or asked.given:
            return None
        if (chosen is not None and chosen.payload == CONSENTS) or (chosen is None and words.agrees(text)):
            self._explain(Level.CONSENT, None, None, frame.position)
            return self._walk.run(replace(state, consent=replace(asked, given=True), beliefs=(), failures=0))
        if (chosen is not None and chosen.payload == REFUSES) or (chosen is None and words.disagrees(text)):
            self._explain(Level.CANCEL, None, None)
            return self._mend.cancel(replace(state, consent=None))
        return None

    def _place(self, state: ConversationState, given: Given) -> ConversationState:
        whole, *parts = self._served.understander.understand(self._said.text)
        tracked = self._served.tracker.track(state, whole)
        best = tracked.best
        unsure = not self._is_sure(tracked)
        if unsure or self._served.understander.is_backbones:
            asked = self._served.understander.ask_backbone(whole, state.last_reply, self._walk.backbone_until)
            if asked is not whole:
                whole, tracked = asked, self._served.tracker.track(state, asked)
        tracked, parts = self._best_of(state, tracked, parts)
        best = tracked.best
        sure = best is not None and self._suffices(best)
        answers = sure and best is not None and best.level in (Level.ANSWER, Level.AHEAD)
        corrected = self._corrected(state, given, answers, best if sure else None)
        if corrected:
            self._explain(Level.CORRECTION, whole, tracked)
            return self._mend.correct(state, given, corrected)
        # That a question is open says little about a message that is nothing but the wish to stop.
        told = self._is_plain(tracked) and (state.frame is None or answers)
        if words.cancels(self._said.text) and not told:
            self._explain(Level.CANCEL, whole, tracked)
            return self._mend.cancel(state)
        if best is not None and self._is_refused(best, given, state.fields):
            self._explain(Level.OUT_OF_SCOPE, whole, tracked)
            return self._mend.not_understood(state, given, tracked, self._offered)
        if best is not None and sure and not _is_close(tracked):
            self._explain(best.level, whole, tracked, best.position)
            early = self._early(state, best, parts)
            return self._go(replace(state, early=early), best.position, best.level, given, tracked)
        self._explain(Level.OUT_OF_SCOPE, whole, tracked)
        return self._mend.not_understood(state, given, tracked, self._offered)

    def _best_of(
        self, state: ConversationState, tracked: Tracked, parts: list[Understanding]
    ) -> tuple[Tracked, list[Understanding]]:
        """Where the whole message leads or the first of its sentences that says plainly, or at all, where to go."""
        places = [tracked, *(self._served.tracker.track(state, part) for part in parts)]
        for is_told in (self._is_plain, self._is_sure):
            for place, found in enumerate(places):
                if is_told(found):
                    return found, [part for number, part in enumerate(parts, 1) if number != place]
        return tracked, parts

    def _is_sure(self, tracked: Tracked) -> bool:
        return tracked.best is not None and self._suffices(tracked.best) and not _is_close(tracked)

    def _is_plain(self, tracked: Tracked) -> bool:
        """Sure by its words alone, wherever the conversation stands."""
        return tracked.best is not None and self._is_sure(tracked) and self._is_told(tracked.best)

    def _suffices(self, placement: Placement) -> bool:
        """Whether it is sure enough: that a question is open makes an answer likely, and makes no "hmm" a yes."""
        flow = self._served.assistant.flow_by_id[placement.position[0]]
        consents = self._served.policy.consents(flow, flow.by_id[placement.position[1]])
        told = self._is_told(placement) or placement.level is not Level.ANSWER or not consents
        return told and placement.probability >= self._threshold(placement)

    def _is_told(self, placement: Placement) -> bool:
        return placement.candidate.probability >= self._threshold(placement)

    def _threshold(self, placement: Placement) -> float:
        """What an exact wording means is certain; which need a value alone belongs to is not."""
        flow_id, node_id = placement.position
        node = self._served.assistant.flow_by_id[flow_id].by_id[node_id]
        guessed = placement.level is Level.OTHER_FLOW and self._served.policy.gives.get(placement.candidate.action_id)
        if placement.candidate.is_exact and not guessed:
            return 0.0
        cost = max(node.cost, _ANOTHER_NEED) if placement.level is Level.OTHER_FLOW else node.cost
        return self._served.calibration.threshold(cost)

    def _is_refused(self, best: Placement, given: Given, fields: Mapping[str, FieldValue]) -> bool:
        """Whether the message would be an answer, but without its value, or with one that the shop refuses."""
        policy, action = self._served.policy, best.candidate.action_id
        refused = set(given.refused) & policy.gives.get(action, frozenset())
        return bool(refused) or not policy.is_given(action, {**fields, **given.values})

    def _early(self, state: ConversationState, best: Placement, parts: list[Understanding]) -> tuple[Early, ...]:
        """What else the message says, kept for the questions to come."""
        found = [
            Early(part.candidates[0].action_id, part.candidates[0].probability)
            for part in parts
            if part.candidates and part.candidates[0].action_id != best.candidate.action_id
        ]
        return (*state.early, *found)[-MOST_EARLY:]

    def _go(
        self,
        state: ConversationState,
        position: Position,
        level: Level,
        given: Given,
        tracked: Tracked | None = None,
    ) -> ConversationState:
        """Move to a place, in the flow under way or in another that is put on top, and walk on."""
        before, state = state.fields, replace(state, fields={**state.fields, **given.values}, failures=0)
        if level is Level.BACK and state.written and self._passed(state, position[1]) is not None:
            return self._walk.hand_off(state, f"the customer goes back after {state.written[-1].name!r} was done")
        frames = state.frames
        under_way = next((place for place, frame in enumerate(frames) if frame.flow_id == position[0]), None)
        if under_way is not None:
            frames = frames[: under_way + 1]
        else:
            if len(frames) == MOST_FRAMES:
                self._walk.note("bound", {"what": "flows under way", "most": MOST_FRAMES})
                frames = frames[1:]
            frames = (*_keeping(frames, before, given), Frame(*position, begun=state.turn))
        frame = frames[-1].at(position[1], tuple(sorted(given.values)))
        state = self._walk.run(replace(state, frames=(*frames[:-1], frame), beliefs=(), served=None))
        return state if tracked is None else self._with_beliefs(state, position, tracked)

    def _with_beliefs(self, state: ConversationState, taken: Position, tracked: Tracked) -> ConversationState:
        """Where else in this flow the message may have led: the next one may tell that it did."""
        frame = state.frame
        if frame is None or frame.flow_id != taken[0]:
            return state
        flow = self._served.assistant.flow_by_id[frame.flow_id]
        others = [
            (one.position, one.probability)
            for one in tracked.placements
            if one.position[0] == flow.id
            and one.position != taken
            and not self._served.policy.leads_to_call(flow, flow.by_id[one.position[1]])
        ][: MOST_POSITIONS - 1]
        here = max(1.0 - sum(weight for _, weight in others), 0.0)
        return replace(state, beliefs=((frame.position, here), *others))

    def _passed(self, state: ConversationState, node_id: NodeId) -> int | None:
        frame = state.frame
        path = () if frame is None else frame.path
        return next((place for place, visit in enumerate(path) if visit.node_id == node_id), None)

    def _corrected(self, state: ConversationState, given: Given, answers: bool, best: Placement | None) -> list[str]:
        """The kinds of fields that the message gives anew, where it does not answer the open question with them.

        Of a need that is served a value is corrected in so many words. What begins another need corrects nothing.
        """
        says_so = words.corrects(self._said.text)
        gives = best is not None and self._served.policy.gives.get(best.candidate.action_id)
        begins = best is not None and best.level is Level.OTHER_FLOW and not gives
        begins = begins and best is not None and (self._is_told(best) or not says_so)
        if (answers and not says_so) or begins or (state.frame is None and not says_so):
            return []
        changed = [
            kind
            for kind, value in given.values.items()
            if kind in state.fields
            and kind != FieldKind.PHOTO  # one more shows more, and takes nothing back
            and state.fields[kind].source == "customer"
            and state.fields[kind].typed != value.typed
        ]
        frame = state.frame or state.served
        if not changed or frame is None:
            return []
        expected = self._served.policy.expected(frame)
        return [kind for kind in changed if kind not in expected]

    def _rating(self) -> str | None:
        given = (self._said.choice or self._said.text).strip().removeprefix(_RATING)
        return given if given in _RATINGS else None

    def _rated(self, state: ConversationState, rating: str) -> ConversationState:
        self._walk.note("satisfaction", {"score": int(rating)})
        self._walk.ending = Ending(ConversationStatus.CLOSED, "resolved", float(rating))
        return self._walk.repair(replace(state, rating=False), Repair.CLOSE)

    def _explain(
        self, level: Level, whole: Understanding | None, tracked: Tracked | None, chosen: Position | None = None
    ) -> None:
        """Store why the message went where it went; `chosen` is the place, where it went to one."""
        assistant = self._served.assistant
        told: dict[str, Any] = {"level": level.value}
        told |= {} if chosen is None else {"flow": chosen[0], "node": chosen[1]}
        if whole is not None:
            told |= {"by": whole.by, "outside": round(whole.outside, 4)}
            told |= {} if whole.asked is None else {"asked": whole.asked.to_json()}
            told["candidates"] = [
                {
                    "action": assistant.action_by_id[one.action_id].name,
                    "probability": round(one.probability, 4),
                    "exemplar": one.match.exemplar,
                }
                for one in whole.candidates[:_EXPLAINED]
            ]
        if tracked is not None:
            told["places"] = [
                {
                    "flow": one.position[0],
                    "node": one.position[1],
                    "level": one.level.value,
                    "probability": round(one.probability, 4),
                    "needed": round(self._threshold(one), 4),
                }
                for one in tracked.placements[:_EXPLAINED]
            ]
        self._walk.note("understood", told)


def _is_close(tracked: Tracked) -> bool:
    """Whether another action is nearly as likely as the best, and neither is the customer's very words."""
    best = tracked.best
    if best is None or best.candidate.is_exact:
        return False
    others = (one for one in tracked.placements if one.candidate.action_id != best.candidate.action_id)
    second = next(others, None)
    return second is not None and second.probability >= NEARLY * best.probability


def _keeping(frames: tuple[Frame, ...], before: Mapping[str, FieldValue], given: Given) -> tuple[Frame, ...]:
    """The flow that is interrupted keeps its own values of what the interruption gives anew."""
    if not frames:
        return frames
    kept = {kind: before[kind] for kind in given.values if kind in before}
    return (*frames[:-1], replace(frames[-1], kept={**frames[-1].kept, **kept}))
