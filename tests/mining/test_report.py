"""The page of figures and drawings: whole by itself, escaped, in both languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest

from mining.evaluation.cluster_map import cluster_map
from mining.evaluation.confusions import confusions
from mining.evaluation.figures import evaluate, walk_all
from mining.evaluation.gold import gold_flow
from mining.evaluation.labelled import LabelledTurn
from mining.evaluation.phrases import LANGUAGES, PHRASES
from mining.evaluation.report import draw
from mining.evaluation.tree_drawing import draw_tree
from taskflow.model import (
    ActionId,
    Assistant,
    Dialogue,
    DialogueAction,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    TaskFlow,
    Utterance,
)
from taskflow.store.runs import TurnActions

NASTY = '<script>alert("1")</script> & 你好'


def chain(length: int, jump: bool = False) -> TaskFlow:
    """A root, a chain of steps by turns, and a step aside at the first that may jump back."""
    nodes = [FlowNode(NodeId("0"), None, None, support=length + 1)]
    for place in range(1, length + 1):
        action = ActionId("u" if place % 2 else "a")
        nodes.append(FlowNode(NodeId(str(place)), NodeId(str(place - 1)), action, support=length + 1 - place))
    nodes.append(FlowNode(NodeId("aside"), NodeId("1"), ActionId("a"), 1, 0.1, NodeId("2") if jump else None))
    return TaskFlow(FlowId("f"), NASTY, tuple(nodes))


def assistant(flows: Sequence[TaskFlow]) -> Assistant:
    said = {"u": "I want <b>it</b>", "a": "Sure & done", "s": "track"}
    speakers = {"u": Speaker.USER, "a": Speaker.AGENT, "s": Speaker.SYSTEM}
    actions = tuple(
        DialogueAction(ActionId(key), speakers[key], f"{NASTY} {key}", (Exemplar(text, 2), Exemplar(text + "!", 1)), 3)
        for key, text in said.items()
    )
    return Assistant(NASTY, actions, tuple(flows))


def page(encoder, flows: Sequence[TaskFlow], label: str | None, language: str = "en") -> str:
    turns = (Utterance(Speaker.USER, NASTY, label), Utterance(Speaker.AGENT, "Sure", label))
    dialogues = [Dialogue("d", turns, need=label, outcome=label), Dialogue("e", turns, need=label)]
    mined = assistant(flows)
    rows = [
        TurnActions(name, turn, who, action, None, ())
        for name in "de"
        for turn, (who, action) in enumerate((("user", "u"), ("agent", "a")))
    ]
    gold = None if label is None else {label: gold_flow({"nodes": [{"id": label}], "edges": []})}
    return draw(evaluate(mined, walk_all(mined, dialogues, rows), gold), encoder.encode, language)


class Balanced(HTMLParser):
    """Fails on a tag that is closed and was not opened, or the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("label", [None, NASTY])
@pytest.mark.parametrize("flows", [[], [chain(3)], [chain(120, jump=True)]])
def test_the_page_is_whole_escaped_and_loads_nothing(encoder, flows, label, language):
    html = page(encoder, flows, label, language)
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    assert not {"script", "img", "link", "iframe", "b>it"} & parser.seen
    assert "<script>" not in html
    assert "<b>it</b>" not in html
    assert not re.search(r"https?:|url\(|@import|\bsrc=", html)
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in html
    assert ('id="gold"' in html) == (label is not None)
    assert ('id="confusions"' in html) == (label is not None)


def test_the_same_assistant_gives_the_same_page(encoder):
    assert page(encoder, [chain(5)], "x") == page(encoder, [chain(5)], "x")


def test_both_languages_say_the_same_fields():
    for key, (english, chinese) in PHRASES.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese)), key


