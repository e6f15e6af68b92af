"""Splitting a customer's action where its wordings tell different needs.

"I want to return this" and "where is my refund" stand in the same place of a dialogue, first, and get the same
answer, a question for the order number; their context joins them, and only the need that follows tells them apart.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mining.clustering import Labels
from mining.context import Talker
from mining.wordings import Spoken
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import Speaker

_DEVIATIONS = 3.0  # of the likelihood ratio above what chance gives
_PURITY = 0.6  # of the way from the commonest need's share to one need a wording
_SURE = 0.75  # of a fine cluster's dialogues have the need that it tells
_SEEN = 3.0  # times that a fine cluster must be said to be judged


def split_by_need(spoken: Spoken, talker: Talker, joined: Labels, needs: Labels) -> Labels:
    """Labels in which every action that tells needs is split by them; fine clusters stay whole."""
    said = _in_needs(spoken, talker.speaker, talker.fine, needs)
    labels, following = joined.copy(), int(joined.max()) + 1
    for label in range(following):
        members = np.unique(talker.fine[joined == label])
        if _tells(said[members]):
            told = _told(said[members], talker.text[members])
            for need in np.unique(told)[1:]:
                labels[np.isin(talker.fine, members[told == need])] = following
                following += 1
    return labels


def _told(table: NDArray[np.float32], text: Vectors) -> Labels:
    """The need that each row tells: its own, where it is said often and of one need; else that of the most alike."""
    own = table.argmax(axis=1)
    sure = (table.sum(axis=1) >= _SEEN) & (table.max(axis=1) >= _SURE * table.sum(axis=1))
    if not sure.any():
        return np.asarray(own, np.int64)
    needs = np.unique(own[sure])
    centres = unit_rows(np.array([text[sure & (own == need)].sum(axis=0) for need in needs]))
    return np.asarray(np.where(sure, own, needs[np.argmax(text @ centres.T, axis=1)]), np.int64)


def _tells(table: NDArray[np.float32]) -> bool:
    """Whether the rows (fine clusters) determine the columns (needs), beyond chance and nearly always."""
    table = table[:, table.sum(axis=0) > 0]
    judged = table[table.sum(axis=1) >= _SEEN]
    total = float(table.sum())
    if min(table.shape) < 2 or judged.sum() < total / 2:
        return False
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    present = table > 0
    ratio = 2 * float((table[present] * np.log(table[present] / expected[present])).sum())
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    if ratio < freedom + _DEVIATIONS * math.sqrt(2 * freedom):
        return False
    commonest = float(table.sum(axis=0).max()) / total
    purity = float(judged.max(axis=1).sum() / judged.sum())
    return purity >= commonest + _PURITY * (1 - commonest)


def _in_needs(spoken: Spoken, speaker: Speaker, fine: Labels, needs: Labels) -> NDArray[np.float32]:
    """How often each fine cluster is said in dialogues of each need."""
    said = np.zeros((int(fine.max()) + 1, int(needs.max()) + 1), np.float32)
    for dialogue, need in zip(spoken.dialogues, needs.tolist(), strict=True):
        for who, place in dialogue:
            if who is speaker:
                said[fine[place], need] += 1
    return said
