"""The benchmark of scale at two small sizes, and what it says of options that cannot be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "TASKFLOW_BENCHMARK_DATA"}
    command = [sys.executable, "-m", "benchmarks.scale", *arguments]
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_each_size_is_mined_and_the_growth_is_told(tmp_path):
    out = tmp_path / "scale.json"
    done = run("--sizes", "600,300", "--peer", "--keep", str(tmp_path / "kept"), "--json", str(out))
    assert done.returncode == 0, done.stderr
    small, large = json.loads(out.read_text(encoding="utf-8"))
    assert 300 <= small["utterances"] < 330
    assert 600 <= large["utterances"] < 630
    assert small["distinct"] < large["distinct"]
    assert {"reading", "encoding", "clustering", "inducing", "saving"} <= small["stage_seconds"].keys()
    assert min(small["peak_megabytes"], small["peer_seconds"], small["encoding_processor_seconds"]) > 0
    assert f"from {small['utterances']} to {large['utterances']}: exponent" in done.stdout
    assert "Of the simulator alone." in done.stdout
    assert sorted(path.name for path in (tmp_path / "kept").glob("*.db")) == ["300.db", "600.db"]


def test_options_that_cannot_be_are_told_in_a_sentence(tmp_path):
    folder = tmp_path / "nowhere"
    assert f"{folder} is no folder" in run("--data", str(folder)).stderr
    assert "'10,many' are no sizes" in run("--sizes", "10,many").stderr
