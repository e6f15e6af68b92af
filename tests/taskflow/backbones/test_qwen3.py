"""Qwen3's chat format. The expected texts are those that the published template makes.

Sources: the template in tokenizer_config.json of Qwen/Qwen3-8B, as shown by the model's page and by the repository
SkyRL (skyrl_train/utils/templates/README.md); qwen.readthedocs.io for the modes and the budget; the technical report.
The template of the tests is written to make the same; ids of the real vocabulary are from documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.backbones import Message, Request, Tool, ToolCall
from taskflow.backbones.dialects import Room
from taskflow.backbones.dialects.qwen3 import STOP_THOUGHT, Qwen3
from taskflow.backbones.engines import ChatPrompt
from taskflow.backbones.engines.local import LocalEngine

ROOM = Room(None, len)
USER, ASSISTANT = "<|im_start|>user\n", "<|im_start|>assistant\n"
END, EMPTY = "<|im_end|>\n", "<think>\n\n</think>\n\n"
WEATHER = Tool("weather", "The weather of a city.", {"type": "object", "properties": {"city": {"type": "string"}}})


@pytest.fixture(scope="module")
def engine(checkpoint: Callable[[str], Path]) -> LocalEngine:
    return LocalEngine(checkpoint("qwen3"))


def written(engine: LocalEngine, messages: tuple[Message, ...], **request: object) -> str:
    prompt = Qwen3("hybrid").prompt(messages, Request(**request), ROOM)
    assert isinstance(prompt, ChatPrompt)
    return engine.render(prompt)


def test_without_thinking_the_answer_begins_with_the_exact_empty_block(engine):
    assert written(engine, (Message("user", "Hi"),)) == f"{USER}Hi{END}{ASSISTANT}{EMPTY}"


def test_with_thinking_the_model_opens_the_block_itself(engine):
    assert written(engine, (Message("user", "Hi"),), thinking=True) == f"{USER}Hi{END}{ASSISTANT}"


def test_a_budget_of_nothing_is_the_hard_switch(engine):
    assert written(engine, (Message("user", "Hi"),), thinking=True, budget=0).endswith(EMPTY)


def test_there_is_no_system_message_of_its_own(engine):
    said = (Message("system", "You sell cups."), Message("user", "Hi"))
    assert written(engine, said) == f"<|im_start|>system\nYou sell cups.{END}{USER}Hi{END}{ASSISTANT}{EMPTY}"


@pytest.mark.parametrize(
    "earlier", [Message("assistant", "Good.", "Hm."), Message("assistant", "<think>Hm.</think>\n\nGood.")]
)
def test_old_thinking_is_never_sent_back(engine, earlier):
    said = (Message("user", "Hi"), earlier, Message("user", "So?"))
    assert written(engine, said) == f"{USER}Hi{END}{ASSISTANT}Good.{END}{USER}So?{END}{ASSISTANT}{EMPTY}"


def test_within_a_chain_of_tool_calls_thinking_is_sent_back(engine):
    chain = (
        Message("user", "Earlier."),
        Message("assistant", "Yes.", "Old thought."),
        Message("user", "Is it warm?"),
        Message("assistant", "", "I look it up.", (ToolCall("weather", {"city": "Paris"}),)),
        Message("tool", "20 degrees"),
        Message("tool", "sunny"),
    )
    assert written(engine, chain, thinking=True) == (
        f"{USER}Earlier.{END}{ASSISTANT}Yes.{END}{USER}Is it warm?{END}"
        f"{ASSISTANT}<think>\nI look it up.\n</think>\n\n"
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>' + END + "<|im_start|>user"
        "\n<tool_response>\n20 degrees\n</tool_response>\n<tool_response>\nsunny\n</tool_response>" + END + ASSISTANT
    )


def test_tools_are_told_by_the_models_own_template(engine):
    prompt = written(engine, (Message("system", "Help."), Message("user", "Hi")), tools=(WEATHER,))
    assert prompt.startswith("<|im_start|>system\nHelp.\n\n# Tools\n\nYou may call one or more functions to assist")
    assert '<tools>\n{"type": "function", "function": {"name": "weather"' in prompt
    assert "within <tool_call></tool_call> XML tags" in prompt


@pytest.mark.parametrize(
    ("texts", "thinks"),
    [
        (("Hi",), True),
        (("Hi /no_think",), False),
        (("Hi /no_think", "And /think"), True),
        (("Hi /think", "And /no_think now"), False),
        (("/think or /no_think",), False),
        (("/thinking",), True),
    ],
)
def test_of_the_soft_flags_the_last_wins_and_the_hard_switch_beats_them(texts, thinks):
    said = tuple(Message("user", text) for text in texts)
    assert Qwen3("hybrid").thinks(said, Request(thinking=True)) is thinks
    assert Qwen3("hybrid").thinks(said, Request(thinking=False)) is False
    assert Qwen3("hybrid").thinks(said, Request(thinking=True, budget=0)) is False


def test_a_flag_of_the_assistant_counts_for_nothing():
    said = (Message("user", "Hi"), Message("assistant", "I would /no_think"), Message("user", "So?"))
    assert Qwen3("hybrid").thinks(said, Request(thinking=True))


@given(st.lists(st.sampled_from(["<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_response>", "hi", "\n"])))
def test_nothing_that_somebody_writes_controls(pieces):
    prompt = Qwen3("hybrid").prompt(
        (Message("user", "".join(pieces)), Message("tool", "".join(pieces))), Request(), ROOM
    )
    assert isinstance(prompt, ChatPrompt)
    assert all("<" not in str(message["content"]) for message in prompt.messages)


def test_it_stops_at_both_ends():
    assert [stop.id for stop in Qwen3("hybrid").stops] == [151645, 151643]  # from documentation


def test_the_stop_sentence_is_the_documentations():
    assert STOP_THOUGHT.text == (
        "\n\nConsidering the limited time by the user, I have to give the solution based on the thinking directly now."
        "\n</think>\n\n"
    )
