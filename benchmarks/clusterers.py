"""The methods that group turns: ours and the peers, each from the same slice with the same encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import AgglomerativeClustering
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import silhouette_score

from benchmarks.encoding import Encoding, Stages
from benchmarks.sets import Slice
from mining import actions
from mining.clustering import Labels
from mining.config import MiningConfig
from mining.context import Talker
from mining.paper.mining import mine_paper
from mining.pipeline import mine
from mining.wordings import Spoken
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import Speaker
from taskflow.retrieval import normalise

SPOKEN = (Speaker.USER, Speaker.AGENT)
THRESHOLD = 0.6  # Dialog2Flow's default, a cosine distance
_FEWEST, _MOST = 5, 60  # clusters that the prototype tries; with more it does worse
_INDUCTION = ("inducing", "merging sequences")  # stages after the clustering

Groups = list[str | None]
"""The cluster of each turn of one speaker; None where it was left out."""


@dataclass(frozen=True, slots=True)
class Clustered:
    """What a method made of each speaker's turns, and its seconds for both, encoding apart."""

    groups: Mapping[Speaker, Groups]
    seconds: float


Clusterer = Callable[[Slice, Encoding], Clustered]


def ours(measured: Slice, encoding: Encoding) -> Clustered:
    stages = Stages(encoding)
    mined = mine("benchmark", measured.dialogues, encoding, MiningConfig(), stages)
    return Clustered(_main_actions(measured, mined.turns), stages.seconds(_INDUCTION))


def ours_unsplit(measured: Slice, encoding: Encoding) -> Clustered:
    with without_split():
        return ours(measured, encoding)


def paper(measured: Slice, encoding: Encoding) -> Clustered:
    stages = Stages(encoding)
    mined = mine_paper("benchmark", measured.dialogues, encoding, MiningConfig(method="paper"), stages)
    return Clustered(_main_actions(measured, mined.turns), stages.seconds(_INDUCTION))


def dialog2flow_given(measured: Slice, encoding: Encoding) -> Clustered:
    """The number of clusters is that of the gold labels, those turns that have none counting as one more; a speaker
    without labels is passed over.
    """

    def group(texts: Sequence[str], speaker: Speaker) -> Groups | None:
        labels = {turn.label for turn in measured.turns(speaker)}
        return None if labels == {None} else _named(average_link(encoding(texts), number=len(labels)))

    return _by_speaker(measured, encoding, group)


def dialog2flow_threshold(measured: Slice, encoding: Encoding) -> Clustered:
    return _by_speaker(measured, encoding, lambda texts, _: _named(average_link(encoding(texts))))


def prototype(measured: Slice, encoding: Encoding) -> Clustered:
    """One page: dense and lexical vectors side by side, average link, the number with the best silhouette."""

    def group(texts: Sequence[str], _: Speaker) -> Groups:
        distinct = {normalise(text): text for text in reversed(texts)}
        points = _side_by_side(list(distinct), encoding(list(distinct.values())))
        of_key = dict(zip(distinct, _by_silhouette(points).tolist(), strict=True))
        return [str(of_key[normalise(text)]) for text in texts]

    return _by_speaker(measured, encoding, group)


def bertopic(measured: Slice, encoding: Encoding) -> Clustered:
    """BERTopic as it comes, but for a fixed seed of UMAP; its outliers are one class."""
    from bertopic import BERTopic
    from umap import UMAP

    def group(texts: Sequence[str], _: Speaker) -> Groups:
        neighbours = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=0, n_jobs=1)
        topics, _probabilities = BERTopic(umap_model=neighbours).fit_transform(list(texts), encoding(texts))
        return [None if topic == -1 else str(topic) for topic in topics]

    return _by_speaker(measured, encoding, group)


CLUSTERERS: Mapping[str, Clusterer] = {
    "ours": ours,
    "ours, no split by next action": ours_unsplit,
    "paper": paper,
    "Dialog2Flow, K given": dialog2flow_given,
    "Dialog2Flow, 0.6": dialog2flow_threshold,
    "BERTopic": bertopic,
    "prototype": prototype,
}
UNSPLIT, PEER = "ours, no split by next action", "BERTopic"


def peer_installed() -> bool:
    return find_spec("bertopic") is not None


@contextmanager
def without_split() -> Iterator[None]:
    """Within, customers' actions are not split by what the agent does next: the step is replaced by none."""

    def unchanged(_spoken: Spoken, _talker: Talker, labels: Labels, _agents: Labels) -> Labels:
        return labels

    with patch.object(actions, "split_by_next", unchanged):
        yield


def average_link(vectors: Vectors, number: int | None = None) -> Labels:
    """Dialog2Flow's clustering of every turn: so many clusters, or those nearer than its default threshold."""
    if len(vectors) < 2:
        return np.zeros(len(vectors), np.int64)
    linked = AgglomerativeClustering(
        n_clusters=None if number is None else min(number, len(vectors)),
        distance_threshold=THRESHOLD if number is None else None,
        metric="cosine",
        linkage="average",
    )
    return np.asarray(linked.fit_predict(vectors), np.int64)


def _by_speaker(
    measured: Slice, encoding: Encoding, group: Callable[[Sequence[str], Speaker], Groups | None]
) -> Clustered:
    stages = Stages(encoding)
    stages("clustering")
    found = {}
    for speaker in SPOKEN:
        texts = [turn.text for turn in measured.turns(speaker)]
        groups = group(texts, speaker) if texts else None
        if groups is not None:
            found[speaker] = groups
    return Clustered(found, stages.seconds())


def _main_actions(measured: Slice, turns: Sequence[Sequence[tuple[str, ...]]]) -> dict[Speaker, Groups]:
    found: dict[Speaker, Groups] = {speaker: [] for speaker in SPOKEN}
    for dialogue, given in zip(measured.dialogues, turns, strict=True):
        for utterance, said in zip(dialogue.utterances, given, strict=True):
            if utterance.speaker in found:
                found[utterance.speaker].append(said[0] if said else None)
    return {speaker: groups for speaker, groups in found.items() if groups}


def _named(labels: Labels) -> Groups:
    return [str(label) for label in labels.tolist()]


def _side_by_side(texts: Sequence[str], dense: Vectors) -> Vectors:
    counted = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2 if len(texts) > 500 else 1
    ).fit_transform(texts)
    dimensions = min(256, counted.shape[0] - 1, counted.shape[1] - 1)
    if dimensions < 1:
        return unit_rows(dense)
    lexical = TruncatedSVD(dimensions, random_state=0).fit_transform(counted)
    return unit_rows(np.hstack([unit_rows(dense), unit_rows(lexical)]))


def _by_silhouette(points: Vectors) -> Labels:
    distances = np.clip(1.0 - points @ points.T, 0.0, 2.0)
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    best, highest = np.zeros(len(points), np.int64), -2.0
    if len(points) < 3:
        return best
    tree = linkage(squareform(distances, checks=False), "average")
    for number in np.unique(np.geomspace(_FEWEST, _MOST, 30).astype(int)):
        labels = np.asarray(fcluster(tree, int(number), "maxclust"), np.int64)
        if 1 < len(np.unique(labels)) < len(points):
            score = float(silhouette_score(distances, labels, metric="precomputed"))
            if score > highest:
                best, highest = labels, score
    return best
