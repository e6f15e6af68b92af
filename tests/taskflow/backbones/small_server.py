"""A small HTTP server with real weights behind it, which answers as vLLM documents, or as a server that knows less.

It shows how our side speaks, not that vLLM does what its documentation says.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch

from taskflow.backbones.dialects.qwen3 import STOP_THOUGHT
from taskflow.backbones.engines import ChatPrompt, Chunk, Mark, PartsPrompt, Prompt, Run
from taskflow.backbones.engines.local import LocalEngine
from taskflow.backbones.engines.tokenizers import SentencePieceTokenizer
from taskflow.backbones.errors import BackboneError
from taskflow.backbones.protocol import Sampling

_STOPS = (Mark("<|im_end|>"), Mark("<reserved_106>", 195))


class SmallServer(ThreadingHTTPServer):
    """`reads` thinking into its own field and keeps budgets, as vLLM with a reasoning parser; else it does neither."""

    daemon_threads = True

    def __init__(self, checkpoint: Path, *, reads: bool = True, field: str = "reasoning", echoes: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.engine = LocalEngine(checkpoint)
        self.reads, self.field, self.echoes = reads, field, echoes
        self.asked: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: SmallServer

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        owner = "vllm" if self.server.reads else "someone"
        model = {"id": "tiny", "object": "model", "owned_by": owner, "max_model_len": self.server.engine.facts.context}
        self._send({"object": "list", "data": [model]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append({"path": self.path, **body})
        chat = self.path.endswith("/chat/completions")
        if not chat and body.get("echo"):
            self._send(self._echo(body))
            return
        prompt: Prompt = _chat(body) if chat else PartsPrompt((_plain(body["prompt"]),))
        try:
            self.server.engine.count(self.server.engine.render(prompt) if isinstance(prompt, ChatPrompt) else "")
        except BackboneError as error:
            self._send({"error": {"message": str(error)}}, status=400)
            return
        chunks = self._written(prompt, body) if chat else self._raw(prompt, body)
        if not body.get("stream"):
            self._send(_whole(list(chunks), chat=chat, field=self.server.field))
            return
        self._head("text/event-stream")
        written = 0
        for chunk in chunks:
            written += chunk.tokens
            choice = {"index": 0, "finish_reason": chunk.finish, **_piece(chunk, chat=chat, field=self.server.field)}
            self._event({"choices": [choice]})
            prompted = chunk.count.prompt if chunk.count else 0
        usage = {"prompt_tokens": prompted, "completion_tokens": written, "total_tokens": prompted + written}
        self._event({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _raw(self, prompt: Prompt, body: Mapping[str, Any]) -> Iterator[Chunk]:
        yield from self.server.engine.generate(prompt, _run(body))

    def _written(self, prompt: ChatPrompt, body: Mapping[str, Any]) -> Iterator[Chunk]:
        """With thinking told apart, and halted at the budget with the sentence of `--reasoning-config`."""
        budget = body.get("thinking_token_budget") if self.server.reads else None
        if not self.server.reads or not prompt.options.get("enable_thinking", True):
            yield from self._raw(prompt, body)
            return
        run, ids, inside = _run(body), [], True
        for chunk in self.server.engine.generate(prompt, run):
            ids += chunk.ids
            if inside and budget is not None and len(ids) > budget:
                break
            inside = inside and chunk.text != "</think>"
            yield chunk if not inside and chunk.text != "</think>" else _thought(chunk)
        else:
            return
        ids = ids[:budget]
        sentence = STOP_THOUGHT.text.partition("</think>")[0]
        said = self.server.engine.count(STOP_THOUGHT.text)
        yield Chunk(reasoning=sentence, tokens=said)
        left = replace(run, max_tokens=run.max_tokens - len(ids) - said)
        yield from self.server.engine.generate(replace(prompt, begun=(tuple(ids), STOP_THOUGHT)), left)

    def _echo(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The log-likelihood of every token of the prompts, by the plain way: one token after the other."""
        if not self.server.echoes:
            return {"choices": [{"index": 0, "text": " and", "logprobs": None, "finish_reason": "length"}]}
        texts = [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]
        return {"choices": [{"index": place, **self._likelihoods(text)} for place, text in enumerate(texts)]}

    def _likelihoods(self, text: str) -> dict[str, Any]:
        engine: Any = self.server.engine
        ids = engine._tokenizer.encode(text)
        with torch.inference_mode():
            rows = torch.log_softmax(engine._model(torch.tensor([ids])).logits[0].float(), dim=-1)
        values = [None, *(float(rows[place, token]) for place, token in enumerate(ids[1:]))]
        offsets = [len(_printed(engine, ids[:place])) for place in range(len(ids))]
        logprobs = {"token_logprobs": values, "text_offset": offsets, "tokens": ids}
        return {"text": text + "!", "logprobs": logprobs, "finish_reason": "length"}

    def _send(self, body: Mapping[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self._head("application/json", len(data), status)
        self.wfile.write(data)

    def _head(self, kind: str, length: int | None = None, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _event(self, body: Mapping[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(body).encode() + b"\n\n")


def _printed(engine: Any, ids: list[int]) -> str:
    tokenizer = engine._tokenizer
    if isinstance(tokenizer, SentencePieceTokenizer):
        return str(tokenizer._pieces.decode(ids))
    return str(tokenizer._tokenizer.decode(ids, skip_special_tokens=False))


def _chat(body: Mapping[str, Any]) -> ChatPrompt:
    return ChatPrompt(tuple(body["messages"]), tuple(body.get("tools", ())), body.get("chat_template_kwargs", {}))


def _plain(prompt: Any) -> str | tuple[int, ...]:
    return prompt if isinstance(prompt, str) else tuple(prompt)


def _run(body: Mapping[str, Any]) -> Run:
    sampling = Sampling(body.get("temperature", 1.0), body.get("top_p", 1.0))
    return Run(body["max_tokens"], sampling, _STOPS, seed=body.get("seed"))


def _thought(chunk: Chunk) -> Chunk:
    tag = chunk.text in {"<think>", "</think>"}
    return Chunk(reasoning="" if tag else chunk.text, tokens=chunk.tokens, finish=chunk.finish, count=chunk.count)


def _piece(chunk: Chunk, *, chat: bool, field: str) -> dict[str, Any]:
    if not chat:
        return {"text": chunk.text}
    return {"delta": {name: said for name, said in (("content", chunk.text), (field, chunk.reasoning)) if said}}


def _whole(chunks: list[Chunk], *, chat: bool, field: str) -> dict[str, Any]:
    text, thought = ("".join(getattr(chunk, name) for chunk in chunks) for name in ("text", "reasoning"))
    said = {"message": {"role": "assistant", "content": text, field: thought}} if chat else {"text": text}
    return {"choices": [{"index": 0, "finish_reason": chunks[-1].finish, **said}]}
