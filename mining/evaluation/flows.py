"""Mined flows against gold flows: edges, whole paths, and the choices at branches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mining.evaluation.alignment import FORMS, Alignment, align, together
from mining.evaluation.distance import Paths
from mining.evaluation.gold import Edge, GoldFlow
from mining.evaluation.labelled import Walk, spoken_labels
from mining.evaluation.shares import Figures, harmonic, mean, share
from taskflow.model import FlowId, FlowNode, TaskFlow


def flow_figures(flows: Sequence[TaskFlow], walks: Sequence[Walk], gold: Mapping[str, GoldFlow]) -> dict[str, Any]:
    """By need of the gold, in each form of alignment. A need's flows are those whose dialogues mostly have it."""
    need_of = _needs(walks)
    figures: dict[str, Any] = {}
    for need, wanted in gold.items():
        own = [walk for walk in walks if walk.dialogue.need == need]
        if not own and len(gold) == 1:  # a log without needs, and one gold flow: it is about that
            own = [walk for walk in walks if walk.dialogue.need is None]
            need_of = dict.fromkeys((walk.flow for walk in own if walk.flow is not None), need)
        mined = [flow for flow in flows if need_of.get(flow.id) == need]
        counts, spoken = together(own, wanted.labels), together(own, spoken_labels)
        figures[need] = {"flows": [flow.name for flow in mined], "dialogues": len(own)}
        for form in FORMS:
            alignment = align(counts, form)
            figures[need][form] = (
                edge_scores(mined, alignment, wanted, wanted.visited(walk.dialogue for walk in own))
                | path_scores(mined, alignment, wanted, own)
                | branch_scores(mined, align(spoken, form), own)
            )
    return figures


def means(figures: Mapping[str, Any]) -> dict[str, Figures]:
    """Over the needs of the gold, every one weighing the same; a need without a mined flow counts 0."""
    return {
        form: {
            name: mean([scores[form][name] for scores in figures.values()])
            for name in next(iter(figures.values()))[form]
        }
        for form in FORMS
        if figures
    }


def edge_scores(flows: Sequence[TaskFlow], alignment: Alignment, gold: GoldFlow, visited: frozenset[Edge]) -> Figures:
    """`visited` are the gold edges that the log passes at all: no miner can find the others."""
    found: Counter[Edge] = Counter()
    for flow in flows:
        for edge, support in _edges(flow, alignment):
            found[edge] += support
    hit = gold.edges & set(found)
    precision, recall = share(len(hit), len(found)), share(len(hit), len(gold.edges))
    seen = share(len(visited & set(found)), len(visited))
    return {
        "edges": len(found),
        "gold_edges": len(gold.edges),
        "visited_edges": len(visited),
        "precision": precision,
        "precision_by_support": share(sum(found[edge] for edge in hit), found.total()),
        "recall": recall,
        "F1": harmonic(precision, recall),
        "recall_of_visited": seen,
        "F1_of_visited": harmonic(precision, seen),
        "passed_over": _passed_over(flows, alignment),
    }


def path_scores(flows: Sequence[TaskFlow], alignment: Alignment, gold: GoldFlow, walks: Sequence[Walk]) -> Figures:
    """The share of dialogues whose labels are a root-to-leaf path, and the mean distance to the nearest (0 to 1)."""
    said = {node.id: symbol for flow in flows for node, symbol in _joined(flow, alignment)}
    paths = Paths(flows, lambda node: said[node.id])
    sequences = Counter(gold.sequence(walk.dialogue) for walk in walks)
    distances = {sequence: paths.distance(sequence) for sequence in sequences}
    whole = sum(count for sequence, count in sequences.items() if flows and sequence and distances[sequence] == 0)
    far = sum(count * min(1.0, distances[s] / max(len(s), 1)) for s, count in sequences.items())
    return {"path_recall": share(whole, len(walks)), "path_distance": share(far, len(walks))}


def branch_scores(flows: Sequence[TaskFlow], alignment: Alignment, walks: Sequence[Walk]) -> Figures:
    """Where a dialogue stands at a node with several children and takes one of them, or its label names one: how
    often the child taken is the child named.

    The labels are all that the log has: charts of what agents do say nothing of the answers that branch them.
    """
    by_id: dict[FlowId, TaskFlow] = {flow.id: flow for flow in flows}
    decisions = right = 0
    for walk in walks:
        for step in walk.replayed.walk:
            if step.stood is None or step.stood[0] not in by_id:
                continue
            children = by_id[step.stood[0]].children(step.stood[1])
            label = dict(enumerate(spoken_labels(walk.dialogue.utterances[step.turn]))).get(step.place)
            if len(children) < 2 or label is None:
                continue
            taken = [child for child in children if child.action_id == step.action_id]
            if taken or any(alignment.symbol(child.action_id) == label for child in children):
                decisions += 1
                right += any(alignment.symbol(child.action_id) == label for child in taken)
    return {"branch_accuracy": share(right, decisions), "branch_decisions": decisions}


def _passed_over(flows: Sequence[TaskFlow], alignment: Alignment) -> float:
    """The share of nodes that say what the gold flow does not speak of."""
    said = [node.action_id for flow in flows for node in flow.nodes if node.action_id is not None]
    return share(sum(action in alignment.passed for action in said), len(said))


def _needs(walks: Sequence[Walk]) -> dict[FlowId, str]:
    """The need that most dialogues of each flow have."""
    told: dict[FlowId, Counter[str]] = {}
    for walk in walks:
        if walk.flow is not None and walk.dialogue.need is not None:
            told.setdefault(walk.flow, Counter())[walk.dialogue.need] += 1
    return {flow: needs.most_common(1)[0][0] for flow, needs in told.items()}


def _edges(flow: TaskFlow, alignment: Alignment) -> Iterator[tuple[Edge, int]]:
    """(label, next label) with the support of the second, through nodes that are passed; jumps are followed."""
    for node in flow.nodes:
        label = alignment.symbol(node.action_id)
        if label is None or node.jump_to is not None:
            continue
        front, seen = list(flow.children(node.id)), set()
        while front:
            child = front.pop()
            if child.id in seen:
                continue
            seen.add(child.id)
            reached = alignment.symbol(child.action_id)
            if reached is None:
                front += flow.children(child.id)
            elif reached != label:
                yield (label, reached), child.support


def _joined(flow: TaskFlow, alignment: Alignment) -> Iterator[tuple[FlowNode, str | None]]:
    """What each node says in a sequence whose repeats are joined: nothing, where the label before is the same."""
    before: dict[str, str | None] = {}
    for node in flow.nodes:
        label, last = alignment.symbol(node.action_id), None if node.parent_id is None else before[node.parent_id]
        before[node.id] = last if label is None else label
        yield node, None if label == last else label
