"""Any server that speaks the OpenAI protocol: vLLM, SGLang, llama.cpp, `transformers serve`, a hosted one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from taskflow.backbones.engines import ChatPrompt, Chunk, Count, Facts, Mark, Part, PartsPrompt, Prompt, Run
from taskflow.backbones.engines.connection import Connection
from taskflow.backbones.engines.probing import Found, find_out
from taskflow.backbones.engines.server_scores import score
from taskflow.backbones.engines.tokenizers import Tokenizer, prompt_ids
from taskflow.backbones.errors import BrokenAnswerError, NotOfferedError
from taskflow.backbones.protocol import Finish, ToolCall

_FINISHES: Mapping[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}
_REASONING = ("reasoning", "reasoning_content")  # vLLM's field, and that of older ones and all others


class ServerEngine:
    """Finds out at the start what the server can do. `tokenizer` is that of its model, where it is at hand."""

    def __init__(
        self, connection: Connection, model: str | None, tokenizer: Tokenizer | None, concurrency: int
    ) -> None:
        self.connection = connection
        self._tokenizer = tokenizer
        self._concurrency = concurrency
        self.found: Found = find_out(connection, model)
        self.name = f"openai:{self.found.model}"
        shows = tokenizer is not None or self.found.renders
        self.facts = Facts(
            model=self.found.model,
            architecture=None,
            vocabulary=None,
            context=self.found.context,
            scoring="likelihood" if self.found.echoes and shows else "first-token" if self.found.logprobs else "choice",
            structured=self.found.structured,
            continues=shows and self.found.completes,
            options=self.found.options,
        )

    def limit_thinking(self, native: bool) -> None:
        """Whether the server halts thinking itself, as a trial told."""
        self.facts = replace(self.facts, native_budget=native)

    def generate(self, prompt: Prompt, run: Run) -> Iterator[Chunk]:
        if isinstance(prompt, ChatPrompt) and prompt.begun is None:
            path, body = "/chat/completions", self.chat_body(prompt, run)
        else:
            path, body = "/completions", self._text_body(prompt, run)
        calls = _Calls()
        told, finish, usage = 0, None, None
        for event in self.connection.stream(path, body, run):
            usage = _field(event, "usage") or usage
            choice = next(iter(_field(event, "choices") or ()), None)
            if choice is None:
                continue
            chunk = _chunk(choice)
            calls.add(_field(_field(choice, "delta"), "tool_calls"))
            finish = _field(choice, "finish_reason") or finish
            told += chunk.tokens
            if chunk.text or chunk.reasoning:
                yield chunk
        if finish is None:
            raise BrokenAnswerError(f"the model's server at {self.connection.url} broke off in the middle: ask again")
        yield _last(usage, told, calls.whole(), _FINISHES.get(finish, "stop"))

    def generate_all(self, prompts: Sequence[Prompt], run: Run) -> list[list[Chunk]]:
        with ThreadPoolExecutor(max(1, min(self._concurrency, len(prompts)))) as threads:
            return list(threads.map(lambda prompt: list(self.generate(prompt, run)), prompts))

    def score(self, prompt: Prompt, choices: Sequence[str], run: Run) -> list[float]:
        return score(self, prompt, choices, run)

    def count(self, text: str) -> int:
        # No tokenizer makes more tokens than there are bytes.
        return len(text.encode()) if self._tokenizer is None else len(self._tokenizer.encode(text))

    def render(self, prompt: ChatPrompt) -> str | None:
        if self._tokenizer is not None:
            return self._tokenizer.render(prompt)
        if not self.found.renders:
            return None
        body: dict[str, object] = {"messages": _spoken(prompt.messages), "chat_template_kwargs": dict(prompt.options)}
        if prompt.tools:
            body["tools"] = list(prompt.tools)
        return str(self.connection.post(self.connection.root("/apply-template"), body)["prompt"])

    def text_of(self, prompt: Prompt) -> str:
        """The whole prompt as one text, with the control tokens as they are printed."""
        if isinstance(prompt, PartsPrompt):
            return self._joined(prompt.parts)
        rendered = self.render(prompt)
        if rendered is None:
            raise NotOfferedError(
                f"{self.name} does not show its prompts: set [backbone] tokenizer to the model's folder"
            )
        return rendered + self._joined(prompt.begun or ())

    def chat_body(self, prompt: ChatPrompt, run: Run) -> dict[str, object]:
        body = self._body(run) | {"messages": _spoken(prompt.messages)}
        if prompt.tools:
            body["tools"] = list(prompt.tools)
        if prompt.options and self.found.options:
            body["chat_template_kwargs"] = dict(prompt.options)
        if run.thought_limit is not None:
            body |= self.found.thought_limit(run.thought_limit)
        return body

    def _text_body(self, prompt: Prompt, run: Run) -> dict[str, object]:
        body = self._body(run)
        marks = [stop.text for stop in run.stops]
        if self.found.kind in {"vllm", "sglang"}:
            body["stop_token_ids"] = [stop.id for stop in run.stops if stop.id is not None]
        if marks:
            body["stop"] = marks
        exact = self._tokenizer is not None and self.found.kind in {"vllm", "llama.cpp"}
        body["prompt"] = prompt_ids(self._tokenizer, prompt) if exact and self._tokenizer else self.text_of(prompt)
        return body

    def _body(self, run: Run) -> dict[str, object]:
        sampling = run.sampling
        body: dict[str, object] = {
            "model": self.found.model,
            "max_tokens": run.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        }
        if self.found.counts:
            body["stream_options"] = {"include_usage": True}
        if sampling.presence_penalty:
            body["presence_penalty"] = sampling.presence_penalty
        if self.found.sampling:
            body |= {"top_k": sampling.top_k or -1, "min_p": sampling.min_p}
            body["repetition_penalty" if self.found.kind != "llama.cpp" else "repeat_penalty"] = (
                sampling.repetition_penalty
            )
        if run.seed is not None:
            body["seed"] = run.seed
        if run.schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": run.schema}}
        return body

    def _joined(self, parts: Sequence[Part]) -> str:
        pieces = []
        for part in parts:
            if isinstance(part, tuple):
                pieces.append("" if self._tokenizer is None else self._tokenizer.decode(part))
            else:
                pieces.append(part.text if isinstance(part, Mark) else part)
        return "".join(pieces)


class _Calls:
    """Tool calls, which servers stream in pieces."""

    def __init__(self) -> None:
        self._parts: dict[int, list[str]] = {}

    def add(self, deltas: Any) -> None:
        for place, delta in enumerate(deltas or ()):
            function = _field(delta, "function")
            index = _field(delta, "index")
            name_and_arguments = self._parts.setdefault(place if index is None else index, ["", ""])
            name_and_arguments[0] += _field(function, "name") or ""
            name_and_arguments[1] += _field(function, "arguments") or ""

    def whole(self) -> tuple[ToolCall, ...]:
        try:
            return tuple(ToolCall(name, json.loads(given or "{}")) for name, given in self._parts.values())
        except ValueError as error:
            raise BrokenAnswerError("the model's server sent a tool call that is no JSON: ask again") from error


def _chunk(choice: Any) -> Chunk:
    delta = _field(choice, "delta")
    text = _field(choice, "text") or _field(delta, "content") or ""
    reasoning = next((said for name in _REASONING if (said := _field(delta, name))), "")
    # Some servers send the blank lines of the prompt's empty block as a piece of their own, which nobody wrote.
    return Chunk(str(text), str(reasoning), tokens=1 if text or str(reasoning).strip() else 0)


def _last(usage: Any, told: int, calls: tuple[ToolCall, ...], finish: Finish) -> Chunk:
    """The end, with the tokens that no piece told."""
    written = _field(usage, "completion_tokens") or told
    thinking = _field(_field(usage, "completion_tokens_details"), "reasoning_tokens")
    reused = _field(_field(usage, "prompt_tokens_details"), "cached_tokens") or 0
    count = Count(_field(usage, "prompt_tokens") or 0, thinking, reused)
    return Chunk(tokens=max(0, written - told), calls=calls, finish=finish, count=count)


def _field(of: Any, name: str) -> Any:
    """A field of what a server sent, which may be anything."""
    return of.get(name) if isinstance(of, Mapping) else None


def _spoken(messages: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Messages as the protocol has them: arguments of calls are texts there, objects in templates."""
    spoken: list[dict[str, object]] = []
    for message in messages:
        turn = dict(message)
        calls: Any = turn.get("tool_calls")
        if calls:
            turn["tool_calls"] = [
                {**call, "id": f"call-{place}", "function": _as_text(call["function"])}
                for place, call in enumerate(calls)
            ]
        if turn["role"] == "tool":
            turn.setdefault("tool_call_id", "call-0")
        spoken.append(turn)
    return spoken


def _as_text(function: Mapping[str, object]) -> dict[str, object]:
    return {**function, "arguments": json.dumps(function["arguments"], ensure_ascii=False)}
