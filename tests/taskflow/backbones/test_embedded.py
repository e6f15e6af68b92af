"""The tiny model that comes with TaskFlow: it runs as any Qwen3, in two languages, and is the one that was made."""

from __future__ import annotations

import random
import shutil

import pytest

from runtime.generation import Generator
from runtime.guard import fault
from runtime.rewording_lessons import Rewordings, question
from taskflow.backbones import GREEDY, Answer, BackboneError, Message, Request
from taskflow.backbones.embedded import FOLDER, load_embedded
from taskflow.backbones.errors import NotOfferedError
from taskflow.backbones.loading import load_backbone
from taskflow.config import BackboneConfig
from taskflow.sample import sample_path

REPLIES = {
    "en": ("could you help me set up a return?", "Please send me your order number so I can pull it up."),
    "zh": ("你们家怎么退货啊", "好的，是哪个订单呢？订单号发我一下。"),
}


@pytest.fixture(scope="module")
def backbone():
    loaded = load_backbone(BackboneConfig(embedded=True))
    assert loaded is not None
    return loaded


@pytest.mark.parametrize("language", REPLIES)
def test_it_words_a_reply_in_the_language_of_the_response(backbone, encoder, language):
    message, response = REPLIES[language]
    worded = Generator(encoder, backbone).word(response, message)
    assert worded.text != response
    assert worded.asked is not None
    assert worded.asked.refused is None
    assert fault(worded.text, response) is None


def test_it_streams_and_is_as_sure_as_it_says(backbone):
    message, response = REPLIES["en"]
    *pieces, whole = backbone.stream([Message("user", question(message, response))], Request(60, sampling=GREEDY))
    assert isinstance(whole, Answer)
    assert "".join(piece.text for piece in pieces).strip() == whole.text
    assert len(pieces) > 3
    assert 0 < whole.likelihood <= 1


def test_it_thinks_where_it_is_asked_to(backbone):
    message, response = REPLIES["en"]
    asked = [Message("user", question(message, response))]
    thought = backbone.answer(asked, Request(200, thinking=True, seed=1))
    assert (backbone.capabilities.thinking, bool(thought.thinking), bool(thought.text)) == ("hybrid", True, True)
    assert backbone.answer(asked, Request(200, thinking=False, seed=1)).thinking == ""
    halted = backbone.answer(asked, Request(200, thinking=True, budget=2, seed=1))
    assert halted.budget_hit
    assert "Considering the limited time" in halted.thinking


def test_what_it_was_never_taught_is_left_to_the_approved_words(backbone, encoder):
    response = "The quarterly yield of the Zurich desk rose by 4.7% against the benchmark, net of hedging costs."
    worded = Generator(encoder, backbone).word(response, "how are my funds?")
    assert worded.text == response


def test_it_chooses_nothing(backbone):
    assert backbone.capabilities.scoring == "none"
    with pytest.raises(NotOfferedError, match='understanding = "retrieval"'):
        backbone.score([Message("user", "hello")], ["1", "2"])


def test_a_file_that_was_changed_is_not_loaded(tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(FOLDER, folder)
    with (folder / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        weights.write(b"\x01")
    with pytest.raises(BackboneError, match=r"another model\.safetensors than was made"):
        load_embedded(folder)
    (folder / "config.json").unlink()
    with pytest.raises(BackboneError, match="is not whole"):
        load_embedded(folder)


def test_lessons_are_what_the_guard_lets_through_and_of_the_mined_part_alone():
    lessons = Rewordings([sample_path("after-sale.en.jsonl.gz")])
    draw = random.Random(1)  # noqa: S311
    for _ in range(300):
        lesson = lessons.lesson(draw)
        response = lesson.question.rpartition("Say: ")[2]
        assert lesson.answer == response or fault(lesson.answer, response) is None
    with pytest.raises(Exception, match="to measure on"):
        Rewordings([sample_path("after-sale.en.held.jsonl.gz")])
