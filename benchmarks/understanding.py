"""`python -m benchmarks.understanding`: is P(action | text) what it says, on wordings that the assistant lacks?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.encoding import Encoding, open_encoding
from benchmarks.options import chosen_methods, with_sets
from benchmarks.sets import OWN, LabelledSet, chosen_sets
from benchmarks.tables import Row, percent, say_licences, table, write_json
from benchmarks.tasks import Task, tasks
from mining.config import MiningConfig
from mining.held_out import Assigner
from mining.pipeline import mine
from taskflow.calibration import Calibration, calibrate
from taskflow.model import ActionId, Assistant, AssistantVersion, Dialogue, DialogueAction, Exemplar, Speaker
from taskflow.replay import SKIP_DEPTH, START, Belief, Position, Replay
from taskflow.retrieval import ExemplarIndex, Match, exemplar_texts, normalise

USUAL = ("own_en", "own_zh", "star_typed")
CALIBRATED, CONSTANTS = "calibrated", "constants"
_CONSTANTS = Calibration(sharpness=10.0, outside=-1.0)
_LEAST_COSINE = 0.5  # below it, the constants take a text for no known action
_LEFT_OUT = 8  # every so-manieth label is of no known action
_DRAWS = 200
_COLUMNS = {"right": "right", "ECE": "ece", "ECE by chance": "ece_by_chance", "acted upon": "acted", "error": "error"}


@dataclass(frozen=True, slots=True)
class Known:
    """An assistant's actions of one speaker, and the labels that they stand for."""

    name: str
    assistant: Assistant
    label_of: Mapping[ActionId, str]
    speaker: Speaker
    index: ExemplarIndex
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Judged:
    """How probable the chosen action was, whether it was right, and whether it would be acted upon."""

    probability: NDArray[np.float64]
    right: NDArray[np.bool_]
    acted: NDArray[np.bool_]

    def figures(self) -> Row:
        chance = np.random.default_rng(0)
        drawn = [
            calibration_error(self.probability, chance.random(len(self.right)) < self.probability)
            for _ in range(_DRAWS)
        ]
        wrong = ~self.right[self.acted]
        return {
            "turns": len(self.right),
            "right": _mean(self.right),
            "ece": calibration_error(self.probability, self.right),
            "ece_by_chance": _mean(drawn),
            "acted": _mean(self.acted),
            "error": _mean(wrong) if len(wrong) else None,
        }


