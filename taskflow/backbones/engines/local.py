"""A checkpoint run by transformers in this process, on the processor or a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from taskflow.backbones.engines import ChatPrompt, Chunk, Count, Facts, Hub, Mark, Prompt, Run
from taskflow.backbones.engines.checkpoint import load
from taskflow.backbones.engines.decoding import Spelling, prefill, told, write
from taskflow.backbones.engines.prefix import PrefixPool
from taskflow.backbones.engines.scoring import log_likelihoods
from taskflow.backbones.engines.tokenizers import prompt_ids
from taskflow.backbones.errors import NotOfferedError, RefusedError
from taskflow.backbones.protocol import Finish


class LocalEngine:
    """Threads share the weights and the computed prefixes; a stream that nobody follows costs nothing."""

    def __init__(self, checkpoint: Path | Hub) -> None:
        loaded = load(checkpoint)
        self._tokenizer, self._model = loaded.tokenizer, loaded.model
        self._pool = PrefixPool()
        self.name = f"transformers:{loaded.name}"
        config = self._model.config
        self.facts = Facts(
            model=loaded.name,
            architecture=loaded.architecture,
            vocabulary=config.vocab_size,
            context=getattr(config, "max_position_embeddings", None),
            scoring="likelihood",
            structured=False,
            continues=True,
        )

    def generate(self, prompt: Prompt, run: Run) -> Iterator[Chunk]:
        ids = self._ids(prompt, run)
        ends = self._ends(run.stops)
        spelling = Spelling(self._tokenizer.decode)
        finish: Finish = "length"
        reused = self._pool.common(ids)
        for token, logprob in write(self._model, self._pool, ids, run, ends):
            finish = "stop" if token in ends else "length"
            yield Chunk("" if token in ends else spelling.add(token), ids=(token,), tokens=1, logprob=logprob)
        yield Chunk(spelling.rest(), finish=finish, count=Count(len(ids), reused=reused))

    def generate_all(self, prompts: Sequence[Prompt], run: Run) -> list[list[Chunk]]:
        """In one batch, the shorter prompts padded on the left; greedy runs alone."""
        if not run.sampling.greedy or run.sampling.repetition_penalty != 1:
            raise NotOfferedError("several prompts at once are only written greedily: ask one by one")
        if not prompts:
            return []
        rows = [self._ids(prompt, run) for prompt in prompts]
        ends = self._ends(run.stops)
        longest = max(map(len, rows))
        pad = min(ends)
        with torch.inference_mode(), told():
            written = self._model.generate(
                self._tensor([[pad] * (longest - len(row)) + row for row in rows]),
                attention_mask=self._tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows]),
                max_new_tokens=run.max_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=1.0,
                eos_token_id=sorted(ends),
                pad_token_id=pad,
            )
        return [self._cut(row, ids[longest:].tolist(), ends) for row, ids in zip(rows, written, strict=True)]

    def score(self, prompt: Prompt, choices: Sequence[str], run: Run) -> list[float]:
        """By the sum of each choice's token log-likelihoods: a pass over the prompt, one over all choices together."""
        ids = self._ids(prompt, run)
        answers = [self._tokenizer.encode(choice) for choice in choices]
        logits, cache, _ = prefill(self._model, self._pool, ids, run)
        run.check()
        likelihoods = log_likelihoods(self._model, answers, logits, cache, len(ids))
        return [float(share) for share in torch.softmax(torch.tensor(likelihoods), dim=0)]

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text))

    def render(self, prompt: ChatPrompt) -> str | None:
        return self._tokenizer.render(prompt)

    def forget(self) -> None:
        """Compute every prompt anew from here on."""
        self._pool = PrefixPool()

    def _ids(self, prompt: Prompt, run: Run) -> list[int]:
        if run.schema is not None:
            raise NotOfferedError(f"{self.name} does not constrain answers to a schema: use a server that does")
        ids = prompt_ids(self._tokenizer, prompt)
        if self.facts.context is not None and len(ids) >= self.facts.context:
            raise RefusedError(
                f"the model could not answer (a prompt of {len(ids):,} tokens, its context holds "
                f"{self.facts.context:,}): shorten the input"
            )
        return ids

    def _ends(self, stops: Sequence[Mark]) -> frozenset[int]:
        own = self._model.generation_config.eos_token_id or self._model.config.eos_token_id or []
        marks = [self._tokenizer.mark(stop) for stop in stops]
        return frozenset([own] if isinstance(own, int) else own) | {ids[0] for ids in marks if len(ids) == 1}

    def _cut(self, row: Sequence[int], written: list[int], ends: frozenset[int]) -> list[Chunk]:
        end = next((place for place, token in enumerate(written) if token in ends), None)
        said = written[:end]
        finish: Finish = "length" if end is None else "stop"
        return [
            Chunk(self._tokenizer.decode(said), ids=tuple(said), tokens=len(said), finish=finish, count=Count(len(row)))
        ]

    def _tensor(self, rows: Sequence[Sequence[int]]) -> Any:
        return torch.tensor(rows, device=self._model.device)
