"""STAR's charts compiled to TaskFlows through the form that people write, and replayed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from benchmarks.encoding import Encoding
from benchmarks.sequence_models import ours
from benchmarks.star_dialogues import BEGIN, STAR, Chart, Part, Ranked, Turn, drawn, turns_in, turns_of
from benchmarks.tasks import Task
from taskflow.calibration import calibrate
from taskflow.charts.building import build
from taskflow.charts.form import ChartForm
from taskflow.model import ActionId, Assistant, Speaker
from taskflow.replay import START, Belief, Position, Replay
from taskflow.retrieval import ExemplarIndex, exemplar_texts


def chart_as_drawn(part: Part, encoding: Encoding) -> Ranked:
    return _replayed(_compiled(part, beyond=False), part, encoding)


def chart_and_ways(part: Part, encoding: Encoding) -> Ranked:
    return _replayed(_compiled(part, beyond=True), part, encoding)


def _compiled(part: Part, beyond: bool) -> Assistant:
    """The charts through the form that people write, with shares counted on the training part.

    A customer's answer to an agent's action is as many actions as there are agent's actions that come after it; what
    customers said there are the exemplars. `beyond` adds what agents do that is not drawn.
    """
    actions: dict[str, Any] = {}
    flows = []
    for task, chart in part.charts.items():
        dialogues = [turns_of(dialogue) for dialogue in part.trained if dialogue.need == task]
        flows.append(_Flow(task, chart, dialogues, beyond, actions).form())
    form = {"assistant": "star", "language": "en", "actions": actions, "flows": flows}
    return build(ChartForm.model_validate(form))


class _Flow:
    def __init__(
        self, task: str, chart: Chart, dialogues: Sequence[Sequence[Turn]], beyond: bool, actions: dict[str, Any]
    ) -> None:
        self._task = task
        self._dialogues = len(dialogues)
        self._beyond = beyond
        self._actions = actions
        self._placed: set[str] = set()
        self._texts = {node["id"]: node["text"] for node in chart["nodes"] if node["kind"] == "agent"}
        self._drawn = drawn(chart)
        seen = {turn.label for turns in dialogues for turn in turns}
        known = self._texts.keys() | (seen if beyond else set())
        self._ways: dict[str, Counter[tuple[bool, str, tuple[str, ...]]]] = defaultdict(Counter)
        self._said: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._visits: Counter[str] = Counter()
        for turns in dialogues:
            last = BEGIN
            for turn in turns:
                if turn.label in known:
                    self._ways[last][bool(turn.said), turn.label, turn.calls] += 1
                    self._said[last, turn.label][turn.said] += bool(turn.said)
                    self._visits[turn.label] += 1
                    last = turn.label

    def form(self) -> dict[str, Any]:
        return {"id": self._task, "root": {"support": self._dialogues}, **self._after(BEGIN)}

    def _after(self, last: str) -> dict[str, Any]:
        drawn_next = self._drawn.get(last, set())
        ways: Counter[tuple[bool, str, tuple[str, ...]]] = Counter()
        for (said, label, calls), count in self._ways[last].items():
            if label in drawn_next or self._beyond:
                ways[said, label, calls] = count
        for label in sorted(drawn_next - {label for _, label, _ in ways}):
            ways[False, label, ()] = 1  # drawn, and never gone in training
        total = sum(ways.values())
        steps = self._called(
            Counter({(label, calls): n for (said, label, calls), n in ways.items() if not said}), total
        )
        for label in dict.fromkeys(label for (said, label, _), _ in ways.most_common() if said):
            own = Counter({(label, calls): n for (said, other, calls), n in ways.items() if said and other == label})
            steps.append(self._answer(last, label, own, total))
        return {"branches": steps}

    def _answer(self, last: str, label: str, ways: Counter[tuple[str, tuple[str, ...]]], total: int) -> dict[str, Any]:
        """What a customer says after `last` that the agent answers with `label`."""
        key, count = f"{self._task}: {last} > {label}", sum(ways.values())
        said = [{"text": text, "count": n} for text, n in self._said[last, label].items() if text.strip()]
        self._actions[key] = {"speaker": "customer", "exemplars": said, "support": count}
        return {"customer": key, "share": count / total, "support": count, "branches": self._called(ways, count)}

    def _called(self, ways: Counter[tuple[str, tuple[str, ...]]], total: int) -> list[dict[str, Any]]:
        """The agent's actions, and the calls on the way to them with their outcomes."""
        steps = []
        calls: dict[str, dict[str, Counter[tuple[str, tuple[str, ...]]]]] = defaultdict(lambda: defaultdict(Counter))
        for (label, made), count in ways.most_common():
            if made:
                name, _, outcome = made[0].partition(": ")
                calls[name][outcome or "ok"][label, made[1:]] += count
            else:
                steps.append(self._spoken(label, count, total))
        for name, outcomes in calls.items():
            count = sum(sum(own.values()) for own in outcomes.values())
            step: dict[str, Any] = {"call": name, "share": count / total, "support": count}
            for outcome, own in outcomes.items():
                n = sum(own.values())
                step[outcome] = {"share": n / count, "support": n, "branches": self._called(own, n)}
            steps.append(step)
        return steps

    def _spoken(self, label: str, count: int, total: int) -> dict[str, Any]:
        node = {"share": count / total, "support": count}
        if label in self._placed:
            return {"jump": f"{self._task}/{label}", **node}
        self._placed.add(label)
        text = self._texts.get(label, label)
        known = self._actions.setdefault(label, {"speaker": "agent", "responses": [text], "support": 0})
        known["support"] += self._visits[label]
        node["support"] = max(1, self._visits[label])
        return {"agent": label, "id": f"{self._task}/{label}", **node, **self._after(label)}


