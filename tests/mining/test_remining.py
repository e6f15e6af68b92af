"""Mining again: what was reviewed stays, what is new is proposed with its evidence, and no is no."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mining.config import MiningConfig
from mining.runs import run_mining
from taskflow.edits import (
    AddAction,
    AddNode,
    MergeActions,
    MoveNode,
    RemoveNode,
    RenameAction,
    RenameFlow,
    SetActionStatus,
    SetNodeStatus,
    SetResponses,
)
from taskflow.model import Assistant, Dialogue, Speaker, Status, TaskFlow, Utterance
from taskflow.proposals import Decision, Kind
from taskflow.store import Database
from taskflow.store.assistants import add_edit, load_draft, publish, undo
from taskflow.store.corpora import add_dialogues
from taskflow.store.proposals import StoredProposal, accept, list_proposals, reject
from taskflow.store.runs import read_assignments

_SPEAKERS = {"u": Speaker.USER, "a": Speaker.AGENT, "s": Speaker.SYSTEM}
RETURN = ["I want to return a jacket", "Can I send this back?", "I'd like to return my order", "return please"]
LATE = ["Where is my parcel?", "My package has not arrived", "the delivery is late", "parcel still not here"]
LOST = ["I have lost the receipt", "the receipt is gone, I lost it", "lost my receipt", "no receipt, it got lost"]
INVOICE = [
    "I need an invoice for my company",
    "please write me an invoice",
    "an invoice, please",
    "can I get an invoice",
]


def dialogue(name: str, *talk: tuple[str, str]) -> Dialogue:
    turns = []
    for who, text in talk:
        if who == "s":
            call, _, outcome = text.partition("=")
            turns.append(Utterance(Speaker.SYSTEM, "{}", call, {"outcome": outcome}))
        else:
            turns.append(Utterance(_SPEAKERS[who], text))
    return Dialogue(name, tuple(turns))


def returned(number: int) -> Dialogue:
    yes = number % 2 == 0
    return dialogue(
        f"return-{number}",
        ("u", RETURN[number // 2 % 4]),
        ("a", "Is it still unused?"),
        ("u", ["yes", "yes it is"][number // 2 % 2] if yes else ["no", "no it is not"][number // 2 % 2]),
        ("s", "create_return=ok" if yes else "refuse_return=ok"),
        ("a", "Here is your return label." if yes else "I am sorry, used items cannot be returned."),
        ("u", "thanks" if yes else "what a pity"),
    )


def late(number: int, outcome: str = "ok", answer: str = "It is on its way.") -> Dialogue:
    return dialogue(
        f"late-{outcome}-{number}",
        ("u", LATE[number % 4]),
        ("a", "What is your order number?"),
        ("u", "[order_number]"),
        ("s", f"track={outcome}"),
        ("a", answer),
        ("u", "thanks"),
    )


def undelivered(number: int) -> Dialogue:
    return late(number, "refused", "I have to ask at the depot.")


def receipt(number: int) -> Dialogue:
    """The branch that is planted into the need to return something."""
    return dialogue(
        f"receipt-{number}",
        ("u", RETURN[number % 4]),
        ("a", "Is it still unused?"),
        ("u", LOST[number % 4]),
        ("s", "find_purchase=ok"),
        ("a", "Please fill in the form for returns without a receipt."),
        ("u", "thanks"),
    )


def invoice(number: int) -> Dialogue:
    """A need that is planted."""
    return dialogue(
        f"invoice-{number}",
        ("u", INVOICE[number % 4]),
        ("a", "To which address shall the invoice be made out?"),
        ("u", "[address]"),
        ("s", "write_invoice=ok"),
        ("a", "You have the invoice in your mails."),
    )


class Shop:
    """A corpus that grows, and the assistant that is mined from it."""

    def __init__(self, database: Database, encoder) -> None:
        self.database = database
        self._encoder = encoder

    def log(self, dialogues: Sequence[Dialogue]) -> None:
        add_dialogues(self.database, "logs", [(d, d.id) for d in dialogues])

    def mine(self, corpus: str = "logs") -> int | None:
        config = MiningConfig()
        return run_mining(self.database, corpus, "shop", self._encoder, config, lambda _: None).saved.proposals

    @property
    def draft(self) -> Assistant:
        return load_draft(self.database, "shop").assistant

    def edit(self, edit) -> None:
        add_edit(self.database, "shop", edit, "ada")

    def pending(self, kind: Kind | None = None) -> list[StoredProposal]:
        found = [stored for stored in list_proposals(self.database, "shop") if stored.status is Decision.PENDING]
        return [stored for stored in found if kind is None or stored.proposal.kind is kind]

    def action(self, text: str):
        (found,) = (a for a in self.draft.actions if text in {said.text for said in a.exemplars})
        return found

    def flow(self, prefix: str) -> TaskFlow:
        (found,) = (f for f in self.draft.flows if f.root.evidence[0].dialogue_id.startswith(prefix))
        return found

    def node(self, prefix: str, text: str):
        """The most supported node of the action that says the text."""
        nodes = [node for node in self.flow(prefix).nodes if node.action_id == self.action(text).id]
        return max(nodes, key=lambda node: node.support)


@pytest.fixture
def shop(database, encoder) -> Shop:
    found = Shop(database, encoder)
    found.log([make(number) for number in range(24) for make in (returned, late)])
    assert found.mine() is None, "nobody has reviewed it"
    return found


def shape(assistant: Assistant):
    """What reviewers see and change: all but the counts."""
    return (
        [(a.id, a.name, a.description, a.status, {said.text for said in a.exemplars}) for a in assistant.actions],
        [
            (f.id, f.name, [(n.id, n.parent_id, n.action_id, n.jump_to, n.responses, n.status) for n in f.nodes])
            for f in assistant.flows
        ],
    )


def evidence_of(stored: StoredProposal) -> set[str]:
    return {seen.dialogue_id.rpartition("-")[0] for seen in stored.proposal.evidence}


def planted(shop: Shop, prefix: str, kind: Kind = Kind.BRANCH) -> StoredProposal:
    (found,) = (stored for stored in shop.pending(kind) if evidence_of(stored) == {prefix})
    return found


def test_a_draft_that_nobody_reviewed_is_what_was_mined_last(shop):
    before = shop.draft
    assert shop.mine() is None
    assert shop.draft == before
    shop.log([receipt(number) for number in range(8)])
    assert shop.mine() is None
    assert shop.action(LOST[0])


def test_the_same_logs_again_change_nothing_and_propose_nothing(shop):
    shop.edit(RenameFlow(shop.flow("late").id, "parcel is late"))
    shop.edit(MergeActions(shop.action("thanks").id, (shop.action("what a pity").id,)))
    before = shop.draft
    assert shop.mine() == 0
    assert shop.draft == before
    publish(shop.database, "shop")
    assert shop.mine() == 0


def test_edits_stay_and_what_is_new_is_proposed_until_it_is_decided(shop):
    shop.edit(RenameFlow(shop.flow("return").id, "sending back"))
    shop.edit(RenameAction(shop.action("Is it still unused?").id, "ask whether it was used"))
    shop.edit(MergeActions(shop.action("thanks").id, (shop.action("what a pity").id,)))
    shop.edit(SetActionStatus(shop.action("thanks").id, Status.APPROVED))
    shop.edit(SetNodeStatus(shop.flow("late").id, shop.node("late", "It is on its way.").id, Status.APPROVED))
    before = shop.draft

    shop.log([make(number) for number in range(24, 32) for make in (returned, late)])
    shop.log([receipt(number) for number in range(8)])
    shop.log([late(number, "refused", "The carrier does not tell.") for number in range(6)])
    assert shop.mine() == len(shop.pending()) > 0
    assert shape(shop.draft) == shape(before)
    assert shop.flow("late").support == 32 + 6
    assert shop.node("late", "It is on its way.").support == 32
    assert shop.action("Is it still unused?").support == 32 + 8

    lost, refused = planted(shop, "receipt"), planted(shop, "late-refused")
    assert (lost.proposal.support, refused.proposal.support) == (8, 6)
    assert len({seen.dialogue_id for seen in lost.proposal.evidence}) == 8
    assert "'sending back'" in lost.proposal.why
    assert "'ask whether it was used'" in lost.proposal.why
    assert min(lost.proposal.gain.hit_1, lost.proposal.gain.steps) > 0
    assert refused.proposal.gain.steps > 0

    reject(shop.database, "shop", [lost.id], "ada")
    shop.log([receipt(number) for number in range(8, 14)])
    shop.mine()
    assert all(evidence_of(stored) != {"receipt"} for stored in shop.pending(Kind.BRANCH)), "no is no"

    refused = planted(shop, "late-refused")
    assert accept(shop.database, "shop", [refused.id], "ada") == ([refused.id], [])
    ahead = [child.action_id for child in shop.flow("late").children(shop.node("late", "track").id)]
    assert shop.action("track: refused").id in ahead
    (answer,) = shop.flow("late").children(shop.node("late", "track: refused").id)
    assert answer.responses == ("The carrier does not tell.",)
    kept = shape(shop.draft)
    shop.mine()
    assert shape(shop.draft) == kept
    assert all("late-refused" not in evidence_of(stored) for stored in shop.pending(Kind.BRANCH))


def test_what_was_accepted_is_proposed_no_more(shop):
    publish(shop.database, "shop")
    shop.log([receipt(number) for number in range(8)] + [invoice(number) for number in range(10)])
    assert shop.mine() > 0
    new = planted(shop, "invoice", Kind.FLOW)
    assert new.proposal.support == 10
    assert {type(edit) for edit in new.proposal.edits[:-1]} == {AddAction}
    accepted, refusals = accept(shop.database, "shop", None, "ada")
    assert (len(accepted), refusals, shop.pending()) == (len(accepted), [], [])
    assert shop.flow("invoice").support == 10
    assert shop.mine() == 0


def test_undoing_an_accepted_proposal_takes_all_of_it_back(shop):
    shop.edit(RenameFlow(shop.flow("late").id, "parcel is late"))
    shop.log([receipt(number) for number in range(8)])
    shop.mine()
    before, lost = shop.draft, planted(shop, "receipt")
    accept(shop.database, "shop", [lost.id], "ada")
    assert len(lost.proposal.edits) > 1
    assert shop.draft != before
    assert tuple(undo(shop.database, "shop"))[::-1] == lost.proposal.edits
    assert shop.draft == before
    assert planted(shop, "receipt").id == lost.id


def test_assignments_are_told_in_the_reviewed_actions(shop):
    thanks = shop.action("thanks").id
    shop.edit(MergeActions(thanks, (shop.action("what a pity").id,)))
    shop.log([receipt(number) for number in range(8)])
    shop.mine()
    rows = [row for row in read_assignments(shop.database, "logs") if row.speaker == "user"]
    last = {row.dialogue_id: row.action_id for row in rows if row.turn == 5}
    assert set(last.values()) == {thanks}
    assert {row.action for row in rows if row.action_id == thanks} == {shop.draft.action_by_id[thanks].name}


def test_what_was_taken_away_or_moved_by_hand_is_not_proposed_again(shop):
    flow = shop.flow("late")
    end, told = shop.node("late", "thanks"), shop.node("late", "It is on its way.")
    shop.edit(RemoveNode(flow.id, end.id))
    asked = shop.node("late", "What is your order number?")
    shop.edit(MoveNode(flow.id, told.id, asked.id, 0))
    shop.edit(SetNodeStatus(shop.flow("return").id, shop.node("return", "no").id, Status.REJECTED))
    before = shop.draft
    shop.log([make(number) for number in range(24, 32) for make in (returned, late)])
    assert shop.mine() == 0
    assert shape(shop.draft) == shape(before)
    assert shop.mine() == 0, "nor by the mining after it"


def test_new_wordings_and_responses_are_proposed_once(shop):
    shop.edit(SetResponses(shop.flow("late").id, shop.node("late", "It is on its way.").id, ("Coming soon.",)))
    new = "It is on its way to you."
    shop.log([late(number, answer=new) for number in range(100, 112)])
    shop.mine()
    texts = {edit.exemplars[0].text for stored in shop.pending(Kind.WORDINGS) for edit in stored.proposal.edits}
    assert texts == {new}
    (response,) = shop.pending(Kind.RESPONSES)
    assert response.proposal.edits[0].responses == (new,)
    assert response.proposal.support == 12
    accept(shop.database, "shop", [response.id], "ada")
    assert shop.node("late", "It is on its way.").responses == ("Coming soon.", new)
    reject(shop.database, "shop", [stored.id for stored in shop.pending()], "ada")
    shop.log([late(number, answer=new) for number in range(112, 116)])
    assert shop.mine() == 0


def test_a_node_that_no_dialogue_passes_any_more_is_proposed_for_removal(shop):
    gone = shop.node("late", "It is on its way.")
    add_edit(shop.database, "shop", RenameFlow(shop.flow("late").id, "parcel is late"))
    logs = [make(number) for number in range(24) for make in (returned, undelivered)]
    add_dialogues(shop.database, "newer", [(d, d.id) for d in logs])
    shop.mine("newer")
    removed = {edit.node_id for stored in shop.pending(Kind.UNUSED) for edit in stored.proposal.edits}
    assert gone.id in removed
    accepted, refusals = accept(shop.database, "shop", [stored.id for stored in shop.pending(Kind.UNUSED)], "ada")
    assert (bool(accepted), refusals) == (True, [])
    assert gone.id not in shop.flow("late").by_id


def test_a_hand_made_node_without_a_dialogue_is_left_alone(shop):
    asked = shop.node("late", "What is your order number?")
    flow = shop.flow("late").id
    shop.edit(AddNode(flow, type(asked)("by-hand", asked.id, shop.action("Is it still unused?").id), 0))
    assert shop.mine() == 0
    assert "by-hand" in shop.flow("late").by_id
