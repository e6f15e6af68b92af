"""Splitting a customer's action where its words tell what comes of it.

"I want to return this" and "where is my refund" stand in the same place of a dialogue, first, and get the same
answer, a question for the order number; their context joins them, and only the need that follows tells them apart.
"Yes, it does" and "no, it does not" sound alike and follow the same question; the agent's next action tells them
apart. So an action is split by the need of its dialogues, and by what the agent does next, where a linear model of
the words foretells it on wordings that it was not fitted to.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict

from mining.clustering import Labels
from mining.context import Talker
from mining.wordings import Spoken
from taskflow.model import Speaker

_FOLDS = 5
_FEWEST = 20  # times that an action is said, to be judged
_WORDINGS = 10  # distinct ones among them
_MOST = 1_500  # occurrences that a model is fitted to
_COMMON = 0.05  # of an action's occurrences have the outcome that one of its parts is to tell
_GAIN = 0.05  # of held-out occurrences, that the words tell beyond the commonest outcome
_DEVIATIONS = 3.0  # by which that gain is more than chance
_PURITY = 0.6  # of the way from the commonest need's share to certainty

Told = Sequence[tuple[int, int]]  # the wording that was said, and what came of it


def split_by_need(spoken: Spoken, talker: Talker, labels: Labels, needs: Labels) -> Labels:
    """Labels in which every action whose words nearly always tell the need is split by it."""
    said = [
        (place, need)
        for dialogue, need in zip(spoken.dialogues, needs.tolist(), strict=True)
        for who, place in dialogue
        if who is talker.speaker
    ]
    return _split(talker, labels, said, _PURITY)


def split_by_next(spoken: Spoken, talker: Talker, labels: Labels, agents: Labels) -> Labels:
    """Labels in which every action whose words tell the agent's next action is split by it."""
    said = []
    for dialogue in spoken.dialogues:
        following = -1
        for who, place in reversed(dialogue):
            if who is Speaker.AGENT:
                following = int(agents[place])
            elif who is talker.speaker and following >= 0:
                said.append((place, following))
    return _split(talker, labels, said, 0.0)


def _split(talker: Talker, labels: Labels, said: Told, purity: float) -> Labels:
    occurrences: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place, told in said:
        occurrences[int(labels[place])].append((place, told))
    split, following = labels.copy(), int(labels.max()) + 1
    for label in sorted(occurrences):
        members = np.flatnonzero(labels == label)
        parts = _parts(talker, members, occurrences[label], purity)
        for part in np.unique(parts)[1:]:
            split[members[parts == part]] = following
            following += 1
    return split


def _parts(talker: Talker, members: Labels, said: Told, purity: float) -> Labels:
    """Which outcome each member tells; all the same where the words do not tell it."""
    one = np.zeros(len(members), np.int64)
    counts = Counter(told for _, told in said)
    common = {told for told, count in counts.items() if count >= max(_FOLDS, _COMMON * len(said))}
    judged = [(place, told) for place, told in said if told in common]
    if len(common) < 2 or len(judged) < _FEWEST:
        return one
    if len(judged) > _MOST:
        chosen = np.random.default_rng(0).permutation(len(judged))[:_MOST]
        judged = [judged[index] for index in np.sort(chosen)]
    places, outcomes = (np.array(column) for column in zip(*judged, strict=True))
    if len(np.unique(places)) < _WORDINGS or len(np.unique(outcomes)) < 2:
        return one
    points, model = talker.points[places], RidgeClassifier()
    foretold = cross_val_predict(model, points, outcomes, groups=places, cv=GroupKFold(_FOLDS))
    if not _tells(foretold == outcomes, outcomes == Counter(outcomes.tolist()).most_common(1)[0][0], purity):
        return one
    return np.asarray(model.fit(points, outcomes).predict(talker.points[members]), np.int64)


def _tells(right: NDArray[np.bool_], commonest: NDArray[np.bool_], purity: float) -> bool:
    """Whether the words were right more often than the commonest outcome, by enough and beyond chance."""
    better, worse = int((right & ~commonest).sum()), int((commonest & ~right).sum())
    share = float(commonest.mean())
    return float(right.mean()) >= share + max(
        _GAIN, purity * (1 - share)
    ) and better - worse >= _DEVIATIONS * math.sqrt(better + worse)
