"""One TaskFlow a need: found in the dialogues' course, or taken from the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mining.config import MiningConfig
from mining.pipeline import Mined, mine
from taskflow.model import Dialogue, Speaker, Utterance

OPENINGS = {"returns": ["I want to return it", "can I send it back"], "late": ["where is my parcel", "it is not here"]}
QUESTION = {"returns": "Is it unused?", "late": "What is your order number?"}


def talk(course: str, number: int, **told: object) -> Dialogue:
    said = [
        (Speaker.USER, OPENINGS[course][number % 2]),
        (Speaker.AGENT, QUESTION[course]),
        (Speaker.USER, "yes it is" if course == "returns" else "[order_number]"),
        (Speaker.AGENT, "Thank you, that is done."),
    ]
    return replace(Dialogue(f"{course}-{number}", tuple(Utterance(*turn) for turn in said)), **told)


@pytest.fixture
def run(encoder):
    def mined(dialogues: list[Dialogue], **config: str) -> Mined:
        return mine("test", dialogues, encoder.encode, MiningConfig(**config), lambda _: None)

    return mined


def flows(mined: Mined) -> dict[str, int]:
    return {flow.name: flow.support for flow in mined.assistant.flows}


def test_needs_that_the_log_names_are_one_flow_each_however_alike_the_dialogues_are(run):
    dialogues = [talk("late", number, need=("lost", "delayed", "damaged")[number % 3]) for number in range(12)]
    mined = run(dialogues, needs="logged")
    assert flows(mined) == {"lost": 4, "delayed": 4, "damaged": 4}
    for flow in mined.assistant.flows:
        assert {dialogues[int(seen.dialogue_id[5:])].need for seen in flow.root.evidence} == {flow.name}


def test_dialogues_whose_need_the_log_leaves_empty_have_a_flow_of_their_own(run):
    dialogues = [talk("late", number, need="late" if number < 8 else None) for number in range(12)]
    assert flows(run(dialogues, needs="logged")) == {"late": 8, "no need in the log": 4}
    taken = [replace(dialogue, need=dialogue.need or "no need in the log") for dialogue in dialogues]
    taken.append(talk("late", 12))
    assert flows(run(taken, needs="logged")) == {"late": 8, "no need in the log": 4, "no need in the log (2)": 1}


def test_a_log_that_names_no_need_at_all_is_told(run):
    mined = run([talk("late", number) for number in range(12)], needs="logged")
    assert mined.assistant.flows == ()
    assert mined.assistant.actions
    assert 'needs = "found"' in (mined.note or "")


def test_a_need_keeps_the_identity_of_its_flow_when_more_dialogues_come(run):
    some = [talk(need, number, need=need) for number in range(12) for need in OPENINGS]
    more = some + [talk("late", number, need="late") for number in range(12, 20)]
    ids = [{flow.name: flow.id for flow in run(each, needs="logged").assistant.flows} for each in (some, more)]
    assert ids[0] == ids[1]


def test_the_logs_outcomes_and_content_customers_are_counted_where_they_passed(run):
    dialogues = [
        talk("late", number, outcome="resolved" if number % 2 else "refused", satisfaction=5.0 if number % 3 else 1.0)
        for number in range(12)
    ]
    mined = run(dialogues)
    assert dict(mined.assistant.flows[0].root.outcomes) == {"resolved": 6, "refused": 6, "satisfied": 8}


def test_a_log_whose_own_outcome_is_satisfied_counts_no_dialogue_twice(run):
    mined = run([talk("late", number, outcome="satisfied", satisfaction=5.0) for number in range(4)])
    assert mined.assistant.flows[0].root.outcomes == (("satisfied", 4),)


def test_without_outcomes_none_are_told(run):
    mined = run([talk("late", number) for number in range(4)])
    assert all(node.outcomes == () for flow in mined.assistant.flows for node in flow.nodes)
