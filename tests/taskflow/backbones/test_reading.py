"""Thinking, calls and answer are told apart, however the text is cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.backbones import ToolCall
from taskflow.backbones.dialects.reading import Reading
from taskflow.backbones.engines import Chunk

CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>'
READ = {
    "both tags": ("<think>\nHm.\n</think>\n\nYes.", True, False, "Hm.", "Yes."),
    "empty block": ("<think>\n\n</think>\n\nYes.", True, False, "", "Yes."),
    "no tags": ("Yes.", True, False, "", "Yes."),
    "no opening tag": ("Hm.\n</think>\n\nYes.", True, False, "Hm.", "Yes."),
    "opened by the prompt": ("Hm.\n</think>\n\nYes.", True, True, "Hm.", "Yes."),
    "opened and never closed": ("<think>\nHm.", True, False, "Hm.", ""),
    "opened by the prompt and never closed": ("Hm.", True, True, "Hm.", ""),
    "unexpected": ("<think>\nHm.\n</think>\n\nYes.", False, False, "Hm.", "Yes."),
    "unexpected and cut": ("<think>\nHm.", False, False, "Hm.", ""),
    "a stray closing tag": ("Hm.\n</think>\n\nYes.", False, False, "Hm.", "Yes."),
    "less than": ("1 < 2 <thin", False, False, "", "1 < 2 <thin"),
    "a call that is none": ("<tool_call>oops</tool_call>", False, False, "", "<tool_call>oops</tool_call>"),
}


def read(pieces: list[str], *, expected: bool, inside: bool) -> tuple[Reading, str]:
    reading = Reading(expected=expected, inside=inside)
    streamed = "".join(reading.feed(Chunk(piece, tokens=1)).text for piece in pieces) + reading.end().text
    return reading, streamed


@pytest.mark.parametrize("case", READ)
@given(cuts=st.lists(st.integers(0, 60)))
def test_it_reads_the_same_however_it_is_cut(case, cuts):
    text, expected, inside, thinking, answer = READ[case]
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    reading, streamed = read([text[a:b] for a, b in pairwise(places)], expected=expected, inside=inside)
    assert (reading.thinking, reading.text) == (thinking, answer)
    assert streamed.strip() == answer or case == "a stray closing tag"
    assert reading.thinking_tokens + reading.answer_tokens == len(places) - 1


@given(st.text(alphabet="<>/thinkcall_to \n"), st.booleans())
def test_no_letter_is_lost_or_said_twice(text, expected):
    reading, _ = read(list(text), expected=expected, inside=False)
    said = reading.thinking + reading.text
    assert len(said) <= len(text)
    if "<think>" not in text and "</think>" not in text and "<tool_call>" not in text:
        assert said == text.strip()


def test_calls_are_no_part_of_the_answer():
    reading, streamed = read(list(f"<think>\nHm.\n</think>\n\nI look.\n{CALL}\n{CALL}"), expected=True, inside=False)
    assert reading.calls == [ToolCall("weather", {"city": "Paris"})] * 2
    assert reading.text == streamed.strip() == "I look."


def test_arguments_that_came_as_a_text_are_an_object():
    call = '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>'
    assert read([call], expected=False, inside=False)[0].calls == [ToolCall("weather", {"city": "Paris"})]


def test_a_server_that_reads_for_us_is_believed():
    reading = Reading(expected=True, inside=False)
    pieces = [reading.feed(chunk) for chunk in (Chunk(reasoning="Hm.", tokens=2), Chunk("Yes", tokens=1))]
    assert [(piece.thinking, piece.text) for piece in pieces] == [("Hm.", ""), ("", "Yes")]
    assert (reading.thinking_tokens, reading.answer_tokens) == (2, 1)
