"""From clusters of wordings to Dialogue Actions with names and exemplars."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mining.clustering import Labels
from mining.config import MiningConfig
from mining.context import Talker, cluster_in_context
from mining.discretion import Discretion
from mining.engine import LOCAL, Engine
from mining.naming import name_actions
from mining.needs import find_needs, needs_of_openings
from mining.progress import Progress, silent
from mining.rows import chunks
from mining.segments import further_actions
from mining.splitting import split_by_need, split_by_next
from mining.wordings import Spoken, Wording
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import ActionId, DialogueAction, Exemplar, Speaker
from taskflow.retrieval import normalise


@dataclass(frozen=True, slots=True)
class ActionSet:
    """The Dialogue Actions of a corpus, which of them each wording is, and the need of each dialogue.

    A wording that was left out is in no action. Needs are numbers, one a dialogue; `need_names` are the log's own
    words for them, where those were taken. `further` are the actions of a wording beyond its main one.
    """

    actions: tuple[DialogueAction, ...]
    of_wording: Mapping[tuple[Speaker, str], ActionId]
    needs: Labels
    need_names: tuple[str, ...] = ()
    further: Mapping[tuple[Speaker, str], tuple[ActionId, ...]] = field(default_factory=dict)

    def actions_of(self, speaker: Speaker, key: str) -> tuple[ActionId, ...]:
        """The main action of a wording, then its further ones; none where it was left out."""
        main = self.of_wording.get((speaker, key))
        return () if main is None else (main, *self.further.get((speaker, key), ()))


def find_actions(
    spoken: Spoken,
    vectors: Mapping[Speaker, Vectors],
    config: MiningConfig,
    engine: Engine = LOCAL,
    progress: Progress | None = None,
    logged: Sequence[str] = (),
) -> ActionSet:
    """Each speaker's wordings in groups; a group that is too seldom said is left out.

    Groups by text alone show the needs; groups in context are truer actions, but for those customer's actions
    whose words tell the need or what the agent does next: they are split.
    A system's calls and outcomes are actions as they stand. `logged`, one a dialogue, are needs that the log names:
    they are taken as they stand.
    """
    progress = progress or silent()
    talkers = []
    with progress.stage("clustering", f"clustering {_counted(spoken)} distinct texts"):
        for speaker in (Speaker.USER, Speaker.AGENT):
            if spoken.wordings[speaker]:
                talkers.append(Talker(spoken, speaker, vectors[speaker], config.sample_size, engine))
        by_text: dict[Speaker, Labels] = {speaker: np.arange(len(spoken.wordings[speaker])) for speaker in Speaker}
        by_text |= {talker.speaker: talker.join_by_text() for talker in talkers}
    fine = by_text | {talker.speaker: talker.fine for talker in talkers}
    with progress.stage("needs", f"finding the needs of {len(spoken.dialogues):,} dialogues"):
        need_names, needs = np.unique(np.array(logged, str), return_inverse=True)
        if not len(logged):
            needs = find_needs(spoken.dialogues.grouped(by_text), spoken.dialogues.grouped(fine))
    with progress.stage("context", f"joining {_fine(talkers)} fine clusters by what is said around them"):
        groups = cluster_in_context(spoken, talkers, by_text)
    with progress.stage("splitting", "splitting customers' actions that tell what comes of them"):
        for talker in talkers:
            if talker.speaker is Speaker.USER:
                foretelling = split_by_next(spoken, talker, groups[Speaker.USER], groups[Speaker.AGENT])
                groups[Speaker.USER] = split_by_need(spoken, talker, foretelling, needs)
    with progress.stage("naming", "describing the actions"):
        if not len(logged):
            needs = needs_of_openings(spoken.dialogues.grouped(groups), needs)
        actions: list[DialogueAction] = []
        of_wording: dict[tuple[Speaker, str], ActionId] = {}
        for speaker, labels in groups.items():
            wordings = spoken.wordings[speaker]
            for members in _kept(speaker, wordings, labels):
                action = _describe(speaker, wordings, members, vectors.get(speaker), config)
                actions.append(action)
                of_wording.update(dict.fromkeys(((speaker, wordings[place].key) for place in members), action.id))
        told = ([spoken.wordings[speaker][place].text for speaker, place in dialogue] for dialogue in spoken.dialogues)
        named = name_actions(actions, Counter(of_wording.values()), Discretion(told))
    return ActionSet(named, of_wording, needs, tuple(need_names.tolist()), further_actions(spoken.wordings, of_wording))


def _counted(spoken: Spoken) -> str:
    return f"{sum(len(wordings) for wordings in spoken.wordings.values()):,}"


def _fine(talkers: Sequence[Talker]) -> str:
    return f"{sum(int(talker.fine.max()) + 1 for talker in talkers):,}"


def _kept(speaker: Speaker, wordings: Sequence[Wording], labels: Labels) -> list[list[int]]:
    """The groups' members; how often a group must have been said grows with the corpus, from once."""
    groups: dict[int, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        groups[int(label)].append(place)
    said = sum(wording.count for wording in wordings)
    least = 1 if speaker is Speaker.SYSTEM else max(1, round(said / 5_000))
    return [group for group in groups.values() if sum(wordings[place].count for place in group) >= least]


def _describe(
    speaker: Speaker,
    wordings: Sequence[Wording],
    members: Sequence[int],
    vectors: Vectors | None,
    config: MiningConfig,
) -> DialogueAction:
    counts = np.array([wordings[place].count for place in members], np.float32)
    closeness = counts if vectors is None else _closeness(vectors, members, counts)
    medoid = int(np.argmax(closeness * np.log1p(counts)))
    rest = sorted(
        (index for index in range(len(members)) if index != medoid),
        key=lambda index: (-counts[index], -closeness[index], wordings[members[index]].text),
    )
    exemplars = tuple(
        Exemplar(wordings[members[index]].text, int(counts[index])) for index in [medoid, *rest][: config.exemplars]
    )
    return DialogueAction(
        id=_action_id(speaker, exemplars[0].text),
        speaker=speaker,
        name=exemplars[0].text,
        exemplars=exemplars,
        support=int(counts.sum()),
    )


def _closeness(vectors: Vectors, members: Sequence[int], counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosines of the members with their mean, as often as each is said."""
    parts = [(members[part], counts[part]) for part in chunks(len(members))]
    sums = [(vectors[part] * said[:, None]).sum(axis=0) for part, said in parts]
    centre = unit_rows(np.sum(sums, axis=0, keepdims=True, dtype=np.float32))[0]
    return np.concatenate([np.asarray(vectors[part] @ centre, np.float32) for part, _ in parts])


def _action_id(speaker: Speaker, text: str) -> ActionId:
    digest = hashlib.sha256(f"{speaker}\n{normalise(text)}".encode()).hexdigest()
    return ActionId(f"{speaker.value[0]}-{digest[:12]}")
