"""How likely each choice is, by what a server tells of likelihoods, or by what it chooses."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskflow.backbones.engines import ChatPrompt, Prompt, Run
from taskflow.backbones.errors import BrokenAnswerError, OffListError
from taskflow.backbones.protocol import GREEDY

if TYPE_CHECKING:
    from taskflow.backbones.engines.server import ServerEngine

_SHOWN = 20  # of the likeliest first tokens, as many as servers tell
_UNSEEN = 1e-6  # the share of a choice that is not among them
_LONGEST = 64  # tokens of a choice that is written out


def score(engine: ServerEngine, prompt: Prompt, choices: Sequence[str], run: Run) -> list[float]:
    """The best of three ways that the server has: all tokens' likelihoods, the first token's, or one choice alone."""
    if engine.facts.scoring == "likelihood":
        return _by_likelihood(engine, prompt, choices, run)
    if engine.facts.scoring == "first-token" and isinstance(prompt, ChatPrompt) and _told_apart(choices):
        shares = _by_first_token(engine, prompt, choices, run)
        if shares is not None:
            return shares
    return _by_choice(engine, prompt, choices, run)


def _by_likelihood(engine: ServerEngine, prompt: Prompt, choices: Sequence[str], run: Run) -> list[float]:
    """One request: the prompt with each choice behind it, echoed with the log-likelihood of every token."""
    text = engine.text_of(prompt)
    body: dict[str, object] = {
        "model": engine.found.model,
        "max_tokens": 1,
        "temperature": 0,
        "echo": True,
        "logprobs": 1,
    }
    body["prompt"] = [text + choice for choice in choices]
    answer = engine.connection.post("/completions", body, run)
    try:
        told = sorted(answer["choices"], key=lambda item: item["index"])
        sums = [
            _sum(item["logprobs"], len(text), len(text + choice)) for item, choice in zip(told, choices, strict=True)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenAnswerError(f"{engine.name} echoed no likelihoods this time: ask again") from error
    return _shares(sums)


def _sum(logprobs: Mapping[str, Any], start: int, end: int) -> float:
    pairs = zip(logprobs["text_offset"], logprobs["token_logprobs"], strict=True)
    return sum(float(value) for offset, value in pairs if start <= offset < end and value is not None)


def _told_apart(choices: Sequence[str]) -> bool:
    """Whether no two choices begin with the same letter, so that any first token is of one choice alone."""
    return len({choice.lstrip()[:1] for choice in choices}) == len(choices)


def _by_first_token(engine: ServerEngine, prompt: ChatPrompt, choices: Sequence[str], run: Run) -> list[float] | None:
    """None where the model would begin with something else altogether."""
    body = engine.chat_body(prompt, replace(run, max_tokens=1)) | {"logprobs": True, "top_logprobs": _SHOWN}
    body.pop("stream_options", None)
    answer = engine.connection.post("/chat/completions", body, run)
    try:
        tokens = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        found = [(str(told["token"]).lstrip(), math.exp(told["logprob"])) for told in tokens]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise BrokenAnswerError(f"{engine.name} told no likelihoods this time: ask again") from error
    shares = [sum(share for token, share in found if token and _begins(choice, token)) for choice in choices]
    if sum(shares) < _UNSEEN:
        return None
    raised = [max(share, _UNSEEN) for share in shares]
    return [share / sum(raised) for share in raised]


def _begins(choice: str, token: str) -> bool:
    return choice.lstrip().startswith(token) or token.startswith(choice.strip())


def _by_choice(engine: ServerEngine, prompt: Prompt, choices: Sequence[str], run: Run) -> list[float]:
    """The whole share to the choice that the model writes; held to the list where the server keeps to a schema."""
    schema = {"type": "string", "enum": list(choices)} if engine.facts.structured else None
    if schema is not None and not isinstance(prompt, ChatPrompt):
        schema = None
    run = replace(run, max_tokens=_LONGEST, sampling=GREEDY, schema=schema)
    said = "".join(chunk.text for chunk in engine.generate(prompt, run)).rpartition("</think>")[2].strip()
    if schema is not None:
        try:
            said = str(json.loads(said))
        except ValueError as error:
            raise OffListError(f"{engine.name} did not keep to the choices ({said[:60]!r})") from error
    chosen = [choice for choice in choices if _is(said, choice)]
    if len(chosen) != 1:
        raise OffListError(
            f"{engine.name} answered {said[:60]!r}, which is not one of {len(choices)} choices: use a larger model"
        )
    return [float(choice == chosen[0]) for choice in choices]


def _is(said: str, choice: str) -> bool:
    bare = said.strip(" \t\n\"'`.。")
    return bare == choice.strip() or bare == choice.strip(" \t\n\"'`.。")


def _shares(sums: Sequence[float]) -> list[float]:
    most = max(sums)
    weights = [math.exp(value - most) for value in sums]
    return [weight / sum(weights) for weight in weights]
