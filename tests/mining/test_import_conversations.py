"""Live conversations become logged dialogues: masked, once, brought up to date, and mined like any other."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from click.testing import CliRunner

from mining.config import MiningConfig
from mining.finished import import_finished
from mining.import_command import import_
from mining.runs import run_mining
from taskflow.model import Assistant, DialogueAction, Exemplar, FlowNode, Speaker, TaskFlow, Utterance
from taskflow.store import open_database
from taskflow.store.assistants import load_draft, publish, published_id, save_mined
from taskflow.store.conversations import NewEvent, commit_turn, read, start
from taskflow.store.corpora import read_corpus
from taskflow.store.forgetting import forget

HELLO = Assistant(
    "shop",
    (DialogueAction("hello", Speaker.USER, "hello", (Exemplar("hello", 1),), 1),),
    (TaskFlow("f", "greeting", (FlowNode("n", None, "hello", 1),)),),
)


@pytest.fixture
def version(database):
    with database.write() as session:
        save_mined(session, HELLO, "any")
    publish(database, "shop")
    return published_id(database, "shop")


def said(speaker, text, **more):
    return NewEvent("message", {"speaker": speaker, "text": text, **more})


def turn(database, conversation, *events, **changes):
    assert commit_turn(database, read(database, conversation), {}, events, changes=changes) is not None


def converse(database, version, *events, customer="ada", **changes):
    conversation = start(database, version, customer)
    turn(database, conversation, *events, **({"status": "closed"} | changes))
    return conversation


def imported(database, corpus="live", assistant=None):
    told = import_finished(database, corpus, assistant, None, lambda _: None)
    return told.dialogues, told.changed, told.there, [refused.conversation for refused in told.refusals]


def dialogues(database, corpus="live"):
    return [dialogue for _, dialogue in read_corpus(database, corpus)]


def test_what_was_said_comes_masked_with_calls_outcome_and_satisfaction(database, version):
    conversation = converse(
        database,
        version,
        said("user", "I'm Ada Lovelace, \u200border TF-20418837 is late"),
        NewEvent("call", {"name": "track", "outcome": "not_found"}),
        said("agent", "Ben here. I write to ada.l@example.com.\nYours, Ben", by="Ben Ode"),
        outcome="resolved",
        satisfaction=4,
    )
    assert imported(database) == (1, 0, 0, [])
    (dialogue,) = dialogues(database)
    assert (dialogue.id, dialogue.outcome, dialogue.satisfaction) == (conversation, "resolved", 4.0)
    assert dialogue.utterances == (
        Utterance(Speaker.USER, "I'm [name], order [order_number] is late"),
        Utterance(Speaker.SYSTEM, "", "track", {"outcome": "not_found"}),
        # A signature has no cue: recognisers do not see it.
        Utterance(Speaker.AGENT, "Ben here. I write to [email].\nYours, Ben"),
    )


def test_a_second_import_brings_what_is_new_or_has_changed(database, version):
    first = converse(database, version, said("user", "hello"))
    converse(database, version, said("user", "hello"), status="open")
    assert imported(database) == (1, 0, 0, [])
    assert imported(database) == (0, 0, 1, [])
    turn(database, first, said("user", "one more thing"), status="open")
    converse(database, version, said("user", "bye"))
    assert imported(database) == (1, 0, 0, [])
    assert [len(one.utterances) for one in dialogues(database)] == [1, 1]
    turn(database, first, said("agent", "Yes?"), status="closed", outcome="resolved")
    assert imported(database) == (0, 1, 1, [])
    assert [[u.text for u in one.utterances] for one in dialogues(database)] == [
        ["hello", "one more thing", "Yes?"],
        ["bye"],
    ]
    assert dialogues(database)[0].outcome == "resolved"
    assert imported(database, "other") == (2, 0, 0, [])


def test_a_widget_that_was_opened_and_left_is_no_dialogue(database, version):
    converse(database, version, said("agent", "How can I help?"))
    converse(database, version)
    assert imported(database) == (0, 0, 0, [])


def test_what_is_too_long_is_refused_with_the_reason_and_the_rest_goes_in(database, version):
    long = converse(database, version, said("user", "x" * 30_000))
    converse(database, version, said("user", "hello"))
    told = import_finished(database, "live", None, None, lambda _: None)
    assert (told.dialogues, [refused.conversation for refused in told.refusals]) == (1, [long])
    assert "30,000, over the limit" in told.refusals[0].reason


def test_an_interrupted_import_leaves_whole_batches_and_the_next_one_goes_on(database, version):
    for number in range(250):
        converse(database, version, said("user", f"hello {number}"), said("agent", "good day"))

    def interrupt(told):
        assert told == "200 of 250 conversations read"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_finished(database, "live", None, None, interrupt)
    assert [len(one.utterances) for one in dialogues(database)] == [2] * 200
    assert imported(database) == (50, 0, 200, [])
    assert len({one.id for one in dialogues(database)}) == 250


OPENINGS = ["Where is my parcel?", "My package has not arrived", "the delivery is late", "parcel still not here"]


def test_what_was_imported_is_mined_and_after_forgetting_counts_are_of_the_others(database, version, encoder):
    for number in range(24):
        converse(
            database,
            version,
            said("user", OPENINGS[number % 4] + (" Zebulon was here" if number == 7 else "")),
            NewEvent("call", {"name": "track", "outcome": "ok" if number % 2 else "not_found"}),
            said("agent", "It is on its way." if number % 2 else "I cannot find that order."),
            said("user", "thanks"),
            customer=f"c-{number % 12}",
            outcome="resolved" if number % 2 else "abandoned",
        )
    assert imported(database, assistant="shop") == (24, 0, 0, [])
    run_mining(database, "live", "mined", encoder, MiningConfig(), lambda _: None)
    before = load_draft(database, "mined").assistant
    assert any("Zebulon" in said.text for action in before.actions for said in action.exemplars)
    forgotten = forget(database, "c-7", "ben")
    assert (forgotten.removed.conversations, forgotten.removed.dialogues) == (2, 2)
    after = load_draft(database, "mined").assistant
    for flow in after.flows:
        for node in flow.nodes:
            assert node.support == len(node.evidence) == len({seen.dialogue_id for seen in node.evidence})
            assert sum(dict(node.outcomes).values()) == node.support
            assert sum(child.probability for child in flow.children(node.id)) < 1.0001
    assert sum(flow.support for flow in after.flows) == 22
    assert sum(action.support for action in before.actions) - sum(action.support for action in after.actions) == 10
    for old, new in zip(before.actions, after.actions, strict=True):
        counted = sum(said.count for said in new.exemplars)
        assert counted == new.support or "Zebulon" in new.exemplars[0].text, (old, new)
    # Mined again, actions of the same wordings have the very same counts.
    run_mining(database, "live", "again", encoder, MiningConfig(), lambda _: None)
    again = {wordings(action): action for action in load_draft(database, "again").assistant.actions}
    same = [(action, again[wordings(action)]) for action in after.actions if wordings(action) in again]
    assert {action.name for action, _ in same} >= {"track: ok", "track: not_found"}
    assert all((one.support, counts(one)) == (other.support, counts(other)) for one, other in same)


def wordings(action):
    return action.speaker, frozenset(said.text for said in action.exemplars)


def counts(action):
    return {said.text: said.count for said in action.exemplars}


@pytest.fixture
def live(database_url):
    """The address of a database with two conversations that have ended."""
    with closing(open_database(database_url)) as database:
        with database.write() as session:
            save_mined(session, HELLO, "any")
        publish(database, "shop")
        converse(database, published_id(database, "shop"), said("user", "hello"), said("agent", "good day"))
        converse(database, published_id(database, "shop"), said("user", "x" * 30_000))
    return database_url


def test_the_command_for_scripts_and_for_people(cli, live):
    done = cli("import", "--conversations", "--assistant", "shop", "--corpus", "live", "--json", database=live)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (refused,) = told.pop("refusals")
    assert refused.keys() == {"conversation", "reason"}
    assert told == {"dialogues": 1, "changed": 0, "utterances": 2, "there": 0, "refused": 1}
    assert "2 of 2 conversations read" in done.stderr
    again = cli("import", "--conversations", "--since", "2026-01-01", "--corpus", "live", database=live)
    assert again.stdout == (
        "0 conversations went into live, 0 were brought up to date; 1 were there already, 1 were refused\n"
    )
    missing = cli("import", "--conversations", "--assistant", "nobody", "--corpus", "live", database=live)
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "no assistant is called 'nobody'" in missing.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--conversations", "log.jsonl"],
        ["--conversations", "--column", "text=Message"],
        ["--assistant", "shop", "log.jsonl"],
        ["--since", "2026-01-01", "log.jsonl"],
        ["--conversations", "--since", "yesterday"],
        [],
    ],
)
def test_usage_that_is_wrong_says_what_there_is(tmp_path, arguments):
    database = ["--database", f"sqlite:///{tmp_path / 'x.db'}"]
    done = CliRunner().invoke(import_, [*arguments, "--corpus", "c", *database])
    assert done.exit_code == 2
    assert "Error: " in done.stderr
