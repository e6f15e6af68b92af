"""After a customer is forgotten, nothing that they said is anywhere; what others said stays, and counts are of them."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url, select

from taskflow.edits import AddAction, AddExemplars, AddNode, SplitAction
from taskflow.model import ActionId, Dialogue, DialogueAction, Evidence, Exemplar, FlowNode, Speaker, Utterance
from taskflow.proposals import Kind, Proposal, digest_of
from taskflow.recognisers import mask
from taskflow.store import open_database
from taskflow.store.assistants import add_edit, load_draft, load_log, load_version, publish, published_id, redo, undo
from taskflow.store.attachments import (
    MOST_ATTACHMENTS,
    Attachment,
    TooManyAttachmentsError,
    attach,
    attachment_ids,
    read_attachment,
)
from taskflow.store.conversations import NewEvent, commit_turn, read, read_events, start
from taskflow.store.corpora import CorpusError, StoredDialogues, add_dialogues, read_corpus
from taskflow.store.finished import keep, read_finished
from taskflow.store.forgetting import ForgettingError, find_traces, forget, overwrite_deleted
from taskflow.store.proposals import list_proposals, propose, reject
from taskflow.store.runs import save_run
from taskflow.store.schema import Base, ForgettingRow
from taskflow.store.vectors import vectors_of

DETAILS = {"config": {}, "figures": {}}
SAID = ("my cup came broken", "it is order TF-20418837", "write to ada.l@example.com", "Zebulon signs here")
RAW = ("customer-4711", "TF-20418837", "20418837", "ada.l@example.com", "zebulon", "m-ada-")


def converse(database, version, customer, *texts):
    """A conversation that is closed, its id, and the masked dialogue that it became in the corpora."""
    conversation = start(database, version, customer)
    for number, text in enumerate(texts):
        said = NewEvent("message", {"speaker": "user", "text": text}, f"m-{customer or 'nobody'}-{number}"[:20])
        understood = NewEvent("understood", {"action_id": "broken"})
        state = {"fields": {"said": text}}
        closed = {"status": "closed", "outcome": "resolved", "satisfaction": 5}
        assert commit_turn(database, read(database, conversation), state, [said, understood], changes=closed)
    turns = tuple(Utterance(Speaker.USER, mask(text)) for text in texts)
    for corpus in ("live", "more"):
        keep(
            database,
            corpus,
            [
                (one, Dialogue(conversation, turns, outcome="resolved", satisfaction=5))
                for one in read_finished(database, [conversation])
            ],
        )
    return conversation


def passed(assistant, *dialogues):
    """The assistant as if its first flow and its first action were of these dialogues."""
    flow = assistant.flows[0]
    evidence = tuple(Evidence(id_, 0) for id_ in dialogues)
    nodes = tuple(
        replace(node, evidence=evidence, support=len(dialogues), outcomes=(("resolved", len(dialogues)),))
        if node.id in ("d", "d1")
        else node
        for node in flow.nodes
    )
    first = replace(
        assistant.actions[0],
        support=4,
        exemplars=(Exemplar("My cup  came broken", 2), Exemplar("Zebulon signs here", 1), Exemplar("it broke", 1)),
    )
    return replace(
        assistant, actions=(first, *assistant.actions[1:]), flows=(replace(flow, nodes=nodes), *assistant.flows[1:])
    )


@pytest.fixture
def served(database, assistant):
    """Two customers' conversations and a logged dialogue, mined, edited, published, with a proposal."""
    add_dialogues(database, "live", [(Dialogue("log-1", (Utterance(Speaker.USER, "it broke"),)), "1")])
    save_run(database, "live", assistant, "any", [], DETAILS)
    publish(database, "support")
    version = published_id(database, "support")
    ada = converse(database, version, "customer-4711", *SAID)
    bob = converse(database, version, "customer-0815", "my cup came broken", "thank you")
    keys = {one.id: key for key, one in read_corpus(database, "live")}
    turns = [
        (keys[ada], [(ActionId("broken"),), (ActionId("number"),), (), (ActionId("broken"),)]),
        (keys[bob], [(ActionId("broken"),), ()]),
        (keys["log-1"], [(ActionId("broken"),)]),
    ]
    with database.write() as session:  # as if nobody had reviewed what was published
        session.execute(Base.metadata.tables["versions"].update().values(number=None))
    save_run(database, "live", passed(assistant, ada, bob, "log-1"), "any", turns, DETAILS)
    add_edit(
        database,
        "support",
        AddNode("late", FlowNode("n1", "l1", "weather", 2, evidence=(Evidence(ada, 3), Evidence(bob, 1))), 1),
    )
    add_edit(database, "support", AddExemplars("late", (Exemplar("Zebulon signs here", 1),)))
    publish(database, "support")
    propose(
        database,
        "support",
        Proposal(
            Kind.WORDINGS,
            digest_of(Kind.WORDINGS, "x"),
            (AddExemplars("broken", (Exemplar("Zebulon signs here", 1), Exemplar("smashed", 2))),),
            "3 turns say it in 2 wordings, such as 'Zebulon signs here'.",
            3,
            (Evidence(ada, 0), Evidence(bob, 0)),
        ),
    )
    return ada, bob


