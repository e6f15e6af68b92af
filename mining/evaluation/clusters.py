"""Found groups against labels, as in DSTC11 track 2.

ACC aligns groups and labels one to one. P gives each group its most frequent label, R each label its most
frequent group. What was left out is one more group in every score, so that leaving out never pays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, v_measure_score

from mining.evaluation.shares import Figures, harmonic, share

Table = NDArray[np.int64]


def contingency(found: Sequence[str | None], gold: Sequence[str]) -> tuple[Table, list[str | None], list[str]]:
    """How many items each group (row) and label (column) have in common, with the rows' and columns' names."""
    rows: list[str | None] = sorted(set(found), key=lambda name: (name is None, name or ""))
    columns = sorted(set(gold))
    row_of = {name: place for place, name in enumerate(rows)}
    column_of = {name: place for place, name in enumerate(columns)}
    table = np.zeros((len(rows), len(columns)), np.int64)
    for group, label in zip(found, gold, strict=True):
        table[row_of[group], column_of[label]] += 1
    return table, rows, columns


def cluster_scores(found: Sequence[str | None], gold: Sequence[str]) -> Figures:
    """`found` and `gold` name the group and the label of each item; a group of None was left out."""
    if not found:
        return {}
    table, rows, columns = contingency(found, gold)
    aligned = table[linear_sum_assignment(table, maximize=True)].sum()
    precision, recall = share(table.max(axis=1).sum(), len(found)), share(table.max(axis=0).sum(), len(found))
    told = {columns[int(place)] for place in table.argmax(axis=1)}
    groups = [rows.index(group) for group in found]
    return {
        "clusters": sum(name is not None for name in rows),
        "labels": len(columns),
        "items": len(found),
        "ACC": share(aligned, len(found)),
        "NMI": round(float(normalized_mutual_info_score(gold, groups)), 4),
        "ARI": round(float(adjusted_rand_score(gold, groups)), 4),
        "V": round(float(v_measure_score(gold, groups)), 4),
        "P": precision,
        "R": recall,
        "F1": harmonic(precision, recall),
        "example_coverage": share(sum(label in told for label in gold), len(gold)),
        "left_out": share(sum(group is None for group in found), len(found)),
    }
