"""Publishing while people talk: where they go, two versions side by side, and the way back."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.moves import ANCESTOR, ANEW, IDLE, STAYS, moves_to
from taskflow.edits import RenameFlow, SetNodeStatus
from taskflow.model import FlowId, NodeId, Status
from taskflow.review import without_rejected
from taskflow.store.assistants import AssistantError, add_edit, load_draft, publish, published_id
from taskflow.store.conversations import read
from taskflow.store.traffic import Share, assigned, outcomes, serving_of, set_shares

RETURN, LATE = FlowId("f-return"), FlowId("f-late")
LIVE = {"sqlite": 1_000, "postgresql": 100}  # of the turns, most is the same on both


def send(manager, conversation, text):
    return [event for event in manager.reply(conversation, str(uuid4()), text) if event.speaker == "agent"]


def version_of(database, conversation):
    return read(database, conversation).version_id


def numbers(shares):
    return {one.number: pytest.approx(one.share) for one in shares}


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=4), st.lists(st.uuids(), min_size=1, max_size=20))
def test_every_conversation_has_a_version_and_always_the_same(weights, conversations):
    total = sum(weights)
    shares = [Share(key, key + 1, weight / total) for key, weight in enumerate(weights)]
    for conversation in map(str, conversations):
        assert assigned(shares, conversation) in range(len(weights))
        assert assigned(shares, conversation) == assigned(tuple(shares), conversation)


def test_shares_are_what_they_say():
    shares = [Share(1, 1, 0.8), Share(2, 2, 0.2)]
    second = sum(assigned(shares, str(uuid4())) == 2 for _ in range(4_000))
    assert 600 < second < 1_000  # 800 ± 25, one standard deviation


def test_many_live_conversations_are_published_over_and_rolled_back(serve, published, database_url):
    manager = serve()
    conversations = [manager.start("shop") for _ in range(LIVE[database_url.partition(":")[0]])]
    for conversation in conversations:
        send(manager, conversation, "I want to return something")
    add_edit(published, "shop", RenameFlow(RETURN, "Sending back"))
    publish(published, "shop")
    first, second = (published_id(published, "shop", number) for number in (1, 2))
    gone_on = serve()
    replies = [send(gone_on, conversation, "TF-20418837") for conversation in conversations]
    assert {(reply.node, reply.flow) for (reply,) in replies} == {("r-unused", "Sending back")}
    assert {version_of(published, conversation) for conversation in conversations} == {second}
    set_shares(published, "shop", {1: 1.0})
    back = serve()
    replies = [send(back, conversation, "still in the box") for conversation in conversations]
    assert {reply.text for (reply, *_) in replies} == {"The label for TF-20418837 is on its way."}
    assert {version_of(published, conversation) for conversation in conversations} == {first}


def test_side_by_side_each_conversation_stays_with_its_version(serve, published):
    manager = serve()
    before = manager.start("shop")
    send(manager, before, "I want to return something")
    add_edit(published, "shop", RenameFlow(RETURN, "Sending back"))
    publish(published, "shop", share=0.5)
    assert numbers(serving_of(published, "shop")) == {1: 0.5, 2: 0.5}
    again = serve()
    (reply,) = send(again, before, "TF-20418837")
    assert reply.flow == "Returns"
    flows = set()
    for _ in range(40):
        conversation = again.start("shop")
        (reply,) = send(again, conversation, "I want to return something")
        flows.add(reply.flow)
    assert flows == {"Returns", "Sending back"}
    told = {one.number: one.conversations for one in outcomes(published, "shop")}
    assert sum(told.values()) == 41
    assert min(told.values()) > 5


def test_a_dry_run_says_where_everybody_would_go_and_changes_nothing(serve, published):
    manager = serve()
    talks = {}
    for name, said in {
        "idle": [],
        "asked": ["I want to return something"],
        "deep": ["I want to return something", "TF-20418837"],
        "late": ["where is my parcel"],
    }.items():
        talks[name] = manager.start("shop")
        for text in said:
            send(manager, talks[name], text)
    add_edit(published, "shop", SetNodeStatus(RETURN, NodeId("r-unused"), Status.REJECTED))
    draft = without_rejected(load_draft(published, "shop").assistant)
    without_late = type(draft)(draft.name, draft.actions, tuple(flow for flow in draft.flows if flow.id != LATE))
    moves = {move.conversation: move for move in moves_to(published, "shop", without_late).moves}
    kinds = {name: moves[conversation].kind for name, conversation in talks.items()}
    assert kinds == {"idle": IDLE, "asked": STAYS, "deep": ANCESTOR, "late": ANEW}
    assert (moves[talks["deep"]].node, moves[talks["deep"]].to) == ("r-unused", "r-number")
    assert [one.number for one in serving_of(published, "shop")] == [1]
    publish(published, "shop")
    after = serve()
    send(after, talks["deep"], "hello again")
    state = after.state(talks["deep"])
    assert state.fields["order_number"].value == "TF-20418837"


def test_a_closed_conversation_is_not_live(serve, published):
    manager = serve()
    conversation = manager.start("shop")
    send(manager, conversation, "I want to return something")
    manager.close(conversation, "resolved")
    assert not moves_to(published, "shop", load_draft(published, "shop").assistant).moves
    (one,) = outcomes(published, "shop")
    assert (one.conversations, one.resolved, one.handed_off, one.satisfaction) == (1, 1, 0, None)


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({1: 0.5}, "sum up to 0.5"),
        ({3: 1.0}, r"no version 3 \(there are: 1, 2\)"),
        ({1: 1.5, 2: -0.5}, "a share is"),
        ({1: float("nan")}, "a share is nan"),
        ({}, "sum up to 0"),
    ],
)
def test_shares_that_cannot_be_change_nothing(published, shares, told):
    publish(published, "shop")
    with pytest.raises(AssistantError, match=told):
        set_shares(published, "shop", shares)
    assert numbers(serving_of(published, "shop")) == {2: 1}


def test_a_new_version_takes_its_share_from_the_others_in_proportion(published):
    publish(published, "shop", share=0.5)
    publish(published, "shop", share=0.2)
    assert numbers(serving_of(published, "shop")) == {1: 0.4, 2: 0.4, 3: 0.2}
    publish(published, "shop")
    assert numbers(serving_of(published, "shop")) == {4: 1}


def test_from_the_command_line(serve, published, database_url, cli):
    manager = serve()
    send(manager, manager.start("shop"), "I want to return something")

    def told(command, *arguments):
        result = cli(command, "shop", *arguments, "--json", database=database_url)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    assert told("publish", "--dry-run")["counts"][STAYS] == 1
    assert told("publish", "--share", "0.25")["version"] == 2
    assert [one["share"] for one in told("traffic")["versions"]] == [0.25, 0.75]
    assert told("traffic", "1", "--dry-run")["live"] == 1
    assert [one["share"] for one in told("traffic", "1")["versions"]] == [0, 1]
    assert "rated" not in cli("traffic", "shop", database=database_url).stdout
    assert cli("traffic", "shop", "1=half", database=database_url).returncode == 2
    assert "no version 9" in cli("traffic", "shop", "9", database=database_url).stderr
