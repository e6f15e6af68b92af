"""Choosing among candidates in this process: what a shared prompt spares, beside a bare pass over the same tokens.

On a processor one core works, and what counts is the time that it worked: other programs do not change it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from benchmarks.tables import table
from taskflow.backbones import GREEDY
from taskflow.backbones.engines import PartsPrompt, Run
from taskflow.backbones.engines.local import LocalEngine

_PREFIX = 500  # tokens
_END = "<end>"
_TURN = " 我的包裹在哪里？"
_RUN = Run(1, GREEDY)
_TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A checkpoint.  [default: a random Qwen3]")
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--layers", type=click.IntRange(min=1), default=6, show_default=True, help="Of the random Qwen3.")
@click.option("--hidden", type=click.IntRange(min=128), default=512, show_default=True, help="Of the random Qwen3.")
def main(checkpoint: Path | None, repeats: int, layers: int, hidden: int) -> None:
    """Score 8 candidates behind a prompt of 500 tokens; medians, each row measured in turn."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(checkpoint or random_qwen3(Path(folder), layers, hidden))
        rows = measure(engine, repeats)
    click.echo(table(["what", "tokens computed", "ms", "of the bare pass"], rows))


def measure(engine: LocalEngine, repeats: int) -> list[list[object]]:
    rules = "".join(f" rule {number}: an unused item can be returned." for number in range(200))
    tokenizer: Any = engine._tokenizer
    prompt = tokenizer.encode(rules)[:_PREFIX]
    # Each begins the same, so that no first token decides.
    choices = [f"ask {letter}" for letter in "abcdefgh"]
    answers = [len(tokenizer.encode(choice)) for choice in choices]
    own, turn = sum(answers), tokenizer.encode(_TURN)
    cold: list[float] = []
    warm: list[float] = []
    bare: list[float] = []
    plain: list[float] = []
    new: list[int] = []
    for repeat in range(repeats + 1):
        engine.forget()
        ids = (repeat, *prompt[1:])  # a prompt that was never seen
        cold.append(_seconds(lambda ids=ids: engine.score(PartsPrompt((ids,)), choices, _RUN)))
        longer = (*ids, *turn)
        new.append(len(longer) - engine._pool.common(longer))
        warm.append(_seconds(lambda ids=longer: engine.score(PartsPrompt((ids,)), choices, _RUN)))
        bare.append(_seconds(lambda ids=ids: _pass(engine, [*ids, *([5] * own)])))
        plain.append(_seconds(lambda ids=ids: [_pass(engine, [*ids, *([5] * size)]) for size in answers]))
    base = statistics.median(bare[1:])
    return [
        _row("a bare pass over prompt and all candidates", _PREFIX + own, bare, base),
        _row("scoring, the prompt new", _PREFIX + own, cold, base),
        _row("scoring the next turn", max(new) + own, warm, base),
        _row("a pass for each candidate", len(choices) * _PREFIX + own, plain, base),
    ]


def _row(what: str, tokens: int, seconds: list[float], base: float) -> list[object]:
    median = statistics.median(seconds[1:])  # the first warms up
    return [what, tokens, round(median * 1000), f"{median / base:.2f}"]


def _seconds(work: Callable[[], object]) -> float:
    on_gpu = torch.cuda.is_available()
    clock = time.perf_counter if on_gpu else time.process_time
    started = clock()
    work()
    if on_gpu:
        torch.cuda.synchronize()
    return clock() - started


def _pass(engine: LocalEngine, ids: list[int]) -> None:
    model: Any = engine._model
    with torch.inference_mode():
        model(torch.tensor([ids], device=model.device), use_cache=True, logits_to_keep=1)


def random_qwen3(folder: Path, layers: int, hidden: int) -> Path:
    """Weights that know nothing take as long as any."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: place for place, letter in enumerate([*letters, _END])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, chat_template=_TEMPLATE).save_pretrained(folder)
    config = Qwen3Config(
        vocab_size=len(letters) + 1,
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=hidden // 128,
        head_dim=128,
        eos_token_id=len(letters),
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
