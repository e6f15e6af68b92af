"""From prompts to tokens and from tokens to text, for checkpoints of either kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from jinja2 import TemplateError

from taskflow.backbones.engines import ChatPrompt, Mark, Part, Prompt
from taskflow.backbones.errors import BackboneError, NotOfferedError


class Tokenizer(Protocol):
    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text, without control tokens."""

    def mark(self, mark: Mark) -> list[int]:
        """The tokens of a mark."""

    def render(self, prompt: ChatPrompt) -> str:
        """The text of a chat prompt, as far as the template writes it."""


def prompt_ids(tokenizer: Tokenizer, prompt: Prompt) -> list[int]:
    """All tokens of a prompt."""
    if isinstance(prompt, ChatPrompt):
        return tokenizer.mark(Mark(tokenizer.render(prompt))) + part_ids(tokenizer, prompt.begun or ())
    ids = part_ids(tokenizer, prompt.parts)
    return ids if prompt.last is None else ids[-prompt.last :]


def part_ids(tokenizer: Tokenizer, parts: Sequence[Part]) -> list[int]:
    ids: list[int] = []
    for part in parts:
        if isinstance(part, tuple):
            ids += part
        else:
            ids += tokenizer.encode(part) if isinstance(part, str) else tokenizer.mark(part)
    return ids


class TemplateTokenizer:
    """A tokenizer of transformers with the checkpoint's chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
        self._control = re.compile("|".join(map(re.escape, special)) or "(?!)")

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def mark(self, mark: Mark) -> list[int]:
        return self.encode(mark.text)

    def render(self, prompt: ChatPrompt) -> str:
        # A customer may write the marks that begin and end turns: as text they are worth nothing.
        given = [self._harmless(message) for message in prompt.messages]
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    given,
                    tools=list(prompt.tools) or None,
                    tokenize=False,
                    add_generation_prompt=True,
                    **prompt.options,
                )
            )
        except TemplateError as error:
            raise NotOfferedError(
                f"the checkpoint's chat template takes no such conversation ({error}): use another checkpoint"
            ) from error

    def _harmless(self, message: Mapping[str, object]) -> dict[str, object]:
        return {**message, "content": self._control.sub(" ", str(message["content"]))}


class SentencePieceTokenizer:
    """Baichuan 2's: the model file alone, so that none of the code that the checkpoint brings is run."""

    def __init__(self, model: Path) -> None:
        try:
            pieces = import_module("sentencepiece")
        except ImportError as error:
            raise BackboneError(
                "Baichuan 2 needs sentencepiece, which is not installed: pip install sentencepiece", retryable=False
            ) from error
        self._pieces: Any = pieces.SentencePieceProcessor(model_file=str(model))

    def encode(self, text: str) -> list[int]:
        return list(self._pieces.encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        spoken = [token for token in ids if not (self._pieces.is_control(token) or _is_role(self._pieces, token))]
        return str(self._pieces.decode(spoken))

    def mark(self, mark: Mark) -> list[int]:
        return [self._pieces.piece_to_id(mark.text)] if mark.id is None else [mark.id]

    def render(self, prompt: ChatPrompt) -> str:
        raise NotOfferedError('the checkpoint has no chat template: set [backbone] dialect = "baichuan2"')


def _is_role(pieces: Any, token: int) -> bool:
    return re.fullmatch(r"<reserved_\d+>", pieces.id_to_piece(token)) is not None
