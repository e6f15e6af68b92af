"""A dialect on an engine: the backbone."""

from __future__ import annotations

import math
import statistics
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from taskflow.backbones.dialects import Dialect, Room
from taskflow.backbones.dialects.reading import Reading
from taskflow.backbones.engines import ChatPrompt, Chunk, Count, Engine, Part, Prompt, Run
from taskflow.backbones.errors import BrokenAnswerError, NotOfferedError
from taskflow.backbones.protocol import (
    GREEDY,
    Answer,
    Budget,
    Capabilities,
    Delta,
    Finish,
    Message,
    Request,
    Usage,
)


class PairedBackbone:
    """Everything of the protocol, of what the one knows of the family and the other can run."""

    def __init__(self, dialect: Dialect, engine: Engine) -> None:
        self._dialect = dialect
        self._engine = engine
        self.name = engine.name

    @property
    def capabilities(self) -> Capabilities:
        facts, dialect = self._engine.facts, self._dialect
        thinks = dialect.thinking != "none"
        return Capabilities(
            thinking=dialect.thinking,
            budget=self._budget,
            tools=dialect.tools,
            structured=facts.structured,
            scoring=facts.scoring,
            context=facts.context,
            sampling=dialect.sampling(False),
            thinking_sampling=dialect.sampling(True) if thinks else None,
        )

    def score(
        self,
        messages: Sequence[Message],
        choices: Sequence[str],
        deadline: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> list[float]:
        if self._engine.facts.scoring == "none":
            raise NotOfferedError(
                f'{self.name} words replies and chooses nothing: set [runtime] understanding = "retrieval"'
            )
        request = Request(max_tokens=1, sampling=GREEDY, deadline=deadline, cancelled=cancelled)
        return self._engine.score(self._prompt(messages, request), choices, self._run(request, thinking=False))

    def complete(self, messages: Sequence[Message], max_tokens: int) -> str:
        """Greedy, so that the same conversation is worded the same."""
        return self.answer(messages, Request(max_tokens, sampling=GREEDY)).text

    def complete_all(self, conversations: Sequence[Sequence[Message]], max_tokens: int) -> list[str]:
        """`complete` for many conversations at once, in their order."""
        request = Request(max_tokens, sampling=GREEDY)
        prompts = [self._prompt(messages, request) for messages in conversations]
        texts = []
        for prompt, chunks in zip(
            prompts, self._engine.generate_all(prompts, self._run(request, thinking=False)), strict=True
        ):
            reading = self._dialect.reading(request, prompt)
            for chunk in chunks:
                reading.feed(chunk)
            reading.end()
            texts.append(reading.text)
        return texts

    def answer(self, messages: Sequence[Message], request: Request) -> Answer:
        for piece in self.stream(messages, request):
            if isinstance(piece, Answer):
                return piece
        raise BrokenAnswerError("the model's answer has no end: ask again")

    def stream(self, messages: Sequence[Message], request: Request) -> Iterator[Delta | Answer]:
        prompt = self._prompt(messages, request)
        thinking = self._dialect.thinks(messages, request)
        reading = self._dialect.reading(request, prompt)
        run = self._run(request, thinking)
        writing = _Writing(reading)
        if thinking and request.schema is not None and not self._engine.facts.native_budget:
            raise NotOfferedError(
                f"{self.name} would bind thinking to the schema too: ask for an answer of this form without thinking"
            )
        halts = thinking and request.budget is not None
        if halts and self._budget == "none":
            raise NotOfferedError(
                f"{self.name} neither limits thinking itself nor continues a text: "
                "set [backbone] tokenizer, serve the model with a budget, or ask without one"
            )
        if halts and self._budget == "two-pass" and isinstance(prompt, ChatPrompt):
            yield from self._in_two_passes(prompt, run, request.budget or 0, writing)
        else:
            limited = replace(run, thought_limit=request.budget) if halts else run
            yield from writing.follow(self._engine.generate(prompt, limited))
            writing.budget_hit = halts and reading.thinking_tokens >= (request.budget or 0)
        yield from writing.last()
        yield self._whole(writing, request)

    @property
    def _budget(self) -> Budget:
        if self._dialect.stop_thought is None:
            return "none"
        if self._engine.facts.native_budget:
            return "native"
        return "two-pass" if self._engine.facts.continues else "none"

    def _prompt(self, messages: Sequence[Message], request: Request) -> Prompt:
        if request.schema is not None and not self._engine.facts.structured:
            raise NotOfferedError(
                f"{self.name} does not constrain answers to a schema: ask without, or use a server that does"
            )
        return self._dialect.prompt(messages, request, Room(self._engine.facts.context, self._engine.count))

    def _run(self, request: Request, thinking: bool) -> Run:
        sampling = request.sampling or self._dialect.sampling(thinking)
        if thinking and sampling.greedy:
            raise NotOfferedError(
                "thinking repeats itself without end where it is greedy: give another sampling or none"
            )
        return Run(
            request.max_tokens,
            sampling,
            self._dialect.stops,
            schema=request.schema,
            seed=request.seed,
            deadline=request.deadline,
            cancelled=request.cancelled,
        )

    def _in_two_passes(self, prompt: ChatPrompt, run: Run, budget: int, writing: _Writing) -> Iterator[Delta]:
        """Think for `budget` tokens; where that was not enough, say the sentence that stops it and go on."""
        begun: tuple[Part, ...] = prompt.begun or ()
        first = replace(run, max_tokens=min(budget, run.max_tokens))
        yield from writing.follow(self._engine.generate(replace(prompt, begun=begun), first))
        left = run.max_tokens - writing.written
        if writing.finish != "length" or left <= 0:
            return
        begun = (*begun, *writing.parts)
        stop = self._dialect.stop_thought
        if writing.reading.in_thought and stop is not None:
            writing.budget_hit = True
            said = self._engine.count(stop.text)
            yield from writing.follow([Chunk(stop.text, tokens=said)])
            begun, left = (*begun, stop), left - said
        if left > 0:
            yield from writing.follow(
                self._engine.generate(replace(prompt, begun=begun), replace(run, max_tokens=left))
            )

    def _whole(self, writing: _Writing, request: Request) -> Answer:
        reading = writing.reading
        finish: Finish = "tool_calls" if reading.calls else writing.finish
        if request.schema is not None and finish == "length":
            raise BrokenAnswerError("the answer was cut before it had the form asked for: allow more max_tokens")
        return Answer(
            reading.text,
            reading.thinking,
            tuple(reading.calls),
            writing.usage(),
            finish,
            writing.budget_hit,
            writing.likelihood,
        )


class _Writing:
    """What was written so far, over all passes."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.finish: Finish = "length"
        self.written = 0
        self.parts: list[Part] = []
        self.budget_hit = False
        self._count: Count | None = None
        self._logprobs: list[float] = []

    @property
    def likelihood(self) -> float | None:
        return math.exp(statistics.fmean(self._logprobs)) if self._logprobs else None

    def follow(self, chunks: Iterator[Chunk] | Sequence[Chunk]) -> Iterator[Delta]:
        for chunk in chunks:
            self.written += chunk.tokens
            if chunk.ids or chunk.text:
                self.parts.append(chunk.ids or chunk.text)
            self.finish = chunk.finish or self.finish
            if chunk.count is not None and self._count is None:
                self._count = chunk.count
            delta = self.reading.feed(chunk)
            if chunk.logprob is not None and not self.reading.in_thought:
                self._logprobs.append(chunk.logprob)
            if delta.text or delta.thinking:
                yield delta

    def last(self) -> Iterator[Delta]:
        delta = self.reading.end()
        if delta.text or delta.thinking:
            yield delta

    def usage(self) -> Usage:
        count = self._count or Count(0)
        thinking, answer = self.reading.thinking_tokens, self.reading.answer_tokens
        if count.thinking is not None:
            thinking, answer = count.thinking, max(0, thinking + answer - count.thinking)
        return Usage(count.prompt, thinking, answer, count.reused)
