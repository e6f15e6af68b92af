"""Replay of live conversations with another version, asked for over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from taskflow.edits import RemoveNode
from taskflow.model import FlowId, NodeId
from taskflow.store import Database
from taskflow.store.assistants import add_edit, publish

ASSISTANT = "after-sale-en"
REPLAY = f"/api/v1/assistants/{ASSISTANT}/replay"


@pytest.fixture
def conversation(client: FlaskClient) -> str:
    """One that got its money back."""
    begun = client.post("/api/v1/conversations", json={"assistant": ASSISTANT}).json
    path = f"/api/v1/conversations/{begun['conversation']}/messages"
    for number, text in enumerate(("It arrived broken", "It is TF-20410296")):
        said = {"client_message_id": f"m-{number}", "text": text}
        answer = client.post(path, json=said, headers={"Authorization": f"Bearer {begun['token']}"})
    assert answer.json["events"][-1]["text"] == "You get $58.00 back."
    return str(begun["conversation"])


def test_the_version_that_served_a_conversation_does_the_same_again(client: FlaskClient, conversation: str) -> None:
    replayed = client.post(REPLAY, json={"version": 1}).json
    assert (replayed["version"], replayed["conversations"], replayed["turns"]) == ("1", 1, 2)
    assert (replayed["different"], replayed["places"], replayed["differences"]) == (0, [], [])


def test_a_draft_without_the_refund_would_part_at_the_question(
    client: FlaskClient, site: Database, conversation: str
) -> None:
    add_edit(site, ASSISTANT, RemoveNode(FlowId("f-damaged"), NodeId("n5")))
    replayed = client.post(REPLAY, json={}).json
    assert (replayed["version"], replayed["different"]) == ("draft", 1)
    (difference,) = replayed["differences"]
    assert (difference["conversation"], difference["place"]["node"]) == (conversation, "n1")
    assert (difference["before"]["what"], difference["before"]["node"]) == ("says", "n5")
    assert difference["said"] == "It is [order_number]"
    assert [(place["node"], place["conversations"]) for place in replayed["places"]] == [("n1", 1)]
    publish(site, ASSISTANT)
    assert client.post(REPLAY, json={"version": 2}).json["different"] == 1
    assert client.post(REPLAY, json={"version": 1}).json["different"] == 0


def test_a_replay_leaves_conversations_as_they_are(client: FlaskClient, conversation: str) -> None:
    path = f"/api/v1/conversations/{conversation}/explanation"
    before = client.get(path).json
    client.post(REPLAY, json={"last": 1})
    assert client.get(path).json == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"last": 0}, 422),
        ({"last": 1_001}, 422),
        ({"last": "all"}, 422),
        ({"lst": 5}, 422),
        ({"version": 0}, 422),
        ({"version": "draft\n"}, 422),
        ({"version": 2}, 404),
        ([], 422),
    ],
)
def test_what_cannot_be_replayed_is_refused(client: FlaskClient, body: Any, status: int) -> None:
    answer = client.post(REPLAY, json=body)
    assert answer.status_code == status
    assert list(answer.json) == ["message"]


def test_another_sites_form_starts_no_replay(client: FlaskClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post(REPLAY, data='{"last": 1}', content_type=kind, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 415
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert "Access-Control-Allow-Origin" not in client.options(REPLAY, headers=asked).headers
