"""The benchmark commands on a slice of our own corpus, and what they say without the data that they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.clustering import clustering
from benchmarks.flows import flows

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path) -> Run:
    def started(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if key != "TASKFLOW_BENCHMARK_DATA"}
        return subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", "--vectors", str(tmp_path / "vectors.db"), *arguments],
            check=False,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            encoding="utf-8",
        )

    return started


def figures(path: Path) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for row in json.loads(path.read_text(encoding="utf-8")):
        found.setdefault(row["method"], []).append(row)
    return found


def test_every_method_clusters_the_same_turns(run, tmp_path):
    finished = run(
        *("clustering", "--sets", "own_en", "--dialogues", "25", "--without-split", "--json", str(tmp_path / "out")),
        *("--methods", "ours;ours, no split by next action;paper;Dialog2Flow, K given;Dialog2Flow, 0.6;prototype"),
    )
    assert finished.returncode == 0, finished.stderr
    by_method = figures(tmp_path / "out")
    assert len(by_method) == 6
    assert {tuple(row["labelled"] for row in rows) for rows in by_method.values()} == {
        tuple(row["labelled"] for row in by_method["ours"])
    }
    for row in by_method["Dialog2Flow, K given"]:
        assert row["clusters"] == row["labels"] + (row["labelled"] < row["turns"])
    assert all(name in finished.stdout for name in by_method)
    assert "May be published: own_en." in finished.stdout


def test_every_method_foretells_the_same_turns(run, tmp_path):
    finished = run("flows", "--sets", "own_en", "--dialogues", "40", "--json", str(tmp_path / "out"))
    assert finished.returncode == 0, finished.stderr
    by_method = figures(tmp_path / "out")
    assert len(by_method) == 7
    assert len({row["agent_turns"] for rows in by_method.values() for row in rows}) == 1
    assert all(0 < row["hit_1"] <= row["hit_3"] <= 1 for rows in by_method.values() for row in rows)


@pytest.mark.parametrize("command", [clustering, flows])
def test_a_set_that_is_not_there_is_told_in_one_sentence(tmp_path, command):
    without = CliRunner(env={"TASKFLOW_BENCHMARK_DATA": None}).invoke(command, ["--sets", "star"])
    assert without.exit_code == 1
    assert without.output == (
        "Error: the set 'star' is not part of the project: give its folder with --data or TASKFLOW_BENCHMARK_DATA\n"
    )
    elsewhere = CliRunner().invoke(command, ["--sets", "star", "--data", str(tmp_path / "nowhere")])
    assert elsewhere.exit_code == 1
    assert elsewhere.output == (
        f"Error: there is no folder {tmp_path / 'nowhere'}: "
        "name the one with the sets with --data or TASKFLOW_BENCHMARK_DATA\n"
    )
