"""Ours and the paper's mining as flow models, and plain models of our own actions' sequences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from benchmarks.encoding import Encoding, Stages
from benchmarks.flow_models import END, START, FlowModel, Turns, graph_flow, steps_of, tree_flow
from benchmarks.tasks import Task
from mining.config import MiningConfig
from mining.evaluation.labelled import flow_of
from mining.held_out import Assigner, replay_dialogue
from mining.paper.mining import mine_paper
from mining.pipeline import mine
from taskflow.model import ActionId, Assistant, AssistantVersion, Dialogue, Speaker, TaskFlow
from taskflow.replay import Replay

Counts = Mapping[tuple[ActionId, ...], Counter[ActionId]]


def ours(task: Task, encoding: Encoding) -> FlowModel:
    return _mined(task, encoding, MiningConfig())


def paper(task: Task, encoding: Encoding) -> FlowModel:
    return _mined(task, encoding, MiningConfig(method="paper"))


def _mined(task: Task, encoding: Encoding, config: MiningConfig) -> FlowModel:
    stages = Stages(encoding)
    miner = mine_paper if config.method == "paper" else mine
    mined = miner("benchmark", task.trained, encoding, config, stages)
    seconds = stages.seconds()
    version = AssistantVersion(mined.assistant, None, encoding.encoder.name)
    held = Assigner(encoding.database, version, encoding.encoder).assign(task.held)
    replay = Replay(mined.assistant)

    def foretell(dialogue: Dialogue, turns: Turns) -> dict[int, Sequence[ActionId]]:
        return {turn.turn: turn.predicted for turn in replay_dialogue(replay, dialogue, turns).agent_turns}

    return FlowModel(_by_need(task, mined.assistant, mined.turns), mined.turns, held, foretell, seconds)


def _by_need(task: Task, assistant: Assistant, trained: Sequence[Turns]) -> dict[str, list[TaskFlow]]:
    """A flow serves the need that most of its training dialogues have."""
    replay = Replay(assistant)
    walks = [replay_dialogue(replay, *pair) for pair in zip(task.trained, trained, strict=True)]
    flows = flow_of(assistant.flows, walks)
    needs: dict[str, Counter[str]] = defaultdict(Counter)
    for dialogue in task.trained:
        flow = flows[dialogue.id]
        if flow is not None and dialogue.need is not None:
            needs[flow][dialogue.need] += 1
    found: dict[str, list[TaskFlow]] = {need: [] for need in task.gold}
    for served in assistant.flows:
        need = needs[served.id].most_common(1)[0][0] if needs[served.id] else None
        if need in found:
            found[need].append(served)
    return found


def prefix_tree(task: Task, model: FlowModel) -> FlowModel:
    """All sequences merged by their prefixes, nothing cut; one tree a need, which is given.

    The next action is the commonest after the very same beginning; where that is unknown, the commonest of all.
    """
    return _prefix_tree(task, model, (None, 0))


def prefix_tree_with_bigrams(task: Task, model: FlowModel) -> FlowModel:
    """The same trees; where the beginning is unknown, the commonest after the same last action."""
    return _prefix_tree(task, model, (None, 1, 0))


def _prefix_tree(task: Task, model: FlowModel, memories: Sequence[int | None]) -> FlowModel:
    flows = {need: [tree_flow(f"tree {need}", own)] for need, own in _sequences(task, model).items()}
    return replace(model, flows=flows, foretell=_Table(task, model, memories).foretell, seconds=0.0)


def bigrams(task: Task, model: FlowModel) -> FlowModel:
    """All transitions as one graph, of which a need has those of its dialogues; next comes what is commonest after
    the last action.
    """
    flows = {}
    sequences = _sequences(task, model)
    for need, own in sequences.items():
        edges = Counter(pair for steps in own for pair in pairwise((START, *steps, END)))
        flows[need] = [graph_flow(f"graph {need}", edges)]
    nodes = len({action for own in sequences.values() for steps in own for action in steps})
    return replace(model, flows=flows, foretell=_Table(task, model, (1, 0)).foretell, seconds=0.0, nodes=nodes)


def _sequences(task: Task, model: FlowModel) -> dict[str, list[list[ActionId]]]:
    found: dict[str, list[list[ActionId]]] = {need: [] for need in task.gold}
    for dialogue, turns in zip(task.trained, model.trained, strict=True):
        if dialogue.need in found:
            found[dialogue.need].append(steps_of(turns))
    return found


class _Table:
    """How often each agent's action came after the last actions, for several lengths of memory (None: all)."""

    def __init__(self, task: Task, model: FlowModel, memories: Sequence[int | None]) -> None:
        self._memories = memories
        self._counts: dict[int | None, dict[tuple[ActionId, ...], Counter[ActionId]]] = {
            memory: defaultdict(Counter) for memory in memories
        }
        for dialogue, turns in zip(task.trained, model.trained, strict=True):
            for turn in _agent_turns(dialogue):
                for action in turns[turn][:1]:
                    for memory in memories:
                        self._counts[memory][_last(turns[:turn], memory)][action] += 1

    def foretell(self, dialogue: Dialogue, turns: Turns) -> dict[int, Sequence[ActionId]]:
        return {turn: self._ranked(turns[:turn]) for turn in _agent_turns(dialogue)}

    def _ranked(self, before: Turns) -> list[ActionId]:
        ranked: dict[ActionId, None] = {}
        for memory in self._memories:
            counts = self._counts[memory].get(_last(before, memory), Counter())
            ranked |= dict.fromkeys(action for action, _ in counts.most_common())
        return list(ranked)


def _last(before: Turns, memory: int | None) -> tuple[ActionId, ...]:
    steps = (START, *steps_of(before))
    return steps if memory is None else steps[len(steps) - memory :]


def _agent_turns(dialogue: Dialogue) -> list[int]:
    return [turn for turn, utterance in enumerate(dialogue.utterances) if utterance.speaker is Speaker.AGENT]
