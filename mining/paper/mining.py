"""The configuration `paper`: mining as we reconstruct it from the TaskFlow paper, a baseline for everything else.

The paper's own algorithm is not public. This is our reconstruction of its offline part, step by step: sentences, fine
clusters that are merged where they are near, labels by the nearest centroid, sequences, a prefix tree, pruning.
System turns are no utterances, so they carry no action here; nothing looks at context, outcomes or the next action.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mining.config import MiningConfig
from mining.paper.centroids import OTHER, label_rows
from mining.paper.prefix_tree import Prefix, grow, mass, prune
from mining.pipeline import Encode, Mined
from mining.progress import Report
from mining.sentences import Sentence, sentence_key, sentences_of
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import (
    ActionId,
    Assistant,
    Dialogue,
    DialogueAction,
    Evidence,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    TaskFlow,
)

_MOST_RESPONSES = 5
_NAME_LENGTH = 60

Found = Mapping[tuple[Speaker, str], ActionId]
"""The action of each sentence, by speaker and key; one that is of no action is not there."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Where a dialogue passed a node, and what it said there; nothing at the root."""

    evidence: Evidence
    said: Sentence | None


@dataclass(frozen=True, slots=True)
class _Grown:
    """Flows, the steps of their dialogues, and how many of these pruning cut: the mass pruned."""

    flows: tuple[TaskFlow, ...]
    steps: int
    cut: int


Tree = Prefix[ActionId, Passed]
Step = tuple[ActionId, Sentence]
Counts = NDArray[np.float32]
Places = NDArray[np.int64]


def mine_paper(name: str, dialogues: Sequence[Dialogue], encode: Encode, config: MiningConfig, report: Report) -> Mined:
    """Deterministic. One TaskFlow a scenario: the need that the log names, or all dialogues together."""
    report("splitting turns into sentences")
    dropped = {sentence_key(text) for text in config.paper.dropped_sentences}
    said = [sentences_of(dialogue, dropped) for dialogue in dialogues]
    actions: list[DialogueAction] = []
    found: dict[tuple[Speaker, str], ActionId] = {}
    for speaker in (Speaker.USER, Speaker.AGENT):
        report(f"clustering the sentences of the {speaker}")
        own = [sentence for sentences in said for sentence in sentences if sentence.speaker is speaker]
        for action, keys in _find_actions(speaker, own, encode, config):
            actions.append(action)
            found |= dict.fromkeys(((speaker, key) for key in keys), action.id)
    report("merging sequences by their prefixes")
    talks = [
        (dialogue, sequence(sentences, found, config.paper.depth))
        for dialogue, sentences in zip(dialogues, said, strict=True)
        if {utterance.speaker for utterance in dialogue.utterances} >= {Speaker.USER, Speaker.AGENT}
    ]
    grown = _flows(name, talks, config)
    turns = [_turns(dialogue, sentences, found) for dialogue, sentences in zip(dialogues, said, strict=True)]
    return Mined(
        Assistant(name, _with_unique_names(actions), grown.flows),
        turns,
        assigned=sum(bool(given) for turn in turns for given in turn),
        steps=grown.steps,
        cut=grown.cut,
        note=None if grown.flows else "no TaskFlow: fewer than two dialogues have both a customer and an agent",
    )


def sequence(sentences: Sequence[Sentence], found: Found, depth: int) -> list[Step]:
    """One sentence a step: those of no action dropped, an action once in a row of one speaker, cut at the depth."""
    steps: list[Step] = []
    in_row: set[ActionId] = set()
    for sentence in sentences:
        action = found.get((sentence.speaker, sentence.key))
        if action is None:
            continue
        if steps and steps[-1][1].speaker is not sentence.speaker:
            in_row.clear()
        if action not in in_row:
            in_row.add(action)
            steps.append((action, sentence))
    return steps[:depth]


def _turns(dialogue: Dialogue, sentences: Sequence[Sentence], found: Found) -> list[tuple[ActionId, ...]]:
    """The actions of each turn, each once, in the order of its sentences."""
    turns: list[dict[ActionId, None]] = [{} for _ in dialogue.utterances]
    for sentence in sentences:
        action = found.get((sentence.speaker, sentence.key))
        if action is not None:
            turns[sentence.turn][action] = None
    return [tuple(actions) for actions in turns]


