"""The chat API, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from taskflow.store import Database
from taskflow.store.forgetting import find_traces
from webui.access import VisitorTokens

ASSISTANT = "after-sale-en"
HOSTILE = '<script>alert("x")</script>'
SECRET_KEY = "a key of the tests that is long enough"
SHOP = "https://shop.example.com"


def begin(client: FlaskClient) -> tuple[str, dict[str, str]]:
    answer = client.post("/api/v1/conversations", json={"assistant": ASSISTANT})
    assert answer.status_code == 201, answer.text
    return answer.json["conversation"], {"Authorization": f"Bearer {answer.json['token']}"}


def say(client: FlaskClient, conversation: str, headers: dict[str, str], text: str, key: str = "m-1") -> TestResponse:
    return client.post(
        f"/api/v1/conversations/{conversation}/messages", json={"client_message_id": key, "text": text}, headers=headers
    )


def texts(answer: TestResponse) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    return [(event["speaker"], event["text"]) for event in answer.json["events"]]


def is_one_sentence(answer: TestResponse) -> bool:
    return list(answer.json) == ["message"] and answer.json["message"].endswith(".") and "\n" not in answer.text.strip()


def test_a_conversation_goes_to_its_end(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    first = say(client, conversation, headers, "It arrived broken", "m-1")
    assert texts(first) == [("user", "It arrived broken"), ("agent", "What is the order number?")]
    assert set(first.json["events"][0]) == {
        "offset",
        "kind",
        "speaker",
        "text",
        "client_message_id",
        "node",
        "handoff",
        "at",
        "choices",
        "attachments",
    }
    assert first.json["events"][0]["client_message_id"] == "m-1"
    assert first.json["events"][1]["node"] == "n1"
    second = say(client, conversation, headers, "It is TF-20410296", "m-2")
    assert texts(second)[-1] == ("agent", "You get $58.00 back.")


def test_a_number_that_is_not_in_the_book_is_told(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    say(client, conversation, headers, "It arrived broken", "m-1")
    answer = say(client, conversation, headers, "It is TF-99999999", "m-2")
    assert texts(answer)[1] == ("agent", "I cannot find that order. What is its number?")


def test_the_shop_names_its_customer_who_can_be_forgotten_by_that_name(client: FlaskClient, site: Database) -> None:
    named = {"assistant": ASSISTANT, "customer": "顾客-4711"}
    answer = client.post("/api/v1/conversations", json=named)
    assert answer.status_code == 201
    say(client, answer.json["conversation"], {"Authorization": f"Bearer {answer.json['token']}"}, "It arrived broken")
    assert find_traces(site, "顾客-4711").conversations == 1
    for name in ("", "a\0b", "x" * 201, "\ud800", 4711):
        assert client.post("/api/v1/conversations", json=named | {"customer": name}).status_code == 422


def test_the_same_message_sent_again_is_answered_with_the_same_events(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    once = say(client, conversation, headers, "It arrived broken")
    again = say(client, conversation, headers, "It arrived broken")
    assert once.json == again.json


def test_events_come_after_an_offset_or_all(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    said = say(client, conversation, headers, "It arrived broken").json["events"]
    address = f"/api/v1/conversations/{conversation}/events"
    assert client.get(address, headers=headers).json["events"] == said
    assert client.get(f"{address}?after={said[0]['offset']}", headers=headers).json["events"] == said[1:]
    assert client.get(f"{address}?after={said[-1]['offset']}", headers=headers).json["events"] == []


def test_a_conversation_outlives_the_server(client: FlaskClient, make_app: Any) -> None:
    conversation, headers = begin(client)
    said = say(client, conversation, headers, "It arrived broken").json["events"]
    restarted = make_app().test_client()
    assert restarted.get(f"/api/v1/conversations/{conversation}/events", headers=headers).json["events"] == said


def test_a_chat_runs_on_either_database(database: Database, make_app: Any, stock: Any) -> None:
    stock(database)
    client = make_app(database).test_client()
    conversation, headers = begin(client)
    assert texts(say(client, conversation, headers, "It arrived broken"))[1][0] == "agent"
    assert say(client, conversation, headers, "nul \0 byte", "m-2").status_code == 200


@pytest.mark.parametrize("assistant", ["nobody", "unpublished", HOSTILE, "", "x" * 5000, "a\0b", "../etc"])
def test_an_assistant_that_is_not_published_is_not_found(client: FlaskClient, assistant: str) -> None:
    answer = client.post("/api/v1/conversations", json={"assistant": assistant})
    assert answer.status_code == 404
    assert is_one_sentence(answer)
    assert "unpublished" not in answer.json["message"], "a stranger learns no other assistant's name"


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Basic abc", "Bearer " + "x" * 3000, "Bearer a.b.c", "Bearer é"]
)
def test_a_missing_or_forged_token_is_refused(client: FlaskClient, authorization: str | None) -> None:
    conversation, _ = begin(client)
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (
        client.get(f"/api/v1/conversations/{conversation}/events", headers=headers),
        say(client, conversation, headers, "hello"),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert is_one_sentence(answer)


def test_a_token_changed_in_one_letter_or_signed_with_another_key_is_refused(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    token = headers["Authorization"].removeprefix("Bearer ")
    changed = token[:-9] + ("A" if token[-9] != "A" else "B") + token[-8:]
    forged = VisitorTokens("another key").issue(conversation)
    for wrong in (changed, forged, conversation):
        answer = client.get(
            f"/api/v1/conversations/{conversation}/events", headers={"Authorization": f"Bearer {wrong}"}
        )
        assert answer.status_code == 401


def test_the_token_of_one_conversation_opens_no_other(client: FlaskClient) -> None:
    mine, headers = begin(client)
    other, _ = begin(client)
    for conversation in (other, "no-such-conversation"):
        assert client.get(f"/api/v1/conversations/{conversation}/events", headers=headers).status_code == 404
        assert say(client, conversation, headers, "hello").status_code == 404
    assert client.get(f"/api/v1/conversations/{mine}/events", headers=headers).status_code == 200


def test_a_conversation_that_the_database_lost_is_gone(client: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {VisitorTokens(SECRET_KEY).issue('lost')}"}
    answer = client.get("/api/v1/conversations/lost/events", headers=headers)
    assert answer.status_code == 404
    assert is_one_sentence(answer)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\0"])
def test_an_empty_message_is_refused(client: FlaskClient, text: str) -> None:
    conversation, headers = begin(client)
    answer = say(client, conversation, headers, text)
    assert answer.status_code == 400
    assert is_one_sentence(answer)


def test_long_messages_are_too_large_and_the_longest_is_not(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    assert say(client, conversation, headers, "长" * 4000, "m-1").status_code == 200
    for text in ("x" * 4001, "x" * 70_000, "长" * 20_000, "x" * 1_000_000):
        answer = say(client, conversation, headers, text, "m-2")
        assert answer.status_code == 413
        assert is_one_sentence(answer)


def test_script_in_a_message_comes_back_as_text(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    answer = say(client, conversation, headers, HOSTILE)
    assert answer.mimetype == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert texts(answer)[0] == ("user", HOSTILE)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 60_000, 400),
        (b"null", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"client_message_id": "m"}', 422),
        (b'{"client_message_id": "m", "text": 3}', 422),
        (b'{"client_message_id": null, "text": "x"}', 422),
        (b'{"client_message_id": "", "text": "x"}', 422),
        (b'{"client_message_id": "with space", "text": "x"}', 422),
        (b'{"client_message_id": "m\\n", "text": "x"}', 422),
        (b'{"client_message_id": "' + b"m" * 65 + b'", "text": "x"}', 422),
        (b'{"client_message_id": "m", "text": "\\ud800"}', 422),
        (b'{"client_message_id": "m", "text": ' + b"9" * 5000 + b"}", 400),
    ],
)
def test_a_malformed_message_is_refused_with_the_reason(client: FlaskClient, body: bytes, status: int) -> None:
    conversation, headers = begin(client)
    answer = client.post(
        f"/api/v1/conversations/{conversation}/messages", data=body, content_type="application/json", headers=headers
    )
    assert answer.status_code == status
    assert is_one_sentence(answer)


@pytest.mark.parametrize(
    "choice", ["", "x" * 201, "a\0b", "line\nbreak", "\x1b[31m", "\ud800", 3, True, [], {"payload": "x"}]
)
def test_a_choice_that_is_no_payload_is_refused(client: FlaskClient, choice: object) -> None:
    conversation, headers = begin(client)
    body = {"client_message_id": "m", "text": "Yes", "choice": choice}
    answer = client.post(f"/api/v1/conversations/{conversation}/messages", json=body, headers=headers)
    assert answer.status_code == 422
    assert is_one_sentence(answer)
    assert client.get(f"/api/v1/conversations/{conversation}/events", headers=headers).json["events"] == []


@pytest.mark.parametrize("choice", ["n5", "f-damaged/n5", "refunded", HOSTILE, "'; DROP TABLE conversations; --"])
def test_a_choice_that_was_not_offered_chooses_nothing(client: FlaskClient, choice: str) -> None:
    conversation, headers = begin(client)
    body = {"client_message_id": "m", "text": "It arrived broken", "choice": choice}
    forged = client.post(f"/api/v1/conversations/{conversation}/messages", json=body, headers=headers)
    assert texts(forged)[1:] == texts(say(client, *begin(client), "It arrived broken"))[1:]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_taken(client: FlaskClient, kind: str) -> None:
    answer = client.post("/api/v1/conversations", data=json.dumps({"assistant": ASSISTANT}), content_type=kind)
    assert answer.status_code == 415
    assert is_one_sentence(answer)


@pytest.mark.parametrize("after", ["x", "-2", "1e3", "9" * 40, "", "1.5"])
def test_a_malformed_offset_is_refused(client: FlaskClient, after: str) -> None:
    conversation, headers = begin(client)
    answer = client.get(f"/api/v1/conversations/{conversation}/events?after={after}", headers=headers)
    assert answer.status_code == 422
    assert is_one_sentence(answer)


def test_an_explanation_is_what_each_turn_understood(client: FlaskClient) -> None:
    conversation, headers = begin(client)
    path = f"/api/v1/conversations/{conversation}/explanation"
    assert client.get(path).json == {"conversation": conversation, "turns": []}
    say(client, conversation, headers, "It arrived broken", "m-1")
    say(client, conversation, headers, "It is TF-20410296", "m-2")
    explained = client.get(path).json["turns"]
    assert [turn["turn"] for turn in explained] == [0, 1]
    assert all(turn["understood"] and turn["at"] for turn in explained)
    assert client.get(path.replace(conversation, "nobody")).status_code == 404


def test_assistants_are_listed_with_their_versions_and_flows(client: FlaskClient) -> None:
    listed = {found["name"]: found for found in client.get("/api/v1/assistants").json["assistants"]}
    assert (listed[ASSISTANT]["published"], listed[ASSISTANT]["flows"]) == (1, 1)
    assert listed["unpublished"]["published"] is None
    versions = client.get(f"/api/v1/assistants/{ASSISTANT}/versions").json["versions"]
    assert [version["number"] for version in versions] == [1]
    assert client.get("/api/v1/assistants/unpublished/versions").json["versions"] == []
    (flow,) = client.get(f"/api/v1/assistants/{ASSISTANT}/flows?version=1").json["flows"]
    assert (flow["id"], flow["support"], flow["nodes"]) == ("f-damaged", 4, 9)
    assert client.get(f"/api/v1/assistants/{ASSISTANT}/flows").json["version"] is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["assistant", "text", "client_message_id"]) | st.text(), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_JSON)
def test_no_json_makes_the_server_fail(client: FlaskClient, body: Any) -> None:
    # The client of a test app raises whatever the application does not handle.
    conversation, headers = begin(client)
    for address in ("/api/v1/conversations", f"/api/v1/conversations/{conversation}/messages"):
        answer = client.post(address, data=json.dumps(body), content_type="application/json", headers=headers)
        assert answer.status_code < 500
        assert answer.is_json


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1), key=st.text(max_size=80))
def test_any_text_is_answered_or_refused(client: FlaskClient, text: str, key: str) -> None:
    conversation, headers = begin(client)
    assert say(client, conversation, headers, text, key).status_code in (200, 400, 422)


def test_too_many_messages_in_a_conversation_have_to_wait(make_app: Any) -> None:
    client = make_app(conversation_limit=3).test_client()
    conversation, headers = begin(client)
    other, other_headers = begin(client)
    answers = [say(client, conversation, headers, "hello", f"m-{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert is_one_sentence(answers[-1])
    assert say(client, other, other_headers, "hello").status_code == 200


def test_too_many_requests_from_an_address_have_to_wait(make_app: Any) -> None:
    client = make_app(address_limit=3).test_client()
    begin(client)
    conversation, headers = begin(client)
    say(client, conversation, headers, "hello")
    answer = client.post("/api/v1/conversations", json={"assistant": ASSISTANT})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    elsewhere = client.post(
        "/api/v1/conversations", json={"assistant": ASSISTANT}, environ_base={"REMOTE_ADDR": "203.0.113.9"}
    )
    assert elsewhere.status_code == 201


def test_behind_a_proxy_each_customer_is_counted_apart(make_app: Any) -> None:
    client = make_app(address_limit=1, proxies=1).test_client()
    for address, status in (("203.0.113.1", 201), ("203.0.113.2", 201), ("203.0.113.1", 429)):
        answer = client.post(
            "/api/v1/conversations", json={"assistant": ASSISTANT}, headers={"X-Forwarded-For": address}
        )
        assert answer.status_code == status


def test_an_allowed_site_may_use_the_chat(make_app: Any) -> None:
    client = make_app(allowed_origins=[SHOP + "/"]).test_client()
    preflight = client.options(
        "/api/v1/conversations",
        headers={
            "Origin": SHOP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == SHOP
    allowed = preflight.headers["Access-Control-Allow-Headers"]
    assert "Authorization" in allowed and "Content-Type" in allowed
    answer = client.post("/api/v1/conversations", json={"assistant": ASSISTANT}, headers={"Origin": SHOP})
    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"
    assert "Origin" in answer.headers["Vary"]
    refused = client.get("/api/v1/conversations/x/events", headers={"Origin": SHOP})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == SHOP, "the widget may read why"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://shop.example.com", SHOP + ".evil.example", "http://[", HOSTILE, ""],
)
def test_another_site_is_refused(make_app: Any, origin: str) -> None:
    client = make_app(allowed_origins=[SHOP]).test_client()
    for answer in (
        client.post("/api/v1/conversations", json={"assistant": ASSISTANT}, headers={"Origin": origin}),
        client.options("/api/v1/conversations", headers={"Origin": origin}),
    ):
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_servers_own_pages_may_use_the_chat(client: FlaskClient) -> None:
    for origin in ("http://localhost", "https://localhost"):
        answer = client.post("/api/v1/conversations", json={"assistant": ASSISTANT}, headers={"Origin": origin})
        assert answer.status_code == 201