def test_a_drawing_shows_every_step_or_counts_it_as_hidden():
    for length in (3, 48, 49, 200):
        flow = chain(length)
        drawn = draw_tree(assistant([flow]), flow)
        assert len(drawn.rows) + drawn.hidden == len(flow.nodes)
        assert sum(row.below for row in drawn.rows) == drawn.hidden
        assert [row.number for row in drawn.rows] == list(range(1, len(drawn.rows) + 1))
        assert len(drawn.lines) == len(drawn.rows) - 1


def test_a_step_is_indented_only_where_the_flow_branches_and_a_jump_is_dashed():
    flow = chain(3, jump=True)
    drawn = draw_tree(assistant([flow]), flow)
    root, first, second, third, aside = drawn.rows
    assert root.x == first.x < second.x == third.x == aside.x
    assert (first.share, aside.share, aside.target) == (None, 0.1, second.number)
    assert [line.jump for line in drawn.lines] == [False, False, False, True]
    widths = [line.width for line in drawn.lines]
    assert widths == sorted(widths, reverse=True)


def test_the_map_keeps_near_what_means_alike(encoder):
    texts = {"r": ["I want to return it", "I want to send it back"], "g": ["Good morning", "Good morning to you"]}
    actions = tuple(
        DialogueAction(ActionId(key), Speaker.USER, key, tuple(Exemplar(text, 1) for text in said), 2)
        for key, said in texts.items()
    )
    drawn = cluster_map(Assistant("a", actions, ()), Speaker.USER, encoder.encode)
    first, second, third, fourth = [(dot.x, dot.y) for dot in drawn.wordings]

    def apart(one, other):
        return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2

    assert apart(third, fourth) < apart(first, third)
    assert apart(first, second) < apart(second, fourth)
    assert cluster_map(Assistant("a", actions, ()), Speaker.AGENT, encoder.encode) is None


def test_the_worst_confusions_come_first_with_what_was_said():
    def turns(label: str, action: str | None, number: int) -> list[LabelledTurn]:
        return [LabelledTurn(Speaker.USER, f"{label} words", label, action and ActionId(action))] * number

    found = confusions([*turns("yes", "A", 5), *turns("no", "A", 3), *turns("no", "B", 4), *turns("bye", None, 1)], {})
    mixed = found.mixed[0]
    assert (mixed.name, mixed.turns, mixed.astray) == ("A", 8, 3)
    assert [(part.name, part.count, part.wordings) for part in mixed.parts] == [
        ("yes", 5, ("yes words",)),
        ("no", 3, ("no words",)),
    ]
    assert [(split.name, split.astray) for split in found.split] == [("no", 3)]
    assert len(found.mixed) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_branch_at_which_the_outcome_tells_stands_below_its_tree(encoder, language):
    branches = (("u", 40, 4), ("a", 10, 20))
    told = [
        FlowNode(NodeId(key), NodeId("0"), ActionId(key), well + ill, outcomes=(("bad", ill), ("<good>", well)))
        for key, well, ill in branches
    ]
    root = FlowNode(NodeId("0"), None, None, 74, outcomes=(("bad", 24), ("<good>", 50)))
    html = page(encoder, [TaskFlow(FlowId("f"), "late", (root, *told))], "want", language)
    phrase = PHRASES["parting"][LANGUAGES.index(language)].format(name="late", outcome="&lt;good&gt;")
    assert phrase in html
    assert "<b>80.0\u00a0%</b>" in html
    assert "16.7\u00a0%" in html
    Balanced().feed(html)


def test_a_step_that_more_dialogues_pass_than_its_parent_is_drawn():
    supports = (5, 2, 9, 7)
    nodes = [
        FlowNode(
            NodeId(str(place)), NodeId(str(place - 1)) if place else None, ActionId("u") if place else None, support
        )
        for place, support in enumerate(supports)
    ]
    drawn = draw_tree(assistant([]), TaskFlow(FlowId("f"), "late", tuple(nodes)))
    assert [row.support for row in drawn.rows] == list(supports)
    assert drawn.hidden == 0
