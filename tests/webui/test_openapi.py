"""The API's description of itself, held against what the API does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from taskflow.store import Database

API = "/api/v1"
ASSISTANT = "after-sale-en"
TOKEN = "the developers' own long token"
STRANGER = {"REMOTE_ADDR": "203.0.113.7"}
EVIL = {"Origin": "https://evil.example"}

BEGIN = ("post", f"{API}/conversations")
EVENTS = ("get", f"{API}/conversations/{{conversation_id}}/events")
STREAM = ("get", f"{API}/conversations/{{conversation_id}}/stream")
SAY = ("post", f"{API}/conversations/{{conversation_id}}/messages")
ATTACH = ("post", f"{API}/conversations/{{conversation_id}}/attachments")
PHOTO = ("get", f"{API}/conversations/{{conversation_id}}/attachments/{{attachment_id}}")
EXPLAIN = ("get", f"{API}/conversations/{{conversation_id}}/explanation")
ASSISTANTS = ("get", f"{API}/assistants")
VERSIONS = ("get", f"{API}/assistants/{{name}}/versions")
FLOWS = ("get", f"{API}/assistants/{{name}}/flows")
FLOW = ("get", f"{API}/assistants/{{name}}/flows/{{flow_id}}")
REPLAY = ("post", f"{API}/assistants/{{name}}/replay")
EVIDENCE = ("get", f"{API}/assistants/{{name}}/flows/{{flow_id}}/nodes/{{node_id}}/evidence")

CHAT = (EVENTS, STREAM, SAY, ATTACH, PHOTO)
DEVELOPERS = (EXPLAIN, ASSISTANTS, VERSIONS, REPLAY, FLOWS, FLOW, EVIDENCE)
JSON_TAKEN = (BEGIN, SAY, REPLAY)
VERSIONED = (FLOWS, FLOW, EVIDENCE)
NAMED = {"name": ASSISTANT, "flow_id": "f-damaged", "node_id": "n0"}
PNG = b"\x89PNG\r\n\x1a\n and a picture"

Operation = tuple[str, str]


@dataclass
class Asker:
    """A client in one conversation, who asks for an operation rightly but for what a test changes."""

    client: FlaskClient
    conversation: str
    token: str

    def ask(self, operation: Operation, names: dict[str, str] | None = None, **changed: Any) -> TestResponse:
        method, path = operation
        photo = sha256(PNG).hexdigest()[:32]
        known = {"conversation_id": self.conversation, "attachment_id": photo} | NAMED | (names or {})
        bodies: dict[Operation, Any] = {
            BEGIN: {"assistant": ASSISTANT},
            SAY: {"client_message_id": "m-1", "text": "It arrived broken"},
            REPLAY: {"last": 3, "version": 1},
        }
        headers = {"Authorization": f"Bearer {TOKEN if operation in DEVELOPERS else self.token}"}
        headers |= changed.pop("headers", {})
        if operation == ATTACH:
            changed.setdefault("data", PNG)
        elif operation in bodies and "data" not in changed:
            changed.setdefault("json", bodies[operation])
        return self.client.open(path.format(**known), method=method.upper(), headers=headers, **changed)


@pytest.fixture
def asker(make_app: Any) -> Callable[..., Asker]:
    def make(developer_token: str | None = TOKEN, **server: Any) -> Asker:
        client = make_app(developer_token=developer_token, **server).test_client()
        begun = client.post(f"{API}/conversations", json={"assistant": ASSISTANT}).json
        return Asker(client, begun["conversation"], begun["token"])

    return make


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> dict[Operation, dict[str, Any]]:
    return {(method, path): told for path, methods in document["paths"].items() for method, told in methods.items()}


def test_every_route_of_the_api_is_described(make_app: Any, document: dict[str, Any]) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in make_app().url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert set(operations(document)) == routes - {("get", f"{API}/openapi.json")}
    assert all(path.startswith(f"{API}/") for _, path in routes)


def test_every_answer_is_described_with_its_body(document: dict[str, Any]) -> None:
    for operation, told in operations(document).items():
        assert told["summary"], operation
        assert all(answer["description"] and answer["content"] for answer in told["responses"].values()), operation
        assert any(status.startswith("2") for status in told["responses"]), operation
        for status, answer in told["responses"].items():
            if not status.startswith("2"):
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/HTTPError"}, (operation, status)
        assert "Retry-After" in told["responses"]["429"]["headers"]
    assert document["components"]["schemas"]["HTTPError"]["required"] == ["message"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for name in set(re.findall(r"#/components/schemas/([\w.]+)", str(document))):
        assert name in document["components"]["schemas"]


def test_who_may_ask_is_told(document: dict[str, Any]) -> None:
    asked = {operation: told.get("security") for operation, told in operations(document).items()}
    assert asked == (
        {BEGIN: None}
        | {operation: [{"conversation": []}] for operation in CHAT}
        | {operation: [{"developer": []}] for operation in DEVELOPERS}
    )
    assert set(document["components"]["securitySchemes"]) == {"conversation", "developer"}


def test_a_stream_is_described_as_one(document: dict[str, Any]) -> None:
    told = operations(document)[STREAM]
    assert list(told["responses"]["200"]["content"]) == ["text/event-stream"]
    parameters = {(found["in"], found["name"].lower()) for found in told["parameters"]}
    assert parameters == {("path", "conversation_id"), ("query", "after"), ("header", "last-event-id")}


def test_what_is_asked_rightly_is_answered_as_described(asker: Callable[..., Asker], document: dict[str, Any]) -> None:
    customer = asker()
    for operation, told in operations(document).items():
        with customer.ask(operation, buffered=False) as answer:
            described = told["responses"][str(answer.status_code)]
            assert answer.status_code < 300, answer.text
            assert answer.mimetype in described["content"]
            if operation not in (STREAM, PHOTO):
                name = described["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert set(answer.json) == set(document["components"]["schemas"][name]["properties"])


def test_each_error_that_is_described_comes_back_and_no_other(
    asker: Callable[..., Asker], site: Database, document: dict[str, Any]
) -> None:
    customer = asker()
    provoked: set[tuple[Operation, int]] = set()
    for operation, status, answer in chain(
        malformed(customer),
        wrong_offsets(customer),
        other_sites(customer),
        others_conversations(customer, asker()),
        no_developers(customer, asker(developer_token=None)),
        nothing_there(customer),
        no_photos(asker()),
        too_many_requests(asker(address_limit=1)),
        over(customer, site),
        no_database(customer, site, operations(document)),
    ):
        assert answer.status_code == status, (operation, answer.text)
        assert list(answer.json) == ["message"], operation
        assert answer.json["message"].endswith(".")
        provoked.add((operation, status))
    assert provoked == {
        (operation, int(status))
        for operation, told in operations(document).items()
        for status in told["responses"]
        if int(status) >= 400
    }


Provoked = Iterator[tuple[Operation, int, TestResponse]]


def malformed(customer: Asker) -> Provoked:
    for operation in JSON_TAKEN:
        yield operation, 400, customer.ask(operation, data=b"{", content_type="application/json")
        yield operation, 413, customer.ask(operation, data=b"x" * 70_000, content_type="application/json")
        yield operation, 415, customer.ask(operation, data=b"{}", content_type="text/plain")
        yield operation, 422, customer.ask(operation, json={"text": 3, "last": 0})
    for operation in VERSIONED:
        yield operation, 422, customer.ask(operation, query_string={"version": "0"})


def wrong_offsets(customer: Asker) -> Provoked:
    for operation in (EVENTS, STREAM):
        yield operation, 422, customer.ask(operation, query_string={"after": "x"})


def other_sites(customer: Asker) -> Provoked:
    for operation in (BEGIN, *CHAT):
        yield operation, 403, customer.ask(operation, headers=EVIL)


def others_conversations(customer: Asker, other: Asker) -> Provoked:
    for operation in CHAT:
        yield operation, 401, customer.ask(operation, headers={"Authorization": "Bearer forged"})
        yield operation, 404, customer.ask(operation, {"conversation_id": other.conversation})


def no_developers(customer: Asker, local: Asker) -> Provoked:
    for operation in DEVELOPERS:
        yield operation, 401, customer.ask(operation, headers={"Authorization": "Bearer wrong"})
        yield operation, 403, local.ask(operation, environ_base=STRANGER)


def nothing_there(customer: Asker) -> Provoked:
    yield BEGIN, 404, customer.ask(BEGIN, json={"assistant": "nobody"})
    for operation in set(DEVELOPERS) - {ASSISTANTS}:
        yield operation, 404, customer.ask(operation, {"name": "nobody", "conversation_id": "nobody"})


def too_many_requests(hasty: Asker) -> Provoked:
    for operation in (BEGIN, *CHAT):
        yield operation, 429, hasty.ask(operation)
    for _ in range(10):
        hasty.ask(ASSISTANTS, headers={"Authorization": "Bearer guess"})
    for operation in DEVELOPERS:
        yield operation, 429, hasty.ask(operation)


def no_photos(customer: Asker) -> Provoked:
    yield PHOTO, 404, customer.ask(PHOTO, {"attachment_id": "0" * 32})
    yield ATTACH, 413, customer.ask(ATTACH, data=PNG + bytes(8 * 1024 * 1024))
    yield ATTACH, 415, customer.ask(ATTACH, data=b"GIF89a", content_type="image/png")
    for number in range(11):
        last = customer.ask(ATTACH, data=PNG + bytes([number]))
    yield ATTACH, 409, last


def over(customer: Asker, site: Database) -> Provoked:
    execute(site, "UPDATE conversations SET status = 'closed', updated_at = '2020-01-01 00:00:00'")
    yield SAY, 409, customer.ask(SAY)


def no_database(customer: Asker, site: Database, operations: Iterable[Operation]) -> Provoked:
    with ExitStack() as after:
        for table in ("conversations", "assistants", "attachments"):
            execute(site, f"ALTER TABLE {table} RENAME TO {table}_away")
            after.callback(execute, site, f"ALTER TABLE {table}_away RENAME TO {table}")
        for operation in operations:
            yield operation, 503, customer.ask(operation)


def execute(database: Database, statement: str) -> None:
    with database.write() as session:
        session.connection().exec_driver_sql(statement)
