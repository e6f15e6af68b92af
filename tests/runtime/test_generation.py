"""The guard on what a model writes: a rewording is sent where no fact is changed, else the approved words are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.generation import Generator
from taskflow.backbones import Answer, BackboneError, Message, Request, Usage
from taskflow.backbones.loading import load_checkpoint

from ..tiny_qwen3 import Lesson, make_checkpoint

LABEL = "The label for TF-20418837 is on its way."


class Scripted:
    """Writes one text, whatever it is asked."""

    name = "scripted"

    def __init__(self, text: str) -> None:
        self._text = text
        self.asked: list[tuple[Message, ...]] = []

    def score(self, messages: Sequence[Message], choices: Sequence[str]) -> list[float]:
        return [1 / len(choices)] * len(choices)

    def answer(self, messages: Sequence[Message], request: Request) -> Answer:
        self.asked.append(tuple(messages))
        return Answer(self._text, "", (), Usage(9, 0, 9), "stop", False)


MISTAKES = {
    "another number": "The label for TF-20418838 is on its way.",
    "nothing": "",
    "garbage": "purple elephants dance",
    "far longer": "The label for TF-20418837 is on its way" + " and on its way" * 6 + ".",
    "thinking alone": "<think>\nThe label for TF-20418837 is on its way.",
}


def test_a_model_that_is_mistaken_is_not_heard(encoder, tmp_path):
    """Each mistake is one that the checkpoint does make, and that the guard keeps from the customer."""
    lessons = []
    for message, answer in MISTAKES.items():
        scripted = Scripted(answer)
        Generator(encoder, scripted).word(LABEL, message)
        lessons.append(Lesson(scripted.asked[0], answer))
    careless = load_checkpoint(make_checkpoint(tmp_path / "careless-qwen3", lessons))
    generator = Generator(encoder, careless)
    for lesson, (message, answer) in zip(lessons, MISTAKES.items(), strict=True):
        assert careless.complete(lesson.messages, 120) == answer.partition("<think>")[0]
        assert generator.word(LABEL, message).text == LABEL


@pytest.mark.parametrize(
    ("approved", "written"),
    [
        (LABEL, "Your label for TF-20418837 is on its way."),
        ("What is your order number?", "Could you tell me your order number?"),
        ("Used items cannot be returned.", "Sorry, we can't take used items back: they cannot be returned."),
        ("TF-1234 arrives on 3 May.", "On 3 May, TF-1234 arrives."),
        ("Refunds take five days.", "A refund takes five days."),
        ("[order_number]的退货单已发出。".replace("[order_number]", "TF-1234"), "您的TF-1234的退货单已经发出。"),
        ("请问订单号是多少？", "不好意思，请问您的订单号是多少？"),
        ("退款三天内到账。", "您的退款会在三天内到账。"),
    ],
)
def test_a_faithful_rewording_is_sent(encoder, approved, written):
    assert Generator(encoder, Scripted(written)).word(approved, "hello").text == written


@pytest.mark.parametrize(
    ("approved", "written"),
    [
        (LABEL, "The label for TF-20418838 is on its way."),
        (LABEL, "The label is on its way."),
        (LABEL, "The label for TF-20418837 TF-20418837 is on its way."),
        (LABEL, "The label for [order_number] TF-20418837 is on its way."),
        (LABEL, "The label for TF-20418837 is on its"),
        (LABEL, "The label for TF-20418837 is on its way\x00."),
        (LABEL, "The label for TF-20418837 is on its way\ufffd."),
        (LABEL, "TF-20418837的退货单已发出。"),
        ("Is the item unused?", "Your refund is approved."),
        ("Your code is RMA-AB7.", "Your code is RMA-AC7."),
        ("You get $42.50 back.", "You get €42.50 back."),
        ("You get 42% off.", "You get 42 off."),
        ("You get $10 back and pay $5.", "You get $5 back and pay $10."),
        ("It arrives on 3 May.", "It arrives on 3 June."),
        ("Write to help@shop.com.", "Write to sales@shop.com."),
        ("See shop.com/returns for it.", "See shop.com/refunds for it."),
        ("Refunds take 3 days.", "Refunds take 3 weeks."),
        ("Refunds take five days.", "Refunds take two days."),
        ("Refunds take a day.", "Refunds take two days."),
        ("Used items cannot be returned.", "Used items can be returned."),
        ("Used items can be returned.", "Used items can't be returned."),
        ("用过的商品不能退货。", "用过的商品可以退货。"),
        ("用过的商品不能退货。", "没问题，用过的商品能退货。"),
        ("退款三天内到账。", "退款五天内到账。"),
        ("退款三天内到账。", "退款三周内到账。"),
        ("退款10天内到账。", "退款十天内到账。"),
        ("退您两百元。", "退您三百元。"),
        ("请问订单号是多少？", "May I have your order number?"),
    ],
)
def test_a_rewording_that_changes_a_fact_is_not_sent(encoder, approved, written):
    assert Generator(encoder, Scripted(written)).word(approved, "hello").text == approved


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(["TF-20418837", "the label", "is on", "its way", "for", " ", ".", "[amount]", "20418837"])
        | st.text(max_size=6)
    )
)
def test_whatever_the_model_writes_the_numbers_are_the_approved_ones(encoder, parts):
    sent = Generator(encoder, Scripted("".join(parts))).word(LABEL, "hello").text
    assert re.findall(r"\d+", sent) == ["20418837"]
    assert sent.count("TF-20418837") == 1
    assert "[" not in sent


def test_a_model_that_does_not_answer_leaves_the_approved_words(encoder):
    class Silent(Scripted):
        def answer(self, messages: Sequence[Message], request: Request) -> Answer:
            raise BackboneError("the model is away", retryable=True)

    worded = Generator(encoder, Silent("")).word(LABEL, "hello")
    assert worded.text == LABEL
    assert worded.asked is not None
    assert worded.asked.refused == "the model is away"
