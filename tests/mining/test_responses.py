"""Which wordings may be sent again: never one with a word that one or two dialogues alone have."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.responses import Phrasebook

RESOLVED, REST = ("resolved",), ("unresolved",)


def responses(texts: list[str]) -> tuple[str, ...]:
    """Those of one node to which each dialogue came with one text."""
    return Phrasebook([text] for text in texts).responses(Counter((text, ()) for text in texts))


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("common", "planted"),
    [
        ("Thanks for waiting, your parcel is on its way.", "Thanks for waiting, Ivanka, your parcel is on its way."),
        ("Thanks for waiting, your parcel is on its way.", "IVANKA, thanks for waiting, your parcel is on its way."),
        ("We called the number that you gave.", "We called the number that you gave: 0412 77 31."),
        ("We called the number that you gave.", "We called the number that you gave, 王."),
        ("您好，您的包裹已经发出。", "您好，王小芳，您的包裹已经发出。"),
        ("您好，您的包裹已经发出。", "您好王小芳您的包裹已经发出。"),
        ("您好，您的包裹已经发出。", "您好，王，您的包裹已经发出。"),
        ("您好，您的包裹已经发出。", "您好 芳，您的包裹已经发出。"),
        ("您好，您的包裹已经发出。", "您好，Ivanka，您的包裹已经发出。"),
    ],
)
def test_a_bare_name_of_one_or_two_dialogues_is_never_sent_again(common, planted, times):
    assert responses([common] * 10 + [planted] * times) == (common,)


@pytest.mark.parametrize(
    "text", ["Hi, this is Anna.", "您好，我是客服小陈。", "Returned within 14 days.", "[order_number]已发出"]
)
def test_what_three_dialogues_have_may_be_sent_again(text):
    assert responses([text] * 3) == (text,)


def test_a_word_counts_by_the_dialogues_and_not_by_how_often_one_says_it():
    texts = ["Hello there", "hello there", "HELLO there", "Hello, there!"]
    book = Phrasebook([[*texts, *texts], ["hello there"]])
    assert book.responses(Counter((text, ()) for text in texts)) == ()
    assert Phrasebook([texts, ["hello"], ["there, hello"], ["there"]]).is_safe("Hello there")


def test_a_masked_value_is_no_reason_to_hold_a_wording_back():
    text = "Order [order_number] comes on [date]."
    assert responses([text] * 3) == (text,)
    assert responses(["Your order number is here."] * 9 + [text]) == ("Your order number is here.",)


def test_what_resolved_dialogues_said_comes_first_and_five_are_enough():
    texts = [f"{word} it is" for word in ("here", "there", "yes", "well", "so", "thus", "now")]
    book = Phrasebook([text] for text in texts * 4)
    said = Counter({(texts[0], REST): 9, (texts[1], RESOLVED): 2, (texts[1], REST): 1, (texts[2], RESOLVED): 3})
    assert book.responses(said) == (texts[2], texts[1], texts[0])
    assert len(book.responses(Counter((text, ()) for text in texts))) == 5


def test_a_wording_is_told_once_in_its_commonest_spelling():
    said = Counter({("it is  here", ()): 1, ("It is here", ()): 3, ("IT IS HERE", ()): 2})
    assert Phrasebook([["it is here"]] * 3).responses(said) == ("It is here",)


words = st.text("ab1王小芳 ,，[]_", min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(st.lists(words, max_size=3), max_size=8))
def test_no_letter_of_a_response_is_new_to_all_but_two_dialogues(dialogues):
    said = Counter((text, ()) for texts in dialogues for text in texts)
    for response in Phrasebook(dialogues).responses(said):
        for letter in filter(str.isalnum, response):
            assert sum(any(letter in text for text in texts) for texts in dialogues) >= 3
