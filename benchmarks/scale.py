"""What mining costs as a corpus grows: seconds of each stage, peak memory, how fast both grow.

Each size is mined in a process of its own, from a database of its own, so that the peak is that size's.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from benchmarks.clusterers import average_link
from benchmarks.growing import EXTERNAL, fill
from benchmarks.sets import VARIABLE
from benchmarks.tables import table, write_json
from mining.config import MiningConfig
from mining.engine import EngineName
from mining.runs import run_mining
from mining.wordings import collect
from taskflow.encoders.bundled import NAME
from taskflow.encoders.loading import load_encoder
from taskflow.model import Speaker
from taskflow.store import open_database
from taskflow.store.corpora import StoredDialogues, summarise
from taskflow.store.vectors import vectors_of

CORPUS = "scale"
ENCODING = "encoding"
_SAMPLE = 2_000  # texts that the encoder alone is timed with, before and after

_MOST_OF_PEER = 20_000  # utterances: more take hours, or more memory than there is

Figures = dict[str, Any]


@click.command()
@click.option("--sizes", default="10000,100000,1000000", show_default=True, help="Utterances of each corpus.")
@click.option("--data", envvar=VARIABLE, type=click.Path(path_type=Path), help="The folder of external sets.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--peer", is_flag=True, help=f"Time Dialog2Flow's clustering too, up to {_MOST_OF_PEER:,} utterances.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the databases here, and use those that are there.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here.")
def scale(
    sizes: str, data: Path | None, engine: EngineName, peer: bool, keep: Path | None, json_file: Path | None
) -> None:
    """Time and memory of mining at several sizes.

    Example: python -m benchmarks.scale --sizes 10000,100000
    """
    try:
        wanted = sorted({int(size) for size in sizes.split(",")})
    except ValueError as error:
        raise click.ClickException(f"{sizes!r} are no sizes: write numbers of utterances, commas apart") from error
    if data is not None and not data.is_dir():
        raise click.ClickException(f"{data} is no folder: give --data or {VARIABLE} the folder of the external sets")
    with TemporaryDirectory(prefix="taskflow-scale-") as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = []
        for size in wanted:
            url = f"sqlite:///{folder / f'{size}.db'}"
            imported = _apart(_import, url, size, data)
            found.append(imported | _apart(_mine, url, engine))
            if peer and size <= _MOST_OF_PEER:
                found[-1] |= _apart(_cluster_as_dialog2flow, url)
            click.echo(f"{size:,}: mined in {_apart_from_encoding(found[-1]):.0f} s and encoding", err=True)
    click.echo(_stages(found))
    click.echo(_growth(found))
    used = [name for name in EXTERNAL if data is not None and (data / f"{name}.jsonl.gz").is_file()]
    click.echo(f"Of the simulator{' and of ' + ', '.join(used) if used else ' alone'}.")
    if json_file is not None:
        write_json(json_file, found)


def _apart(task: Any, *arguments: Any) -> Figures:
    """Run in a fresh process; its memory goes with it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        figures: Figures = process.submit(task, *arguments).result()
    return figures


def _import(url: str, size: int, data: Path | None) -> Figures:
    started = time.monotonic()
    with closing(open_database(url)) as database:
        if not any(there.name == CORPUS for there in summarise(database)):
            fill(database, CORPUS, size, data)
    return {"size": size, "import_seconds": time.monotonic() - started}


def _mine(url: str, engine: EngineName) -> Figures:
    with closing(open_database(url)) as database:
        encoder = load_encoder(NAME)
        processor = _Processor()
        result = run_mining(database, CORPUS, CORPUS, encoder, MiningConfig(engine=engine), processor.told)
        worked, encoded = processor.seconds(encoding=False), processor.seconds(encoding=True)
        # Only now, lest it count for the peak.
        spoken = collect(StoredDialogues(database, CORPUS))
        texts = [wording.text for who in (Speaker.USER, Speaker.AGENT) for wording in spoken.wordings[who]]
        chosen = np.random.default_rng(0).permutation(len(texts))[:_SAMPLE]
        started, begun = time.monotonic(), time.process_time()
        encoder.encode([texts[place] for place in chosen])
        alone = time.monotonic() - started, time.process_time() - begun
    return {key: value for key, value in result.figures.items() if key != "thresholds"} | {
        "distinct": len(texts),
        "processor_seconds": worked,
        "encoding_processor_seconds": encoded,
        "alone_per_second": len(chosen) / alone[0],
        "alone_per_processor_second": len(chosen) / alone[1],
    }


