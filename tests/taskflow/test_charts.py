"""Charts: what a person writes is the assistant that is served, errors name the place, and export leads back."""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from runtime.calls import CallResult
from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from taskflow.calls import Outcome
from taskflow.chart_commands import check as check_command
from taskflow.chart_commands import import_flow
from taskflow.charts.building import build
from taskflow.charts.checking import check
from taskflow.charts.form import DEEPEST, ChartError, ChartForm
from taskflow.charts.keeping import keep
from taskflow.charts.reading import read_chart
from taskflow.charts.writing import write_chart
from taskflow.errors import TaskFlowError
from taskflow.model import Assistant, Exemplar, FlowNode, NodeId, Speaker
from taskflow.recognisers import mask
from taskflow.replay import START, Replay
from taskflow.store import open_database
from taskflow.store.assistants import load_draft, load_log, publish, save_mined, undo

DOCS = Path(__file__).resolve().parents[2] / "docs" / "charts.md"
EXAMPLE = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[0]
SMALL = """\
assistant: small
language: en
flows:
  - id: hours
    steps:
      - customer: asks_hours
        exemplars: [when are you open, 'we came on 3 May 2024']
      - agent: tell_hours
        responses: From nine to five.
"""


def read(text):
    return read_chart(text, "chart.yaml").assistant


def refused(text):
    with pytest.raises(ChartError) as error:
        read(text)
    assert "\n" not in str(error.value)
    return str(error.value)


def node(assistant, action_id):
    return next(node for flow in assistant.flows for node in flow.nodes if node.action_id == action_id)


# What is written


def test_the_documented_example_is_read_whole():
    assistant = read(EXAMPLE)
    assert [flow.name for flow in assistant.flows] == ["Something arrived broken", "A parcel is late"]
    assert check(assistant) == []
    broken = assistant.flows[0]
    call = node(assistant, "find_order")
    assert [child.action_id for child in broken.children(call.id)] == [
        "find_order.ok",
        "find_order.not_found",
        "find_order.failed",
    ]
    assert assistant.action_by_id["find_order.ok"].exemplars == (Exemplar("find order: ok", 1),)
    assert node(assistant, "ask_order_number").responses[0] == "What is your order number?"
    assert broken.by_id[NodeId("broken-number")].action_id == "gives_order_number"


def test_the_documented_example_is_served(database, encoder):
    asked = []

    def calls(name, fields):
        asked.append((name, fields["order_number"]))
        found = fields["order_number"] == "TF-1234567"
        return CallResult(Outcome.OK, {"amount": "$12.50"}) if found else CallResult(Outcome.NOT_FOUND, {})

    keep(database, read(EXAMPLE), encoder.name, "tester")
    publish(database, "tea-shop")
    manager = DialogueManager(database, encoder, RuntimeConfig(), calls=calls)
    conversation = manager.start("tea-shop")

    def said(number, text):
        events = manager.reply(conversation, f"m{number}", text)
        return [event.text for event in events if event.speaker == "agent"]

    assert "order number" in said(1, "my teapot arrived broken")[0]
    assert said(2, "it is TF-7654321") == ["I cannot find that order. Please look at the number again."]
    assert said(3, "my order is TF-1234567")[0].startswith("I am sorry! Shall we send a new one")
    assert said(4, "a refund please") == ["You get $12.50 back within three days."]
    assert asked == [("find order", "TF-7654321"), ("find order", "TF-1234567")]


def test_short_flows_need_no_declared_actions():
    assistant = read(SMALL)
    asks, tells = assistant.actions
    assert (asks.id, asks.name, asks.speaker) == ("asks_hours", "asks hours", Speaker.USER)
    assert [exemplar.text for exemplar in asks.exemplars] == ["when are you open", "we came on [date]"]
    assert tells.exemplars == (Exemplar("From nine to five.", 1),)
    assert [node.responses for node in assistant.flows[0].nodes] == [(), (), ("From nine to five.",)]
    assert [node.probability for node in assistant.flows[0].nodes] == [1.0, 1.0, 1.0]


