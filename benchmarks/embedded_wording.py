"""The tiny model that comes with TaskFlow: how fast it is, and what becomes of the replies that it words."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import click
import torch

from benchmarks.tables import table
from runtime.asked import Asked
from runtime.generation import Generator
from runtime.rewording_lessons import Rewordings, question
from taskflow.backbones import GREEDY, Backbone, Message, Request
from taskflow.backbones.embedded import FOLDER, load_embedded
from taskflow.encoders.bundled import BundledEncoder
from taskflow.sample import sample_path

Reply = tuple[str, str]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="A folder with star.jsonl.gz.")
@click.option("--checkpoint", type=click.Path(path_type=Path), default=FOLDER, help="Another than comes with us.")
@click.option("--most", type=click.IntRange(min=1), default=200, show_default=True, help="Replies of each set.")
def main(data: Path | None, checkpoint: Path, most: int) -> None:
    """Word replies of each set greedily, on one core of the processor, and let the guard judge."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    backbone = load_embedded(checkpoint)
    loaded = time.perf_counter() - started
    generator = Generator(BundledEncoder(), backbone)
    rows: list[list[object]] = []
    tokens, seconds = 0, 0.0
    for name, replies in _sets(data).items():
        chosen = random.Random(3).sample(replies, min(most, len(replies)))  # noqa: S311
        started = time.perf_counter()
        worded = [(response, generator.word(response, message)) for message, response in chosen]
        seconds += time.perf_counter() - started
        tokens += sum(one.asked.usage.answer for _, one in worded if one.asked and one.asked.usage)
        fates = Counter(_fate(response, one.text, one.asked) for response, one in worded)
        rows.append([name, len(chosen), *(f"{fates[fate] / len(chosen):.0%}" for fate in _FATES)])
    told = f"loaded in {loaded:.1f} s; {tokens / seconds:.0f} tokens/s with prompt and guard"
    click.echo(f"{told}; first piece after {1000 * _first(backbone):.0f} ms")
    click.echo(table(["replies of", "number", *_FATES], rows))


_FATES = ("other words sent", "the same words", "unsure", "refused by the guard")


def _fate(response: str, sent: str, asked: Asked | None) -> str:
    refused = None if asked is None else asked.refused
    if refused is None:
        return _FATES[1] if sent == response else _FATES[0]
    return _FATES[2] if "unsure" in refused else _FATES[3]


def _sets(data: Path | None) -> dict[str, list[Reply]]:
    """Each reply with what the customer had said."""
    sets: dict[str, list[Reply]] = {}
    for language in ("en", "zh"):
        lessons = Rewordings([sample_path(f"after-sale.{language}.jsonl.gz")])
        sets[f"{language}: actions that were taught"] = _pairs(lessons, taught=True)
        sets[f"{language}: actions that were kept back"] = _pairs(lessons, taught=False)
    if data is not None:
        sets["en: STAR, other trades"] = _star(data / "star.jsonl.gz")
    return sets


def _pairs(lessons: Rewordings, *, taught: bool) -> list[Reply]:
    return [(reply.message, reply.text) for reply in lessons.replies(taught=taught)]


def _star(file: Path) -> list[Reply]:
    replies: list[Reply] = []
    for line in gzip.decompress(file.read_bytes()).decode().splitlines():
        turns: Sequence[dict[str, str]] = json.loads(line)["turns"]
        for before, turn in pairwise(turns):
            if before["speaker"] == "user" and turn["speaker"] == "agent":
                replies.append((before["text"], turn["text"]))
    return replies


def _first(backbone: Backbone) -> float:
    asked = [Message("user", question("I want to return it", "Could you give me your order number, please?"))]
    started = time.perf_counter()
    next(iter(backbone.stream(asked, Request(60, sampling=GREEDY))))
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