def _replayed(assistant: Assistant, part: Part, encoding: Encoding) -> Ranked:
    """P(position | message) ∝ P(position | where it stood) x P(message | the position's action), then the calls."""
    replay = Replay(assistant)
    likelihoods = _likelihoods(assistant, {turn.said for turn in turns_in(part.held)} - {""}, encoding)
    keys = {a.exemplars[0].text: a.id for a in assistant.actions if a.speaker is Speaker.SYSTEM}
    ranked: Ranked = []
    for dialogue in part.held:
        stood = START
        for turn in turns_of(dialogue):
            belief = _heard(replay, stood, likelihoods.get(turn.said, {}))
            for call in turn.calls:
                for key in dict.fromkeys((call.partition(": ")[0], call)):
                    belief = replay.observe(belief, keys[key]) if key in keys else belief
            ranked.append([action for action, _ in replay.next_agent_actions(belief)[:3]])
            if turn.label in assistant.action_by_id:
                stood = replay.observe(belief, ActionId(turn.label))
    return ranked


def _likelihoods(
    assistant: Assistant, messages: Collection[str], encoding: Encoding
) -> Mapping[str, Mapping[ActionId, float]]:
    """P(message | action) up to a factor, calibrated on the exemplars as publishing does."""
    vectors, texts = encoding(exemplar_texts(assistant, Speaker.USER)), sorted(messages)
    calibration = calibrate(assistant, vectors)
    near = ExemplarIndex(assistant, Speaker.USER, vectors).nearest(texts, encoding(texts), len(assistant.actions))
    return {
        text: {match.action_id: calibration.likelihood(match.likeness) for match in matches}
        for text, matches in zip(texts, near, strict=True)
    }


def _heard(replay: Replay, stood: Belief, likelihoods: Mapping[ActionId, float]) -> Belief:
    """The belief after a message that may be several actions; where none comes next, it stays."""
    weights: dict[Position | None, float] = defaultdict(float)
    for position, weight in stood.weights.items():
        for reached, share in replay.step(position):
            action = replay.action(reached)
            if action in likelihoods:
                weights[reached] += weight * share * likelihoods[action]
    total = sum(weights.values())
    if not total:
        return stood
    best = max(weights, key=weights.__getitem__)
    last = None if best is None else replay.action(best)
    return Belief({position: weight / total for position, weight in weights.items()}, last=last)


def mined(part: Part, encoding: Encoding) -> Ranked:
    """Mined from the training part; an action stands for the label that it mostly has there."""
    task = Task(STAR, "star", tuple(part.trained), tuple(part.held), {})
    model = ours(task, encoding)
    labels: dict[ActionId, Counter[str]] = defaultdict(Counter)
    for dialogue, turns in zip(part.trained, model.trained, strict=True):
        for utterance, actions in zip(dialogue.utterances, turns, strict=True):
            if utterance.speaker is Speaker.AGENT and utterance.label is not None and actions:
                labels[actions[0]][utterance.label] += 1
    usual = {action: counts.most_common(1)[0][0] for action, counts in labels.items()}
    ranked: Ranked = []
    for dialogue, turns in zip(part.held, model.held, strict=True):
        foretold = model.foretell(dialogue, turns)
        for turn, utterance in enumerate(dialogue.utterances):
            if utterance.speaker is Speaker.AGENT and utterance.label is not None:
                ranked.append([usual[action] for action in foretold.get(turn, ()) if action in usual])
    return ranked