def test_words_that_yaml_takes_for_values_are_words():
    text = "assistant: a\nlanguage: en\nflows:\n- {id: 12, branches: [{customer: no, exemplars: [no, 3.10, on]}]}\n"
    assistant = read(text)
    assert assistant.flows[0].id == "12"
    assert [exemplar.text for exemplar in assistant.action_by_id["no"].exemplars] == ["no", "3.10", "on"]


def test_siblings_share_what_is_left():
    ways = "[{customer: a, exemplars: a, share: 0.5}, {customer: b, exemplars: b}, {customer: c, exemplars: c}]"
    flow = read(f"assistant: a\nlanguage: en\nflows: [{{id: f, branches: {ways}}}]\n").flows[0]
    assert [child.probability for child in flow.children(flow.root.id)] == [0.5, 0.25, 0.25]


def test_a_derived_id_stays_when_other_steps_come():
    before = read(SMALL)
    after = read(
        SMALL + "        branches: [{customer: thanks, exemplars: [thanks]}, {customer: bye, exemplars: [bye]}]\n"
    )
    assert set(before.flows[0].by_id) < set(after.flows[0].by_id)


def test_a_written_flow_is_walked_before_anybody_used_it():
    assistant = read(EXAMPLE)
    replay, belief = Replay(assistant), START
    for action in ("item_broken", "ask_order_number", "gives_order_number"):
        belief = replay.observe(belief, assistant.action_by_id[action].id)
    assert belief.best == ("broken", "broken-number")
    belief = replay.observe(replay.observe(belief, "find_order"), "find_order.ok")
    assert replay.next_agent_actions(belief)[0][0] == "offer_choice"


# What is wrong


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("agent: tell_hours", "agnt: tell_hours", "line 8: flows[0].steps[1].agnt: is no key that can stand here"),
        ("tell_hours", "asks_hours", "line 8: flows[0].steps[1].agent: 'asks_hours' is the customer's"),
        ("        responses: From nine to five.\n", "", "'tell_hours' is no action of this file: declare it"),
        ("language: en", "language: english", "line 2: language: is 'english': use 'en' or 'zh'"),
        ("assistant: small\n", "", "line 1: assistant: is missing: add it"),
        ("id: hours", "id: ''", "line 4: flows[0].id: is empty"),
        ("responses:", "support: many\n        responses:", "flows[0].steps[1].support: has to be a whole number"),
        ("responses:", "share: 2\n        responses:", "line 9: flows[0].steps[1].share: is 2"),
        ("responses:", "jump: hours\n        responses:", "has both agent and jump: keep one of them"),
        ("responses:", "ok: []\n        responses:", "has the outcome ok and is no call"),
        (
            "responses:",
            "agent: again\n        responses:",
            "line 9: flows[0].steps[1]: has 'agent' a second time",
        ),
        ("      - agent: tell_hours", "      - jump: nowhere\n      - agent: tell_hours", "no step can come after it"),
        ("five.\n", "five.\n      - jump: nowhere\n", "line 10: flows[0].steps[2].jump: 'nowhere' is no node"),
        ("five.\n", "five.\n      - jump: hours\n", "line 10: flows[0].steps[2].jump: 'hours' is the root"),
        ("From nine", "*From nine", "line 9: flows[0].steps[1].responses: has an anchor or an alias"),
        ("From nine", "!From nine", "line 9: flows[0].steps[1].responses: has a tag"),
        ("From nine to five.", '"\\0"', "has NUL or half characters"),
        ("[when", "[[when", "is no YAML"),
        ("flows:", "---\nflows:", "line 3: begins a second document"),
        ("language: en", "language: en\nactions: {x: {speaker: agent, outcomes: [ok]}}", "only a system's action has"),
        ("language: en", "language: en\nactions: {x: {speaker: customer, responses: a}}", "only an agent's action has"),
        ("language: en", "language: en\nactions: [x]", "line 3: actions: has to be keys with values"),
        ("        responses:", "        then: soon\n        responses:", "flows[0].steps[1].then: has to be a list"),
    ],
)
def test_an_error_names_the_line_the_field_and_the_remedy(old, new, said):
    assert old in SMALL
    text = refused(SMALL.replace(old, new, 1))
    assert text.startswith("chart.yaml, line ")
    assert said in text


