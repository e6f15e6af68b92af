"""Calls in conversations: what changes something is consented to, done once, and never promised where it may not be."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import uuid4

import pytest

from runtime.bound_calls import BoundCalls
from runtime.calls import CallRequest, CallResult
from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from runtime.endpoints import EndpointConfig
from runtime.walk import CONSENTS
from taskflow.bindings import CallBinding, Effect
from taskflow.charts.reading import read_chart
from taskflow.edits import AttachCall
from taskflow.encoders.bundled import BundledEncoder
from taskflow.store import Database
from taskflow.store.assistants import add_edit, publish, save_mined
from taskflow.store.conversations import ConversationStatus, read, read_events

from .small_shop import Shop

CHART = """
assistant: cancelling
language: en
actions:
  open_cancel: {speaker: customer, exemplars: [I want to cancel my order, please cancel my order, 我要取消订单]}
  open_late: {speaker: customer, exemplars: [where is my parcel, my parcel is late]}
  open_leave: {speaker: customer, exemplars: [I do not want it any more, I ordered it by mistake]}
  give_number: {speaker: customer, exemplars: ["[order_number]", "it is [order_number]", "订单号是[order_number]"]}
  agree: {speaker: customer, exemplars: ["yes, please", "yes, that would be good"]}
flows:
  - id: cancel
    steps:
      - customer: open_cancel
      - agent: ask_number
        responses: [What is your order number?, 请问订单号是多少？]
      - customer: give_number
      - call: cancel_order
        ok:
          - agent: cancelled
            responses: ["[order_number] is cancelled, you get [amount] back.", "[order_number]已取消，将退还[amount]。"]
          - customer: give_thanks
            exemplars: ["great, thank you", "thanks a lot"]
          - agent: anything_else
            responses: [Is there anything else?]
        failed:
          - agent: later
            responses: ["I cannot reach the order system, so nothing was changed."]
  - id: late
    steps:
      - customer: open_late
      - agent: it_is_on_its_way
        responses: [It is on its way.]
  - id: leave
    steps:
      - customer: open_leave
      - agent: ask_number_to_leave
        responses: [Which order is it?]
      - customer: give_number
      - agent: ask_whether
        responses: [Shall I cancel it for you?]
      - customer: agree
      - call: cancel_order
        ok:
          - agent: cancelled
