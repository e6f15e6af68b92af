"""The same functions over the same partitions, here or on a real Ray cluster, give the same result."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from taskflow.sample import sample_path

_CLUSTER = """
import ray.cluster_utils
cluster = ray.cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
print(cluster.address, flush=True)
try:
    input()
except EOFError:
    pass
cluster.shutdown()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster of two workers with a processor each, which is gone after the tests."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'taskflow-dialogue[ray]'")
    log = tmp_path_factory.mktemp("ray") / "log"
    with (
        log.open("w") as told,
        subprocess.Popen(
            [sys.executable, "-c", _CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, text=True
        ) as nodes,
    ):
        lines = iter(nodes.stdout.readline, "")
        address = next((line.strip() for line in lines if line.startswith("127.") or line[:1].isdigit()), None)
        assert address is not None, log.read_text()
        yield address
        nodes.communicate("\n", timeout=60)


@pytest.fixture
def mined(cli, tmp_path: Path):
    """Imports our corpus, and mines it on an engine from nothing: the draft and the actions of every turn."""
    # So few that most texts go through the stages that large corpora need.
    (tmp_path / "taskflow.toml").write_text("[mining]\nsample_size = 100\n", encoding="utf-8")

    def run(engine: str):
        database = f"sqlite:///{tmp_path / engine}.db"

        def done(*arguments: str) -> str:
            finished = cli(*arguments, database=database)
            assert finished.returncode == 0, finished.stderr
            assert "Traceback" not in finished.stderr
            return finished.stdout

        done("import", str(sample_path("after-sale.zh.jsonl.gz")), "--corpus", "c")
        figures = json.loads(done("mine", "c", "--engine", engine, "--json"))
        done("publish", "c")
        return figures, done("export", "c", "--version", "1"), done("assignments", "c")

    return run


def test_a_ray_cluster_mines_the_same_as_this_process(mined, cluster, monkeypatch):
    here, *local = mined("local")
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    there, *ray = mined("ray")
    assert ray == local
    told = ("actions", "flows", "utterances", "assigned")
    assert [there[key] for key in told] == [here[key] for key in told]
    assert here["stage_seconds"].keys() == there["stage_seconds"].keys() >= {"encoding", "clustering", "inducing"}


def test_a_cluster_that_is_not_there_is_told_in_one_sentence(cli, tmp_path, monkeypatch):
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'taskflow-dialogue[ray]'")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    database = f"sqlite:///{tmp_path / 'x.db'}"
    cli("import", str(sample_path("after-sale.en.held.jsonl.gz")), "--corpus", "c", database=database)
    done = cli("mine", "c", "--engine", "ray", database=database)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