def test_the_documented_error_is_the_one_that_comes():
    slip = EXAMPLE.replace("- agent: ask_order_number", "- agent: ask_order_numbr", 1)
    with pytest.raises(ChartError) as error:
        read_chart(slip, "tea-shop.yaml")
    assert f"taskflow: {error.value}\n" in DOCS.read_text(encoding="utf-8")


def test_a_jump_into_another_flow_is_refused_wherever_that_stands():
    for target in ("late", "broken-number"):
        text = EXAMPLE.replace(
            "      - customer: parcel_late\n", "      - customer: parcel_late\n        id: late-one\n"
        )
        text += f"  - id: third\n    steps: [{{customer: parcel_late}}, {{jump: {target}}}]\n"
        assert "is a node of another flow" in refused(text)
    assert "is a node of another flow" in refused(EXAMPLE.replace("jump: broken-number", "jump: late"))


def test_ids_and_names_are_used_once():
    assert "the flow id 'late' is used twice" in refused(EXAMPLE + "  - {id: late, name: another}\n")
    assert "another flow is called 'A parcel is late'" in refused(EXAMPLE + "  - {id: x, name: A parcel is late}\n")
    assert "the node id 'broken-number' is used twice" in refused(EXAMPLE + "  - {id: x, root: {id: broken-number}}\n")
    assert "actions.find_order.ok: is what an outcome of a call is called" in refused(
        EXAMPLE.replace("actions:\n", "actions:\n  find_order.ok: {speaker: customer}\n")
    )


def test_an_outcome_that_the_call_does_not_declare_is_told():
    text = EXAMPLE.replace("outcomes: [ok, not_found, failed]", "outcomes: [ok, failed]")
    assert "'find_order' declares: add it" in refused(text)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "{assistant: ["])
def test_deep_nesting_is_an_error_and_no_crash(opening):
    assert refused(opening * 100_000)


def nested(levels):
    """Steps within steps, as deep as `levels`."""
    text = "assistant: a\nlanguage: en\nflows:\n- id: f\n  steps:\n"
    for level in range(levels):
        text += "  " * level + "  - {customer: a, exemplars: a}\n" + "  " * level + "  - agent: b\n"
        text += "  " * level + "    responses: b\n" + "  " * level + "    then:\n"
    return text + "  " * levels + "  - {customer: a}\n"


def test_deep_trees_are_read_and_written_up_to_a_bound():
    deep = read(nested(DEEPEST))
    assert len(deep.flows[0].nodes) == 2 * DEEPEST + 2
    assert read(write_chart(deep)) == deep
    assert "levels deep" in refused(nested(1000))
    forked = [FlowNode(NodeId("0"), None, None)]
    for place in range(1, 3 * DEEPEST):
        parent = NodeId(str(place - 1))
        forked += [FlowNode(NodeId(f"{place}"), parent, deep.actions[1].id)]
    closing = [FlowNode(NodeId(f"leaf {n.id}"), n.id, deep.actions[0].id) for n in reversed(forked)]
    tree = replace(deep.flows[0], nodes=(*forked, *closing))
    with pytest.raises(ChartError, match="branches more than"):
        write_chart(replace(deep, flows=(tree,)))


KEYS = [
    "assistant",
    "language",
    "actions",
    "flows",
    "id",
    "steps",
    "branches",
    "then",
    "customer",
    "agent",
    "call",
    "jump",
]
words = st.sampled_from(
    [*KEYS, "ok", "failed", "exemplars", "responses", "share", "evidence", "speaker", "en", "0.5", ""]
)
trees = st.recursive(
    words | st.none() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=25,
)


@given(trees)
def test_anything_in_the_form_of_yaml_is_a_chart_or_one_error(tree):
    # JSON is YAML.
    survives(json.dumps({"assistant": "a", "language": "en", "flows": tree}))
    survives(json.dumps({"assistant": "a", "language": "en", "actions": tree, "flows": [tree]}))
    survives(json.dumps(tree, ensure_ascii=False))


