"""What an edit would change when dialogues of the new corpus are replayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mining.held_out import ReplayFigures, replay_dialogue
from taskflow.edits import Edit, apply
from taskflow.model import ActionId, Assistant, Dialogue, Evidence
from taskflow.proposals import Gain
from taskflow.replay import Replay

_SAMPLE = 30  # dialogues, besides those that the evidence names
_NAMED = 30  # of these

Turns = Sequence[tuple[ActionId, ...]]


class GainMeter:
    """Replays the same dialogues with and without edits; nothing is encoded, the run has told their actions."""

    def __init__(self, draft: Assistant, dialogues: Mapping[str, tuple[Dialogue, Turns]]) -> None:
        self._draft = draft
        self._replay = Replay(draft)
        self._dialogues = dialogues
        self._without: dict[str, ReplayFigures] = {}
        step = max(1, len(dialogues) // _SAMPLE)
        self._sample = list(dialogues)[::step][:_SAMPLE]

    def of(self, edits: Sequence[Edit], evidence: Sequence[Evidence]) -> Gain:
        edited = self._draft
        for edit in edits:
            edited = apply(edit, edited)
        named = [seen.dialogue_id for seen in evidence if seen.dialogue_id in self._dialogues]
        chosen = list(dict.fromkeys([*list(dict.fromkeys(named))[:_NAMED], *self._sample]))
        for dialogue_id in chosen:
            if dialogue_id not in self._without:
                self._without[dialogue_id] = self._replayed(self._replay, dialogue_id)
        replay = Replay(edited)
        before = _sum(self._without[dialogue_id] for dialogue_id in chosen)
        after = _sum(self._replayed(replay, dialogue_id) for dialogue_id in chosen)
        return Gain(
            round(_share(after.hit_1, after.known) - _share(before.hit_1, before.known), 4),
            round(_share(after.followed, after.steps) - _share(before.followed, before.steps), 4),
            len(chosen),
        )

    def _replayed(self, replay: Replay, dialogue_id: str) -> ReplayFigures:
        figures = ReplayFigures()
        figures.add(replay_dialogue(replay, *self._dialogues[dialogue_id]))
        return figures


def _sum(figures: Iterable[ReplayFigures]) -> ReplayFigures:
    total = ReplayFigures()
    for one in figures:
        total.known += one.known
        total.hit_1 += one.hit_1
        total.steps += one.steps
        total.followed += one.followed
    return total


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
