"""What is done when a message does not simply lead on: corrections, cancellations, what is not understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from runtime import words
from runtime.fields import Given
from runtime.repair import Repair
from runtime.served import Served
from runtime.state import MOST_EARLY, Choice, ConversationState, Early, Frame
from runtime.tracking import Tracked
from runtime.walk import Walk
from taskflow.model import Speaker

_MOST_FAILURES = 3  # in a row, and a person takes over
NEARLY = 0.6  # of the best place's probability: then the customer is asked which is meant
_MOST_CHOICES = 4


class Mend:
    """The repairs of one turn."""

    def __init__(self, served: Served, walk: Walk, text: str) -> None:
        self._served = served
        self._walk = walk
        self._text = text

    def correct(self, state: ConversationState, given: Given, kinds: list[str]) -> ConversationState:
        """Go back to where the oldest corrected value came in; what did not depend on it stays."""
        before = {kind: state.fields[kind] for kind in kinds}
        frames = state.frames or (() if state.served is None else (state.served,))
        state = replace(state, fields={**state.fields, **given.values}, frames=frames, served=None, failures=0)
        since = min(value.turn for value in before.values())
        begun = frames[-1].begun if frames else 0
        for done in state.written:
            if done.turn >= max(since, begun):
                return self._walk.hand_off(
                    state, f"the customer corrects {', '.join(kinds)} after {done.name!r} was done"
                )
        for kind in kinds:
            value, old = given.values[kind].value, before[kind].value
            state = self._walk.repair(state, Repair.CORRECTION, value=value, before=old)
        frame = state.frame
        place = None if frame is None else _first_use(frame, kinds)
        if frame is None or place is None:
            return self._walk.ask_again(state)
        kept = {kind: value for kind, value in state.fields.items() if value.source == "customer" or value.turn < since}
        again = (*state.early, *self._answers(frame, place + 1))[-MOST_EARLY:]
        frame = replace(frame, node_id=frame.path[place].node_id, path=frame.path[: place + 1])
        return self._walk.run(replace(state, fields=kept, early=again).on(frame))

    def _answers(self, frame: Frame, since: int) -> Iterator[Early]:
        """What the customer has answered since: it need not be asked for again where the question comes up."""
        assistant = self._served.assistant
        flow = assistant.flow_by_id[frame.flow_id]
        for visit in frame.path[since:]:
            node = flow.by_id.get(visit.node_id)
            if node is not None and node.action_id is not None and assistant.speaker(node) is Speaker.USER:
                yield Early(node.action_id, 1.0)

    def cancel(self, state: ConversationState) -> ConversationState:
        """The customer stops: say what stands, and go back to what was interrupted."""
        done = state.written
        state = replace(state.left(), early=(), beliefs=(), failures=0)
        if done:
            told = "; ".join(one.told or one.name for one in done)
            state = self._walk.repair(state, Repair.CANCEL_AFTER_WRITE, done=told)
        else:
            state = self._walk.repair(state, Repair.CANCEL)
        return state if state.frame is None else self._walk.run(self._walk.resume(state), replied=True)

    def not_understood(
        self, state: ConversationState, given: Given, tracked: Tracked, offered: Sequence[Choice]
    ) -> ConversationState:
        """Nothing is sure enough to act upon; buttons that were `offered` and not pressed are offered again."""
        text = self._text
        if state.frame is None and words.says_goodbye(text) and state.turn > 1:
            return self._walk.close(state, replied=False)
        state = replace(state, fields={**state.fields, **given.values}, failures=state.failures + 1)
        if state.failures >= _MOST_FAILURES:
            return self._walk.hand_off(state, f"the customer was not understood {_MOST_FAILURES} times in a row")
        expected = frozenset() if state.frame is None else self._served.policy.expected(state.frame)
        refused = next((value for kind, value in given.refused.items() if kind in expected), None)
        if refused is not None:
            return self._walk.ask_again(self._walk.repair(state, Repair.INVALID, value=refused))
        choices = self._choices(state, tracked) or list(offered)
        if len(choices) > 1 and state.consent is None:
            return self._walk.repair(state, Repair.CLARIFY, choices)
        return self._walk.ask_again(self._walk.repair(state, Repair.NOT_UNDERSTOOD))

    def _choices(self, state: ConversationState, tracked: Tracked) -> list[Choice]:
        """The real candidates as buttons: what is nearly as likely as the best, and likelier than nothing known."""
        if tracked.best is None:
            return []
        found: dict[str, Choice] = {}
        for one in tracked.placements[:_MOST_CHOICES]:
            if one.probability < max(NEARLY * tracked.best.probability, tracked.outside):
                continue
            if not self._served.policy.is_given(one.candidate.action_id, state.fields):
                continue  # a press would not give the value
            action = self._served.assistant.action_by_id[one.candidate.action_id]
            spoken = [exemplar.text for exemplar in action.exemplars if "[" not in exemplar.text]
            own = [text for text in spoken if words.language(text) == state.language]
            label = next(iter(own or spoken), action.name)
            found.setdefault(label, Choice(f"{state.turn}-{len(found)}", label, one.position, action.id))
        return list(found.values())


def _first_use(frame: Frame, kinds: list[str]) -> int | None:
    return next((place for place, visit in enumerate(frame.path) if set(kinds) & set(visit.fields)), None)
