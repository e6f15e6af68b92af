"""What docs/faithfulness.md says is shown is there to be run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "faithfulness.md").read_text(encoding="utf-8")
SHOWN = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "test"), SHOWN)
def test_a_test_that_it_names_exists(file, test):
    assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


def test_each_of_the_fifteen_points_is_met_or_named():
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 16))
    assert all(said.startswith(("met", "in part", "not met")) for _, said, _ in rows)
    assert all("::test_" in shown for *_, shown in rows)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:mining|taskflow)/[\w/]+(?:\.py|/))`", PAGE))))
def test_a_path_that_it_names_exists(path):
    assert (ROOT / path).exists()


def test_the_reconstruction_is_called_one():
    for path in ("docs/faithfulness.md", "mining/paper/mining.py", "taskflow/replay.py"):
        assert re.search("our reconstruction", (ROOT / path).read_text(encoding="utf-8"), re.IGNORECASE), path