def _cluster_as_dialog2flow(url: str) -> Figures:
    """Every turn of each speaker by average link; the vectors are those that mining has stored."""
    with closing(open_database(url)) as database:
        encoder = load_encoder(NAME)
        turns = [turn for dialogue in StoredDialogues(database, CORPUS) for turn in dialogue.utterances]
        rows = [
            vectors_of(database, encoder, [turn.text for turn in turns if turn.speaker is speaker])
            for speaker in (Speaker.USER, Speaker.AGENT)
        ]
    started, worked = time.monotonic(), time.process_time()
    for own in rows:
        average_link(own)
    return {"peer_seconds": time.monotonic() - started, "peer_processor_seconds": time.process_time() - worked}


class _Processor:
    """How long this process has worked since it was made; what else the machine does is not in it."""

    def __init__(self) -> None:
        self._begun = [("", time.process_time())]

    def told(self, text: str) -> None:
        self._begun.append((text, time.process_time()))
        click.echo(f"  {text}", err=True)

    def seconds(self, *, encoding: bool) -> float:
        """Those of encoding, or of all the rest."""
        ends = [*(begun for _, begun in self._begun[1:]), time.process_time()]
        timed = zip(self._begun, ends, strict=True)
        return sum(end - begun for (text, begun), end in timed if text.startswith(ENCODING) is encoding)


def _apart_from_encoding(figures: Figures) -> float:
    return sum(seconds for stage, seconds in figures["stage_seconds"].items() if stage != ENCODING)


def _stages(found: Sequence[Figures]) -> str:
    stages = [stage for stage in found[0]["stage_seconds"] if stage != ENCODING]
    rows: list[list[object]] = [
        ["distinct texts", *(f"{one['distinct']:,}" for one in found)],
        ["actions / TaskFlows / nodes", *(f"{one['actions']} / {one['flows']} / {one['nodes']}" for one in found)],
        ["import, masked", *(f"{one['import_seconds']:.0f} s" for one in found)],
        *([stage, *(_share(one, stage) for one in found)] for stage in stages),
        ["**mining, encoding apart**", *(f"{_apart_from_encoding(one):.1f} s" for one in found)],
        ["the same, the processor's", *(f"{one['processor_seconds']:.1f} s" for one in found)],
        [ENCODING, *(f"{one['stage_seconds'][ENCODING]:.0f} s" for one in found)],
        ["texts a second, in mining / the encoder alone", *(_throughput(one) for one in found)],
        ["texts a processor's second, likewise", *(_processor_throughput(one) for one in found)],
        *([["Dialog2Flow's clustering", *map(_peer, found)]] if any("peer_seconds" in one for one in found) else []),
        ["peak memory", *(f"{one['peak_megabytes']:,} MB" for one in found)],
    ]
    return table(["utterances", *(f"{one['utterances']:,}" for one in found)], rows)


def _share(figures: Figures, stage: str) -> str:
    seconds = figures["stage_seconds"].get(stage, 0.0)
    return f"{seconds:.1f} s ({seconds / _apart_from_encoding(figures):.0%})"


def _peer(figures: Figures) -> str:
    if "peer_seconds" not in figures:
        return "–"
    return f"{figures['peer_seconds']:.1f} s (the processor's: {figures['peer_processor_seconds']:.1f} s)"


def _throughput(figures: Figures) -> str:
    seconds = figures["stage_seconds"][ENCODING]
    return f"{figures['distinct'] / max(seconds, 0.01):.0f} / {figures['alone_per_second']:.0f}"


def _processor_throughput(figures: Figures) -> str:
    seconds = max(figures["encoding_processor_seconds"], 0.01)
    return f"{figures['distinct'] / seconds:.0f} / {figures['alone_per_processor_second']:.0f}"


def _growth(found: Sequence[Figures]) -> str:
    """The exponent b of seconds = a * n ** b between each size and the next, and between the ends."""
    pairs = [*pairwise(found), *([(found[0], found[-1])] if len(found) > 2 else [])]
    return "\n".join(
        f"from {small['utterances']:,} to {large['utterances']:,}: exponent "
        f"{_exponent(small, large, 'utterances')} in utterances, {_exponent(small, large, 'distinct')} "
        "in distinct texts (the processor's seconds)"
        for small, large in pairs
    )


def _exponent(small: Figures, large: Figures, measure: str) -> str:
    size = math.log(large[measure] / small[measure])
    wall = math.log(_apart_from_encoding(large) / _apart_from_encoding(small)) / size
    return f"{wall:.2f} ({math.log(large['processor_seconds'] / small['processor_seconds']) / size:.2f})"


if __name__ == "__main__":
    scale()
