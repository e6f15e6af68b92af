"""Mining: logs in, Dialogue Actions and TaskFlows out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.config import MiningConfig
from mining.pipeline import Mined, mine
from taskflow.encoders import Encoder
from taskflow.model import ActionId, Dialogue, Speaker, Utterance

Talk = Sequence[tuple[str, str]]
_SPEAKERS = {"u": Speaker.USER, "a": Speaker.AGENT, "s": Speaker.SYSTEM}


def dialogue(name: str, talk: Talk) -> Dialogue:
    turns = []
    for who, text in talk:
        if who == "s":
            call, _, outcome = text.partition("=")
            turns.append(Utterance(Speaker.SYSTEM, "{}", call, {"outcome": outcome} if outcome else None))
        else:
            turns.append(Utterance(_SPEAKERS[who], text))
    return Dialogue(name, tuple(turns))


@pytest.fixture
def run(encoder: Encoder):
    def mined(dialogues: Sequence[Dialogue], **config: float) -> Mined:
        return mine("test", dialogues, encoder.encode, MiningConfig(**config), lambda _: None)

    return mined


def action_of(mined: Mined, dialogues: Sequence[Dialogue], text: str) -> ActionId:
    found = {
        actions[0]
        for d, turns in zip(dialogues, mined.turns, strict=True)
        for utterance, actions in zip(d.utterances, turns, strict=True)
        if utterance.text == text
    }
    assert len(found) == 1, f"{text!r} is {len(found)} actions"
    return found.pop()


RETURN = ["I want to return a jacket", "Can I send this back?", "I'd like to return my order", "return please"]
LATE = ["Where is my parcel?", "My package has not arrived", "the delivery is late", "parcel still not here"]


def shop(number: int) -> list[Dialogue]:
    """Two needs; in the first, what the agent does next depends on a yes or a no."""
    talks: list[Dialogue] = []
    for i in range(number):
        yes = i % 2 == 0
        answer = ["yes", "yes it is"][i // 2 % 2] if yes else ["no", "no it is not"][i // 2 % 2]
        talks.append(
            dialogue(
                f"return-{i}",
                [
                    ("u", RETURN[i // 2 % 4]),
                    ("a", "Is it still unused?"),
                    ("u", answer),
                    *(
                        [("s", "create_return=ok"), ("a", "Here is your return label.")]
                        if yes
                        else [("a", "I am sorry, used items cannot be returned.")]
                    ),
                    ("u", "thanks" if yes else "what a pity"),
                ],
            )
        )
        talks.append(
            dialogue(
                f"late-{i}",
                [
                    ("u", LATE[i % 4]),
                    ("a", "What is your order number?"),
                    ("u", "[order_number]"),
                    ("s", "track=ok" if i % 3 else "track=not_found"),
                    ("a", "It is on its way." if i % 3 else "I cannot find it."),
                    ("u", "thanks"),
                ],
            )
        )
    return talks


def test_needs_become_flows_and_their_dialogues_pass_the_root(run):
    dialogues = shop(24)
    mined = run(dialogues)
    assert sorted(flow.support for flow in mined.assistant.flows) == [24, 24]
    for flow in mined.assistant.flows:
        assert len({seen.dialogue_id.partition("-")[0] for seen in flow.root.evidence}) == 1
    assert len({flow.name for flow in mined.assistant.flows}) == 2


def test_yes_and_no_are_two_actions_because_the_agent_acts_on_them(run):
    dialogues = shop(24)
    mined = run(dialogues)
    assert action_of(mined, dialogues, "yes") != action_of(mined, dialogues, "no")
    flow = next(f for f in mined.assistant.flows if f.root.evidence[0].dialogue_id.startswith("return"))
    after = {
        said: {response for child in flow.children(node.id) for response in child.responses}
        for node in flow.nodes
        if node.action_id and (said := mined.assistant.action_by_id[node.action_id].name)
    }
    assert after["create_return: ok"] == {"Here is your return label."}
    assert after[mined.assistant.action_by_id[action_of(mined, dialogues, "no")].name] == {
        "I am sorry, used items cannot be returned."
    }


def test_a_call_and_its_outcome_are_two_actions_of_one_turn(run):
    mined = run(shop(12))
    call, outcome = mined.turns[1][3]
    actions = mined.assistant.action_by_id
    assert (actions[call].name, actions[outcome].name) == ("track", "track: not_found")


def test_texts_that_differ_in_case_and_spaces_alone_are_one_action(run):
    dialogues = [
        dialogue("1", [("u", "Where is it?"), ("a", "Let me look.")]),
        dialogue("2", [("u", "where  is IT?"), ("a", "let me look.")]),
        dialogue("3", [("u", "cancel my order"), ("a", "done")]),
    ]
    mined = run(dialogues)
    assert mined.turns[0] == mined.turns[1]


def test_two_dialogues_are_enough_for_a_flow(run):
    dialogues = [dialogue(str(i), [("u", "hello there"), ("a", f"answer {i}")]) for i in range(2)]
    mined = run(dialogues)
    assert len(mined.assistant.flows) == 1
    assert mined.note is None
    assert len(mined.assistant.flows[0].nodes) > 1


@pytest.mark.parametrize("speaker", ["u", "a"])
def test_one_speaker_alone_gives_actions_and_a_note(run, speaker):
    mined = run([dialogue(str(i), [(speaker, text)]) for i, text in enumerate(RETURN + LATE)])
    assert mined.assistant.actions
    assert mined.assistant.flows == ()
    assert "both a customer and an agent" in mined.note


def test_an_empty_turn_keeps_its_place_and_has_no_action(run):
    mined = run([dialogue(str(i), [("u", ""), ("a", "hello"), ("u", " "), ("a", "bye")]) for i in range(3)])
    assert [bool(actions) for actions in mined.turns[0]] == [False, True, False, True]


def test_agent_nodes_have_the_wordings_said_there_and_nobody_elses(run):
    dialogues = shop(12)
    said = {u.text for d in dialogues for u in d.utterances if u.speaker is Speaker.AGENT}
    mined = run(dialogues)
    for flow in mined.assistant.flows:
        for node in flow.nodes:
            speaks = mined.assistant.speaker(node) is Speaker.AGENT
            assert bool(node.responses) == speaks
            assert set(node.responses) <= said


def test_what_pruning_cut_is_counted(run):
    dialogues = shop(24)
    usual = run(dialogues)
    turns = dialogues[3].utterances
    strayed = Dialogue("late-stray", (*turns[:2], Utterance(Speaker.AGENT, "Our cat says hello."), *turns[2:]))
    odd = run([*dialogues, strayed])
    assert odd.steps - usual.steps == 1 + sum(len(actions) for actions in usual.turns[3])
    assert (usual.cut, odd.cut) == (0, 1)


texts = st.sampled_from([*RETURN, *LATE, "yes", "no", "", "谢谢", "[order_number]", "hello <b>&", "track=ok", "😀"])
talks = st.lists(st.tuples(st.sampled_from("uas"), texts), min_size=1, max_size=7)


@settings(max_examples=60, deadline=None)
@given(st.lists(talks, min_size=2, max_size=9))
def test_any_dialogues_give_a_sound_assistant_and_the_same_one_again(encoder, given_talks):
    dialogues = [dialogue(str(i), talk) for i, talk in enumerate(given_talks)]
    config = MiningConfig()
    mined = mine("any", dialogues, encoder.encode, config, lambda _: None)
    again = mine("any", dialogues, encoder.encode, config, lambda _: None)
    assert mined == again
    both = sum({Speaker.USER, Speaker.AGENT} <= {u.speaker for u in d.utterances} for d in dialogues)
    assert bool(mined.assistant.flows) == (both >= 2)
    for flow in mined.assistant.flows:
        for node in flow.nodes:
            children = [child for child in flow.nodes if child.parent_id == node.id]
            assert sum(child.probability for child in children) <= 1 + 1e-9
            assert all(child.support <= node.support for child in children if child.jump_to is not None)
            assert node.support <= flow.support
            assert 0 < node.probability <= 1
            for seen in node.evidence:
                index = int(seen.dialogue_id)
                if node.action_id is not None:
                    assert node.action_id in mined.turns[index][seen.turn]
