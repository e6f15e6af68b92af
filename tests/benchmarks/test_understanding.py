"""The benchmark of understanding on a slice of our own corpus, and its measure of calibration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.understanding import calibration_error, understanding

ROOT = Path(__file__).resolve().parents[2]


def test_both_methods_judge_the_same_wordings(tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "benchmarks.understanding", "--sets", "own_en", "--dialogues", "60"]
    environment = {key: value for key, value in os.environ.items() if key != "TASKFLOW_BENCHMARK_DATA"}
    finished = subprocess.run(
        [*command, "--json", str(out), "--vectors", str(tmp_path / "vectors.db")],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr
    rows = json.loads(out.read_text(encoding="utf-8"))
    judged = {(row["actions"], row["method"]): row for row in rows if "actions" in row}
    assert len(judged) == 4
    assert len({row["turns"] for row in judged.values()}) == 1
    for actions in ("labels", "mined"):
        calibrated, constants = judged[actions, "calibrated"], judged[actions, "constants"]
        assert calibrated["right"] == constants["right"]
        assert calibrated["ece"] < constants["ece"]
        assert calibrated["error"] < constants["error"]
        assert calibrated["held"] > 0
    in_dialogue = [row for row in rows if "course" in row]
    assert len({row["turns"] for row in in_dialogue}) == 1
    assert all(row["course"] in finished.stdout for row in in_dialogue)
    assert "May be published: own_en." in finished.stdout


def test_probabilities_that_say_what_is_have_no_error():
    right = np.arange(100) % 4 == 0
    assert calibration_error(np.full(100, 0.25), right) == pytest.approx(0)
    assert calibration_error(np.full(100, 0.75), right) == pytest.approx(0.5)
    assert calibration_error(np.where(right, 1.0, 0.0), right) == 0


def test_a_set_that_is_not_there_is_told_in_one_sentence():
    found = CliRunner(env={"TASKFLOW_BENCHMARK_DATA": None}).invoke(understanding, ["--sets", "star_typed"])
    assert found.exit_code == 1
    assert found.output.startswith(
        "Error: the set 'star_typed' is not part of the project: give its folder with --data"
    )
