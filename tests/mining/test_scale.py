"""What keeps mining within time and memory gives what the plain way gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.actions import ActionSet
from mining.clustering import fine_clusters, side_by_side
from mining.context import neighbours
from mining.engine import LOCAL
from mining.rows import CHUNK, chunks, empty_rows
from mining.sequences import AssignedTurns, assign
from mining.wordings import SPEAKERS, Part, collect, said
from taskflow.encoders import unit_rows
from taskflow.model import ActionId, Dialogue, Speaker, Utterance
from taskflow.retrieval import normalise

_TEXTS = st.sampled_from(["yes", "Yes", "no", "NO ", "", "where is it?", "你好"])


@st.composite
def utterances(draw):
    speaker = draw(st.sampled_from(SPEAKERS))
    result = draw(st.sampled_from([None, {"outcome": "ok"}, {"outcome": "failed"}]))
    return Utterance(speaker, draw(_TEXTS), None, result if speaker is Speaker.SYSTEM else None)


dialogue_lists = st.lists(st.lists(utterances(), min_size=1, max_size=6), max_size=6).map(
    lambda talks: [Dialogue(f"d-{number}", tuple(turns)) for number, turns in enumerate(talks)]
)


def keys(dialogue: Dialogue) -> list[tuple[Speaker, str]]:
    return [(turn.speaker, normalise(text)) for turn in dialogue.utterances for text in said(turn)]


@given(dialogue_lists)
def test_dialogues_are_kept_as_numbers_and_come_back(dialogues):
    spoken = collect(iter(dialogues))
    told = [[(who, spoken.wordings[who][place].key) for who, place in d] for d in spoken.dialogues]
    assert told == [keys(d) for d in dialogues]
    counts = Counter(key for d in dialogues for key in keys(d))
    spelled = Counter((turn.speaker, text) for d in dialogues for turn in d.utterances for text in said(turn))
    for who, wordings in spoken.wordings.items():
        assert {(who, wording.key): wording.count for wording in wordings} == {
            key: count for key, count in counts.items() if key[0] is who
        }
        for wording in wordings:
            most = max(n for (other, text), n in spelled.items() if other is who and normalise(text) == wording.key)
            assert spelled[who, wording.text] == most


@given(dialogue_lists, st.sets(st.integers(0, 20)))
def test_the_actions_of_turns_are_those_of_their_utterances(dialogues, left_out):
    spoken = collect(dialogues)
    known = [(who, wording.key) for who in SPEAKERS for wording in spoken.wordings[who]]
    of_wording = {key: ActionId(f"a-{n}") for n, key in enumerate(known) if n not in left_out}
    found = ActionSet((), of_wording, np.zeros(len(dialogues), np.int64))
    turns = AssignedTurns(spoken, found)
    assert list(turns) == [[assign(utterance, found) for utterance in d.utterances] for d in dialogues]
    assert turns[:2] == list(turns)[:2]


@given(dialogue_lists.filter(lambda dialogues: any(who is Speaker.USER for d in dialogues for who, _ in keys(d))))
def test_neighbours_are_counted_as_they_stand(dialogues):
    spoken = collect(dialogues)
    labels = {who: np.arange(len(spoken.wordings[who])) // 2 for who in SPEAKERS}
    fine = np.arange(len(spoken.wordings[Speaker.USER]))
    first = {}
    width = 1
    for who in SPEAKERS:
        first[who] = width
        width += len(set(labels[who].tolist()))
    before, after = np.zeros((2, len(fine), width))
    for dialogue in spoken.dialogues:
        columns = [0, *(first[who] + labels[who][place] for who, place in dialogue), 0]
        for place, (who, wording) in enumerate(dialogue):
            if who is Speaker.USER:
                before[wording, columns[place]] += 1
                after[wording, columns[place + 2]] += 1

    class OneByOne:
        """Every dialogue a partition of its own."""

        def map(self, function, shared, partitions):
            for part in partitions:
                for a, b in zip(part.starts[:-1], part.starts[1:], strict=True):
                    yield function(shared, Part(np.array([0, b - a]), part.speakers[a:b], part.places[a:b]))

    for engine in (LOCAL, OneByOne()):
        counted = neighbours(spoken, Speaker.USER, fine, labels, engine)
        np.testing.assert_array_equal(counted, (before, after))


@pytest.fixture(scope="module")
def crowd():
    """Three groups of common points, and one of points that are all rare and lie apart."""
    chance = np.random.default_rng(5)
    centres = unit_rows(chance.normal(size=(4, 16)))
    group = np.repeat([0, 1, 2, 3], [200, 200, 200, 60])
    points = unit_rows(centres[group] + 0.05 * chance.normal(size=(len(group), 16)))
    counts = np.where(group == 3, 1, chance.integers(2, 30, len(group))).tolist()
    return points, counts, group


def test_more_points_than_are_linked_fall_in_clusters_of_their_own_kind(crowd):
    points, counts, group = crowd
    labels = fine_clusters(points, counts, 100)
    assert set(labels.tolist()) == set(range(max(labels) + 1))
    for label in set(labels.tolist()):
        assert len(set(group[labels == label].tolist())) == 1, "the rare ones are not drowned by the common"
    np.testing.assert_array_equal(labels, fine_clusters(points, counts, 100))


def test_lexical_evidence_of_very_many_texts_is_like_that_of_all():
    words = ["parcel", "refund", "broken", "cancel", "address", "invoice", "size", "colour"]
    texts = [f"{words[n % 8]} {words[n // 8 % 8]} {n // 64}" for n in range(6_000)]
    few, many = texts[:4_000], texts
    dense = np.ones((len(texts), 1), np.float32)
    one, other = side_by_side(few, dense[:4_000])[:500], side_by_side(many, dense)[:500]
    np.testing.assert_allclose(np.linalg.norm(other, axis=1), 1.0, atol=1e-5)
    assert np.corrcoef((one @ one.T).ravel(), (other @ other.T).ravel())[0, 1] > 0.9


def test_a_large_table_lies_on_disk_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    large, small = empty_rows(200_000, 512), empty_rows(10, 512)
    assert isinstance(large, np.memmap)
    assert not isinstance(small, np.memmap)
    large[-1] = 1.0
    assert large[-1].sum() == 512
    assert list(tmp_path.iterdir()) == [], "no name is left that a killed process could leave"


@settings(max_examples=20)
@given(st.integers(0, 3 * CHUNK))
def test_chunks_cover_every_row_once(number):
    assert [row for part in chunks(number) for row in range(number)[part]] == list(range(number))
