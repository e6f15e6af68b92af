"""`taskflow evaluate` on a small part of our own corpus, by either method."""

from __future__ import annotations

import gzip
import json

import pytest

from taskflow.sample import sample_path

METHODS = {"taskflow": "", "paper": "[mining]\nmethod = 'paper'\n[mining.paper]\nleast_support = 3\n"}


@pytest.fixture
def corpora(cli, tmp_path):
    """The address of a database with some dialogues to mine and some to hold out."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    for corpus, name, number in (("c", "after-sale.en.jsonl.gz", 60), ("h", "after-sale.en.held.jsonl.gz", 20)):
        lines = gzip.decompress(sample_path(name).read_bytes()).splitlines()[:number]
        path = tmp_path / f"{corpus}.jsonl"
        path.write_bytes(b"\n".join(lines))
        assert cli("import", str(path), "--corpus", corpus, database=url).returncode == 0
    return url


@pytest.mark.parametrize("method", METHODS)
def test_figures_and_report_from_the_command_line(cli, corpora, tmp_path, method):
    (tmp_path / "m.toml").write_text(METHODS[method], encoding="utf-8")
    done = cli("mine", "c", "--assistant", "a", "--config", "m.toml", database=corpora)
    assert ("least_support 3" in done.stdout) == (method == "paper"), done.stderr
    gold, page = str(sample_path("after-sale.flow.json")), tmp_path / "page.html"
    arguments = ["--corpus", "c", "--held", "h", "--gold", gold, "--report", str(page), "--language", "zh", "--json"]
    done = cli("evaluate", "a", *arguments, database=corpora)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    keys = "actions needs flows flows_mean edge_F1_mean replay compactness hollow"
    assert figures.keys() == set(keys.split())
    assert figures["flows"].keys() == json.loads(sample_path("after-sale.flow.json").read_text()).keys()
    assert (figures["replay"]["held_out"], figures["replay"]["all"]["dialogues"]) == (True, 20)
    assert figures["replay"]["by_outcome"]
    assert "对话动作" in page.read_text(encoding="utf-8")
    own = cli("evaluate", "a", "--corpus", "c", database=corpora)
    assert "own dialogues replayed: dialogues 60" in own.stdout
    assert "left-out turns" in own.stdout


def test_what_cannot_be_evaluated_is_told_in_one_sentence(cli, corpora, tmp_path):
    assert cli("mine", "c", "--assistant", "a", database=corpora).returncode == 0
    wrong = {
        ("a", "--corpus", "nothing"): "no corpus is called 'nothing'",
        ("a", "--corpus", "c", "--gold", "nothing.json"): "nothing.json: cannot be read",
        ("a", "--corpus", "c", "--report", "no/folder.html"): "no/folder.html: cannot be written",
    }
    for arguments, told in wrong.items():
        done = cli("evaluate", *arguments, database=corpora)
        assert done.returncode == 1
        assert told in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
