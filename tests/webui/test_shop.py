"""The demo shop: its pages and the order book behind the assistant's calls."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from taskflow.calls import Outcome
from taskflow.errors import TaskFlowError
from taskflow.sample import sample_path
from webui.shop import order_book

ORDERS = json.loads(sample_path("after_sale/orders.json").read_text(encoding="utf-8"))
CALLS = json.loads(sample_path("after_sale/calls.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "language", "other"), [("/shop", "en", "zh"), ("/shop/zh", "zh", "en")])
def test_the_page_lists_the_orders_of_its_language(client: FlaskClient, path: str, language: str, other: str) -> None:
    text = client.get(path, headers={"Accept-Language": other}).text
    assert f'<html lang="{language}">' in text
    for number, order in ORDERS.items():
        assert (f"<code>{number}</code>" in text) == (order["language"] == language)
        assert order["language"] != language or order["item"] in text


def test_the_questions_name_orders_of_their_page(client: FlaskClient) -> None:
    for path, language in (("/shop", "en"), ("/shop/zh", "zh")):
        numbers = re.findall(r"(?:Order|订单) (TF-\d{8})", client.get(path).text)
        assert numbers
        assert all(ORDERS[number]["language"] == language for number in numbers)


def test_the_page_has_the_widget_of_its_assistant(client: FlaskClient) -> None:
    text = client.get("/shop").text
    assert '<script async src="/static/dist/widget.js" data-assistant="after-sale-en" data-lang="en"></script>' in text


def test_without_its_assistant_the_page_says_what_to_do(client: FlaskClient) -> None:
    text = client.get("/shop/zh").text
    assert "widget.js" not in text
    assert "taskflow publish after-sale-zh" in text


def test_the_shops_assistants_can_be_chosen(make_app: Any) -> None:
    text = make_app(shop_assistants={"zh": "after-sale-en"}).test_client().get("/shop/zh").text
    assert 'data-assistant="after-sale-en" data-lang="zh"' in text


def test_an_order_answers_with_its_facts() -> None:
    found = order_book("create_refund", {"order_number": " tf-20410296 "})
    assert (found.outcome, dict(found.fields)) == (Outcome.OK, {"amount": "$58.00"})
    late = order_book("track_parcel", {"order_number": "TF-20397764"})
    assert (late.outcome, dict(late.fields)) == (Outcome.FAILED, {"date": "May 4"})
    chinese = order_book("track_parcel", {"order_number": "TF-20420671"})
    assert chinese.fields["date"] == "5月23日"


def test_an_order_is_found_by_mail_address_where_no_number_is_known() -> None:
    found = order_book("lookup_order", {"email": "Nora.Whitfield@example.com"})
    assert (found.outcome, found.fields["item"]) == (Outcome.OK, "yoga mat")
    assert order_book("create_refund", {"email": "nora.whitfield@example.com"}).outcome is Outcome.NOT_FOUND


@given(
    st.sampled_from([*CALLS, "no_such_call"]), st.dictionaries(st.sampled_from(["order_number", "email"]), st.text())
)
def test_whatever_is_not_in_the_book_is_not_found(call: str, fields: dict[str, str]) -> None:
    assert order_book(call, fields).outcome is Outcome.NOT_FOUND


@given(st.sampled_from(list(CALLS)), st.sampled_from(list(ORDERS)))
def test_every_order_answers_every_call_with_an_outcome_of_it(call: str, number: str) -> None:
    found = order_book(call, {"order_number": number})
    assert found.outcome == ORDERS[number]["answers"][call]["outcome"]
    assert set(found.fields) <= {"amount", "item", "address", "date"}


def test_a_sample_file_that_is_missing_is_told() -> None:
    with pytest.raises(TaskFlowError, match="install TaskFlow again"):
        sample_path("no-such-file")
