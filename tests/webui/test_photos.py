"""Photos that customers send: uploaded, named in a message, seen again by them alone."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from taskflow.store import Database

ASSISTANT = "after-sale-en"
CONVERSATIONS = "/api/v1/conversations"
PNG = b"\x89PNG\r\n\x1a\n and a picture"
JPEG = b"\xff\xd8\xff\xe0 and a picture"
WEBP = b"RIFF\x10\0\0\0WEBP and a picture"


class Customer:
    """A conversation of its own, and the photos in it."""

    def __init__(self, client: FlaskClient) -> None:
        begun = client.post(CONVERSATIONS, json={"assistant": ASSISTANT}).json
        self._client = client
        self.path = f"{CONVERSATIONS}/{begun['conversation']}"
        self.headers = {"Authorization": f"Bearer {begun['token']}"}

    def upload(self, photo: bytes, kind: str = "image/png") -> TestResponse:
        return self._client.post(f"{self.path}/attachments", data=photo, content_type=kind, headers=self.headers)

    def say(self, text: str, photos: object, key: str = "m-1") -> TestResponse:
        body = {"client_message_id": key, "text": text, "attachments": photos}
        return self._client.post(f"{self.path}/messages", json=body, headers=self.headers)

    def see(self, photo: str) -> TestResponse:
        return self._client.get(f"{self.path}/attachments/{photo}", headers=self.headers)


@pytest.fixture
def customer(client: FlaskClient) -> Customer:
    return Customer(client)


@pytest.mark.parametrize(
    ("photo", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")], ids=["PNG", "JPEG", "WebP"]
)
def test_a_photo_is_uploaded_sent_and_seen_again(customer: Customer, photo: bytes, kind: str) -> None:
    uploaded = customer.upload(photo, "application/octet-stream")
    assert uploaded.status_code == 201
    assert (uploaded.json["media_type"], uploaded.json["size"]) == (kind, len(photo))
    name = uploaded.json["attachment"]
    said = customer.say("It arrived broken, see the photo", [name])
    assert [event["attachments"] for event in said.json["events"]] == [[name], []]
    seen = customer.see(name)
    assert (seen.data, seen.mimetype) == (photo, kind)
    assert seen.headers["X-Content-Type-Options"] == "nosniff"


def test_a_photo_fills_the_field_photo(customer: Customer, client: FlaskClient) -> None:
    name = customer.upload(PNG).json["attachment"]
    customer.say("It arrived broken", [name])
    manager = client.application.extensions["taskflow"].manager
    field = manager.state(customer.path.rpartition("/")[2]).fields["photo"]
    assert (field.value, field.source) == (name, "customer")


def test_a_second_photo_takes_nothing_back(customer: Customer) -> None:
    first, second = (customer.upload(PNG + bytes([number])).json["attachment"] for number in (1, 2))
    customer.say("It arrived broken", [first], "m-1")
    answer = customer.say("It is TF-20410296, and one more photo", [second], "m-2")
    assert answer.json["events"][-1]["text"] == "You get $58.00 back."


def test_the_same_photo_twice_is_one(customer: Customer) -> None:
    assert customer.upload(PNG).json == customer.upload(PNG).json


@pytest.mark.parametrize(
    "body",
    [b"", b"GIF89a", b"<svg onload=alert(1)>", b"\x89PNG", b"RIFF\x10\0\0\0WAVE", b"%PDF-1.7", b"MZ" + PNG],
    ids=["nothing", "GIF", "SVG", "half a PNG", "sound", "PDF", "a program before a PNG"],
)
@pytest.mark.parametrize("kind", ["image/png", "application/json", "multipart/form-data; boundary=x", ""])
def test_what_is_no_photo_is_refused_whatever_it_is_called(customer: Customer, body: bytes, kind: str) -> None:
    refused = customer.upload(body, kind)
    assert refused.status_code == 415
    assert "send the bytes of a JPEG, PNG or WebP picture" in refused.json["message"]


def test_the_largest_photo_is_taken_and_a_larger_one_is_not(customer: Customer) -> None:
    largest = 8 * 1024 * 1024
    assert customer.upload(PNG.ljust(largest, b"x")).status_code == 201
    refused = customer.upload(PNG.ljust(largest + 1, b"x"))
    assert (refused.status_code, refused.json["message"]) == (413, "The photo is too large: 8 MB are the most.")


def test_a_photo_is_its_own_customers(client: FlaskClient, customer: Customer) -> None:
    name = customer.upload(PNG).json["attachment"]
    other = Customer(client)
    assert other.see(name).status_code == 404
    assert other.say("Here is the photo", [name]).status_code == 422
    other.headers = customer.headers
    assert other.see(name).status_code == other.upload(PNG).status_code == 404


@pytest.mark.parametrize(
    "photos", [["0" * 32], ["x"], [""], ["../../etc/passwd"], [None], "0" * 32, {"photo": 1}, [["0" * 32]], None]
)
def test_a_message_with_a_photo_that_is_not_there_is_refused(customer: Customer, photos: object) -> None:
    refused = customer.say("Here is the photo", photos)
    assert refused.status_code == 422
    assert refused.json["message"].endswith(".")


def test_a_message_has_no_more_than_four_photos(customer: Customer) -> None:
    names = [customer.upload(PNG + bytes([number])).json["attachment"] for number in range(5)]
    assert customer.say("Here they are", names, "m-1").status_code == 422
    assert customer.say("Here they are", names[:4], "m-2").status_code == 200


def test_photos_are_kept_on_either_database(database: Database, make_app: Any, stock: Any) -> None:
    stock(database)
    customer = Customer(make_app(database).test_client())
    name = customer.upload(JPEG).json["attachment"]
    assert customer.see(name).data == JPEG


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_no_bytes_make_the_server_fail(client: FlaskClient, body: bytes, kind: str) -> None:
    customer = Customer(client)
    assert customer.upload(body, kind).status_code in (201, 415)
