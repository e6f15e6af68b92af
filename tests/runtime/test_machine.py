"""Whatever customers send: no crash, no field lost, nothing out of bounds, and events that give the state again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count, groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.calls import CallResult, CallsError
from runtime.config import RuntimeConfig
from runtime.dialogue_manager import ConversationError, DialogueManager
from runtime.state import MOST_FRAMES, MOST_VISITS, ConversationState
from taskflow.calls import Outcome
from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, FlowId, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.store import Database, open_database
from taskflow.store.assistants import publish, save_mined
from taskflow.store.conversations import StoredEvent

from .mortal_servers import BagOfWords

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TOPICS = 10  # more needs than may be under way at once
LONG = 3_900  # characters: nearly a message

WORDS = (
    "I want to return something",
    "我要退货",
    "where is my parcel",
    "快递怎么这么慢",
    "yes, it is unused",
    "no, I have worn it",
    "yes please",
    *(f"tell me about topic {number}" for number in range(TOPICS)),
    "tell me about a topic",
    "never mind",
    "算了",
    "thanks, bye",
    "actually, where is my parcel. it is TF-20418837",
    "purple elephants compute jazz",
    "5",
)
VALUES = (
    "TF-20418837",
    "it is TF-90000001",
    "no, I meant TF-90000002",
    "订单号是TF-90000003",
    "12345678",
    "tomorrow",
    "the 3rd of May, 42.50 dollars, ann@example.org",
    "my phone is +1 555 010 9999, 下周三",
    f"{'a' * LONG}@example.org",
    f"https://example.org/{'b' * LONG}",
    f"order id {'9' * LONG}",
    f"{'9' * LONG} dollars",
    "8" * LONG,
    f"my name is {'Ann ' * 900}",
    f"TF-{'7' * LONG}",
    f"{'1 ' * 1900} Oak Street",
)
ANSWERS = ("it is TF-20418837", "yes, it is unused", "yes please", "where is my parcel")
HUMAN = "I want to speak to a human"


@dataclass(frozen=True)
class Say:
    text: str
    photo: bool = False


@dataclass(frozen=True)
class Press:
    """A button that is offered, or a payload that nobody offered."""

    place: int
    forged: str | None = None


@dataclass(frozen=True)
class Again:
    """A message that was sent before, by its place."""

    place: int


@dataclass(frozen=True)
class HandBack:
    """A service agent gives the conversation back, at a node or where it stood."""

    node: str | None


texts = st.one_of(st.sampled_from(WORDS), st.sampled_from(VALUES), st.text(max_size=60), st.just(HUMAN))
steps = st.one_of(
    st.builds(Say, st.sampled_from(WORDS)),
    st.builds(Say, st.sampled_from(ANSWERS)),
    st.builds(Say, st.sampled_from(VALUES)),
    st.builds(Say, texts, st.booleans()),
    st.builds(Press, st.integers(0, 3), st.none() | st.sampled_from(["0-0", "1-1", "rating 9", "", "'; --"])),
    st.builds(Again, st.integers(0, 30)),
    st.builds(HandBack, st.none() | st.sampled_from(["r-unused", "l-ask", "3-1"])),
)
results = st.lists(st.sampled_from([*Outcome, None]), min_size=1, max_size=4)


def topic(number: int) -> tuple[list[DialogueAction], TaskFlow]:
    said = [
        ("u", f"tell me about topic {number}"),
        ("a", f"Shall I say more about topic {number}?"),
        ("u", "yes please"),
        ("a", f"That is all of topic {number}."),
    ]
    actions, nodes = [], []
    for place, (who, text) in enumerate(said):
        speaker = Speaker.USER if who == "u" else Speaker.AGENT
        key = "u-yes" if text == "yes please" else f"{who}-{number}-{place}"
        actions.append(DialogueAction(ActionId(key), speaker, text, (Exemplar(text, 3),), 3))
        parent = nodes[-1].id if nodes else None
        responses = (text,) if who == "a" else ()
        nodes.append(FlowNode(NodeId(f"{number}-{place}"), parent, ActionId(key), 10, responses=responses))
    return actions, TaskFlow(FlowId(f"f-{number}"), f"Topic {number}", tuple(nodes))


@pytest.fixture(scope="module")
def served(shop: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    wide = [topic(number) for number in range(TOPICS)]
    actions = {action.id: action for own, _ in wide for action in own}
    assistant = replace(
        shop, actions=(*shop.actions, *actions.values()), flows=(*shop.flows, *(flow for _, flow in wide))
    )
    with closing(open_database(f"sqlite:///{tmp_path_factory.mktemp('machine') / 'shop.db'}")) as database:
        with database.write() as session:
            save_mined(session, assistant, BagOfWords.name)
        publish(database, "shop")
        yield database


class Shop:
    """Its system answers with these outcomes, over and over; None is a failure of its own."""

    def __init__(self, outcomes: Sequence[Outcome | None]) -> None:
        self._outcomes = outcomes
        self._made = count()

    def __call__(self, _name: str, _fields: Mapping[str, str]) -> CallResult:
        made = next(self._made)
        outcome = self._outcomes[made % len(self._outcomes)]
        if outcome is None:
            raise CallsError("the shop's system is down")
        return CallResult(outcome, {"date": f"{1 + made % 28} May"} if outcome is Outcome.OK else {})


class Answers:
    """The results that a conversation's events hold, in their order."""

    def __init__(self, events: Sequence[StoredEvent]) -> None:
        self._told = (event.payload for event in events if event.kind == "call")

    def __call__(self, name: str, _fields: Mapping[str, str]) -> CallResult:
        told = next(self._told)
        assert told["name"] == name
        return CallResult(Outcome(told["outcome"]), told.get("fields", {}))