def _find_actions(
    speaker: Speaker, sentences: Sequence[Sentence], encode: Encode, config: MiningConfig
) -> Iterator[tuple[DialogueAction, list[str]]]:
    """Each action with the keys of its sentences."""
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        spelled[sentence.key][sentence.text] += 1
    if not spelled:
        return
    keys = list(spelled)
    texts = [max(spelled[key], key=lambda text: (spelled[key][text], text)) for key in keys]
    counts = np.array([spelled[key].total() for key in keys], np.float32)
    rows = encode(texts)
    labels = label_rows(rows, counts, config.paper)
    for label in np.unique(labels[labels != OTHER]):
        members = np.flatnonzero(labels == label)
        exemplars = [Exemplar(texts[place], int(counts[place])) for place in _nearest_first(rows, counts, members)]
        said = int(counts[members].sum())
        yield _action(speaker, exemplars[: config.exemplars], said), [keys[place] for place in members]


def _nearest_first(rows: Vectors, counts: Counts, members: Places) -> list[int]:
    """The members of a cluster, those nearest its centroid first."""
    centroid = unit_rows((rows[members] * counts[members, None]).sum(axis=0, keepdims=True))[0]
    return [int(place) for place in members[np.argsort(-(rows[members] @ centroid), kind="stable")]]


def _action(speaker: Speaker, exemplars: Sequence[Exemplar], support: int) -> DialogueAction:
    typical = exemplars[0].text
    name = typical if len(typical) <= _NAME_LENGTH else typical[: _NAME_LENGTH - 1].rstrip() + "…"
    return DialogueAction(
        ActionId(f"{speaker.value[0]}-{_digest(speaker, sentence_key(typical))}"),
        speaker,
        name,
        tuple(exemplars),
        support,
    )


def _with_unique_names(actions: Sequence[DialogueAction]) -> tuple[DialogueAction, ...]:
    """The commonest first; of actions with the same name the later ones are numbered."""
    used: Counter[tuple[Speaker, str]] = Counter()
    named = []
    for action in sorted(actions, key=lambda action: (action.speaker, -action.support, action.id)):
        used[action.speaker, action.name] += 1
        times = used[action.speaker, action.name]
        named.append(action if times == 1 else replace(action, name=f"{action.name} ({times})"))
    return tuple(named)


def _flows(name: str, talks: Sequence[tuple[Dialogue, Sequence[Step]]], config: MiningConfig) -> _Grown:
    """One flow a scenario, the largest first."""
    if len(talks) < 2:
        return _Grown((), 0, 0)
    trees: dict[str, Tree] = {}
    for dialogue, steps in talks:
        tree = trees.setdefault(dialogue.need or name, Prefix(None))
        passed = [(action, Passed(Evidence(dialogue.id, said.turn), said)) for action, said in steps]
        grow(tree, Passed(Evidence(dialogue.id, steps[0][1].turn if steps else 0), None), passed)
    whole = sum(mass(tree) for tree in trees.values())
    for tree in trees.values():
        prune(tree, config.paper.least_support, config.paper.least_probability, config.paper.most_children)
    kept = sum(mass(tree) for tree in trees.values())
    ordered = sorted(trees, key=lambda scenario: (-trees[scenario].support, scenario))
    return _Grown(tuple(_flow(scenario, trees[scenario], config) for scenario in ordered), whole, whole - kept)


def _flow(name: str, tree: Tree, config: MiningConfig) -> TaskFlow:
    flow_id = FlowId(f"f-{_digest(name)}")
    return TaskFlow(flow_id, name, tuple(_nodes(tree, flow_id, config)))


def _nodes(tree: Tree, flow_id: FlowId, config: MiningConfig) -> Iterator[FlowNode]:
    """Depth first; a customer's node has no responses."""
    stack: list[tuple[Tree, tuple[ActionId, ...], NodeId | None, int]] = [(tree, (), None, tree.support)]
    while stack:
        node, path, parent, above = stack.pop()
        node_id = NodeId(f"n-{_digest(flow_id, *path)}")
        said = Counter(p.said.text for p in node.seen if p.said is not None and p.said.speaker is Speaker.AGENT)
        yield FlowNode(
            id=node_id,
            parent_id=parent,
            action_id=node.symbol,
            support=node.support,
            probability=node.support / above,
            responses=tuple(text for text, _ in said.most_common(_MOST_RESPONSES)),
            evidence=tuple(passed.evidence for passed in node.seen[: config.most_evidence]),
        )
        for symbol, child in reversed(node.children.items()):
            stack.append((child, (*path, symbol), node_id, node.support))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