"""
BINDING = CallBinding(
    "orders",
    "/orders/[order_number]/cancellation",
    inputs=("order_number",),
    effect=Effect.WRITE,
    timeout=5,
    facts=(("amount", "refund"),),
)


@pytest.fixture
def cancelling(database: Database, encoder: BundledEncoder) -> Database:
    assistant = read_chart(CHART, "the chart").assistant
    with database.write() as session:
        save_mined(session, assistant, encoder.name)
    call = next(action for action in assistant.actions if action.id == "cancel_order")
    add_edit(database, assistant.name, AttachCall(call.id, BINDING))
    publish(database, assistant.name)
    return database


class Talk:
    """A conversation with the assistant, whose calls go to a real server."""

    def __init__(self, database: Database, encoder: BundledEncoder, shop: Shop, calls: type[BoundCalls] = BoundCalls):
        endpoints = {"orders": EndpointConfig(url=shop.url, private=True)}
        config = RuntimeConfig(endpoints=endpoints)
        self.database = database
        self.manager = DialogueManager(database, encoder, config, None, calls(endpoints))
        self.id = self.manager.start("cancelling")

    def say(self, text: str, choice: str | None = None, message: str | None = None) -> list[str]:
        events = self.manager.reply(self.id, message or str(uuid4()), text, choice)
        return [event.text for event in events if event.speaker == "agent"]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event.payload for event in read_events(self.database, self.id) if event.kind == kind]


@pytest.fixture
def talk(cancelling: Database, encoder: BundledEncoder, shop_server: Shop) -> Talk:
    shop_server.answer(200, {"outcome": "ok", "refund": "$20.00"})
    return Talk(cancelling, encoder, shop_server)


ASKED = "I would now do this: cancel order (TF-20418837). Shall I go ahead?"
DONE = "TF-20418837 is cancelled, you get $20.00 back."


def ask(talk: Talk) -> None:
    talk.say("I want to cancel my order")
    assert talk.say("TF-20418837") == [ASKED]


@pytest.mark.parametrize("yes", ["yes", "Yes, go ahead.", "ok", "sure, please do"])
def test_what_changes_something_waits_for_a_yes(talk: Talk, shop_server: Shop, yes: str) -> None:
    ask(talk)
    assert not shop_server.asked
    assert talk.say(yes) == [DONE]
    assert [asked[:2] for asked in shop_server.asked] == [("POST", "/orders/TF-20418837/cancellation")]
    (call,) = talk.events("call")
    assert (call["outcome"], call["fields"]) == ("ok", {"amount": "$20.00"})
    assert "TF-20418837" not in str(call["exchange"])


def test_after_the_call_the_conversation_goes_on_where_it_stands(talk: Talk) -> None:
    ask(talk)
    assert talk.say("yes") == [DONE]
    assert talk.say("great, thank you so much") == ["Is there anything else?"]


def test_the_button_is_a_yes_and_a_forged_one_is_not(talk: Talk, shop_server: Shop) -> None:
    talk.say("I want to cancel my order", CONSENTS)
    talk.say("anything", CONSENTS)
    assert not shop_server.asked
    assert talk.say("TF-20418837") == [ASKED]
    assert talk.say("Yes, please", CONSENTS) == [DONE]
    assert len(shop_server.asked) == 1


@pytest.mark.parametrize("no", ["no", "No, don't", "stop", "oh wait, not yet", "yes but not now, don't do it"])
def test_a_no_changes_nothing(talk: Talk, shop_server: Shop, no: str) -> None:
    ask(talk)
    assert "nothing was changed" in " ".join(talk.say(no)) or ASKED in talk.say("hm")
    assert not shop_server.asked


def test_in_chinese(talk: Talk, shop_server: Shop) -> None:
    talk.say("我要取消订单")
    assert talk.say("订单号是TF-20418837") == ["接下来将为您办理：cancel order（TF-20418837）。可以吗？"]
    assert talk.say("好的") == ["TF-20418837已取消，将退还$20.00。"]
    assert len(shop_server.asked) == 1


def test_a_yes_is_for_the_values_that_were_named(talk: Talk, shop_server: Shop) -> None:
    ask(talk)
    told = talk.say("sorry, I meant TF-20411384")
    assert told[-1] == ASKED.replace("TF-20418837", "TF-20411384")
    assert not shop_server.asked
    talk.say("yes")
    assert [path for _, path, _, _ in shop_server.asked] == ["/orders/TF-20411384/cancellation"]


def test_what_is_neither_yes_nor_no_leaves_the_question_open(talk: Talk, shop_server: Shop) -> None:
    ask(talk)
    assert talk.say("colourless green ideas sleep")[-1] == ASKED
    assert talk.say("where is my parcel")[-1] == ASKED
    assert not shop_server.asked
    assert talk.say("yes") == [DONE]
    assert len(shop_server.asked) == 1


def test_a_question_of_the_flow_itself_is_question_enough(talk: Talk, shop_server: Shop) -> None:
    talk.say("I ordered it by mistake")
    assert talk.say("TF-20418837") == ["Shall I cancel it for you?"]
    assert talk.say("yes, please") == [DONE]
    assert len(shop_server.asked) == 1


def test_a_refusal_that_nobody_drew_goes_to_a_person_with_its_reason(talk: Talk, shop_server: Shop) -> None:
    shop_server.answers.clear()
    shop_server.answer(409, {"outcome": "refused", "reason": "the parcel has left"})
    ask(talk)
    talk.say("yes")
    (handoff,) = talk.events("handoff")
    assert handoff["reason"] == "the call 'cancel_order' came back as refused: the parcel has left"
    assert read(talk.database, talk.id).status is ConversationStatus.HANDED_OFF


def test_a_call_that_certainly_failed_takes_its_branch(
    cancelling: Database, encoder: BundledEncoder, shop_server: Shop
) -> None:
    shop_server.port = 9  # where nobody listens
    talk = Talk(cancelling, encoder, shop_server)
    ask(talk)
    assert talk.say("yes") == ["I cannot reach the order system, so nothing was changed."]


def test_half_an_answer_promises_nothing_and_is_not_asked_for_twice(talk: Talk, shop_server: Shop) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"outcome": "ok"')
        handler.wfile.flush()
        handler.connection.close()

    shop_server.answers = [half]
    ask(talk)
    told = talk.say("yes", message="the-yes")
    assert not any("cancelled" in text or "nothing was changed" in text for text in told)
    assert talk.say("yes", message="the-yes") == told
    assert len(shop_server.asked) == 1
    (call,), (handoff,) = talk.events("call"), talk.events("handoff")
    assert call["certain"] is False
    assert handoff["reason"].startswith("nobody knows whether 'cancel_order' was done")
    assert handoff["brief"]["done"] == ["cancel_order"]


class Dying(BoundCalls):
    """The process dies when the first answer is there."""

    died = False

    def __call__(self, request: CallRequest) -> CallResult:
        result = super().__call__(request)
        if not Dying.died:
            Dying.died = True
            raise SystemExit
        return result


def test_a_turn_that_is_taken_again_sends_the_same_key(
    cancelling: Database, encoder: BundledEncoder, shop_server: Shop
) -> None:
    Dying.died = False
    shop_server.answer(200, {"outcome": "ok", "refund": "$20.00"})
    talk = Talk(cancelling, encoder, shop_server, Dying)
    ask(talk)
    with pytest.raises(SystemExit):
        talk.say("yes", message="the-yes")
    assert talk.say("yes", message="the-yes") == [DONE]
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in shop_server.asked]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    talk.say("great, thank you")
    talk.say("I want to cancel my order")
    talk.say("no, of TF-20411384")
    talk.say("yes")
    assert shop_server.asked[-1][2]["Idempotency-Key"] not in keys


def test_a_slow_call_says_that_it_takes_a_moment(talk: Talk, shop_server: Shop) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(2.5)
        handler.send_response(200)
        handler.send_header("Content-Length", "17")
        handler.end_headers()
        handler.wfile.write(b'{"refund": "$20"}')

    shop_server.answers = [slow]
    ask(talk)
    assert talk.say("yes") == ["TF-20418837 is cancelled, you get $20 back."]
    events = read_events(talk.database, talk.id)
    assert [event.offset for event in events] == list(range(len(events)))
    kinds = [event.kind for event in events if event.turn == events[-1].turn]
    assert kinds[0] == "waiting"
    assert talk.events("waiting") == [{"text": "One moment, I am looking into it."}]
    assert [event.kind for event in talk.manager.events(talk.id, after=events[-1].offset - len(kinds))] == [
        "waiting",
        "message",
        "message",
    ]
