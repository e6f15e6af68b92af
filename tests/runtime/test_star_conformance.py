"""What customers do to charts that are not ours: STAR's, compiled as one would write them by hand."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sets import VARIABLE, SetError
from benchmarks.star_dialogues import Chart, drawn, read_part, turns_of
from runtime.config import RuntimeConfig
from runtime.conversation_run import Run
from runtime.conversation_tests import read_tests
from runtime.outfit import Outfit
from runtime.stage import Stage, scratch_database
from taskflow.charts.building import build
from taskflow.charts.form import ChartForm
from taskflow.model import AssistantVersion, Dialogue

_READ = read_tests(Path(__file__).parent / "conformance_star" / "star.yaml")
_TASKS = ("hotel_book", "ride_book", "weather")
_DIALOGUES = 150  # of each task, to count shares and take exemplars from


@pytest.fixture(scope="module")
def run(encoder):
    folder = os.environ.get(VARIABLE)
    try:
        part = read_part(None if folder is None else Path(folder), _DIALOGUES)
    except SetError as error:
        pytest.skip(str(error))
    actions: dict[str, Any] = {}
    flows = [_Flow(part.charts[task], task, part.trained, actions).form() for task in _TASKS]
    form = {"assistant": "star", "language": "en", "actions": actions, "flows": flows}
    star = build(ChartForm.model_validate(form))
    with scratch_database() as scratch:
        version = AssistantVersion(star, None, encoder.name)
        stage = Stage(scratch, Outfit(scratch, encoder, RuntimeConfig()))
        stage.show(version)
        yield Run(stage, version)


class _Flow:
    """A chart as a flow: what customers say after an agent's action is one action, with their words as exemplars."""

    def __init__(self, chart: Chart, task: str, dialogues: Sequence[Dialogue], actions: dict[str, Any]) -> None:
        self._task = task
        self._start = chart["start"]
        self._next = drawn(chart)
        self._texts = {node["id"]: node["text"] for node in chart["nodes"] if node["kind"] == "agent"}
        self._actions = actions
        self._said: dict[str, Counter[str]] = defaultdict(Counter)
        for dialogue in dialogues:
            for turn in turns_of(dialogue) if dialogue.need == task else ():
                self._said[turn.last][turn.said] += bool(turn.said.strip())
        self._placed: set[str] = set()

    def form(self) -> dict[str, Any]:
        return {"id": self._task, **self._after(self._start)}

    def _after(self, last: str) -> dict[str, Any]:
        steps = [self._spoken(label) for label in sorted(self._next[last])]
        exemplars = [{"text": text, "count": count} for text, count in self._said[last].items() if count]
        if not exemplars or not steps:
            return {"branches": steps} if steps else {}
        key = f"{self._task}: after {last}"
        self._actions[key] = {"speaker": "customer", "exemplars": exemplars}
        return {"branches": [{"customer": key, "branches": steps}]}

    def _spoken(self, label: str) -> dict[str, Any]:
        if label in self._placed:
            return {"jump": f"{self._task}/{label}"}
        self._placed.add(label)
        self._actions.setdefault(label, {"speaker": "agent", "responses": [self._texts[label]]})
        return {"agent": label, "id": f"{self._task}/{label}", **self._after(label)}


@pytest.mark.parametrize(
    "number", [pytest.param(place, id=one.name) for place, one in enumerate(_READ.tests.conversations)]
)
def test_the_conversation_goes_as_written(run, number):
    result = run.conversation(_READ, number)
    assert not result.failed, (result.line, result.step, result.failures, result.why)
