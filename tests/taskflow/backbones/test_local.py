"""The engine in this process: prefixes that are not computed again, GGUF files, and code that is not run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from taskflow.backbones import GREEDY, BackboneError, Message, Request
from taskflow.backbones.engines import Hub
from taskflow.backbones.engines.decoding import Spelling
from taskflow.backbones.loading import load_backbone, load_checkpoint
from taskflow.backbones.pairing import PairedBackbone
from taskflow.config import BackboneConfig

from .conftest import ANSWER, ANSWER_ZH, ASKED, ASKED_ZH

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RULES = Message("system", "You sell cups. " * 40)


def asked(backbone: PairedBackbone, *said: Message) -> tuple[int, int]:
    usage = backbone.answer((RULES, *said), Request(8, sampling=GREEDY)).usage
    return usage.prompt, usage.reused


def test_the_next_turn_does_not_compute_the_prompt_again(checkpoint):
    backbone = load_checkpoint(checkpoint("qwen3"))
    first, second = Message("user", ASKED), Message("user", ASKED_ZH)
    prompt, reused = asked(backbone, first)
    assert reused == 0
    longer, reused = asked(backbone, first, Message("assistant", ANSWER), second)
    assert reused > 0.9 * prompt
    assert longer > prompt
    # Another customer's conversation shares the rules alone.
    _, reused = asked(backbone, second)
    assert 0.8 * prompt < reused < prompt


def test_scoring_and_answering_share_what_was_computed(checkpoint):
    backbone = load_checkpoint(checkpoint("qwen3"))
    said = (RULES, Message("user", ASKED))
    backbone.score(said, [ANSWER, ANSWER_ZH])
    prompt, reused = asked(backbone, said[1])
    assert reused == prompt - 1


def test_what_was_computed_before_changes_no_answer(checkpoint):
    used, fresh = load_checkpoint(checkpoint("qwen3")), load_checkpoint(checkpoint("qwen3"))
    choices = [ANSWER, ANSWER_ZH, "no"]
    for texts in (("a", "b"), ("a",), ("a", "c"), ("a", "b", "d")):
        said = tuple(Message("user", text) for text in texts)
        assert used.score(said, choices) == pytest.approx(used.score(said, choices), rel=1e-4)
    said = (Message("user", "a"), Message("user", ASKED))
    assert used.score(said, choices) == pytest.approx(fresh.score(said, choices), rel=1e-3, abs=1e-6)


def test_a_model_that_looks_at_a_window_scores_as_one_by_one(checkpoint, copied):
    folder = copied(checkpoint("qwen3"))
    config = json.loads((folder / "config.json").read_text())
    windows = {"use_sliding_window": True, "sliding_window": 12, "layer_types": ["full_attention", "sliding_attention"]}
    (folder / "config.json").write_text(json.dumps(config | windows))
    model, tokenizer = Qwen3ForCausalLM.from_pretrained(folder), PreTrainedTokenizerFast.from_pretrained(folder)
    prompt = f"<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    ids, choices = tokenizer.encode(prompt), [ANSWER, ANSWER_ZH, "no, not at all"]
    likelihoods = []
    for answer in map(tokenizer.encode, choices):
        with torch.inference_mode():
            rows = torch.log_softmax(model(torch.tensor([ids + answer])).logits[0], dim=-1)
        likelihoods.append(sum(rows[len(ids) - 1 + place, token] for place, token in enumerate(answer)))
    expected = torch.softmax(torch.stack(likelihoods), dim=0).tolist()
    shares = load_checkpoint(folder).score((Message("user", ASKED),), choices)
    assert shares == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_threads_share_a_backbone(checkpoint):
    backbone = load_checkpoint(checkpoint("qwen3"))
    questions = [(Message("user", text),) for text in (ASKED, ASKED_ZH)] * 8
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda said: backbone.complete(said, 30), questions))
    assert answers == [ANSWER, ANSWER_ZH] * 8
    assert threading.active_count() < 20


def test_a_gguf_file_scores_as_the_checkpoint_it_was_made_of(checkpoint, gguf):
    said, choices = (Message("user", ASKED),), [ANSWER, ANSWER_ZH, "no"]
    expected = load_checkpoint(checkpoint("qwen3")).score(said, choices)
    assert load_checkpoint(gguf()).score(said, choices) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_a_gguf_file_that_is_none_is_told(tmp_path):
    pytest.importorskip("gguf")
    (tmp_path / "broken.gguf").write_bytes(b"nope")
    with pytest.raises(BackboneError, match=r"broken\.gguf cannot be loaded"):
        load_checkpoint(tmp_path / "broken.gguf")


@given(st.text(max_size=30))
def test_text_is_spelt_whole_however_many_tokens_a_letter_has(text):
    spelling = Spelling(lambda ids: bytes(ids).decode(errors="replace"))
    assert "".join(map(spelling.add, text.encode())) + spelling.rest() == text


@pytest.fixture
def hub(checkpoint: Callable[[str], Path], copied, tmp_path, monkeypatch) -> Hub:
    """A checkpoint with code of its own, as the hub's cache holds it after a download."""
    folder = copied(checkpoint("qwen3"))
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "mystery"
    config["auto_map"] = {"AutoConfig": "mystery.Config", "AutoModelForCausalLM": "mystery.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mystery.py").write_text(
        "from pathlib import Path\nfrom transformers import Qwen3Config, Qwen3ForCausalLM\n"
        f"Path({str(tmp_path / 'was_run')!r}).touch()\n"
        "class Config(Qwen3Config):\n    model_type = 'mystery'\n"
        "class Model(Qwen3ForCausalLM):\n    config_class = Config\n"
    )
    snapshots = tmp_path / "cache" / "models--shop--mystery" / "snapshots"
    snapshots.mkdir(parents=True)
    folder.rename(snapshots / COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    return Hub("shop/mystery", COMMIT)


def test_code_of_a_checkpoint_is_not_run_unasked(hub, tmp_path):
    with pytest.raises(BackboneError, match="needs code of its own"):
        load_checkpoint(hub)
    assert not (tmp_path / "was_run").exists()


def test_code_of_a_checkpoint_is_run_by_opt_in_with_its_commit(hub, tmp_path):
    backbone = load_checkpoint(replace(hub, own_code=True), "qwen3")
    assert (tmp_path / "was_run").exists()
    assert backbone.complete((Message("user", ASKED),), 30) == ANSWER


@pytest.mark.parametrize(
    "settings",
    [
        {"hub": "shop/mystery", "run_checkpoint_code": True},
        {"hub": "shop/mystery", "run_checkpoint_code": True, "revision": "main"},
        {"checkpoint": "mystery", "run_checkpoint_code": True, "revision": COMMIT},
    ],
)
def test_code_of_a_checkpoint_needs_a_whole_commit_of_the_hub(settings):
    with pytest.raises(ValidationError, match="commit id of 40 digits"):
        BackboneConfig(**settings)


def test_one_model_is_configured_or_none():
    assert load_backbone(BackboneConfig()) is None
    with pytest.raises(ValidationError, match="exclude each other"):
        BackboneConfig(url="http://localhost:8000/v1", checkpoint="tiny")
