"""What the last conversations would come to with another version of their assistant, before it is published.

What customers said and what calls answered stays as it was. A conversation is compared up to where it first goes
another way: what its customer would have said after that, nobody knows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from runtime.calls import CallResult, Calls, CallsError
from runtime.dialogue_manager import ConversationError, DialogueManager
from runtime.happened import Happened
from runtime.outfit import Outfit
from runtime.stage import Stage, nobody
from runtime.target import DRAFT, find_target, staged
from taskflow.calls import Outcome
from taskflow.model import NodeId, Speaker
from taskflow.recognisers import mask
from taskflow.store.conversations import StoredEvent, last_conversations, read_events
from taskflow.store.finished import REHEARSED


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the assistant did: `what` is says, offers, repair, call, handoff, closed, rated or refused.

    `name` is the action that was said, the repair, the call with its outcome, and so on; texts are not compared.
    """

    what: str
    name: str
    flow: str | None = None
    node: str | None = None

    def is_same(self, other: Act) -> bool:
        """Whether a customer would find no difference: an action may be renamed, a node may be put elsewhere."""
        alike = self.name == other.name or (self.node is not None and self.node == other.node)
        return self.what == other.what and alike


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation stood: the node that spoke last, or none at its beginning."""

    flow: str | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a conversation first goes another way: at its event `turn`, after it stood at `place`.

    `said` is the customer's message, masked; `before` and `after` what was done then and would be now, None where
    nothing; `why` the explanation of the turn as it would be now.
    """

    conversation: str
    turn: int
    place: Place
    said: str
    before: Act | None
    after: Act | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CounterfactualReplay:
    """How many conversations and customers' turns were gone through again, and where they would part."""

    assistant: str
    version: str
    conversations: int
    turns: int
    differences: tuple[Difference, ...]

    @property
    def places(self) -> list[tuple[Place, int]]:
        """How many conversations part at each place, the most first."""
        return Counter(one.place for one in self.differences).most_common()

    def as_json(self) -> dict[str, Any]:
        return {
            "assistant": self.assistant,
            "version": self.version,
            "conversations": self.conversations,
            "turns": self.turns,
            "different": len(self.differences),
            "places": [asdict(place) | {"conversations": count} for place, count in self.places],
            "differences": [asdict(one) for one in self.differences],
        }


def replay_conversations(outfit: Outfit, name: str, version: str = DRAFT, most: int = 100) -> CounterfactualReplay:
    """Go through an assistant's last conversations with its draft, or the published version of a number.

    It happens in a database of its own: no customer, and no call, is reached. Raises AssistantError.
    """
    target = find_target(outfit.database, name, version)
    ids = last_conversations(outfit.database, name, most)
    turns = 0
    differences = []
    with staged(outfit, target) as stage:
        again = _Again(stage, outfit, name)
        for conversation in ids:
            events = read_events(outfit.database, conversation)
            gone, difference = again.go_through(conversation, events)
            turns += gone
            differences += [] if difference is None else [difference]
    return CounterfactualReplay(name, version, len(ids), turns, tuple(differences))


class _Again:
    """Goes through conversations again, each as it was served: with calls, without, or with rehearsed ones."""

    def __init__(self, stage: Stage, outfit: Outfit, name: str) -> None:
        self._stage = stage
        self._config = outfit.config
        self._name = name
        self._managers: dict[str, DialogueManager] = {}

    def go_through(self, conversation: str, events: Sequence[StoredEvent]) -> tuple[int, Difference | None]:
        """How many of the customer's turns were gone through, and where the conversation parts."""
        manager = self._manager(events)
        talk = _Talk(self._stage, manager, manager.start(self._name))
        place = Place()
        turns = 0
        for turn, then in ((turn, list(group)) for turn, group in groupby(events, key=attrgetter("turn"))):
            turns += any(_is_customers(event) for event in then)
            now, refused = talk.take(then)
            before, after = list(_acts(then)), [*_acts(now), *refused]
            for then_act, now_act in _paired(before, after):
                if then_act is None or now_act is None or not then_act.is_same(now_act):
                    said = mask("\n".join(event.payload["text"] for event in then if _is_customers(event)))
                    why = tuple(Happened(now).why)
                    return turns, Difference(conversation, turn, place, said, then_act, now_act, why)
                place = Place(now_act.flow, now_act.node) if now_act.node is not None else place
        return turns, None

    def _manager(self, events: Sequence[StoredEvent]) -> DialogueManager:
        outcomes = [event.payload["outcome"] for event in events if event.kind == "call"]
        answered = any(outcome != REHEARSED for outcome in outcomes)
        if answered or (self._config.calls is not None and not outcomes):
            self._stage.calls = _recorded(events)
            return self._stage.manager
        self._stage.calls = nobody
        unbound = "rehearse" if outcomes else self._config.unbound_calls
        if unbound not in self._managers:
            self._managers[unbound] = self._stage.without_calls(unbound)
        return self._managers[unbound]


