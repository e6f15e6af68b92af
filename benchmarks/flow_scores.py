"""A flow model against gold flows and held dialogues."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks.flow_models import END, FlowModel, Turns
from benchmarks.tables import Row
from benchmarks.tasks import Task
from mining.evaluation.alignment import FORMS, align, together
from mining.evaluation.distance import Paths
from mining.evaluation.flows import edge_scores, path_scores
from mining.evaluation.labelled import Walk
from mining.evaluation.shares import mean, share
from mining.held_out import ReplayedDialogue
from taskflow.model import ActionId, Dialogue, Speaker

_EDGES = ("precision", "recall", "F1", "F1_of_visited", "path_recall", "path_distance")


def flow_scores(task: Task, model: FlowModel) -> Row:
    nodes = [node for flows in model.flows.values() for flow in flows for node in flow.nodes if node.action_id != END]
    own = sum(node.jump_to is None for node in nodes)
    return {
        **_against_gold(task, model),
        **_replayed(task, model),
        **_foretold(task, model),
        "nodes": own if model.nodes is None else model.nodes,
        "seconds": round(model.seconds, 2),
    }


def _against_gold(task: Task, model: FlowModel) -> Row:
    """Actions are aligned on the training dialogues, whole paths are those of the held; the mean over needs."""
    found: dict[str, list[float]] = defaultdict(list)
    trained, held = _walks(task.trained, model.trained), _walks(task.held, model.held)
    for need, gold in task.gold.items():
        own = [walk for walk in trained if walk.dialogue.need == need]
        held_own = [walk for walk in held if walk.dialogue.need == need]
        counts = together(own, gold.labels)
        visited = gold.visited(walk.dialogue for walk in own)
        for form in FORMS:
            alignment = align(counts, form)
            alignment = replace(alignment, passed=alignment.passed | {END})
            scores = edge_scores(model.flows[need], alignment, gold, visited)
            scores |= path_scores(model.flows[need], alignment, gold, held_own)
            for name in _EDGES:
                found[f"{form} {name}"].append(scores[name])
    return {name: mean(values) for name, values in found.items()}


def _walks(dialogues: Sequence[Dialogue], turns: Sequence[Turns]) -> list[Walk]:
    """The turns with their actions; none of the scores here asks how the dialogues were replayed."""
    return [
        Walk(dialogue, given, ReplayedDialogue(dialogue.id, None, (), None, ()), None)
        for dialogue, given in zip(dialogues, turns, strict=True)
    ]


def _replayed(task: Task, model: FlowModel) -> Row:
    """How many edits the held dialogues' actions are from the nearest path; a turn of no known action costs one."""
    flows = [flow for own in model.flows.values() for flow in own]
    paths = Paths(flows, lambda node: None if node.action_id == END else node.action_id)
    far, whole = [], 0
    for dialogue, turns in zip(task.held, model.held, strict=True):
        steps = _steps(dialogue, turns)
        distance = paths.distance(steps) if flows else len(steps)
        whole += bool(flows) and distance == 0
        far.append(min(1.0, distance / max(len(steps), 1)))
    return {"without_edit": share(whole, len(task.held)), "edit_distance": mean(far)}


def _steps(dialogue: Dialogue, turns: Turns) -> list[ActionId | None]:
    steps: list[ActionId | None] = []
    last = None
    for utterance, actions in zip(dialogue.utterances, turns, strict=True):
        if not actions and (utterance.text.strip() or utterance.speaker is Speaker.SYSTEM):
            steps.append(None)
        for action in actions:
            if action != last:
                steps.append(action)
                last = action
    return steps


def _foretold(task: Task, model: FlowModel) -> Row:
    """Whether the label that the predicted action mostly has in training is the turn's; three distinct ones at @3."""
    label_of = _usual_labels(task.trained, model.trained)
    hits: Counter[str] = Counter()
    for dialogue, turns in zip(task.held, model.held, strict=True):
        foretold = model.foretell(dialogue, turns)
        for turn, utterance in enumerate(dialogue.utterances):
            if utterance.speaker is Speaker.AGENT and utterance.label is not None:
                labels = list(dict.fromkeys(label_of.get(action) for action in foretold.get(turn, ())))
                hits["turns"] += 1
                hits["1"] += utterance.label in labels[:1]
                hits["3"] += utterance.label in labels[:3]
    return {
        "agent_turns": hits["turns"],
        "hit_1": share(hits["1"], hits["turns"]),
        "hit_3": share(hits["3"], hits["turns"]),
    }


def _usual_labels(dialogues: Sequence[Dialogue], trained: Sequence[Turns]) -> Mapping[ActionId, str]:
    counts: dict[ActionId, Counter[str]] = defaultdict(Counter)
    for dialogue, turns in zip(dialogues, trained, strict=True):
        for utterance, actions in zip(dialogue.utterances, turns, strict=True):
            if utterance.speaker is Speaker.AGENT and utterance.label is not None:
                for action in actions[:1]:
                    counts[action][utterance.label] += 1
    return {action: labels.most_common(1)[0][0] for action, labels in counts.items()}
