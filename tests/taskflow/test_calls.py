"""What a system turn says: which call it was, and which typed outcome its result tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.calls import Outcome, call_name, call_outcome, system_keys
from taskflow.model import Speaker, Utterance


def system(text="", label=None, result=None):
    return Utterance(Speaker.SYSTEM, text, label, result)


@pytest.mark.parametrize(
    ("label", "text", "name"),
    [
        ("find_order", "", "find_order"),
        (None, "find_order", "find_order"),
        ("query", "orders.find", "query orders.find"),
        (None, "The order was found on the shelf.", "call"),
        ("find_order", "The order was found.", "find_order"),
        (None, "", "call"),
    ],
)
def test_the_name_is_the_label_or_an_identifier(label, text, name):
    assert call_name(system(text, label)) == name


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (None, None),
        ({"outcome": "refused", "note": "not found"}, Outcome.REFUSED),
        ({"outcome": "splendid"}, Outcome.OK),
        ({"status": "shipped", "items": ["cup"]}, Outcome.OK),
        (["cup", {"price": 5}], Outcome.OK),
        (0, Outcome.OK),
        (True, Outcome.OK),
        ("", Outcome.NOT_FOUND),
        ([], Outcome.NOT_FOUND),
        ({}, Outcome.NOT_FOUND),
        ("Order not found", Outcome.NOT_FOUND),
        ({"message": "no order found"}, Outcome.NOT_FOUND),
        ("The user doesn't exist", Outcome.NOT_FOUND),
        ("未找到该订单", Outcome.NOT_FOUND),
        ({"原因": ["订单不存在"]}, Outcome.NOT_FOUND),
        ("This item is not eligible for return", Outcome.REFUSED),
        ("Cannot be cancelled", Outcome.REFUSED),
        ("The payment was declined", Outcome.REFUSED),
        ("不符合退货条件", Outcome.REFUSED),
        ("订单已发货，无法取消", Outcome.REFUSED),
        ("Error: timed out", Outcome.FAILED),
        ({"errors": [{"text": "request failed"}]}, Outcome.FAILED),
        ("系统错误，请稍后再试", Outcome.FAILED),
        ("请求超时", Outcome.FAILED),
    ],
)
def test_the_outcome_is_stated_or_told_by_the_words(result, outcome):
    assert call_outcome(result) == outcome


def test_a_call_with_a_result_also_answers():
    assert system_keys(system("find_order")) == ("find_order",)
    assert system_keys(system("find_order", None, {"status": "shipped"})) == ("find_order", "find_order: ok")
    assert system_keys(system("查询", "find_order", "未找到")) == ("find_order", "find_order: not_found")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_any_result_has_an_outcome_exactly_if_there_is_one(result):
    outcome = call_outcome(result)
    assert (outcome is None) == (result is None)
    assert outcome is None or outcome in Outcome


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"success": False}, "failed"),
        ({"ok": True, "message": "no error"}, "ok"),
        ({"status": 404}, "not_found"),
        ({"status_code": 403, "body": {}}, "refused"),
        ({"code": 503}, "failed"),
        ({"status": 200, "items": [1]}, "ok"),
        (False, "failed"),
    ],
)
def test_what_an_answer_says_without_words(result, outcome):
    assert call_outcome(result) == outcome
