"""A reviewed draft beside any new run: its form stays, and every proposal fits it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mining.config import MiningConfig
from mining.remining.comparison import Comparison, compare
from mining.remining.matching import match_actions, match_flows
from taskflow.edit_forms import edit_from_json, edit_to_json
from taskflow.edits import MergeActions, SplitAction, apply
from taskflow.model import (
    ActionId,
    Assistant,
    Dialogue,
    DialogueAction,
    Evidence,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    Status,
    TaskFlow,
    Utterance,
)
from taskflow.store.reviews import Reviewed

WORDINGS = [(speaker, f"{speaker} {number}") for speaker in Speaker for number in range(4)]
statuses = st.sampled_from([Status.PROPOSED, Status.PROPOSED, *Status])


@st.composite
def assistants(draw, mark: str) -> Assistant:
    """Wordings of a small stock in actions of this assistant's own, and random trees of these."""
    groups: dict[tuple[Speaker, int], list[str]] = {}
    for speaker, text in draw(st.lists(st.sampled_from(WORDINGS), unique=True, min_size=1)):
        groups.setdefault((speaker, draw(st.integers(0, 2))), []).append(text)
    actions = tuple(
        DialogueAction(
            ActionId(draw(st.sampled_from(["same", mark])) + f"-{speaker}-{number}"),
            speaker,
            texts[0],
            tuple(Exemplar(text, draw(st.integers(1, 9))) for text in texts),
            draw(st.integers(0, 30)),
            status=draw(statuses),
        )
        for (speaker, number), texts in groups.items()
    )
    ids = [action.id for action in actions]
    return Assistant("shop", actions, tuple(draw(flows(number, ids)) for number in range(draw(st.integers(0, 2)))))


@st.composite
def flows(draw, number: int, known: list[ActionId]) -> TaskFlow:
    depths = [0]
    for _ in range(draw(st.integers(0, 8))):
        depths.append(draw(st.integers(1, depths[-1] + 1)))
    last: dict[int, NodeId] = {}
    nodes: list[FlowNode] = []
    for place, depth in enumerate(depths):
        last[depth] = NodeId(f"f{number}n{place}")
        seen = draw(st.lists(st.builds(Evidence, st.sampled_from("xyz"), st.integers(0, 3)), max_size=2))
        nodes.append(
            FlowNode(
                last[depth],
                last.get(depth - 1),
                draw(st.sampled_from(known)) if depth else None,
                draw(st.integers(0, 20)),
                draw(st.floats(0, 1)),
                responses=tuple(draw(st.lists(st.sampled_from([text for _, text in WORDINGS]), max_size=2))),
                evidence=tuple(seen),
                status=draw(statuses) if depth else Status.PROPOSED,
            )
        )
    parents = {node.parent_id for node in nodes}
    jumping = {node.id for node in nodes[1:] if node.id not in parents and draw(st.booleans())}
    targets = [node.id for node in nodes if node.id not in jumping]
    jumps = {id_: draw(st.sampled_from(targets)) for id_ in jumping}
    return TaskFlow(
        FlowId(f"f{number}"),
        f"flow {number}",
        tuple(
            FlowNode(node.id, node.parent_id, node.action_id, node.support, node.probability, jumps[node.id])
            if node.id in jumps
            else node
            for node in nodes
        ),
    )


@st.composite
def logs(draw, mined: Assistant):
    """Dialogues of the mined wordings, with the action of every turn."""
    owner = {(a.speaker, said.text): a.id for a in mined.actions for said in a.exemplars}
    talks = draw(st.lists(st.lists(st.sampled_from(sorted(owner)), min_size=1, max_size=6), max_size=4))
    dialogues = [
        Dialogue(f"{'xyz'[number % 3]}{number // 3 or ''}", tuple(Utterance(Speaker(who), text) for who, text in talk))
        for number, talk in enumerate(talks)
    ]
    return dialogues, [[(owner[said],) for said in talk] for talk in talks]


