"""The commands of a review as people and scripts meet them."""

from __future__ import annotations

import getpass
import json
from contextlib import closing

import pytest

from taskflow.edits import AddNode, RemoveNode, RenameFlow
from taskflow.model import Dialogue, Evidence, FlowNode, Speaker, Utterance
from taskflow.proposals import Gain, Kind, Proposal, digest_of
from taskflow.store import open_database
from taskflow.store.assistants import add_edit, load_draft, save_mined
from taskflow.store.corpora import add_dialogues
from taskflow.store.proposals import list_proposals
from taskflow.store.reviews import DraftChangedError, Review, read_reviewed
from taskflow.store.runs import save_review, save_run

BRANCH = Proposal(
    Kind.BRANCH,
    digest_of(Kind.BRANCH, "late", "l1", "weather"),
    (AddNode("late", FlowNode("n1", "l1", "weather", 7), 1), AddNode("late", FlowNode("n2", "n1", "arrives", 7), 0)),
    "In 7 dialogues 'small talk' follows.",
    7,
    (Evidence("d-1", 2),),
    Gain(0.25, -0.001, 30),
)
REMOVAL = Proposal(Kind.UNUSED, digest_of(Kind.UNUSED, "l4"), (RemoveNode("late", "l4"),), "Nobody passes.", 6, ())
DETAILS = {"config": {}, "figures": {}}


def mined_again(database, *proposals):
    """A run on the reviewed draft, as mining keeps it."""
    seen = read_reviewed(database, "support")
    return save_review(database, "logs", Review(seen.state, seen.draft, proposals), "any", [], DETAILS)


@pytest.fixture
def reviewed(database_url, assistant):
    """The address of a database with a draft that was edited and mined again."""
    with closing(open_database(database_url)) as database:
        add_dialogues(database, "logs", [(Dialogue("d", (Utterance(Speaker.USER, "hello"),)), "1")])
        save_run(database, "logs", assistant, "any", [], DETAILS)
        add_edit(database, "support", RenameFlow("late", "parcel is late"), "ada")
        assert mined_again(database, BRANCH, REMOVAL).proposals == 2
    return database_url


def told(finished):
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def refused(finished):
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    return finished.stderr


def test_proposals_are_listed_accepted_and_rejected(cli, reviewed):
    first, second = told(cli("proposals", "support", "--json", database=reviewed))
    assert (first["kind"], first["support"], first["status"]) == ("branch", 7, "pending")
    assert first["gain"] == {"hit_1": 0.25, "steps": -0.001, "dialogues": 30}
    assert first["evidence"] == [{"dialogue_id": "d-1", "turn": 2}]
    assert [edit["edit"] for edit in first["edits"]] == ["add_node", "add_node"]
    shown = cli("proposals", "support", database=reviewed).stdout
    assert (
        "In 7 dialogues 'small talk' follows. Replay of 30 dialogues: hit@1 +25.0%, steps on the flows -0.1%." in shown
    )

    key = str(first["id"])
    assert told(cli("accept", "support", key, "--author", "ben", "--json", database=reviewed)) == {
        "assistant": "support",
        "accepted": [first["id"]],
        "refused": [],
    }
    assert cli("reject", "support", str(second["id"]), database=reviewed).stdout == "1 proposals for support rejected\n"
    assert told(cli("proposals", "support", "--json", database=reviewed)) == []
    assert [one["status"] for one in told(cli("proposals", "support", "--all", "--json", database=reviewed))] == [
        "accepted",
        "rejected",
    ]
    log = [json.loads(line) for line in cli("edits", "support", "--json", database=reviewed).stdout.splitlines()]
    assert [(one["author"], one["origin"], one["carried"], one["edit"]["edit"]) for one in log] == [
        ("ada", "hand", True, "rename_flow"),
        ("ben", "proposal", False, "add_node"),
        ("ben", "proposal", False, "add_node"),
    ]
    burden = told(cli("burden", "support", "--json", database=reviewed))
    assert burden["operations"]["ada"] == {"rename_flow": 1}
    assert burden["operations"]["ben"] == {"accept_proposal": 1}
    assert burden["operations"][getpass.getuser()] == {"reject_proposal": 1}
    assert burden["total"] == 3
    assert burden["nodes"] == {"approved": 0, "rejected": 0, "changed": 0, "untouched": 17}
    assert "3 operations (0 undone) in 3 sessions, 3 minutes" in cli("burden", "support", database=reviewed).stdout

    assert "accepted already" in refused(cli("accept", "support", key, database=reviewed))
    assert "undo its edits" in refused(cli("reject", "support", key, database=reviewed))
    undone = told(cli("edit", "support", "--undo", "--json", database=reviewed))
    assert [edit["edit"] for edit in undone["undone"]] == ["add_node", "add_node"]
    assert len(told(cli("proposals", "support", "--json", database=reviewed))) == 1
    assert cli("edit", "support", "--redo", database=reviewed).stdout == (
        "redone in the draft of support: add_node, add_node\n"
    )


