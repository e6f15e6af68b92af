"""A model in trouble within a customer's turn: the approved response goes out, in time, and the events say why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest

from taskflow.backbones.loading import load_backbone
from taskflow.config import BackboneConfig

from ..taskflow.backbones.small_server import running
from ..taskflow.backbones.troubled_server import (
    Script,
    Troubled,
    broken_off,
    dripping,
    half,
    no_json,
    says,
    silent,
    status,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MESSAGE, APPROVED = "is it possible to send my delivery back?", "What is your order number?"
# Says what the trouble is, in whatever words.
TROUBLE: dict[str, tuple[Script, str]] = {
    "too much to do": (status(429), "too much to do|left alone"),
    "wait a minute": (status(429, Retry_After="60"), "too much to do"),
    "broken down": (status(500), "does not answer|left alone"),
    "refused": (status(400), "refused the request"),
    "half a stream": (half, "broke off"),
    "broken off": (broken_off, "does not answer"),
    "invalid JSON": (no_json, "cannot be read"),
    "silent": (silent, "silent for too long|in time"),
    "signs of life alone": (dripping, "in time|does not answer|broke off"),
    "off the list": (says("I would rather talk about cups."), "not one of|changes a value|means something else"),
    "thinking without end": (says("<think>\nWell, the customer wants"), "not one of|empty"),
    "nothing at all": (says(""), "not one of|empty"),
}


@pytest.fixture
def server() -> Iterator[Troubled]:
    with running(Troubled()) as started:
        yield started


@pytest.fixture
def manager(server, serve):
    backbone = load_backbone(BackboneConfig(url=server.url, dialect="chatml", timeout=20))
    return serve(backbone=backbone, understanding="backbone", wording="backbone", backbone_seconds=1.0)


def turn(manager):
    """What is said, and why the model was not heard: of understanding and of wording."""
    conversation = manager.start("shop")
    replies = [event for event in manager.reply(conversation, str(uuid4()), MESSAGE) if event.speaker == "agent"]
    events = manager.explanation(conversation)
    asked = next(event.payload["asked"] for event in events if event.kind == "understood")
    worded = [event.payload for event in events if event.kind == "worded"]
    return [reply.text for reply in replies], asked, worded


@pytest.mark.parametrize("what", TROUBLE)
def test_the_approved_response_goes_out_in_time_and_the_events_say_why(server, manager, what):
    script, why = TROUBLE[what]
    server.script = [script]
    texts, asked, worded = turn(manager)
    assert texts == [APPROVED]
    assert [one["approved"] for one in worded] == texts
    # On a busy machine the second that is allowed to the model may be over before the trouble is plain.
    assert all(re.search(f"{why}|in time", told["refused"]) for told in (asked, *worded))
    # A server that drips does so for five seconds.
    assert sum(told["ms"] for told in (asked, *worded)) < 4_900


def test_a_server_that_went_away_leaves_retrieval_and_approved_responses(server, serve):
    with running(Troubled()) as gone:
        backbone = load_backbone(BackboneConfig(url=gone.url, dialect="chatml", timeout=20))
    manager = serve(backbone=backbone, understanding="backbone", wording="backbone", backbone_seconds=1.0)
    for _ in range(4):
        texts, asked, (worded,) = turn(manager)
        assert texts == [APPROVED]
        assert "check that it runs" in asked["refused"]
        assert "check that it runs" in worded["refused"]


def test_a_server_that_comes_back_is_heard_again(server, manager):
    server.script = [status(400), says("Could you tell me your order number?")]
    _, asked, (worded,) = turn(manager)
    assert "refused" in asked
    assert "refused" not in worded