@given(st.text(max_size=40) | st.text("[]{}:-!&*'\"|>\n #%@?,ab\\xu0\x85\u2028", max_size=40))
def test_any_text_is_a_chart_or_one_error(text):
    survives(text)


@given(st.data())
def test_a_file_with_a_slip_is_a_chart_or_one_error(data):
    start = data.draw(st.integers(0, len(EXAMPLE)))
    end = start + data.draw(st.integers(0, 30))
    survives(EXAMPLE[:start] + data.draw(st.text("[]{}:-!&*'\"|\n ab", max_size=4)) + EXAMPLE[end:])


def survives(text):
    try:
        check(read(text))
    except TaskFlowError as error:
        assert "\n" not in str(error)


# There and back


def as_kept(assistant):
    """With exemplars as the store has them: masked, each once."""

    def kept(action):
        texts = {e.text if action.speaker is Speaker.SYSTEM else mask(e.text): e.count for e in action.exemplars}
        return replace(action, exemplars=tuple(Exemplar(text, count) for text, count in texts.items()))

    return replace(assistant, actions=tuple(kept(action) for action in assistant.actions))


@given(st.from_type(Assistant).map(as_kept), st.floats(0.001, 99))
def test_export_then_import_gives_the_same_assistant(assistant, cost):
    flows = tuple(replace(f, nodes=(replace(f.nodes[0], cost=cost), *f.nodes[1:])) for f in assistant.flows)
    assistant = replace(assistant, flows=flows)
    assert read(write_chart(assistant)) == assistant


@st.composite
def step(draw, depth=3):
    """A step as a person writes it, with all that may come after it."""
    said = draw(st.sampled_from(["customer", "agent", "call"]))
    names = {"customer": ["hello", "number", "yes"], "agent": ["ask", "tell"], "call": ["find", "send back"]}[said]
    made = {said: draw(st.sampled_from(names))}
    if draw(st.booleans()):
        made["share"] = draw(st.sampled_from([0.25, 0.5, 1.0]))
    if said == "agent" and draw(st.booleans()):
        made["responses"] = draw(st.lists(st.sampled_from(["Well?", "好的。", "It is [amount]."]), max_size=2))
    if depth == 0:
        return made
    below = st.lists(step(depth=depth - 1), max_size=3)
    if said == "call" and draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(list(Outcome)), unique=True, max_size=4))
        return made | {
            outcome.value: {draw(st.sampled_from(["then", "branches"])): plain(draw(below))} for outcome in chosen
        }
    key = draw(st.sampled_from(["then", "branches"]))
    steps = draw(below)
    return made | {key: plain(steps) if key == "then" else steps}


def plain(steps):
    """Only the last of a list may have a way on of its own."""
    ends = ("then", "branches", *Outcome)
    return [{k: v for k, v in made.items() if k not in ends} for made in steps[:-1]] + steps[-1:]


ACTIONS = {
    "hello": {"speaker": "customer", "exemplars": ["hello", "你好"]},
    "number": {"speaker": "customer", "exemplars": ["[order_number]"]},
    "yes": {"speaker": "customer"},
    "ask": {"speaker": "agent", "responses": ["What?"]},
    "tell": {"speaker": "agent", "name": "tell them", "exemplars": []},
    "find": {"speaker": "system", "outcomes": ["ok", "not_found", "refused", "failed"]},
}


@given(st.lists(step(), max_size=4))
def test_what_is_written_by_hand_is_read_again_from_its_export(steps):
    form = ChartForm.model_validate(
        {"assistant": "a", "language": "en", "actions": ACTIONS, "flows": [{"id": "f", "branches": steps}]}
    )
    assistant = build(form)
    text = write_chart(assistant)
    assert read(text) == assistant
    assert write_chart(read(text)) == text


# In the store


@pytest.fixture
def chart(tmp_path):
    """The example in the folder in which `cli` runs."""
    (tmp_path / "tea.yaml").write_text(EXAMPLE, encoding="utf-8")
    return tmp_path / "tea.yaml"


