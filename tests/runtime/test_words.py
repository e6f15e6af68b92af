"""The sentences that lead to a person, and those that only sound like it."""

from __future__ import annotations

import pytest

from runtime.words import asks_for_human, language, promises_colleague


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "can I speak with someone please",
        "please connect me to an agent",
        "I need a real person",
        "agent",
        "Human!",
        "transfer me to a representative",
        "转人工",
        "我要找人工客服",
        "能不能给我转真人",
    ],
)
def test_a_customer_asks_for_a_person(text):
    assert asks_for_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "The courier put my parcel with someone else",
        "I want to return what the agent sold me",
        "can't connect my charger, a person at the shop said to write",
        "someone broke it on the way",
        "the agent told me to send a photo",
        "人工智能音箱坏了",
        "这个人工费怎么算",
    ],
)
def test_a_customer_speaks_of_people_and_asks_for_none(text):
    assert not asks_for_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "I'll pass you on to a colleague who can look into this personally.",
        "I can't settle this myself, so I'm handing your case to a specialist.",
        "Let me transfer this to our specialist team, they'll take it from here.",
        "I'm connecting you with a colleague now.",
        "A member of our team will contact you about this within one day.",
        "我为您转接同事继续处理。",
        "稍后会有专员联系您。",
    ],
)
def test_an_agent_hands_over(text):
    assert promises_colleague(text)


@pytest.mark.parametrize(
    "text",
    [
        "Please reset your password; our team will check the address.",
        "The refund was transferred to your card, and our team wishes you a nice day.",
        "I passed your feedback to the team.",
        "We are handling it, our agent has the parcel.",
        "Please hand the parcel to the courier.",
        "请把包裹交给快递员。",
    ],
)
def test_an_agent_goes_on_alone(text):
    assert not promises_colleague(text)


def test_the_language_is_that_of_the_message():
    assert (language("hello 你好"), language("hello")) == ("zh", "en")
