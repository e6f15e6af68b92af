"""How far logged dialogues stay on an assistant's flows, and how well they tell what the agent does next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from taskflow.calls import system_keys
from taskflow.encoders import Encoder
from taskflow.model import ActionId, AssistantVersion, Dialogue, FlowId, Speaker, Utterance
from taskflow.replay import START, Belief, Position, Replay
from taskflow.retrieval import Match, normalise
from taskflow.store import Database
from taskflow.store.indexes import build_index
from taskflow.store.vectors import vectors_of

_LEAST_SCORE = 0.2  # an utterance farther than this from every exemplar is of no known action
_CANDIDATES = 60  # actions between which the course of the dialogue decides
_PREDICTED = 10


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """What was predicted for one agent turn from the turns before it alone, and what the agent did."""

    dialogue_id: str
    turn: int
    predicted: tuple[ActionId, ...]
    action_id: ActionId | None


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One action of a dialogue, or a turn of none that is known (`action_id` None); a repeat at once is one step.

    `place` counts the actions of the turn, `stood` is the likeliest position before the step, and `reached` where
    it led to by a step of the tree; None where it left the tree.
    """

    turn: int
    place: int
    action_id: ActionId | None
    stood: Position | None
    reached: Position | None


@dataclass(frozen=True, slots=True)
class ReplayedDialogue:
    """A dialogue's way over the flows, and what was predicted on it."""

    dialogue_id: str
    outcome: str | None
    walk: tuple[ReplayedStep, ...]
    flow: FlowId | None
    agent_turns: tuple[AgentTurn, ...]

    @property
    def steps(self) -> int:
        """Steps of known actions."""
        return sum(step.action_id is not None for step in self.walk)

    @property
    def followed(self) -> int:
        """Those of them that were a step of the tree from where the dialogue stood."""
        return sum(step.reached is not None for step in self.walk)

    @property
    def actions(self) -> tuple[ActionId | None, ...]:
        return tuple(step.action_id for step in self.walk)


@dataclass(slots=True)
class ReplayFigures:
    """Sums over dialogues."""

    dialogues: int = 0
    whole: int = 0
    steps: int = 0
    followed: int = 0
    agent_turns: int = 0
    known: int = 0
    hit_1: int = 0
    hit_3: int = 0

    def add(self, replayed: ReplayedDialogue) -> None:
        self.dialogues += 1
        self.whole += replayed.steps > 0 and replayed.followed == replayed.steps
        self.steps += replayed.steps
        self.followed += replayed.followed
        self.agent_turns += len(replayed.agent_turns)
        for turn in replayed.agent_turns:
            if turn.action_id is not None:
                self.known += 1
                self.hit_1 += turn.action_id == turn.predicted[0]
                self.hit_3 += turn.action_id in turn.predicted[:3]

    def shares(self) -> dict[str, int | float]:
        return {
            "dialogues": self.dialogues,
            "agent_turns": self.agent_turns,
            "agent_turns_known": self.known,
            "on_the_flows": _share(self.followed, self.steps),
            "whole_dialogues_on_the_flows": _share(self.whole, self.dialogues),
            "hit_1": _share(self.hit_1, self.known),
            "hit_3": _share(self.hit_3, self.known),
        }