def shape(assistant: Assistant):
    return (
        [(a.id, a.name, a.status, [said.text for said in a.exemplars]) for a in assistant.actions],
        [
            (f.id, f.name, [(n.id, n.parent_id, n.action_id, n.jump_to, n.responses) for n in f.nodes])
            for f in assistant.flows
        ],
    )


def reviewed(draft: Assistant, rejected=()) -> Reviewed:
    return Reviewed((1, ()), draft, frozenset(), frozenset(), (), tuple(rejected))


def compared(draft: Assistant, mined: Assistant, log=((), ()), rejected=()) -> Comparison:
    return compare(reviewed(draft, rejected), mined, *log, MiningConfig())


@settings(deadline=None, max_examples=150)
@given(st.data(), assistants("draft"), assistants("mined"))
def test_whatever_is_mined_the_draft_keeps_its_form_and_every_proposal_fits_it(data, draft, mined):
    log = data.draw(logs(mined))
    found = compared(draft, mined, log)
    assert shape(found.assistant) == shape(draft)
    assert all(0 <= node.probability <= 1 for flow in found.assistant.flows for node in flow.nodes)
    assert [len(turns) for turns in found.turns] == [len(turns) for turns in log[1]]
    digests = [proposal.digest for proposal in found.proposals]
    assert len(set(digests)) == len(digests)
    for proposal in found.proposals:
        edited = found.assistant
        for edit in proposal.edits:
            assert edit_from_json(edit_to_json(edit)) == edit
            edited = apply(edit, edited)
        assert edited != found.assistant
        assert proposal.why
    again = compared(draft, mined, log, found.proposals)
    assert again.proposals == (), "what was rejected does not come back"


@settings(deadline=None, max_examples=80)
@given(assistants("same"))
def test_every_action_and_flow_is_recognised_as_itself(assistant):
    matched = match_actions(assistant.actions, assistant.actions)
    assert all(one == other for one, other in matched.items())
    evident = [flow for flow in assistant.flows if flow.root.evidence or flow.children(flow.root.id)]
    assert match_flows(evident, evident).keys() <= {flow.id for flow in evident}


def action(id_: str, *texts: str, speaker=Speaker.USER) -> DialogueAction:
    return DialogueAction(ActionId(id_), speaker, id_, tuple(Exemplar(text, 4) for text in texts), 4 * len(texts))


def test_actions_are_matched_by_what_is_said_not_by_their_ids():
    known = [action("a", "yes", "sure", "of course"), action("b", "no", "never")]
    mined = [action("b", "yes", "sure", "ok"), action("x", "no", "no way"), action("y", "perhaps")]
    assert match_actions(mined, known) == {"b": "a", "x": "b", "y": "y"}
    assert match_actions([action("a", "perhaps")], known) == {"a": "a-2"}, "an id that is taken is not given again"


def test_a_speaker_is_never_taken_for_another():
    known = [action("a", "hello")]
    assert match_actions([action("m", "hello", speaker=Speaker.AGENT)], known) == {"m": "m"}


def test_actions_that_were_merged_by_hand_are_one_action_of_the_next_run():
    one, other = action("a", "yes", "sure"), action("b", "of course")
    merged = apply(MergeActions(ActionId("a"), (ActionId("b"),)), Assistant("shop", (one, other), ()))
    assert match_actions([one, other], merged.actions) == {"a": "a", "b": "a"}


def test_an_action_that_was_split_by_hand_is_split_in_the_turns_of_the_next_run():
    whole = Assistant("shop", (action("a", "yes", "sure", "no"),), ())
    split = apply(SplitAction(ActionId("a"), ActionId("new"), "refuse", ("no",)), whole)
    talk = Dialogue("d", (Utterance(Speaker.USER, "yes"), Utterance(Speaker.USER, "NO"), Utterance(Speaker.USER, "hm")))
    found = compared(split, whole, ([talk], [[("a",), ("a",), ("a",)]]))
    assert found.turns == [(("a",), ("new",), ("a",))]
    assert found.proposals == ()
    assert {a.id: a.support for a in found.assistant.actions} == {"a": 2, "new": 1}