def test_a_chart_becomes_a_draft_that_is_published(cli, database_url, chart):
    finished = cli("import-flow", "tea.yaml", "--json", database=database_url)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {
        "assistant": "tea-shop",
        "language": "en",
        "new": True,
        "changed": True,
        "flows": 2,
        "actions": len(read(EXAMPLE).actions),
        "findings": 0,
    }
    assert cli("publish", "tea-shop", database=database_url).returncode == 0
    exported = cli("export", "tea-shop", "--format", "yaml", "--version", "1", database=database_url)
    assert read(exported.stdout) == read(EXAMPLE)
    again = invoke(import_flow, str(chart), database=database_url)
    assert "nothing was changed" in again.stdout


def test_importing_into_a_draft_is_one_edit_that_can_be_undone(database, assistant):
    with database.write() as session:
        save_mined(session, assistant, "use-multilingual-v3")
    written = replace(read(EXAMPLE), name="support")
    kept = keep(database, written, "use-multilingual-v3", "tester")
    draft = load_draft(database, "support").assistant
    assert kept.assistant == draft
    assert [flow.id for flow in draft.flows] == ["damaged", "late", "broken"]
    assert draft.flow_by_id["late"] == written.flow_by_id["late"]
    assert draft.flow_by_id["damaged"] == assistant.flow_by_id["damaged"]
    assert [stored.author for stored in load_log(database, "support")] == ["tester"]
    undo(database, "support")
    assert load_draft(database, "support").assistant == assistant


def invoke(command, *arguments, database):
    return CliRunner(env={"TASKFLOW_DATABASE_URL": database}).invoke(command, list(arguments))


def test_a_chart_that_does_not_fit_the_draft_changes_nothing(tmp_path, chart, assistant):
    url = f"sqlite:///{tmp_path / 'taskflow.db'}"
    with closing(open_database(url)) as database, database.write() as session:
        save_mined(session, assistant, "use-multilingual-v3")
    chart.write_text(EXAMPLE.replace("id: broken-number", "id: d3").replace("jump: broken-number", "jump: d3"))
    finished = invoke(import_flow, str(chart), "--assistant", "support", database=url)
    assert finished.stdout == ""
    assert isinstance(finished.exception, TaskFlowError)
    assert str(finished.exception) == "assistant 'support' has the node id 'd3' twice: each is used once"
    with closing(open_database(url)) as database:
        assert load_draft(database, "support").assistant == assistant


def test_checking_a_file_needs_no_database(tmp_path, chart):
    chart.write_text(SMALL.replace("responses: From nine to five.", "exemplars: from nine to five"), encoding="utf-8")
    finished = invoke(check_command, str(chart), database=f"sqlite:///{tmp_path / 'none.db'}")
    assert finished.exit_code == 1
    assert finished.stdout.startswith(f"error: {chart}, line 8, flow 'hours': the agent has no words")
    assert "the agent has no words for 'tell hours': write a response" in finished.stdout
    assert finished.stdout.endswith("small: 1 errors, 0 warnings\n")
    assert not (tmp_path / "none.db").exists()


def test_a_draft_is_checked_by_its_name(tmp_path, chart):
    url = f"sqlite:///{tmp_path / 'taskflow.db'}"
    assert "shop: 2 flows and" in invoke(import_flow, str(chart), "--assistant", "shop", database=url).stdout
    finished = invoke(check_command, "shop", "--json", database=url)
    assert (finished.exit_code, json.loads(finished.stdout)) == (0, {"assistant": "shop", "findings": []})
    assert "no assistant is called 'tea-shop'" in str(invoke(check_command, "tea-shop", database=url).exception)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("assistant: 茶".encode("gb18030"), "is no UTF-8 (byte 11): save it as UTF-8"),
        (b"assistant: a\nlanguage: en\n", "has no flows: write at least one under 'flows:'"),
        (None, "cannot be read (No such file or directory): check its name"),
    ],
)
def test_a_file_that_is_no_chart_is_told_in_one_sentence(tmp_path, content, said):
    file = tmp_path / "some.yaml"
    if content is not None:
        file.write_bytes(content)
    finished = invoke(import_flow, str(file), database=f"sqlite:///{tmp_path / 'taskflow.db'}")
    assert isinstance(finished.exception, ChartError)
    assert str(finished.exception) == f"{file}: {said}"
