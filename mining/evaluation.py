"""A mined assistant against labels and gold trees.

Clusters are scored as in DSTC11 track 2: ACC by one-to-one alignment, P and R by majority in either direction.
Edges are compared after every mined action took the label that most of its turns have.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import normalized_mutual_info_score

from taskflow.calls import call_outcome
from taskflow.model import Assistant, Dialogue, Speaker, TaskFlow
from taskflow.store.runs import TurnActions

Edge = tuple[str, str]
Scores = dict[str, float]


def cluster_scores(found: Sequence[str], gold: Sequence[str]) -> Scores:
    """`found` and `gold` name the cluster and the label of each item."""
    if not found:
        return {}
    rows, columns = sorted(set(found)), sorted(set(gold))
    table = np.zeros((len(rows), len(columns)))
    row_of = {name: place for place, name in enumerate(rows)}
    column_of = {name: place for place, name in enumerate(columns)}
    for cluster, label in zip(found, gold, strict=True):
        table[row_of[cluster], column_of[label]] += 1
    aligned = table[linear_sum_assignment(table, maximize=True)].sum() / len(found)
    precision, recall = table.max(axis=1).sum() / len(found), table.max(axis=0).sum() / len(found)
    return {
        "clusters": len(rows),
        "labels": len(columns),
        "ACC": round(float(aligned), 4),
        "NMI": round(float(normalized_mutual_info_score(gold, found)), 4),
        "F1": round(float(2 * precision * recall / (precision + recall)), 4),
    }


def evaluate(
    assistant: Assistant,
    dialogues: Sequence[Dialogue],
    assigned: Iterable[TurnActions],
    gold_flows: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Actions of labelled turns, needs of dialogues that name theirs and, with gold trees, the edges of the flows."""
    labelled = _labelled(dialogues, assigned)
    figures: dict[str, Any] = {
        "actions": {
            speaker.value: cluster_scores([a for a, _ in pairs], [label for _, label in pairs])
            for speaker, pairs in labelled.items()
            if speaker is not Speaker.SYSTEM and pairs
        }
    }
    flow_of = {seen.dialogue_id: flow.name for flow in assistant.flows for seen in flow.root.evidence}
    told = [(flow_of[d.id], d.need) for d in dialogues if d.need is not None and d.id in flow_of]
    if told:
        figures["needs"] = cluster_scores([flow for flow, _ in told], [need for _, need in told])
    if gold_flows is not None and told:
        names = _majority(pair for pairs in labelled.values() for pair in pairs)
        needs = _majority(told)
        figures["edges"] = {
            flow.name: _edge_scores(assistant, flow, names, gold_flows[needs[flow.name]])
            for flow in assistant.flows
            if needs.get(flow.name) in gold_flows
        }
        f1 = [scores["F1"] for scores in figures["edges"].values()]
        figures["edge_F1_mean"] = round(sum(f1) / max(len(f1), 1), 4)
    return figures


def _labelled(dialogues: Sequence[Dialogue], assigned: Iterable[TurnActions]) -> dict[Speaker, list[tuple[str, str]]]:
    """(action, label) of every labelled turn, by speaker; a system turn's outcome is a pair of its own."""
    turns = {(dialogue.id, turn): u for dialogue in dialogues for turn, u in enumerate(dialogue.utterances)}
    pairs: dict[Speaker, list[tuple[str, str]]] = defaultdict(list)
    for row in assigned:
        utterance = turns[row.dialogue_id, row.turn]
        if utterance.label is None:
            continue
        pairs[utterance.speaker].append((row.action_id or "left out", utterance.label))
        if utterance.speaker is Speaker.SYSTEM:
            outcome = call_outcome(utterance.result)
            pairs[Speaker.SYSTEM] += [(further, f"{utterance.label}:{outcome}") for further in row.also]
    return pairs


def _majority(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for found, label in pairs:
        counts[found][label] += 1
    return {found: labels.most_common(1)[0][0] for found, labels in counts.items()}


def _edge_scores(assistant: Assistant, flow: TaskFlow, names: Mapping[str, str], gold: Mapping[str, Any]) -> Scores:
    action_of = {node["id"]: node["action"] for node in gold["nodes"]}
    wanted = {(action_of[edge["from"]], action_of[edge["to"]]) for edge in gold["edges"]}
    found: Counter[Edge] = Counter()
    for node in flow.nodes:
        parent = None if node.parent_id is None else flow.by_id[node.parent_id].action_id
        if parent is not None and node.action_id is not None:
            edge = (names.get(parent, parent), names.get(node.action_id, node.action_id))
            if edge[0] != edge[1]:
                found[edge] += node.support
    hit = wanted & set(found)
    precision = len(hit) / max(len(found), 1)
    recall = len(hit) / max(len(wanted), 1)
    return {
        "precision": round(precision, 4),
        "precision_by_support": round(sum(found[edge] for edge in hit) / max(found.total(), 1), 4),
        "recall": round(recall, 4),
        "F1": round(2 * precision * recall / max(precision + recall, 1e-9), 4),
    }