def everything(database):
    with database.read() as session:
        return "\n".join(
            str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)).all()
        ).lower()


def test_nothing_of_them_is_left_anywhere(database, database_url, served):
    ada, _ = served
    assert all(raw in everything(database) for raw in (*map(str.lower, RAW[:2]), ada))
    forget(database, "customer-4711", "ben")
    found = everything(database)
    assert [raw for raw in (*RAW, ada) if raw.lower() in found] == []
    assert overwrite_deleted(database)
    if "sqlite" in database_url:
        path = make_url(database_url).database
        held = b"".join(file.read_bytes() for file in Path(path).parent.glob(f"{Path(path).name}*")).lower()
        assert b"customer-0815" in held
        assert [raw for raw in (*RAW, ada) if raw.lower().encode() in held] == []


def test_what_others_said_stays(database, served):
    ada, bob = served
    forget(database, "customer-4711", "ben")
    assert read(database, ada) is None
    assert read_events(database, ada) == []
    assert [event.payload["text"] for event in read_events(database, bob) if event.kind == "message"] == [
        "my cup came broken",
        "thank you",
    ]
    assert [one.id for _, one in read_corpus(database, "live")] == ["log-1", bob]
    assert [one.id for _, one in read_corpus(database, "more")] == [bob]
    assert find_traces(database, "customer-0815").conversations == 1


@pytest.mark.parametrize("which", ["draft", "published"])
def test_counts_are_of_those_who_are_left(database, served, which):
    _, bob = served
    forget(database, "customer-4711", "ben")
    key = published_id(database, "support")
    found = (load_draft(database, "support") if which == "draft" else load_version(database, key)).assistant
    broken = found.action_by_id["broken"]
    assert broken.support == 2
    assert broken.exemplars == (Exemplar("My cup  came broken", 1), Exemplar("it broke", 1))
    assert found.action_by_id["number"].support == 25
    for id_ in ("d", "d1"):
        node = found.flow_by_id["damaged"].by_id[id_]
        assert node.evidence == (Evidence(bob, 0), Evidence("log-1", 0))
        assert (node.support, node.outcomes) == (2, (("resolved", 2),))
    added = found.flow_by_id["late"].by_id["n1"]
    assert (added.support, added.evidence) == (1, (Evidence(bob, 1),))
    assert "Zebulon signs here" not in [said.text for said in found.action_by_id["late"].exemplars]


def test_edits_and_proposals_name_them_no_more_and_still_fit(database, served):
    _, bob = served
    undo(database, "support")
    forget(database, "customer-4711", "ben")
    assert [type(stored.edit) for stored in load_log(database, "support")] == [AddNode]
    (stored,) = list_proposals(database, "support")
    assert stored.proposal.evidence == (Evidence(bob, 0),)
    assert stored.proposal.support == 2
    assert stored.proposal.edits == (AddExemplars("broken", (Exemplar("smashed", 2),)),)
    assert stored.proposal.why == "3 turns say it in 2 wordings, such as …."
    undo(database, "support")
    redo(database, "support")
    assert "n1" in load_draft(database, "support").assistant.flow_by_id["late"].by_id


def test_a_proposal_of_theirs_alone_goes_and_a_rejected_one_is_remembered(database, served):
    ada, _ = served

    def proposed(name):
        id_ = propose(
            database,
            "support",
            Proposal(
                Kind.WORDINGS,
                digest_of(Kind.WORDINGS, name),
                (AddExemplars("broken", (Exemplar("Zebulon signs here", 1),)),),
                "1 turn",
                1,
                (Evidence(ada, 0),),
            ),
        )
        assert id_ is not None
        return id_

    proposed("pending")
    rejected = proposed("rejected")
    reject(database, "support", [rejected], "ben")
    forget(database, "customer-4711", "ben")
    left = {stored.id: stored for stored in list_proposals(database, "support")}
    assert len(left) == 2
    assert (left[rejected].proposal.edits, left[rejected].proposal.evidence) == ((), ())


def test_the_last_wording_of_an_action_stays_and_is_told(database, served):
    only = DialogueAction("sign", Speaker.USER, "signs", (Exemplar("Zebulon signs here", 1),), 1)
    add_edit(database, "support", AddAction(only))
    add_edit(database, "support", AddExemplars("sign", (Exemplar("yours", 1),)))
    add_edit(database, "support", SplitAction("sign", "sign-2", "signs too", ("yours",)))
    forgotten = forget(database, "customer-4711", "ben")
    actions = load_draft(database, "support").assistant.action_by_id
    assert [said.text for said in actions["sign"].exemplars] == ["Zebulon signs here"]
    assert forgotten.kept == (("support", "Zebulon signs here"),)


