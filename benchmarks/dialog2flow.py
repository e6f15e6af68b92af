"""Dialog2Flow's method, written from its published description: clusters of each speaker, and a pruned graph of them.

It is given more than it asks for: the number of clusters from the gold labels (its default threshold for a speaker
without labels), and calls as nodes by their name and outcome rather than by their text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import networkx as nx
import numpy as np

from benchmarks.clusterers import SPOKEN, average_link
from benchmarks.encoding import Encoding, Stages
from benchmarks.flow_models import END, START, FlowModel, Turns, graph_flow
from benchmarks.tasks import Task
from mining.wordings import said
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import ActionId, Dialogue, Speaker

LEAST_NODE, LEAST_EDGE = 0.023, 0.02

Edges = Mapping[tuple[ActionId, ActionId], int]


def dialog2flow(task: Task, encoding: Encoding) -> FlowModel:
    """One graph of the whole log; a need's part of it is what its training dialogues pass."""
    return _modelled(task, encoding, dict.fromkeys(task.gold, "all"))


def dialog2flow_of_needs(task: Task, encoding: Encoding) -> FlowModel:
    """A graph of each need, which is given, of training dialogues and of held ones."""
    return _modelled(task, encoding, {need: need for need in task.gold})


def _modelled(task: Task, encoding: Encoding, domain_of: Mapping[str, str]) -> FlowModel:
    stages = Stages(encoding)
    stages("clustering and graphs")
    own: dict[str, list[Dialogue]] = defaultdict(list)
    for dialogue in task.trained:
        own[domain_of[dialogue.need or ""]].append(dialogue)
    domains = {name: _Domain(name, dialogues, encoding) for name, dialogues in own.items()}
    seconds = stages.seconds()

    def domain(dialogue: Dialogue) -> _Domain:
        return domains[domain_of[dialogue.need or ""]]

    trained = [domain(dialogue).assign(dialogue) for dialogue in task.trained]
    flows = {}
    for need in task.gold:
        passed = _passed(turns for dialogue, turns in zip(task.trained, trained, strict=True) if dialogue.need == need)
        edges = {pair: count for pair, count in domains[domain_of[need]].edges.items() if pair in passed}
        flows[need] = [graph_flow(f"d2f {need}", edges)]
    return FlowModel(
        flows,
        trained,
        [domain(dialogue).assign(dialogue) for dialogue in task.held],
        lambda dialogue, turns: domain(dialogue).foretell(dialogue, turns),
        seconds,
        nodes=sum(len({action for pair in d.edges for action in pair} - {START, END}) for d in domains.values()),
    )


def _passed(walked: Iterable[Turns]) -> set[tuple[ActionId, ActionId]]:
    paths = ([action for actions in turns for action in actions] for turns in walked)
    return {pair for path in paths for pair in pairwise((START, *path, END))}


class _Domain:
    """The clusters of one domain, their centroids, and the graph."""

    def __init__(self, name: str, dialogues: Sequence[Dialogue], encoding: Encoding) -> None:
        self._name = name
        self._encoding = encoding
        self._centroids: dict[Speaker, Vectors] = {}
        self._known: dict[tuple[Speaker, str], ActionId] = {}
        for speaker in SPOKEN:
            self._cluster(speaker, dialogues)
        paths = [[action for actions in self.assign(d) for action in actions] for d in dialogues]
        self.edges, self._visits = _pruned([[START, *path, END] for path in paths])
        self._agents = {action for action in self._visits if action.startswith(f"{name} {Speaker.AGENT.value}")}

    def _cluster(self, speaker: Speaker, dialogues: Sequence[Dialogue]) -> None:
        turns = [u for dialogue in dialogues for u in dialogue.utterances if u.speaker is speaker]
        if not turns:
            return
        rows = self._encoding([turn.text for turn in turns])
        labels = {turn.label for turn in turns}
        groups = average_link(rows, None if labels == {None} else len(labels))
        sums = np.zeros((int(groups.max()) + 1, rows.shape[1]), np.float32)
        np.add.at(sums, groups, rows)
        self._centroids[speaker] = unit_rows(sums)
        for turn, group in zip(turns, groups.tolist(), strict=True):
            self._known[speaker, turn.text] = self._action(speaker, group)

    def _action(self, speaker: Speaker, what: object) -> ActionId:
        return ActionId(f"{self._name} {speaker.value} {what}")

    def assign(self, dialogue: Dialogue) -> Turns:
        """A training turn's own cluster, the cluster of the nearest centroid for any other text."""
        return [
            tuple(self._action(u.speaker, key) for key in said(u))
            if u.speaker is Speaker.SYSTEM
            else self._nearest(u.speaker, u.text)
            for u in dialogue.utterances
        ]

    def _nearest(self, speaker: Speaker, text: str) -> tuple[ActionId, ...]:
        if speaker not in self._centroids:
            return ()
        if (speaker, text) not in self._known:
            nearest = int(np.argmax(self._centroids[speaker] @ self._encoding([text])[0]))
            self._known[speaker, text] = self._action(speaker, nearest)
        return (self._known[speaker, text],)

    def foretell(self, dialogue: Dialogue, turns: Turns) -> dict[int, Sequence[ActionId]]:
        """The heaviest edges to agents' nodes from where the dialogue stands; then the commonest agents' nodes."""
        commonest = sorted(self._agents, key=lambda action: (-self._visits[action], action))
        found: dict[int, Sequence[ActionId]] = {}
        last = START
        for turn, (utterance, actions) in enumerate(zip(dialogue.utterances, turns, strict=True)):
            if utterance.speaker is Speaker.AGENT:
                ahead = [action for action in self._agents if (last, action) in self.edges]
                ahead.sort(key=lambda action: (-self.edges[last, action], action))
                found[turn] = list(dict.fromkeys([*ahead, *commonest]))
            last = actions[-1] if actions else last
        return found


def _pruned(paths: Sequence[Sequence[ActionId]]) -> tuple[Edges, Counter[ActionId]]:
    """The edges that stay, with their counts, and how often every node was passed.

    An edge's weight is its share of the heaviest one beside it, loops included; what is light goes, nodes first, and
    each time what is no longer on a way from START to END.
    """
    counts = Counter(pair for path in paths for pair in pairwise(path))
    visits = Counter(action for path in paths for action in path[1:-1])
    heaviest: dict[ActionId, int] = defaultdict(int)
    for (one, _), count in counts.items():
        heaviest[one] = max(heaviest[one], count)
    least = LEAST_NODE * max(visits.values(), default=0)
    graph = nx.DiGraph([pair for pair in counts if pair[0] != pair[1]])
    graph.remove_nodes_from([action for action, count in visits.items() if count < least])
    _keep_ways(graph)
    graph.remove_edges_from([pair for pair in list(graph.edges) if counts[pair] < LEAST_EDGE * heaviest[pair[0]]])
    _keep_ways(graph)
    kept = set(graph.edges)
    return {pair: count for pair, count in counts.items() if pair in kept}, visits


def _keep_ways(graph: nx.DiGraph) -> None:
    on_way = (nx.descendants(graph, START) & nx.ancestors(graph, END)) | {START, END}
    graph.remove_nodes_from(set(graph) - on_way)
