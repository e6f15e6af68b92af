"""The subcommand that makes the tiny model that words replies."""

from __future__ import annotations

import time
from pathlib import Path

import click

from runtime.rewording_lessons import Rewordings
from taskflow.backbones.embedded import write_sums
from taskflow.backbones.embedded.lesson import Progress
from taskflow.errors import TaskFlowError
from taskflow.options import as_json, print_json
from taskflow.sample import sample_path

_LOGS = tuple(f"after-sale.{language}.jsonl.gz" for language in ("en", "zh"))


@click.command("train-backbone")
@click.option(
    "--out", "folder", required=True, type=click.Path(path_type=Path), help="A new folder for the checkpoint."
)
@click.option("--steps", default=1200, show_default=True, type=click.IntRange(min=1), help="Of 16 lessons each.")
@click.option("--seed", default=20, show_default=True, type=int, help="The same one makes the same model.")
@as_json
def train_backbone(folder: Path, steps: int, seed: int, as_json: bool) -> None:
    """Make the tiny model that words replies, from the mined part of the sample logs.

    It takes minutes on one core. The one that comes with TaskFlow was made by this very command.

    \b
    Example: taskflow train-backbone --out wording
    """
    if folder.exists():
        raise TaskFlowError(f"{folder} is there already: give a new folder")
    # torch and transformers take seconds to import.
    from taskflow.backbones.embedded.making import make_checkpoint

    lessons = Rewordings([sample_path(name) for name in _LOGS])
    started = time.monotonic()
    losses: list[float] = []

    def tell(progress: Progress) -> None:
        losses.append(progress.loss)
        if progress.step % 50 == 0:
            click.echo(f"step {progress.step:,} of {progress.steps:,}, loss {progress.loss:.2f}", err=True)

    make_checkpoint(folder, lessons.lesson, steps, seed, tell)
    write_sums(folder)
    seconds, loss = round(time.monotonic() - started), sum(losses[-50:]) / len(losses[-50:])
    if as_json:
        print_json({"folder": str(folder), "steps": steps, "seconds": seconds, "loss": round(loss, 3)})
    else:
        click.echo(f"{folder} was made in {seconds} seconds, with a loss of {loss:.2f} nats a token in the last steps")
