"""Two published metrics that look like quality and are not; they stand beside the others for comparison only.

The size of a graph says nothing of what is in it: shuffled labels come as close to the gold size as the best published
clusters. Coverage is complete for a single cluster a speaker, and falls as clusters become truer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import networkx as nx

from mining.evaluation.gold import joined
from mining.evaluation.labelled import Walk
from mining.evaluation.shares import Figures, mean, share
from mining.held_out import ReplayedDialogue
from taskflow.model import Speaker

_START, _END = "[start]", "[end]"
_LIGHT_NODE = 0.023  # of the heaviest node's weight: such nodes are cut, as Dialog2Flow does
_LIGHT_EDGE = 0.02  # of the heaviest edge out of the same node, likewise
_SELDOM = 0.05  # a transition is in the graph if at least this share of its first action's turns go there

Sequences = Sequence[Sequence[str]]


def hollow_figures(walks: Sequence[Walk], replayed: Sequence[ReplayedDialogue]) -> Figures:
    """`graph_size_difference` is a mean over needs, where turns are labelled; `replayed` are what is covered."""
    found = [[str(action) for step in walk.replayed.walk if (action := step.action_id)] for walk in walks]
    covered = [[str(step.action_id) for step in dialogue.walk] for dialogue in replayed]
    figures: Figures = {"transition_coverage": transition_coverage(found, covered)}
    needs: dict[str | None, list[Walk]] = defaultdict(list)
    for walk in walks:
        needs[walk.dialogue.need].append(walk)
    sizes = [_size_difference(own) for own in needs.values()]
    told = [size for size in sizes if size is not None]
    return figures | ({"graph_size_difference": mean(told)} if told else {})


def transition_coverage(known: Sequences, covered: Sequences) -> float:
    """The share of transitions, start and end included, that are frequent enough in the known sequences."""
    counts = Counter(edge for sequence in known for edge in _transitions(sequence))
    leaving: Counter[str] = Counter()
    for (first, _), count in counts.items():
        leaving[first] += count
    edges = {edge for edge, count in counts.items() if count >= _SELDOM * leaving[edge[0]]}
    passed = [edge in edges for sequence in covered for edge in _transitions(sequence)]
    return share(sum(passed), len(passed))


def graph_size(sequences: Sequences) -> int:
    """Nodes of the transition graph, start and end included, after the cuts that Dialog2Flow makes, in its order."""
    graph = nx.DiGraph()
    graph.add_nodes_from((_START, _END))
    visits = Counter(step for sequence in sequences for step in sequence)
    for edge, count in Counter(edge for sequence in sequences for edge in _transitions(sequence)).items():
        graph.add_edge(*edge, count=count)
    heaviest = {node: max((c for *_, c in graph.out_edges(node, data="count")), default=0) for node in graph}
    # The start weighs nothing: the nodes' scale is the heaviest action.
    scale = max(visits.values(), default=1)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    graph.remove_nodes_from([node for node, count in visits.items() if count < _LIGHT_NODE * scale])
    _keep_ways(graph)
    light = [(a, b) for a, b, count in graph.edges(data="count") if count < _LIGHT_EDGE * heaviest[a]]
    graph.remove_edges_from(light)
    _keep_ways(graph)
    return len(graph)


def _keep_ways(graph: nx.DiGraph) -> None:
    """Remove what lies on no way from the start to the end."""
    kept = (nx.descendants(graph, _START) & nx.ancestors(graph, _END)) | {_START, _END}
    graph.remove_nodes_from([node for node in graph if node not in kept])


def _size_difference(walks: Sequence[Walk]) -> float | None:
    gold: list[list[str]] = []
    found: list[list[str]] = []
    for walk in walks:
        turns = [pair for pair in zip(walk.dialogue.utterances, walk.turns, strict=True) if pair[0].label is not None]
        spoken = [pair for pair in turns if pair[0].speaker is not Speaker.SYSTEM]
        gold.append([f"{utterance.speaker}: {utterance.label}" for utterance, _ in spoken])
        found.append(list(joined(actions[0] for _, actions in spoken if actions)))
    if not any(gold):
        return None
    size = graph_size(gold)
    return share(abs(graph_size(found) - size), size)


def _transitions(sequence: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip([_START, *sequence], [*sequence, _END], strict=True)
