"""What is done when a message does not simply lead on: corrections, cancellations, what is not understood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from runtime import words
from runtime.fields import Given
from runtime.repair import Repair
from runtime.served import Served
from runtime.state import MOST_EARLY, Choice, ConversationState, Early, Frame
from runtime.tracking import Level, Tracked, landing
from runtime.walk import Walk
from taskflow.model import ActionId, Speaker
from taskflow.replay import Position

_MOST_FAILURES = 3  # in a row, and a person takes over
NEARLY = 0.6  # of the best place's probability: then the customer is asked which is meant
_POSSIBLY = 0.2  # of that, for a need of its own
_LIKELIER = 0.4
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
        answers = [] if state.consent is not None else self._buttons(state, self._open_answers(state))
        return self._walk.ask_again(self._walk.repair(state, Repair.NOT_UNDERSTOOD), answers)

    def _choices(self, state: ConversationState, tracked: Tracked) -> list[Choice]:
        """The real candidates as buttons: what is nearly as likely as the best, and likelier than nothing known.

        Of what a customer may have come for, also what is much less likely: one press saves saying it all again.
        """
        if tracked.best is None:
            return []
        least = max(NEARLY * tracked.best.probability, tracked.outside)
        is_known = tracked.outside < _LIKELIER  # something that the assistant knows, if not sure what
        if is_known and (state.frame is None or tracked.best.level is Level.OTHER_FLOW):
            least = _POSSIBLY * tracked.best.probability
        # One button a need: which of its openings was meant makes no difference to what comes next.
        needs = {one.position[0]: one for one in reversed(tracked.placements) if one.level is Level.OTHER_FLOW}
        places = [
            (one.position, one.candidate.action_id)
            for one in tracked.placements
            if one.probability >= least and needs.get(one.position[0], one) is one
        ]
        return self._buttons(state, places)

    def _open_answers(self, state: ConversationState) -> Iterator[tuple[Position, ActionId]]:
        """What customers answer to the open question, the commonest first."""
        if state.frame is None:
            return
        flow_id, node_id = state.frame.position
        flow = self._served.assistant.flow_by_id[flow_id]
        for child in sorted(flow.children(node_id), key=lambda node: -node.probability):
            node = landing(flow, child)
            if node.action_id is not None and self._served.assistant.speaker(node) is Speaker.USER:
                yield (flow_id, node.id), node.action_id

    def _buttons(self, state: ConversationState, places: Iterable[tuple[Position, ActionId]]) -> list[Choice]:
        """One for each action, in its commonest words; none that stands for a value, which a press would not give."""
        found: dict[str, Choice] = {}
        for position, action_id in places:
            if len(found) == _MOST_CHOICES or not self._served.policy.is_given(action_id, state.fields):
                continue
            action = self._served.assistant.action_by_id[action_id]
            spoken = [exemplar.text for exemplar in action.exemplars if "[" not in exemplar.text]
            own = [text for text in spoken if words.language(text) == state.language]
            label = next(iter(own or spoken), action.name)
            found.setdefault(label, Choice(f"{state.turn}-{len(found)}", label, position, action.id))
        return list(found.values())


def _first_use(frame: Frame, kinds: list[str]) -> int | None:
    return next((place for place, visit in enumerate(frame.path) if set(kinds) & set(visit.fields)), None)