def calibration_error(probability: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """In ten bins of equal width, how far the share of the right is from the mean probability, weighted by size."""
    bins = np.minimum((probability * 10).astype(int), 9)
    return float(np.abs(np.bincount(bins, probability - right, 10)).sum() / max(1, len(right)))


@click.command()
@with_sets
def understanding(
    data: Path | None,
    sets: str | None,
    methods: str | None,
    dialogues: int | None,
    json_file: Path | None,
    vectors: Path,
) -> None:
    """Calibrate on a training part; judge the wordings of a held part that the training part lacks.

    Example: python -m benchmarks.understanding --data FOLDER --sets own_en,star_typed
    """
    wanted = chosen_methods(methods, [CALIBRATED, CONSTANTS])
    chosen = chosen_sets(sets, data, USUAL)
    rows: list[Row] = []
    pooled: dict[tuple[str, str, str], list[Judged]] = defaultdict(list)
    courses: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    with open_encoding(vectors) as encoding:
        for known in chosen:
            for task in tasks(known, data, dialogues):
                click.echo(f"{known.name} {task.domain}", err=True)
                for actions in (_by_labels(task, encoding), _mined(task, encoding)):
                    for method, judged in _judge(task, actions, encoding, wanted):
                        pooled[known.name, actions.name, method].append(judged)
                        rows.append(_row(task, actions, method, judged))
                    if actions.name == "mined" and known.name in OWN:
                        for course, judged in _in_context(task, actions, encoding):
                            courses[known.name, course].append(judged)
    click.echo(table(["set", "actions", "method", "wordings", *_COLUMNS, "told error"], _body(pooled, rows)))
    if courses:
        click.echo("\nEvery labelled turn of the customers, in its dialogue:\n")
        click.echo(
            table(["set", "by", "turns", *_COLUMNS], ([*key, *_cells(_join(own))] for key, own in courses.items()))
        )
    click.echo()
    say_licences(chosen)
    if json_file is not None:
        told = [{"set": name, "course": by, **_join(own).figures()} for (name, by), own in courses.items()]
        write_json(json_file, [*rows, *told])


def _by_labels(task: Task, encoding: Encoding) -> Known:
    """The labels as actions, but for every eighth: its held wordings are of no known action."""
    speaker = _speaker(task.set)
    wordings: dict[str, Counter[str]] = defaultdict(Counter)
    for text, label in _labelled(task.trained, speaker):
        wordings[label][text] += 1
    kept = [label for place, label in enumerate(sorted(wordings)) if place % _LEFT_OUT != 3]
    most = MiningConfig().exemplars
    actions = tuple(
        DialogueAction(
            ActionId(label),
            speaker,
            label,
            tuple(Exemplar(text, count) for text, count in wordings[label].most_common(most)),
            wordings[label].total(),
        )
        for label in kept
    )
    return _known(
        "labels", Assistant("benchmark", actions, ()), {ActionId(label): label for label in kept}, speaker, encoding
    )


def _mined(task: Task, encoding: Encoding) -> Known:
    """Mined actions, each for the label that it mostly has in training."""
    mined = mine("benchmark", task.trained, encoding, MiningConfig(), lambda _: None)
    speaker = _speaker(task.set)
    labels: dict[ActionId, Counter[str]] = defaultdict(Counter)
    for dialogue, turns in zip(task.trained, mined.turns, strict=True):
        for utterance, actions in zip(dialogue.utterances, turns, strict=True):
            if utterance.speaker is speaker and utterance.label is not None and actions:
                labels[actions[0]][utterance.label] += 1
    label_of = {action: own.most_common(1)[0][0] for action, own in labels.items()}
    return _known("mined", mined.assistant, label_of, speaker, encoding)


def _known(
    name: str, assistant: Assistant, label_of: Mapping[ActionId, str], speaker: Speaker, encoding: Encoding
) -> Known:
    vectors = encoding(exemplar_texts(assistant, speaker))
    index = ExemplarIndex(assistant, speaker, vectors)
    return Known(name, assistant, label_of, speaker, index, calibrate(assistant, vectors, speaker))


def _judge(task: Task, known: Known, encoding: Encoding, methods: Sequence[str]) -> Iterator[tuple[str, Judged]]:
    """Each distinct held wording once, with its commonest label."""
    seen = {normalise(text) for text, _ in _labelled(task.trained, known.speaker)}
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for text, label in _labelled(task.held, known.speaker):
        if normalise(text) not in seen:
            labels[text][label] += 1
    texts = list(labels)
    if not texts:
        return
    found = known.index.nearest(texts, encoding(texts), len(known.assistant.actions))
    truth = [own.most_common(1)[0][0] for own in labels.values()]
    right = np.array([known.label_of.get(near[0].action_id) == label for near, label in zip(found, truth, strict=True)])
    for method in methods:
        yield method, (_calibrated if method == CALIBRATED else _constants)(known, found, right)


def _calibrated(known: Known, found: Sequence[Sequence[Match]], right: NDArray[np.bool_]) -> Judged:
    likeness = np.array([[match.likeness for match in near] for near in found])
    probability = known.calibration.probabilities(likeness)[:, 0]
    return Judged(probability, right, probability >= known.calibration.threshold(1))


def _constants(known: Known, found: Sequence[Sequence[Match]], right: NDArray[np.bool_]) -> Judged:
    """One sharpness for all, and a least cosine in place of "no known action": zero where nothing is so near."""
    probability = np.zeros(len(found))
    for place, near in enumerate(found):
        likeness = [match.likeness for match in near if match.score >= _LEAST_COSINE]
        if near[0].score >= _LEAST_COSINE:
            probability[place] = _CONSTANTS.probabilities(likeness)[0]
    return Judged(probability, right, probability > 0)


def _in_context(task: Task, known: Known, encoding: Encoding) -> Iterator[tuple[str, Judged]]:
    """The customers' turns by text alone and with the flow's say; the course before a turn is the same for all."""
    version = AssistantVersion(known.assistant, None, encoding.encoder.name)
    assigned = Assigner(encoding.database, version, encoding.encoder).assign(task.held)
    replay = Replay(known.assistant)
    said = list(dict.fromkeys(text for text, _ in _labelled(task.held, known.speaker)))
    near = known.index.nearest(said, encoding(said), len(known.assistant.actions))
    found = dict(zip(said, near, strict=True))
    chosen: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for dialogue, turns in zip(task.held, assigned, strict=True):
        belief = START
        for utterance, actions in zip(dialogue.utterances, turns, strict=True):
            if utterance.speaker is known.speaker and utterance.label is not None and utterance.text in found:
                for course, (action, probability) in _courses(known, replay, belief, found[utterance.text]):
                    chosen[course].append((probability, known.label_of.get(action) == utterance.label))
            for action in actions:
                if action != belief.last:
                    belief = replay.observe(belief, action)
    for course, choices in chosen.items():
        probability = np.array([probability for probability, _ in choices])
        yield course, Judged(probability, np.array([right for _, right in choices]), probability >= 0.5)


def _courses(
    known: Known, replay: Replay, belief: Belief, near: Sequence[Match]
) -> Iterator[tuple[str, tuple[ActionId, float]]]:
    """The likeliest action and its probability, by text and more and more by where the dialogue stands."""
    ahead = _ahead(replay, belief)
    reached = np.array([match.action_id in ahead for match in near], float)
    position = np.array([sum(replay.reach(belief, match.action_id).values()) for match in near]) + 1e-9
    likeness = [match.likeness for match in near]
    for course, calibration, prior in (
        ("text alone, calibrated", known.calibration, None),
        ("of what lies ahead, calibrated", known.calibration, reached if reached.any() else None),
        ("times P(position), constants", _CONSTANTS, position),
        ("times P(position), calibrated", known.calibration, position),
        ("times P(position) squared, calibrated", known.calibration, position**2),
    ):
        probability = calibration.probabilities(likeness, prior)[:-1]
        best = int(np.argmax(probability))
        yield course, (near[best].action_id, float(probability[best]))


def _ahead(replay: Replay, belief: Belief) -> set[ActionId]:
    """The actions that the tree has ahead of where the dialogue stands, as far as tracking looks."""
    front: list[Position | None] = list(belief.weights)
    found: set[ActionId] = set()
    for _ in range(SKIP_DEPTH + 1):
        front = list(dict.fromkeys(reached for position in front for reached, _ in replay.step(position)))
        found |= {action for position in front if position and (action := replay.action(position)) is not None}
    return found


def _speaker(known: LabelledSet) -> Speaker:
    """Whose turns are labelled: in our own corpus the customers' too."""
    return Speaker.USER if known.name in OWN else Speaker.AGENT


def _labelled(dialogues: Sequence[Dialogue], speaker: Speaker) -> Iterator[tuple[str, str]]:
    for dialogue in dialogues:
        for utterance in dialogue.utterances:
            if utterance.speaker is speaker and utterance.label not in (None, "custom") and utterance.text.strip():
                yield utterance.text, str(utterance.label)


def _row(task: Task, known: Known, method: str, judged: Judged) -> Row:
    told = {name: value for name, value in known.calibration.to_json().items() if name != "reliability"}
    named = {"set": task.set.name, "domain": task.domain, "actions": known.name, "method": method}
    return named | judged.figures() | (told if method == CALIBRATED else {})


def _join(parts: Sequence[Judged]) -> Judged:
    return Judged(
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.acted for part in parts]),
    )


def _body(pooled: Mapping[tuple[str, str, str], Sequence[Judged]], rows: Sequence[Row]) -> Iterator[list[str]]:
    for key, own in pooled.items():
        told = [row.get("expected_error") for row in rows if (row["set"], row["actions"], row["method"]) == key]
        yield [*key, *_cells(_join(own)), percent(None if None in told else sum(told) / len(told))]


def _cells(judged: Judged) -> list[str]:
    figures = judged.figures()
    return [f"{figures['turns']:,}", *(percent(figures[name]) for name in _COLUMNS.values())]


def _mean(values: Sequence[float] | NDArray[np.bool_]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


if __name__ == "__main__":
    understanding()