def test_a_proposal_that_no_longer_fits_is_told_and_left(cli, reviewed):
    with closing(open_database(reviewed)) as database:
        add_edit(database, "support", RemoveNode("late", "l4"))
    finished = cli("accept", "support", "--all", database=reviewed)
    assert "1 proposals no longer fit the draft; proposal 2: flow 'parcel is late' has no node 'l4'" in refused(
        finished
    )
    assert finished.stdout == "1 proposals accepted into the draft of support\n"
    with closing(open_database(reviewed)) as database:
        assert {"n1", "n2"} <= set(load_draft(database, "support").assistant.flow_by_id["late"].by_id)
        assert [stored.status for stored in list_proposals(database, "support")] == ["accepted", "pending"]


def test_the_newest_run_s_proposals_take_the_place_of_the_last_one_s(cli, reviewed):
    with closing(open_database(reviewed)) as database:
        assert mined_again(database, BRANCH).proposals == 1
        assert [(stored.id, stored.proposal) for stored in list_proposals(database, "support")] == [(1, BRANCH)]
        assert mined_again(database, REMOVAL).proposals == 1
        assert [(stored.id, stored.proposal) for stored in list_proposals(database, "support")] == [(3, REMOVAL)]
    cli("reject", "support", "3", database=reviewed)
    with closing(open_database(reviewed)) as database:
        assert mined_again(database, BRANCH, REMOVAL).proposals == 1
        assert [(stored.id, stored.status) for stored in list_proposals(database, "support")] == [
            (4, "pending"),
            (3, "rejected"),
        ]


def test_a_run_that_saw_another_draft_is_not_kept(reviewed, assistant):
    with closing(open_database(reviewed)) as database:
        seen = read_reviewed(database, "support")
        add_edit(database, "support", RenameFlow("late", "late again"))
        with pytest.raises(DraftChangedError, match="'support' was changed while it was mined"):
            save_review(database, "logs", Review(seen.state, seen.draft, [REMOVAL]), "any", [], DETAILS)
        with pytest.raises(DraftChangedError):
            save_run(database, "logs", assistant, "any", [], DETAILS)
        assert len(list_proposals(database, "support")) == 2
        assert load_draft(database, "support").assistant.flow_by_id["late"].name == "late again"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["accept", "support", "99"], "has no proposal 99: list them with 'taskflow proposals support'"),
        (["reject", "support", "99"], "has no proposal 99"),
        (["edit", "support", "--undo"], "has no edit to undo since it was mined last"),
        (["edit", "support", "--redo"], "has nothing to redo"),
        (["edits", "suport"], "no assistant is called 'suport'"),
        (["burden", "suport"], "no assistant is called 'suport'"),
        (["proposals", "suport"], "no assistant is called 'suport'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli, tmp_path, assistant, arguments, words):
    url = f"sqlite:///{tmp_path / 'taskflow.db'}"
    with closing(open_database(url)) as database, database.write() as session:
        save_mined(session, assistant, "any")
    assert words in refused(cli(*arguments, database=url))


@pytest.mark.parametrize("arguments", [["edit", "support"], ["accept", "support"], ["accept", "support", "1", "--all"]])
def test_usage_that_is_wrong_says_what_there_is(cli, tmp_path, arguments):
    finished = cli(*arguments, database=f"sqlite:///{tmp_path / 'taskflow.db'}")
    assert finished.returncode == 2
    assert "Error: " in finished.stderr
