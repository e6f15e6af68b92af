"""Questions that customers ask in the middle of any need become a flow of their own."""

from __future__ import annotations

from itertools import chain

from mining.asides import FLOW_ID, common_questions
from mining.induction import NeedDialogue
from mining.responses import Phrasebook
from mining.sequences import Step
from taskflow.model import ActionId, FlowId, FlowNode, NodeId, Speaker, TaskFlow

TEXTS = {"open": "We are open from 8 to 8.", "ask": "Which order?", "long": "Five days.", "rare": "No idea."}


def step(key: str, turn: int) -> Step:
    speaker = Speaker.AGENT if key in TEXTS else Speaker.USER
    return Step(ActionId(key), speaker, turn, TEXTS.get(key, key))


def talk(number: int, *keys: str) -> NeedDialogue:
    return NeedDialogue(f"d{number}", [step(key, turn) for turn, key in enumerate(keys)], ("resolved",))


def flow(*keys: str) -> TaskFlow:
    nodes = [FlowNode(NodeId("root"), None, None, 100)]
    for key in keys:
        nodes.append(FlowNode(NodeId(key), nodes[-1].id, ActionId(key), 100))
    return TaskFlow(FlowId("f"), "need", tuple(nodes))


def found(talks: list[NeedDialogue], *flows: TaskFlow) -> TaskFlow | None:
    texts = [[step.text for step in talk.steps] for talk in talks]
    return common_questions(talks, flows, Phrasebook(texts))


TALKS = [
    talk(number, "need", "ask", *asked, "number")
    for number, asked in enumerate([("hours?", "open")] * 5 + [("how long?", "long")] * 3 + [("why?", "rare")] * 2)
]


def test_what_the_flows_leave_out_and_agents_answer_often_is_a_common_question():
    asides = found(TALKS, flow("need", "ask", "number"))
    assert asides is not None
    assert (asides.id, asides.name, asides.is_aside) == (FLOW_ID, "Common questions", True)
    told = [(node.action_id, node.support, node.responses) for node in asides.nodes]
    assert told == [
        (None, 8, ()),
        ("hours?", 5, ()),
        ("open", 5, ("We are open from 8 to 8.",)),
        ("how long?", 3, ()),
        ("long", 3, ("Five days.",)),
    ]
    assert [seen.dialogue_id for seen in asides.nodes[1].evidence] == ["d0", "d1", "d2", "d3", "d4"]
    assert asides.nodes[2].outcomes == (("resolved", 5),)


def test_what_a_flow_holds_is_no_common_question():
    whole = ("need", "ask", "hours?", "open", "how long?", "long", "number")
    assert found(TALKS, flow(*whole)) is None
    assert found([], flow("need")) is None


def test_ids_do_not_depend_on_how_many_dialogues_there_are():
    more = [*TALKS, *(talk(100 + number, "need", "hours?", "open") for number in range(4))]
    ids = [
        {node.id for node in chain(asides.nodes)} for t in (TALKS, more) if (asides := found(t, flow("need", "ask")))
    ]
    assert ids[0] == ids[1]


def test_the_name_is_in_the_language_of_the_answers_and_never_taken_twice():
    chinese = [
        NeedDialogue(f"z{n}", [step("几点?", 0), Step(ActionId("open"), Speaker.AGENT, 1, "八点到八点。")])
        for n in range(3)
    ]
    asides = found(chinese)
    assert asides is not None
    assert asides.name == "常见问题"
    taken = TaskFlow(FlowId("f"), "Common questions", flow("need").nodes)
    asides = found(TALKS, taken)
    assert asides is not None
    assert asides.name == "Common questions (2)"