def manager_of(database: Database, calls: Shop | Answers) -> DialogueManager:
    return DialogueManager(database, BagOfWords(), RuntimeConfig(writes=("track",)), calls=calls, clock=lambda: NOW)


def replayed(database: Database, events: Sequence[StoredEvent]) -> ConversationState:
    """The state of a new conversation in which all is sent again, and calls are answered as they were."""
    manager = manager_of(database, Answers(events))
    conversation = manager.start("shop")
    for turn, grouped in groupby(events, key=lambda event: event.turn):
        own = list(grouped)
        if own[0].kind == "handed_back":
            manager.hand_back(conversation, own[0].payload["node"], own[0].payload["by"])
            continue
        said = [event.payload for event in own if event.kind == "message" and event.payload["speaker"] == "user"]
        text = "\n".join(dict.fromkeys(told["text"] for told in said))
        photos = tuple(name for told in said for name in told.get("attachments", ()))
        manager.reply(conversation, f"m-{turn}", text, said[0].get("choice"), photos)
    return manager.state(conversation)


class Customer:
    """Sends messages, and looks at the conversation after each."""

    def __init__(self, manager: DialogueManager) -> None:
        self._manager = manager
        self.conversation = manager.start("shop")
        self._sent: list[tuple[str, str, str | None, tuple[str, ...]]] = []

    def take(self, step: Say | Press | Again | HandBack) -> None:
        state = self._manager.state(self.conversation)
        match step:
            case HandBack(node):
                self._manager.hand_back(self.conversation, node, "ann")
            case Say(text, photo):
                self._send(state, text, None, ("photo.jpg",) if photo else ())
            case Press(place, None) if state.choices:
                chosen = state.choices[place % len(state.choices)]
                self._send(state, chosen.label, chosen.payload, ())
            case Press(_, forged):
                self._send(state, "this one", forged, ())
            case Again(place) if self._sent:
                sent = self._sent[place % len(self._sent)]
                events = self._manager.explanation(self.conversation)
                assert sent[0] in [event.client_message_id for event in self._manager.reply(self.conversation, *sent)]
                assert self._manager.explanation(self.conversation) == events
                assert self._manager.state(self.conversation) == state

    def _send(self, before: ConversationState, text: str, choice: str | None, photos: tuple[str, ...]) -> None:
        sent = (f"m-{len(self._sent)}", text, choice, photos)
        try:
            events = self._manager.reply(self.conversation, *sent)
        except ConversationError as error:
            assert error.status == 400, "what was sent is neither too long nor after the end"
            assert not text.replace("\x00", "").strip()
            return
        self._sent.append(sent)
        assert [event.client_message_id for event in events if event.speaker == "user"] == [sent[0]]
        after = self._manager.state(self.conversation)
        check_bounds(after)
        check_kept(before, after)


def check_bounds(state: ConversationState) -> None:
    assert len(state.frames) <= MOST_FRAMES
    assert all(len(frame.path) <= MOST_VISITS for frame in state.frames)
    stored = state.to_json()
    assert len(json.dumps(stored, ensure_ascii=False).encode()) <= 64_000  # bytes
    assert ConversationState.from_json(json.loads(json.dumps(stored))) == state


def check_kept(before: ConversationState, after: ConversationState) -> None:
    """What the customer told is still known, with its value unless this message gave another."""
    for kind, value in before.fields.items():
        if value.source == "customer":
            now = after.fields[kind]
            assert now.value == value.value or now.turn == after.turn


@given(st.lists(steps, min_size=5, max_size=20), results)
@settings(max_examples=50)
def test_whatever_a_customer_sends(served, taken, outcomes):
    manager = manager_of(served, Shop(outcomes))
    customer = Customer(manager)
    for step in taken:
        customer.take(step)
    events = manager.explanation(customer.conversation)
    assert [event.offset for event in events] == list(range(len(events)))
    assert manager_of(served, Shop(outcomes)).state(customer.conversation) == manager.state(customer.conversation)
    assert replayed(served, events) == manager.state(customer.conversation)


@pytest.mark.parametrize("outcomes", [[Outcome.OK], [Outcome.NOT_FOUND]])
def test_a_conversation_that_does_not_end_stays_within_its_bounds(served, outcomes):
    manager = manager_of(served, Shop(outcomes))
    customer = Customer(manager)
    for number in range(TOPICS):
        customer.take(Say(f"tell me about topic {number}"))
    assert len(manager.state(customer.conversation).frames) == MOST_FRAMES
    for text in (*VALUES, *WORDS, *VALUES):
        customer.take(Say(text, photo=True))
        for again in (*ANSWERS, f"it is TF-{'7' * LONG}"):
            customer.take(Say(again))
        customer.take(HandBack(None))  # it may have been handed off
    assert replayed(served, manager.explanation(customer.conversation)) == manager.state(customer.conversation)
