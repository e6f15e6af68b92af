"""A transformers checkpoint, loaded from a folder and run in this process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from taskflow.backbones import BackboneError, Message


@contextmanager
def _told() -> Iterator[None]:
    """What torch raises for a prompt beyond the model's length or the machine's memory, as our error."""
    try:
        yield
    except (RuntimeError, IndexError) as error:
        cause = " ".join(str(error).split())[:200]
        told = f"the model could not answer ({cause}): shorten the input, or use a larger machine"
        raise BackboneError(told, retryable=False) from error


class LocalBackbone:
    """Loads safetensors only, and runs no code that the checkpoint brings along."""

    def __init__(self, checkpoint: Path) -> None:
        _refuse_other_folders(checkpoint)
        try:
            self._tokenizer, self._model = _load(checkpoint)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise _unusable(checkpoint, _why_not_loaded(error)) from error
        if not self._tokenizer.chat_template:
            raise _unusable(checkpoint, "has no chat template: use one made for chat")
        special = (token.content for token in self._tokenizer.added_tokens_decoder.values() if token.special)
        self._control = re.compile("|".join(map(re.escape, special)) or "(?!)")
        try:
            self._prompt([Message("user", "?")])
        except TemplateError as error:
            raise _unusable(checkpoint, f"has a broken chat template ({error}): download it again") from error
        self._model.train(False)
        self.name = f"transformers:{checkpoint.name}"

    def score(self, messages: Sequence[Message], choices: Sequence[str]) -> list[float]:
        """One forward pass over all choices; a choice's score is the sum of its tokens' log-likelihoods."""
        prompt = self._prompt(messages)
        answers = [self._tokenizer.encode(choice, add_special_tokens=False) for choice in choices]
        longest = max(len(answer) for answer in answers)
        # Padding stands at the end, where a causal model's earlier positions cannot see it.
        rows = [prompt + answer + [0] * (longest - len(answer)) for answer in answers]
        with torch.inference_mode(), _told():
            logits = self._model(torch.tensor(rows), logits_to_keep=longest + 1).logits
        likelihoods = torch.log_softmax(logits.float(), dim=-1)
        scores = [
            sum(float(likelihoods[row, place, token]) for place, token in enumerate(answer))
            for row, answer in enumerate(answers)
        ]
        return [float(share) for share in torch.softmax(torch.tensor(scores), dim=0)]

    def complete(self, messages: Sequence[Message], max_tokens: int) -> str:
        """Greedy, so that the same conversation is worded the same."""
        prompt = self._prompt(messages)
        with torch.inference_mode(), _told():
            written = self._model.generate(
                torch.tensor([prompt]),
                attention_mask=torch.ones((1, len(prompt)), dtype=torch.long),
                max_new_tokens=max_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            )
        text = str(self._tokenizer.decode(written[0, len(prompt) :], skip_special_tokens=True))
        # Thinking that was cut at the last token has no end.
        return text.rpartition("</think>")[2].partition("<think>")[0].strip()

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        # A customer may write the marks that begin and end turns: as text they are worth nothing.
        given = [{"role": message.role, "content": self._control.sub(" ", message.content)} for message in messages]
        # Qwen3's template reads enable_thinking; the templates of other families ignore it.
        rendered = self._tokenizer.apply_chat_template(
            given, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        return list(self._tokenizer.encode(rendered, add_special_tokens=False))


def _refuse_other_folders(checkpoint: Path) -> None:
    if not (checkpoint / "config.json").is_file():
        raise BackboneError(
            f"{checkpoint} is no checkpoint folder (it has no config.json): correct [backbone] checkpoint",
            retryable=False,
        )
    if not any(checkpoint.glob("*.safetensors")):
        raise _unusable(checkpoint, "has no weights as safetensors, and no others are loaded: convert them")


def _load(checkpoint: Path) -> tuple[Any, Any]:
    """The tokenizer and the model; ValueError where weights are missing, which transformers would make up."""
    safely: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, **safely)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        checkpoint, use_safetensors=True, output_loading_info=True, **safely
    )
    model, told = loaded
    if told["missing_keys"]:
        raise ValueError(f"the weights lack {min(told['missing_keys'])}")
    return tokenizer, model


def _why_not_loaded(error: Exception) -> str:
    cause = " ".join(str(error).split())
    if "trust_remote_code" in cause:
        return "needs code of its own, which is never run: use one whose architecture transformers knows"
    return f"cannot be loaded ({cause[:300]}): download it again or use another"


def _unusable(checkpoint: Path, why: str) -> BackboneError:
    return BackboneError(f"the checkpoint {checkpoint} {why}", retryable=False)
