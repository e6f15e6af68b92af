"""Conversation tests: what their files say, what a failing one tells, and those that are written from flows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from runtime.config import RuntimeConfig
from runtime.conversation_run import Result, Run, coverage
from runtime.conversation_tests import ConversationTestError, files_in, read_tests
from runtime.mined_tests import mined_tests, to_yaml
from runtime.outfit import Outfit
from runtime.stage import Stage, scratch_database
from taskflow.model import AssistantVersion
from taskflow.store.conversations import last_conversations

CALLS = "calls: {track: {outcome: ok, fields: {date: 3 May}}}\n"


@pytest.fixture(scope="module")
def run(shop, encoder):
    with scratch_database() as scratch:
        version = AssistantVersion(shop, None, encoder.name)
        stage = Stage(scratch, Outfit(scratch, encoder, RuntimeConfig(writes=("track",))))
        stage.show(version)
        yield Run(stage, version)


@pytest.fixture
def write(tmp_path):
    def written(text: str) -> Path:
        path = tmp_path / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def tried(run, write):
    """The result of one conversation, of which the steps are given."""

    def result(steps: str, more: str = "") -> Result:
        text = f"assistant: shop\n{CALLS}conversations:\n  - name: one\n    {more}\n    steps:\n"
        read = read_tests(write(text + "".join(f"      - {line}\n" for line in steps.splitlines())))
        return run.conversation(read, 0)

    return result


RETURN = """{customer: I want to return something, flow: Returns, node: r-ask, says: What is your order number?}
{customer: TF-20418837, action: Is the item unused?, fields: {order_number: TF-20418837, date: null}}
{again: true, says: [], calls: [], choices: [], repair: []}
{customer: "yes, it is unused", contains: on its way, handoff: false, closed: false}
{customer: "thanks, bye", repair: [close, satisfaction], closed: true}"""


def test_all_that_is_expected_may_be_met(tried):
    assert not tried(RETURN).failed


@pytest.mark.parametrize(
    ("expected", "what", "happened"),
    [
        ("says: Who are you?", "says", "What is your order number?"),
        ("contains: parcel", "contains", "What is your order number?"),
        ("node: r-label", "node", "r-ask"),
        ("action: Is the item unused?", "action", "What is your order number?"),
        ("flow: Late parcels", "flow", "Returns"),
        ("says: []", "says", "What is your order number?"),
        ("repair: clarify", "repair", "nothing"),
        ("fields: {order_number: TF-1}", "fields.order_number", "not known"),
        ("calls: {track: ok}", "calls", "nothing"),
        ("choices: [yes]", "choices", "nothing"),
        ("handoff: true", "handoff", "the conversation is open"),
        ("closed: true", "closed", "the conversation is open"),
        ("refused: too long", "refused", "the message is taken"),
    ],
)
def test_what_is_not_met_is_told_with_its_line_and_why(tried, expected, what, happened):
    result = tried(f"{{customer: hello}}\n{{customer: I want to return something, {expected}}}")
    assert result.failed
    assert (result.step, result.line) == (2, 8)
    (failure,) = result.failures
    assert (failure.what, failure.happened) == (what, happened)
    assert any("r-root" in line for line in result.why)


def test_a_call_without_an_answer_in_the_test_is_a_failure(tried):
    steps = "{customer: where is my parcel}\n{customer: TF-20418837}"
    assert not tried(steps).failed
    assert [failure.what for failure in tried(steps, "calls: {track: []}").failures] == ["calls"]


def test_calls_answer_in_turn_and_the_last_answer_stays(tried):
    steps = """{customer: where is my parcel}
{customer: TF-20418837, calls: {track: not_found}, node: [l-lost, l-ask]}
{customer: TF-20418838, calls: {track: ok}, says: TF-20418838 arrives on 4 May.}
{customer: where is my parcel TF-20418839, calls: {track: ok}}"""
    assert not tried(steps, "calls: {track: [not_found, {outcome: ok, fields: {date: 4 May}}]}").failed


def test_what_is_known_to_fail_fails_when_it_goes_well(tried):
    assert not tried("{customer: I want to return something, node: r-label}", "fails: for now").failed
    assert tried("{customer: I want to return something, node: r-ask}", "fails: for now").failed


def test_a_button_that_is_not_offered_cannot_be_chosen(tried):
    result = tried("{customer: I want to return something}\n{choose: a refund}")
    assert [(one.what, one.happened) for one in result.failures] == [("choose", "offered: nothing")]


def test_time_passes(tried):
    assert not tried(
        "{customer: where is my parcel}\n{wait: 31, closed: true}\n{customer: TF-20418837, closed: false}"
    ).failed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("conversations: [", "line 2: is no YAML"),
        ("conversations:\n  - steps: [{customer: hi}]\n", "line 2: conversations.0..name: is missing"),
        ("conversations:\n  - name: one\n    steps: []\n", "line 3: .*is empty: write at least one"),
        ("conversations:\n  - name: one\n    steps:\n      - {costumer: hi}\n", "line 4.*did you mean 'customer'"),
        ("conversations:\n  - name: one\n    steps:\n      - {says: hi}\n", "line 4.*does nothing"),
        ("conversations:\n  - name: one\n    steps:\n      - {customer: a, choose: b}\n", "line 4.*two steps"),
        ("conversations:\n  - name: one\n    steps:\n      - {photo: a.jpg}\n", "line 4.*photo without words"),
        ("conversations:\n  - name: one\n    steps:\n      - {customer: a, repair: sorry}\n", "line 4.*use 'resume'"),
        ("calls: {track: maybe}\nconversations: []\n", "line 1.*'maybe': use 'ok'"),
        ("assistant: a\nchart: b\nconversations: []\n", "keep one of them"),
        ("settings: {writes: 3}\nconversations: []\n", "line 1: settings.writes"),
    ],
)
def test_a_bad_file_is_told_with_its_line_and_the_remedy(write, text, told):
    with pytest.raises(ConversationTestError, match=told):
        read_tests(write(text))


def test_a_chart_beside_the_tests_is_none_of_them(write, tmp_path):
    path = write("conversations: []\n")
    (tmp_path / "chart.yaml").write_text("assistant: shop\nflows: []\n", encoding="utf-8")
    assert files_in([tmp_path]) == [path]


def test_coverage_is_in_dialogues_that_went_there(run, shop, write):
    read = read_tests(write("conversations:\n  - name: one\n    steps: [{customer: I want to return something}]\n"))
    covered = coverage(shop, run.file(read))
    assert 0 < covered.share < 0.5
    assert covered.total == sum(node.support for flow in shop.flows for node in flow.nodes if node.jump_to is None)


def test_tests_of_the_commonest_ways_can_be_written_and_hold(run, shop, write):
    seen = []
    for values in mined_tests(shop, most=5).values():
        read = read_tests(write(to_yaml(values)))
        seen += run.file(read)
    assert [result.failures for result in seen if result.failed] == []
    assert coverage(shop, seen).share > 0.9


def test_the_command_says_how_it_went_and_leaves_real_conversations_alone(cli, published, database_url, tmp_path):
    steps = "    steps: [{customer: I want to return something, node: %s}]\n"
    good, bad = (tmp_path / name for name in ("good.yaml", "bad.yaml"))
    good.write_text("assistant: shop\nconversations:\n  - name: one\n" + steps % "r-ask", encoding="utf-8")
    bad.write_text("assistant: shop\nconversations:\n  - name: two\n" + steps % "r-label", encoding="utf-8")
    passed = cli("test", str(good), database=database_url)
    assert (passed.returncode, passed.stdout.splitlines()[0][:21]) == (0, "1 of 1 conversations ")
    failed = cli("test", str(tmp_path), "--json", database=database_url)
    told = json.loads(failed.stdout)
    assert (failed.returncode, told["failed"]) == (1, 1)
    assert [(one["name"], one["line"], one["step"]) for one in told["results"] if one["failed"]] == [("two", 4, 1)]
    bad.write_text("conversations: 3\n", encoding="utf-8")
    unread = cli("test", str(bad), database=database_url)
    assert unread.returncode == 2
    assert "bad.yaml, line 1" in unread.stderr
    assert last_conversations(published, "shop", 10) == []


def test_the_command_writes_tests_that_it_can_run(cli, published, database_url, tmp_path):
    folder = tmp_path / "tests"
    assert cli("test", "shop", "--write", str(folder), "--most", "2", database=database_url).returncode == 0
    files = sorted(folder.iterdir())
    assert [path.name for path in files] == ["f-late.yaml", "f-return.yaml"]
    assert all(
        one["weight"] == 10 for path in files for one in yaml.safe_load(path.read_text("utf-8"))["conversations"]
    )
    again = cli("test", str(folder), database=database_url)
    assert again.returncode == 0, again.stdout


def test_the_documented_example_goes_as_documented(cli, database_url, tmp_path):
    charts, tests = (
        _example(Path(__file__).parents[2] / "docs" / name) for name in ("charts.md", "conversation-tests.md")
    )
    (tmp_path / "tea-shop.yaml").write_text(charts, encoding="utf-8")
    (tmp_path / "tests.yaml").write_text(tests, encoding="utf-8")
    ran = cli("test", str(tmp_path), database=database_url)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert ran.stdout.startswith("4 of 4 conversations as expected")


def _example(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
