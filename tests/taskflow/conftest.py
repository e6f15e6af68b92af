"""A hand-made assistant, and random ones: `st.from_type(Assistant)` draws them in every test of this folder."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from taskflow.bindings import CallBinding, Effect
from taskflow.model import (
    ActionId,
    Assistant,
    DialogueAction,
    Evidence,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    Status,
    TaskFlow,
)

# What every database and every export can hold; lone surrogates and NUL are no text.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = texts.filter(str.strip)
statuses = st.sampled_from([Status.PROPOSED, *Status])  # most are as they were mined


bindings = st.builds(
    CallBinding,
    st.sampled_from(["orders", "订单"]),
    st.sampled_from(["", "/orders/[order_number]"]),
    st.sampled_from(["GET", "POST"]),
    st.just(("order_number", "amount")),
    st.sampled_from(Effect),
    st.floats(0.1, 30),
    st.integers(0, 5),
    st.booleans(),
    st.sampled_from([(), (("amount", "order.total"), ("date", "day"))]),
)


@st.composite
def actions(draw: st.DrawFn, number: int) -> DialogueAction:
    said = draw(st.lists(names, unique=True, max_size=3))
    speaker = draw(st.sampled_from(Speaker))
    return DialogueAction(
        ActionId(f"a{number}"),
        speaker,
        draw(names),
        tuple(Exemplar(text, draw(st.integers(1, 99))) for text in said),
        draw(st.integers(0, 9)),
        draw(texts),
        draw(statuses),
        draw(st.none() | bindings) if speaker is Speaker.SYSTEM else None,
    )


@st.composite
def flows(draw: st.DrawFn, number: int, known: list[ActionId]) -> TaskFlow:
    """A random tree, depth first; leaves may jump to any node that does not jump itself."""
    depths = [0]
    for _ in range(draw(st.integers(0, 7))):
        depths.append(draw(st.integers(1, depths[-1] + 1)))
    ids = [NodeId(f"f{number}n{place}") for place in range(len(depths))]
    last_at: dict[int, NodeId] = {}
    nodes: list[FlowNode] = []
    for id_, depth in zip(ids, depths, strict=True):
        last_at[depth] = id_
        nodes.append(
            FlowNode(
                id_,
                last_at.get(depth - 1),
                draw(st.sampled_from(known) if depth else st.none() | st.sampled_from(known)),
                draw(st.integers(0, 9)),
                draw(st.floats(0, 1)),
                responses=tuple(draw(st.lists(names, max_size=2))),
                evidence=tuple(draw(st.lists(st.builds(Evidence, names, st.integers(0, 99)), max_size=2))),
                status=draw(statuses),
                outcomes=tuple(draw(st.dictionaries(names, st.integers(0, 9), max_size=2)).items()),
            )
        )
    return TaskFlow(FlowId(f"f{number}"), draw(names) + f" {number}", tuple(_with_jumps(draw, nodes)))


def _with_jumps(draw: st.DrawFn, nodes: list[FlowNode]) -> list[FlowNode]:
    parents = {node.parent_id for node in nodes}
    jumping = {node.id for node in nodes[1:] if node.id not in parents and draw(st.booleans())}
    targets = [node.id for node in nodes if node.id not in jumping]
    return [
        FlowNode(
            node.id, node.parent_id, node.action_id, node.support, node.probability, draw(st.sampled_from(targets))
        )
        if node.id in jumping
        else node
        for node in nodes
    ]


@st.composite
def assistants(draw: st.DrawFn) -> Assistant:
    known = tuple(draw(actions(number)) for number in range(draw(st.integers(1, 5))))
    ids = [action.id for action in known]
    return Assistant("support", known, tuple(draw(flows(number, ids)) for number in range(draw(st.integers(0, 3)))))


st.register_type_strategy(Assistant, assistants())


def action(id_: str, name: str, *exemplars: str, speaker: Speaker, support: int = 10) -> DialogueAction:
    return DialogueAction(ActionId(id_), speaker, name, tuple(Exemplar(text, 3) for text in exemplars), support)


def node(id_: str, parent: str | None, action_id: str | None, support: int, of: int = 0, **more: object) -> FlowNode:
    """A node of `support` dialogues out of the `of` at its parent."""
    return FlowNode(
        NodeId(id_),
        None if parent is None else NodeId(parent),
        None if action_id is None else ActionId(action_id),
        support,
        support / of if of else 1.0,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="session")
def assistant() -> Assistant:
    """Two needs: a damaged item (asked for the order, looked up, refunded or sent again) and a late parcel."""
    user, agent, system = Speaker.USER, Speaker.AGENT, Speaker.SYSTEM
    return Assistant(
        "support",
        (
            action("broken", "item broken", "my cup came broken", "the cup is broken", speaker=user, support=20),
            action("ask", "ask for the order number", "what is your order number?", speaker=agent, support=26),
            action("number", "order number", "it is [order_number]", speaker=user, support=26),
            action("found", "find order: ok", "find order: ok", speaker=system, support=18),
            action("missing", "find order: not_found", "find order: not_found", speaker=system, support=4),
            action("offer", "offer a refund or a new one", "refund or a new one?", speaker=agent, support=18),
            action("refund", "wants a refund", "a refund please", "refund", speaker=user, support=12),
            action("again", "wants a new one", "send a new one", speaker=user, support=6),
            action("refunded", "refund on its way", "you get [amount] back", speaker=agent, support=12),
            action("sent", "new one on its way", "a new one is on its way", speaker=agent, support=6),
            action("late", "parcel late", "where is my parcel", "包裹还没到", speaker=user, support=10),
            action("arrives", "when it arrives", "it arrives on [date]", speaker=agent, support=8),
            action("weather", "small talk", "nice weather", speaker=user, support=1),
        ),
        (
            TaskFlow(
                FlowId("damaged"),
                "damaged item",
                (
                    node("d", None, None, 20),
                    node("d1", "d", "broken", 20, 20, evidence=(Evidence("one", 0), Evidence("two", 2))),
                    node("d2", "d1", "ask", 20, 20, responses=("May I have your order number?",)),
                    node("d3", "d2", "number", 20, 20),
                    node("d4", "d3", "found", 16, 20),
                    node("d5", "d4", "offer", 16, 16, responses=("A refund, or a new one?",)),
                    node("d6", "d5", "refund", 10, 16),
                    node("d7", "d6", "refunded", 10, 10, responses=("[amount] are on their way.",)),
                    node("d8", "d5", "again", 6, 16),
                    node("d9", "d8", "sent", 6, 6),
                    node("d10", "d3", "missing", 4, 20),
                    node("d11", "d10", "ask", 4, 4, jump_to=NodeId("d2")),
                ),
            ),
            TaskFlow(
                FlowId("late"),
                "late parcel",
                (
                    node("l", None, None, 10),
                    node("l1", "l", "late", 10, 10),
                    node("l2", "l1", "ask", 6, 10),
                    node("l3", "l2", "number", 6, 6),
                    node("l4", "l3", "arrives", 6, 6),
                ),
            ),
        ),
    )
