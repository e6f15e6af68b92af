"""What a server really does, found out by asking it: names and documentation promise more than a version keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from taskflow.backbones.engines import Run
from taskflow.backbones.engines.connection import Connection
from taskflow.backbones.errors import BackboneError, RefusedError
from taskflow.backbones.protocol import GREEDY

Kind = Literal["vllm", "sglang", "llama.cpp", "other"]
_KINDS: Mapping[str, Kind] = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama.cpp"}
_QUESTION = [{"role": "user", "content": "Answer with the word yes."}]
_SAMPLING = {"top_k": -1, "min_p": 0.0}
_OPTIONS = {"chat_template_kwargs": {"enable_thinking": False}}
_COUNTED = {"stream_options": {"include_usage": True}, "stream": True}


@dataclass(frozen=True, slots=True)
class Found:
    """`sampling`: takes top_k and min_p. `options`: takes variables of the template. `counts`: tells tokens of streams.

    `renders`: shows what its template makes of a conversation. `completes`: continues plain text. `echoes`: tells the
    likelihood of a prompt's tokens. `logprobs`: tells the likeliest next tokens. `structured`: keeps to a schema.
    """

    model: str
    kind: Kind
    context: int | None
    sampling: bool
    options: bool
    counts: bool
    renders: bool
    completes: bool
    echoes: bool
    logprobs: bool
    structured: bool

    def thought_limit(self, tokens: int) -> dict[str, object]:
        """The request's field for a thinking budget; an unknown server gets vLLM's."""
        return (
            {"custom_params": {"thinking_budget": tokens}}
            if self.kind == "sglang"
            else {"thinking_token_budget": tokens}
        )


def find_out(connection: Connection, model: str | None) -> Found:
    """A handful of requests of a few tokens each; BackboneError where there is no such model or server."""
    told = _chosen(connection, model)
    name = model or str(told["id"])
    kind = _KINDS.get(str(told.get("owned_by", "")).lower(), "other")
    chat = {"model": name, "messages": _QUESTION, "max_tokens": 1, "temperature": 0}
    takes = {part: _takes(connection, chat | extra) for part, extra in (("sampling", _SAMPLING), ("options", _OPTIONS))}
    if takes["options"]:
        chat |= _OPTIONS
    return Found(
        model=name,
        kind=kind,
        context=_context(connection, told, kind),
        sampling=takes["sampling"],
        options=takes["options"],
        counts=_takes(connection, chat | _COUNTED, stream=True),
        renders=kind == "llama.cpp" and _renders(connection),
        completes=_asked(connection, "/completions", {"model": name, "prompt": "yes", "max_tokens": 1}) is not None,
        echoes=_echoes(connection, name),
        logprobs=_tells_logprobs(connection, chat),
        structured=_keeps_schema(connection, chat),
    )


def _chosen(connection: Connection, model: str | None) -> Mapping[str, Any]:
    """What the server tells of the model, or of its only one."""
    listed = connection.get("/models")
    data = listed.get("data") if isinstance(listed, Mapping) else None
    if not isinstance(data, list):
        raise RefusedError(
            f"{connection.url} does not list its models and is no OpenAI-compatible server: check [backbone] url"
        )
    if model is not None:
        return next((told for told in data if told["id"] == model), {"id": model})
    if len(data) != 1:
        names = ", ".join(str(told["id"]) for told in data[:5])
        raise RefusedError(f"{connection.url} serves {len(data)} models ({names}): set [backbone] model to one of them")
    return dict(data[0])


def _context(connection: Connection, told: Mapping[str, Any], kind: Kind) -> int | None:
    """vLLM and SGLang tell it with the model, llama.cpp with the server's properties."""
    if told.get("max_model_len"):
        return int(told["max_model_len"])
    if kind == "llama.cpp":
        try:
            return int(connection.get(connection.root("/props"))["default_generation_settings"]["n_ctx"])
        except (BackboneError, KeyError, TypeError):
            return None
    return None


def _takes(connection: Connection, body: Mapping[str, object], *, stream: bool = False) -> bool:
    if not stream:
        return _asked(connection, "/chat/completions", body) is not None
    try:
        return any(event.get("usage") for event in connection.stream("/chat/completions", body, Run(1, GREEDY)))
    except RefusedError:
        return False


def _asked(connection: Connection, path: str, body: Mapping[str, object]) -> Any:
    """The answer's only choice, None where the server refuses the request."""
    try:
        answer = connection.post(path, body)
    except RefusedError:
        return None
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    return choices[0] if choices else None


def _renders(connection: Connection) -> bool:
    try:
        return bool(connection.post(connection.root("/apply-template"), {"messages": _QUESTION})["prompt"])
    except (BackboneError, KeyError, TypeError):
        return False


def _echoes(connection: Connection, model: str) -> bool:
    body = {"model": model, "prompt": "yes or no", "max_tokens": 1, "echo": True, "logprobs": 1}
    choice = _asked(connection, "/completions", body)
    logprobs = (choice or {}).get("logprobs") or {}
    text = str((choice or {}).get("text", ""))
    return text.startswith("yes or no") and len(logprobs.get("token_logprobs") or ()) > 1 and "text_offset" in logprobs


def _tells_logprobs(connection: Connection, chat: Mapping[str, object]) -> bool:
    choice = _asked(connection, "/chat/completions", {**chat, "logprobs": True, "top_logprobs": 5}) or {}
    content = (choice.get("logprobs") or {}).get("content") or [{}]
    return len(content[0].get("top_logprobs") or ()) > 1


def _keeps_schema(connection: Connection, chat: Mapping[str, object]) -> bool:
    schema = {"type": "string", "enum": ["taskflow-left", "taskflow-right"]}
    form = {"type": "json_schema", "json_schema": {"name": "side", "schema": schema}}
    choice = _asked(connection, "/chat/completions", {**chat, "max_tokens": 24, "response_format": form}) or {}
    try:
        return json.loads((choice.get("message") or {}).get("content") or "") in schema["enum"]
    except ValueError:
        return False