class _Talk:
    """One conversation on the stage."""

    def __init__(self, stage: Stage, manager: DialogueManager, conversation: str) -> None:
        self._stage = stage
        self._manager = manager
        self._conversation = conversation
        self._offset = -1
        self._offered: dict[str, str] = {}  # what was offered then, by payload, and now, by label
        self._offers: dict[str, str] = {}

    def take(self, then: Sequence[StoredEvent]) -> tuple[list[StoredEvent], list[Act]]:
        """Let a turn happen again, at the time that it was then; what cannot be taken now is an act too."""
        self._stage.clock = lambda: then[0].at
        refused = []
        try:
            self._again(then)
        except ConversationError as error:
            refused.append(Act("refused", str(error)))
        now = read_events(self._stage.database, self._conversation, self._offset)
        self._offset += len(now)
        self._offered = {payload: label for label, payload in _choices(then)}
        self._offers = dict(_choices(now))
        return now, refused

    def _again(self, then: Sequence[StoredEvent]) -> None:
        customers = [event for event in then if _is_customers(event)]
        if customers:
            text = "\n".join(dict.fromkeys(event.payload["text"] for event in customers))
            attachments = tuple(name for event in customers for name in event.payload.get("attachments", ()))
            self._manager.reply(
                self._conversation,
                str(customers[0].client_message_id),
                text,
                self._pressed(customers[0].payload.get("choice")),
                attachments,
            )
            return
        done, told = then[0].kind, then[0].payload  # by a person: what the assistant does of it comes after
        if done == "message":
            self._manager.speak_for(self._conversation, told["by"], told["text"])
        elif done == "handed_back":
            node = None if told["node"] is None else NodeId(told["node"])
            self._manager.hand_back(self._conversation, node, told["by"])
        elif done == "closed":
            self._manager.close(self._conversation, told["outcome"])

    def _pressed(self, payload: str | None) -> str | None:
        """The payload that the button of the same label has now."""
        return None if payload is None else self._offers.get(self._offered.get(payload, ""), payload)


def _recorded(events: Sequence[StoredEvent]) -> Calls:
    """Answers calls as they were answered then, the last answer of each for good; others fail, as nobody knows."""
    left: dict[str, list[CallResult]] = defaultdict(list)
    for event in events:
        if event.kind == "call" and event.payload["outcome"] != REHEARSED:
            told = event.payload
            left[told["name"]].append(
                CallResult(Outcome(told["outcome"]), told.get("fields", {}), is_certain=told.get("certain", True))
            )

    def answer(name: str, fields: Mapping[str, str]) -> CallResult:
        answers = left[name]
        if not answers:
            raise CallsError(f"the call {name!r} was not made then")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return answer


def _acts(events: Sequence[StoredEvent]) -> Iterator[Act]:
    for event in events:
        told = event.payload
        match event.kind:
            case "message" if told["speaker"] == Speaker.AGENT.value and told.get("by") is None:
                if told.get("node") is not None:
                    yield Act("says", told.get("action") or told["node"], told.get("flow"), told["node"])
                if told.get("choices"):
                    yield Act("offers", " | ".join(sorted(one["label"] for one in told["choices"])))
            case "repair":
                yield Act("repair", told["repair"])
            case "call":
                yield Act("call", f"{told['name']}: {told['outcome']}")
            case "handoff":
                yield Act("handoff", "to a person")
            case "closed":
                yield Act("closed", told["outcome"])
            case "satisfaction":
                yield Act("rated", str(told["score"]))


def _paired(before: Sequence[Act], after: Sequence[Act]) -> Iterator[tuple[Act | None, Act | None]]:
    for place in range(max(len(before), len(after))):
        yield (before[place] if place < len(before) else None, after[place] if place < len(after) else None)


def _choices(events: Sequence[StoredEvent]) -> Iterator[tuple[str, str]]:
    for event in events:
        for one in event.payload.get("choices") or () if event.kind == "message" else ():
            yield one["label"], one["payload"]


def _is_customers(event: StoredEvent) -> bool:
    return event.kind == "message" and bool(event.payload["speaker"] == Speaker.USER.value)