def test_vectors_of_what_they_said_go(database, served, encoder):
    vectors_of(database, encoder, ["Zebulon signs here", "thank you"])
    forget(database, "customer-4711", "ben")
    with database.read() as session:
        assert len(session.execute(select(Base.metadata.tables["vectors"])).all()) == 1


def test_it_is_noted_that_somebody_was_forgotten_and_not_who(database, served):
    traces = find_traces(database, "customer-4711")
    assert (traces.conversations, traces.events, traces.dialogues, traces.corpora) == (1, 8, 2, ("live", "more"))
    forgotten = forget(database, "customer-4711", "ben")
    with database.read() as session:
        (noted,) = session.scalars(select(ForgettingRow))
        assert noted.author == "ben"
        assert noted.removed == {
            "conversations": 1,
            "events": 8,
            "attachments": 0,
            "dialogues": 2,
            "utterances": 8,
            "evidence": forgotten.removed.evidence,
            "wordings": forgotten.removed.wordings,
        }
    with pytest.raises(ForgettingError, match="no conversation is of a customer 'customer-4711': give the name"):
        forget(database, "customer-4711", "ben")
    with pytest.raises(ForgettingError):
        find_traces(database, "customer-4711")


def test_photos_go_with_their_conversation_and_others_stay(database, served):
    ada, bob = served
    photo = Attachment("image/png", b"\x89PNG of a broken cup")
    assert attach(database, ada, photo) == attach(database, ada, photo) == attach(database, bob, photo)
    (kept,) = attachment_ids(database, bob)
    assert forget(database, "customer-4711", "ben").removed.attachments == 1
    assert read_attachment(database, ada, kept) is None
    assert read_attachment(database, bob, kept) == photo
    assert attach(database, ada, photo) is None


def test_a_conversation_holds_so_many_photos(database, served):
    ada, bob = served
    photos = [Attachment("image/png", bytes([number])) for number in range(MOST_ATTACHMENTS + 1)]
    kept = {attach(database, ada, photo) for photo in photos[:-1]}
    assert attachment_ids(database, ada) == kept
    with pytest.raises(TooManyAttachmentsError, match="it can hold no more"):
        attach(database, ada, photos[-1])
    assert attach(database, ada, photos[0]) in kept
    assert attachment_ids(database, bob) == frozenset()


def test_a_customer_without_a_name_is_their_conversation(database, served):
    _, bob = served
    nameless = start(database, published_id(database, "support"))
    with pytest.raises(ForgettingError):
        forget(database, bob, "ben")
    assert forget(database, nameless, "ben").removed.conversations == 1


def test_who_mines_meanwhile_is_told_and_keeps_nothing(database, served, assistant):
    dialogues = StoredDialogues(database, "live")
    forget(database, "customer-4711", "ben")
    with pytest.raises(CorpusError, match="were forgotten while their corpus was read"):
        list(dialogues)
    turns = [(key, [(ActionId("broken"),)]) for key in dialogues.keys]
    with pytest.raises(CorpusError, match="'live' were forgotten or changed while it was mined: mine it again"):
        save_run(database, "live", replace(assistant, name="other"), "any", turns, DETAILS)


def test_the_command_asks_tells_and_forgets(cli, database, database_url, served):
    asked = cli("forget", "customer-4711", database=database_url, stdin="n\n")
    assert asked.returncode == 130
    assert "1 conversations with 8 events and 2 dialogues in live, more go for good" in asked.stderr
    done = cli("forget", "customer-4711", "--yes", "--json", "--author", "ben", database=database_url)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["conversations"], told["events"], told["dialogues"], told["utterances"]) == (1, 8, 2, 8)
    assert told["kept"] == []
    assert "4711" not in done.stdout
    missing = cli("forget", "customer-4711", "--yes", database=database_url)
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)


def test_the_command_tells_people_too(cli, database_url, assistant):
    with closing(open_database(database_url)) as database:
        add_dialogues(database, "live", [(Dialogue("log-1", (Utterance(Speaker.USER, "it broke"),)), "1")])
        save_run(database, "live", assistant, "any", [], DETAILS)
        publish(database, "support")
        converse(database, published_id(database, "support"), "ada", "nice weather")
    done = cli("forget", "ada", database=database_url, stdin="y\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "forgotten: 1 conversations with 2 events and 0 photos, 2 dialogues with 2 utterances; 0 pieces of evidence "
        "and 0 wordings left the versions and drafts",
        "still in support, as the last wording of its action: nice weather",
    ]
