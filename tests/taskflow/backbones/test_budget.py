"""Thinking and its budget, on both paths: halted by the server, and in two passes, in this process and over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from taskflow.backbones import Answer, Message, Request, Sampling
from taskflow.backbones.dialects.qwen3 import STOP_THOUGHT, Qwen3
from taskflow.backbones.engines.local import LocalEngine
from taskflow.backbones.errors import NotOfferedError
from taskflow.backbones.loading import load_checkpoint
from taskflow.backbones.pairing import PairedBackbone

from ...tiny_qwen3 import INSTRUCT_2507, THINKING_2507
from .conftest import ASKED, AT_LENGTH, AT_ONCE, PONDERED, STOPPED, THOUGHT
from .test_contract import served_at

QUESTION = (Message("user", PONDERED),)
SENTENCE = STOP_THOUGHT.text.partition("</think>")[0].strip()
PATHS = {"in process": "two-pass", "a server that halts": "native", "a server that does not": "two-pass"}


@pytest.fixture(scope="module", params=PATHS)
def thinker(request: pytest.FixtureRequest, checkpoint: Callable[[str], Path], served) -> PairedBackbone:
    folder = checkpoint("qwen3")
    if request.param == "in process":
        backbone: PairedBackbone = load_checkpoint(folder)
    elif request.param == "a server that halts":
        backbone = served_at(served("qwen3").url, dialect="qwen3")
    else:
        backbone = served_at(served("qwen3", reads=False, echoes=False).url, dialect="qwen3", tokenizer=folder)
    assert backbone.capabilities.budget == PATHS[request.param]
    return backbone


def ask(backbone: PairedBackbone, budget: int | None, **more: object) -> Answer:
    return backbone.answer(QUESTION, Request(300, thinking=True, budget=budget, seed=3, **more))


@pytest.fixture(scope="module")
def sentence_length(checkpoint: Callable[[str], Path]) -> int:
    return LocalEngine(checkpoint("qwen3")).count(STOP_THOUGHT.text)


def test_without_a_budget_it_thinks_to_the_end(thinker):
    answer = ask(thinker, None)
    assert answer.thinking == THOUGHT.strip()
    assert (answer.text, answer.finish, answer.budget_hit) == (AT_LENGTH, "stop", False)
    assert answer.usage.thinking > 64


@pytest.mark.parametrize("budget", [8, 64])
def test_a_budget_halts_thinking_with_the_sentence_and_the_answer_follows(thinker, sentence_length, budget):
    answer = ask(thinker, budget)
    assert answer.thinking.endswith(SENTENCE)
    assert THOUGHT.strip().startswith(answer.thinking.removesuffix(SENTENCE).strip())
    assert (answer.text, answer.finish, answer.budget_hit) == (STOPPED, "stop", True)
    assert answer.usage.thinking == budget + sentence_length
    assert 0 < answer.usage.answer < 20


def test_a_budget_of_nothing_is_the_hard_switch(thinker):
    answer = ask(thinker, 0)
    assert (answer.text, answer.thinking, answer.budget_hit) == (AT_ONCE, "", False)
    assert answer.usage.thinking == 0


def test_a_budget_that_is_not_reached_changes_nothing(thinker):
    answer = ask(thinker, 250)
    assert (answer.text, answer.thinking, answer.budget_hit) == (AT_LENGTH, THOUGHT.strip(), False)


def test_all_that_is_written_stays_within_the_most_tokens(thinker, sentence_length):
    answer = thinker.answer(QUESTION, Request(8 + sentence_length + 2, thinking=True, budget=8, seed=3))
    assert answer.finish == "length"
    assert STOPPED.startswith(answer.text)
    assert answer.usage.thinking + answer.usage.answer == 8 + sentence_length + 2


def test_no_thought_is_streamed_as_answer(thinker):
    *pieces, whole = thinker.stream(QUESTION, Request(300, thinking=True, budget=8, seed=3))
    assert "".join(piece.text for piece in pieces).strip() == whole.text == STOPPED
    assert SENTENCE in "".join(piece.thinking for piece in pieces)


def test_thinking_that_was_cut_leaves_no_answer(thinker):
    answer = thinker.answer(QUESTION, Request(20, thinking=True, seed=3))
    assert (answer.text, answer.finish) == ("", "length")
    assert THOUGHT.strip().startswith(answer.thinking)


@pytest.mark.parametrize("greedy", [Sampling(0.0), Sampling(0.6, top_k=1)])
def test_greedy_thinking_is_refused(thinker, greedy):
    with pytest.raises(NotOfferedError, match="greedy"):
        ask(thinker, None, sampling=greedy)


def test_a_schema_binds_no_thinking(checkpoint):
    """Where nobody but us tells thinking and answer apart, a grammar would hold for both."""
    engine = LocalEngine(checkpoint("qwen3"))
    engine.facts = replace(engine.facts, structured=True)
    with pytest.raises(NotOfferedError, match="without thinking"):
        PairedBackbone(Qwen3("hybrid"), engine).answer(QUESTION, Request(thinking=True, schema={"type": "string"}))


def test_each_mode_has_the_familys_own_sampling(thinker):
    can = thinker.capabilities
    assert can.thinking_sampling == Sampling(0.6, top_p=0.95, top_k=20)
    assert can.sampling == Sampling(0.7, top_p=0.8, top_k=20, presence_penalty=1.5)


def test_a_server_that_neither_halts_nor_continues_says_what_it_takes(served):
    backbone = served_at(served("qwen3", reads=False, echoes=False).url, dialect="qwen3")
    assert backbone.capabilities.budget == "none"
    with pytest.raises(NotOfferedError, match=r"set \[backbone\] tokenizer"):
        ask(backbone, 8)
    assert ask(backbone, None).text == AT_LENGTH


def test_older_servers_name_the_field_otherwise(served):
    backbone = served_at(served("qwen3", field="reasoning_content").url, dialect="qwen3")
    assert ask(backbone, None).thinking == THOUGHT.strip()


@pytest.mark.parametrize(("template", "thinking"), [(INSTRUCT_2507, "none"), (THINKING_2507, "only")])
def test_checkpoints_of_one_mode_are_told_by_their_template(checkpoint, copied, template, thinking):
    folder = copied(checkpoint("qwen3"))
    (folder / "chat_template.jinja").write_text(template)
    backbone = load_checkpoint(folder)
    assert backbone.capabilities.thinking == thinking
    if thinking == "none":
        with pytest.raises(NotOfferedError, match="does not think"):
            ask(backbone, None)
    else:
        # Its prompt has opened the thinking, and the answer holds the closing tag alone.
        assert backbone.answer(QUESTION, Request(300, thinking=True, seed=3)).thinking
        stopped = backbone.complete((Message("user", ASKED),), 12)
        assert "Considering the limited time" not in stopped