class Assigner:
    """Recognises the actions of logged utterances by a version's own exemplars.

    An agent's turn is the action that its text alone is likest to: what it is held against was predicted without it.
    A customer's turn is understood as it is when a conversation is served: the turns before it have their say.
    """

    def __init__(self, database: Database, version: AssistantVersion, encoder: Encoder) -> None:
        self._database = database
        self._encoder = encoder
        self._replay = Replay(version.assistant)
        self._indexes = {speaker: build_index(database, version, encoder, speaker) for speaker in Speaker}
        self._calls = {
            normalise(exemplar.text): action.id
            for action in version.assistant.actions
            if action.speaker is Speaker.SYSTEM
            for exemplar in action.exemplars
        }

    def assign(self, dialogues: Sequence[Dialogue]) -> list[list[tuple[ActionId, ...]]]:
        """The actions of every turn, the main one first; empty where none is near."""
        near = {speaker: self._near(dialogues, speaker) for speaker in (Speaker.USER, Speaker.AGENT)}
        return [self._assign(dialogue, near) for dialogue in dialogues]

    def _near(self, dialogues: Sequence[Dialogue], speaker: Speaker) -> dict[str, list[Match]]:
        texts = list(
            dict.fromkeys(
                utterance.text
                for dialogue in dialogues
                for utterance in dialogue.utterances
                if utterance.speaker is speaker and utterance.text.strip()
            )
        )
        vectors = vectors_of(self._database, self._encoder, texts)
        found = self._indexes[speaker].nearest(texts, vectors, _CANDIDATES)
        return {
            text: [match for match in matches if match.score >= _LEAST_SCORE]
            for text, matches in zip(texts, found, strict=True)
        }

    def _assign(
        self, dialogue: Dialogue, near: Mapping[Speaker, Mapping[str, list[Match]]]
    ) -> list[tuple[ActionId, ...]]:
        belief, turns = START, []
        for utterance in dialogue.utterances:
            if utterance.speaker is Speaker.SYSTEM:
                keys = (normalise(key) for key in system_keys(utterance))
                actions = tuple(self._calls[key] for key in keys if key in self._calls)
            else:
                actions = self._spoken(belief, utterance, near[utterance.speaker].get(utterance.text, []))
            for action in actions:
                if action != belief.last:
                    belief = self._replay.observe(belief, action)
            turns.append(actions)
        return turns

    def _spoken(self, belief: Belief, utterance: Utterance, near: Sequence[Match]) -> tuple[ActionId, ...]:
        if not near:
            return ()
        if utterance.speaker is Speaker.AGENT or near[0].likeness == 1.0:
            return (near[0].action_id,)
        likeliest = self._replay.likeliest(belief, {match.action_id: match.likelihood for match in near})
        return () if likeliest is None else (likeliest,)


def replay_dialogues(
    version: AssistantVersion, assigner: Assigner, dialogues: Iterable[Dialogue], batch: int = 200
) -> Iterator[ReplayedDialogue]:
    replay = Replay(version.assistant)
    pending: list[Dialogue] = []
    for dialogue in dialogues:
        pending.append(dialogue)
        if len(pending) == batch:
            yield from _replay_batch(replay, assigner, pending)
            pending = []
    yield from _replay_batch(replay, assigner, pending)


def _replay_batch(replay: Replay, assigner: Assigner, dialogues: Sequence[Dialogue]) -> Iterator[ReplayedDialogue]:
    for dialogue, turns in zip(dialogues, assigner.assign(dialogues), strict=True):
        yield replay_dialogue(replay, dialogue, turns)


def replay_dialogue(replay: Replay, dialogue: Dialogue, turns: Sequence[tuple[ActionId, ...]]) -> ReplayedDialogue:
    """`turns` are the actions of each turn; an empty turn is passed over, any other without an action is a step."""
    belief = START
    walk: list[ReplayedStep] = []
    agent_turns = []
    stood_on: Counter[FlowId] = Counter()
    for turn, (utterance, actions) in enumerate(zip(dialogue.utterances, turns, strict=True)):
        if utterance.speaker is Speaker.AGENT:
            ranked = replay.next_agent_actions(belief)[:_PREDICTED]
            if ranked:
                predicted = tuple(action for action, _ in ranked)
                agent_turns.append(AgentTurn(dialogue.id, turn, predicted, actions[0] if actions else None))
        if not actions and (utterance.text.strip() or utterance.speaker is Speaker.SYSTEM):
            walk.append(ReplayedStep(turn, 0, None, belief.best, None))
        for place, action in enumerate(actions):
            if action == belief.last:
                continue
            stood = belief.best
            belief = replay.observe(belief, action)
            walk.append(ReplayedStep(turn, place, action, stood, belief.best if belief.followed else None))
            if belief.best is not None:
                stood_on[belief.best[0]] += 1
    flow = stood_on.most_common(1)[0][0] if stood_on else None
    return ReplayedDialogue(dialogue.id, dialogue.outcome, tuple(walk), flow, tuple(agent_turns))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
