"""Where a sequence of actions stands on the flows, however the dialogue goes, and what the agent does next."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from taskflow.edits import SetActionStatus, SetNodeStatus, apply
from taskflow.model import ActionId, Assistant, Speaker, Status
from taskflow.replay import START, Replay


def walk(replay, *actions, start=START):
    for action in actions:
        start = replay.observe(start, None if action is None else ActionId(action))
    return start


def position(belief):
    return None if belief.best is None else belief.best[1]


def foretold(replay, belief):
    return [action for action, _ in replay.next_agent_actions(belief)]


def test_a_dialogue_that_keeps_to_the_tree_is_followed(assistant):
    replay, belief = Replay(assistant), START
    steps = zip(["broken", "ask", "number", "found", "offer", "refund", "refunded"], range(1, 8), strict=True)
    for action, place in steps:
        belief = walk(replay, action, start=belief)
        assert (position(belief), belief.followed, belief.last) == (f"d{place}", True, action)


def test_the_agent_is_foretold_at_each_step(assistant):
    replay = Replay(assistant)
    assert foretold(replay, walk(replay, "broken"))[0] == "ask"
    assert foretold(replay, walk(replay, "broken", "ask", "number", "found"))[0] == "offer"
    assert foretold(replay, walk(replay, "broken", "ask", "number", "found", "offer", "again"))[0] == "sent"
    assert foretold(replay, walk(replay, "broken", "ask", "number", "found", "offer", "refund"))[0] == "refunded"
    assert foretold(replay, walk(replay, "late", "ask", "number"))[0] == "arrives"


def test_the_first_message_chooses_the_flow(assistant):
    replay = Replay(assistant)
    assert walk(replay, "late").best == ("late", "l1")
    assert walk(replay, "broken").best == ("damaged", "d1")


def test_a_question_that_is_already_answered_is_passed_over(assistant):
    belief = walk(Replay(assistant), "broken", "number")
    assert position(belief) == "d3"
    assert not belief.followed


def test_a_digression_keeps_the_position(assistant):
    replay = Replay(assistant)
    before = walk(replay, "broken", "ask")
    for digression in ("weather", None):
        after = walk(replay, digression, start=before)
        assert (position(after), after.followed) == ("d2", False)
        assert position(walk(replay, "number", start=after)) == "d3"


def test_an_action_that_nobody_knows_keeps_the_position(assistant):
    replay = Replay(assistant)
    assert position(walk(replay, "broken", "ask", "from another assistant")) == "d2"


def test_going_back_is_followed_within_the_flow(assistant):
    belief = walk(Replay(assistant), "broken", "ask", "number", "found", "offer", "refund", "refunded", "again")
    assert (position(belief), belief.followed) == ("d8", False)


def test_a_change_of_the_subject_changes_the_flow(assistant):
    replay = Replay(assistant)
    belief = walk(replay, "broken", "ask", "number", "late")
    assert (position(belief), belief.followed) == ("l1", False)
    assert position(walk(replay, "ask", "number", "arrives", start=belief)) == "l4"


def test_a_node_that_jumps_leads_back_as_often_as_need_be(assistant):
    replay, belief = Replay(assistant), walk(Replay(assistant), "broken", "ask", "number")
    for _ in range(50):
        belief = walk(replay, "missing", start=belief)
        assert position(belief) == "d10"
        assert foretold(replay, belief)[0] == "ask"
        belief = walk(replay, "ask", "number", start=belief)
        assert position(belief) == "d3"
        assert belief.followed


def test_what_was_rejected_is_not_walked(assistant):
    pruned = Replay(apply(SetNodeStatus("damaged", "d6", Status.REJECTED), assistant))
    belief = walk(pruned, "broken", "ask", "number", "found", "offer", "refund")
    assert position(belief) == "d5"
    assert "sent" in foretold(pruned, walk(pruned, "again", start=belief))[0]
    silent = Replay(apply(SetActionStatus("ask", Status.REJECTED), assistant))
    assert "ask" not in foretold(silent, walk(silent, "broken"))
    assert silent.step(None) == [(("damaged", "d1"), 20 / 30), (("late", "l1"), 10 / 30)]
    assert silent.step(("damaged", "d1")) == []


@given(st.data(), st.from_type(Assistant))
def test_any_sequence_on_any_assistant_gives_a_distribution(data, assistant):
    replay, belief = Replay(assistant), START
    agents = {a.id for a in assistant.actions if a.speaker is Speaker.AGENT and a.status is not Status.REJECTED}
    known = st.sampled_from([action.id for action in assistant.actions])
    for action in data.draw(st.lists(st.none() | known | st.just(ActionId("unknown")), max_size=12)):
        belief = replay.observe(belief, action)
        assert all(weight >= 0 for weight in belief.weights.values())
        assert math.isclose(sum(belief.weights.values()), 1.0)
        told = replay.next_agent_actions(belief)
        assert {agent for agent, _ in told} == agents
        assert sorted((share for _, share in told), reverse=True) == [share for _, share in told]
        assert not agents or all(0 <= share <= 1 for _, share in told)
        for reached, probability in replay.step(belief.best):
            assert replay.action(reached) is None or 0 <= probability <= 1


def test_a_long_dialogue_keeps_its_belief_small(assistant):
    replay = Replay(assistant)
    belief = walk(replay, *["broken", "ask", "number", "missing", "weather", "late", "refund"] * 200)
    assert len(belief.weights) <= 24
