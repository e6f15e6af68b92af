"""All figures of an assistant: against labels, against gold flows, by replay, and how large it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mining.evaluation.clusters import cluster_scores
from mining.evaluation.compactness import compactness
from mining.evaluation.flows import flow_figures, means
from mining.evaluation.gold import GoldFlow
from mining.evaluation.hollow import hollow_figures
from mining.evaluation.labelled import Walk, by_dialogue, flow_of, labelled_turns
from mining.evaluation.replay import replay_figures
from mining.held_out import ReplayedDialogue, replay_dialogue
from taskflow.model import Assistant, Dialogue, Speaker
from taskflow.replay import Replay
from taskflow.store.runs import TurnActions


@dataclass(frozen=True)
class Evaluated:
    """What was looked at, and the figures (JSON); `held` is None where no held-out corpus was given."""

    assistant: Assistant
    walks: Sequence[Walk]
    held: Sequence[ReplayedDialogue] | None
    figures: Mapping[str, Any]

    @property
    def replayed(self) -> Sequence[ReplayedDialogue]:
        """The held-out dialogues, else the assistant's own."""
        return [walk.replayed for walk in self.walks] if self.held is None else self.held


def walk_all(assistant: Assistant, dialogues: Sequence[Dialogue], assigned: Iterable[TurnActions]) -> list[Walk]:
    """The dialogues of a run with the actions that it gave them, walked over the flows."""
    turns = by_dialogue(assigned)
    replay = Replay(assistant)
    replayed = [replay_dialogue(replay, dialogue, turns[dialogue.id]) for dialogue in dialogues]
    flows = flow_of(assistant.flows, replayed)
    return [
        Walk(dialogue, turns[dialogue.id], walked, flows[dialogue.id])
        for dialogue, walked in zip(dialogues, replayed, strict=True)
    ]


def evaluate(
    assistant: Assistant,
    walks: Sequence[Walk],
    gold: Mapping[str, GoldFlow] | None = None,
    held: Sequence[ReplayedDialogue] | None = None,
) -> Evaluated:
    """Without labels, needs or gold flows the figures that need them are absent."""
    figures: dict[str, Any] = {"actions": {}}
    for speaker in (Speaker.USER, Speaker.AGENT):
        turns = labelled_turns(walks, speaker)
        if turns:
            figures["actions"][speaker.value] = cluster_scores(
                [turn.action_id for turn in turns], [turn.label for turn in turns]
            )
    told = [(walk.flow, walk.dialogue.need) for walk in walks if walk.dialogue.need is not None]
    if told:
        figures["needs"] = cluster_scores([flow for flow, _ in told], [need for _, need in told])
    if gold is not None:
        figures["flows"] = flow_figures(assistant.flows, walks, gold)
        figures["flows_mean"] = means(figures["flows"])
        figures["edge_F1_mean"] = figures["flows_mean"].get("one_to_one", {}).get("F1", 0.0)
    evaluated = Evaluated(assistant, walks, held, figures)
    figures["replay"] = {"held_out": held is not None} | replay_figures(assistant.flows, evaluated.replayed)
    figures["compactness"] = {"all": compactness(assistant.flows)} | {
        "by_flow": {flow.name: compactness([flow]) for flow in assistant.flows}
    }
    figures["hollow"] = hollow_figures(walks, evaluated.replayed)
    return evaluated
