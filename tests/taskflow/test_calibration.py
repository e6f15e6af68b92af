"""How sure one may be of an action: what is fitted on held-out exemplars, and what it promises."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskflow.calibration import Calibration, calibrate
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, Speaker, Status
from taskflow.retrieval import ExemplarIndex, exemplar_texts

calibrations = st.builds(
    Calibration, sharpness=st.floats(1, 100), outside=st.floats(-1, 1), accept=st.floats(0.5, 0.95)
)
likenesses = st.lists(st.floats(-1, 1), max_size=6)
costs = st.floats(0, 1e9)


def assistant_of(*wordings: Sequence[str], speaker: Speaker = Speaker.USER) -> Assistant:
    actions = (
        DialogueAction(ActionId(f"a{place}"), speaker, f"action {place}", tuple(Exemplar(text, 1) for text in own), 1)
        for place, own in enumerate(wordings)
    )
    return Assistant("planted", tuple(actions), ())


def planted(centres: Sequence[int], actions: Sequence[int], nearness: float = 0.7) -> tuple[Assistant, Vectors]:
    """One wording a place, near the others of its centre by a cosine of `nearness`, and in the action named."""
    chance = np.random.default_rng(5)
    noise = unit_rows(chance.normal(size=(len(centres), 400)))
    middle = np.eye(400, dtype=np.float32)[list(centres)]
    vectors = unit_rows(np.sqrt(nearness) * middle + np.sqrt(1 - nearness) * noise)
    places = sorted(range(len(actions)), key=lambda place: actions[place])
    said = [[f"wording {place}" for place in places if actions[place] == action] for action in sorted(set(actions))]
    return assistant_of(*said), vectors[places]


@given(calibrations, likenesses)
def test_the_candidates_and_no_known_action_share_one(calibration, likeness):
    found = calibration.probabilities(likeness)
    assert found.shape == (len(likeness) + 1,)
    assert found.sum() == pytest.approx(1)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found[:-1][np.argsort(likeness)]) >= 0).all()


@given(calibrations, st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_what_was_known_before_the_text_has_its_say(calibration, candidates):
    likeness, prior = [like for like, _ in candidates], [before for _, before in candidates]
    found = calibration.probabilities(likeness, prior)
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1)
    assert all(p == 0 for p, before in zip(found, prior, strict=False) if before == 0)
    evenly = calibration.probabilities(likeness, [0.25] * len(likeness))
    assert evenly == pytest.approx(calibration.probabilities(likeness))


@given(calibrations, st.floats(-1, 1))
def test_a_likeness_of_outside_is_as_probably_nothing_known(calibration, likeness):
    known, unknown = calibration.probabilities([likeness])
    assert calibration.probabilities([calibration.outside]) == pytest.approx([0.5, 0.5])
    assert calibration.likelihood(calibration.outside) == 1
    assert known == pytest.approx(unknown * calibration.likelihood(likeness), rel=1e-6, abs=1e-12)


@given(calibrations, costs, costs)
def test_the_dearer_an_error_the_surer_one_has_to_be(calibration, one, other):
    low, high = sorted([one, other])
    assert calibration.accept <= calibration.threshold(low) <= calibration.threshold(high) <= 1


def test_a_threshold_weighs_errors_against_questions():
    assert [Calibration().threshold(cost) for cost in (0, 1, 3, 9)] == [0.5, 0.5, 0.75, 0.9]
    assert Calibration(accept=0.8).threshold(1) == 0.8
    for cost in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="give a number from 0 up"):
            Calibration().threshold(cost)


def test_actions_that_lie_apart_are_told_from_each_other_and_from_strangers():
    assistant, vectors = planted([place % 6 for place in range(90)], [place % 6 for place in range(90)])
    found = calibrate(assistant, vectors)
    assert 0.1 < found.outside < 0.6  # strangers are at 0, wordings of the action at 0.7
    assert found.accept == 0.5
    assert (found.held, found.expected_error) == (90, 0.0)
    assert found.coverage == pytest.approx(0.9)
    assert found.calibration_error == pytest.approx(0, abs=0.03)
    assert found.probabilities([0.7, 0, 0, 0, 0, 0])[0] > 0.95
    assert found.probabilities([0] * 6)[-1] > 0.9


def test_the_share_of_wordings_that_are_in_the_wrong_action_is_the_expected_error():
    """A quarter of what is said near a centre is in the other action, and so nothing tells a stranger, one in ten."""
    centres = [place % 2 for place in range(400)]
    actions = [centre if place % 8 < 6 else 1 - centre for place, centre in enumerate(centres)]
    found = calibrate(*planted(centres, actions))
    assert found.expected_error == pytest.approx(0.9 * 0.25 + 0.1, abs=0.04)
    assert found.coverage > 0.9


def test_where_wordings_say_nothing_about_the_action_nobody_is_sure():
    actions = [(place // 3) % 4 for place in range(240)]
    found = calibrate(*planted([0] * 240, actions))
    assert found.coverage < 0.05
    assert found.threshold(3) > max(part.probability for part in found.reliability)


@pytest.mark.parametrize("wordings", [[], [["one"]], [["one"], ["two"]], [["one", "ONE "], ["two", " Two"]]])
def test_an_assistant_of_which_nothing_can_be_held_out_has_the_defaults(encoder, wordings):
    assistant = assistant_of(*wordings)
    assert calibrate(assistant, encoder.encode(exemplar_texts(assistant, Speaker.USER))) == Calibration()


def test_one_action_is_told_from_strangers_by_the_defaults_and_what_there_is():
    found = calibrate(*planted([0] * 30, [0] * 30))
    assert found.held == 30
    assert found.outside < 0.5
    assert found.expected_error == pytest.approx(0, abs=1e-9)


def test_repetitions_in_other_spelling_do_not_make_it_surer():
    """Every wording once more in capitals, and so again: held out, it finds no twin."""
    texts = [f"wording {place}" for place in range(40)]
    chance = np.random.default_rng(1)
    vectors = unit_rows(chance.normal(size=(40, 64)))
    twice = assistant_of(
        [*texts[:20], *(text.upper() for text in texts[:20])], [*texts[20:], *map(str.upper, texts[20:])]
    )
    found = calibrate(twice, np.concatenate([vectors[:20], vectors[:20], vectors[20:], vectors[20:]]))
    assert found.held == 80
    assert found.coverage < 0.3


@settings(max_examples=40)
@given(st.from_type(Assistant), st.sampled_from(Speaker), st.integers(0, 9))
def test_any_assistant_has_a_calibration_of_finite_numbers(assistant, speaker, seed):
    texts = exemplar_texts(assistant, speaker)
    vectors = unit_rows(np.random.default_rng(seed).normal(size=(len(texts), 5)))
    found = calibrate(assistant, vectors, speaker)
    assert found == calibrate(assistant, vectors, speaker)
    assert found == Calibration.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert 1 <= found.sharpness <= 100
    assert -1 <= found.outside <= 1
    assert 0.5 <= found.accept < 1
    assert found.held in (0, len(texts))
    assert sum(part.share for part in found.reliability) == pytest.approx(1 if found.held else 0)


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 4), st.integers(0, 3))
def test_more_evidence_never_makes_a_number_that_is_none(wordings, actions, nearness):
    found = calibrate(*planted([0] * wordings, [p % actions for p in range(wordings)], nearness / 3))
    numbers = [found.sharpness, found.outside, found.accept, found.coverage, found.expected_error or 0.0]
    assert np.isfinite(numbers).all()
    assert np.isfinite(found.probabilities(np.linspace(-1, 1, 9))).all()


def test_only_the_speakers_actions_that_are_recognised_count(assistant, encoder):
    rejected = DialogueAction(ActionId("no"), Speaker.USER, "no", (Exemplar("never", 1),), 1, status=Status.REJECTED)
    more = Assistant("more", (*assistant.actions, rejected), ())
    for speaker in (Speaker.USER, Speaker.AGENT):
        vectors = encoder.encode(exemplar_texts(more, speaker))
        assert calibrate(more, vectors, speaker) == calibrate(assistant, vectors, speaker)
    with pytest.raises(ValueError, match="exemplars but 1 vectors"):
        calibrate(assistant, encoder.encode(["hello"]))


def test_what_is_fitted_is_the_likeness_that_serves(encoder):
    """Customers in other words: what the index finds near is probable, small talk is not."""
    said = (
        [
            "my cup came broken",
            "the mug has a crack",
            "it arrived damaged",
            "the plate is in pieces",
            "the lid is torn",
        ],
        [
            "where is my parcel",
            "the package has not come",
            "my delivery is late",
            "still no parcel",
            "when will it come",
        ],
    )
    assistant = assistant_of(*said)
    vectors = encoder.encode(exemplar_texts(assistant, Speaker.USER))
    found, index = calibrate(assistant, vectors), ExemplarIndex(assistant, Speaker.USER, vectors)
    asked = ["my plate came broken", "where is the package", "what is the capital of France"]
    best = [
        found.probabilities([match.likeness for match in index.rank(text, vector)])[0]
        for text, vector in zip(asked, encoder.encode(asked), strict=True)
    ]
    assert min(best[:2]) > 0.6
    assert best[2] < found.threshold(1)
