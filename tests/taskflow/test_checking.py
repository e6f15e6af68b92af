"""What would go wrong when an assistant is served, written or mined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.charts.building import build
from taskflow.charts.checking import FindingKind, Severity, check
from taskflow.charts.form import ChartForm
from taskflow.edits import SetNodeStatus, SetResponses, apply
from taskflow.model import Assistant, Status

ASKS = {"customer": "asks", "exemplars": ["where is it"]}
NUMBER = {"customer": "number", "exemplars": ["it is [order_number]"]}


def tells(text="It is on its way.", name="tells"):
    return {"agent": name, "responses": [text]}


def found(*steps, key="steps"):
    form = {"assistant": "a", "language": "en", "flows": [{"id": "f", key: list(steps)}]}
    assistant = build(ChartForm.model_validate(form))
    names = {node.id: node.action_id or "root" for node in assistant.flows[0].nodes}
    return [(finding.kind.value, names[finding.node]) for finding in check(assistant)]


def test_a_flow_in_order_has_no_findings():
    assert found(ASKS, tells("Your order number?", "asks_number"), NUMBER, tells("[order_number] is on its way.")) == []


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([ASKS], ("dead_end", "asks")),
        ([ASKS, tells(), NUMBER], ("dead_end", "number")),
        ([ASKS, {"agent": "tells", "exemplars": ["on its way"]}], ("no_response", "tells")),
        ([ASKS, tells("[order_number] is on its way.")], ("missing_field", "tells")),
        (
            [{**ASKS, "branches": [NUMBER | {"then": [tells()]}, tells("[order_number]!", "late")]}],
            ("missing_field", "late"),
        ),
        ([ASKS, tells("[orderumber] is on its way.")], ("unknown_field", "tells")),
        ([ASKS | {"exemplars": ["where is [Order number]"]}, tells()], ("unknown_field", "asks")),
        ([ASKS, {"call": "track", "ok": [tells()]}], ("no_failure_branch", "track")),
        ([ASKS, {"call": "track", "then": [tells()]}], ("no_failure_branch", "track")),
        ([tells()], ("unreachable", "root")),
        ([{**ASKS, "branches": [tells(), tells("Sorry.", "other")]}], ("unreachable", "other")),
        ([{**ASKS, "branches": [tells(), {"call": "track", "ok": [], "failed": []}]}], ("unreachable", "track")),
        ([{**ASKS, "branches": [tells() | {"share": 0.2}, tells("Sorry.", "other")]}], ("unreachable", "tells")),
    ],
)
def test_each_kind_is_found_at_its_node(steps, expected):
    assert found(*steps) == [expected]


def test_a_customer_whom_nothing_recognises_is_found():
    actions = {"asks": {"speaker": "customer"}}
    flows = [{"id": "f", "steps": [{"customer": "asks"}, tells()]}]
    form = {"assistant": "a", "language": "en", "actions": actions, "flows": flows}
    (finding,) = check(build(ChartForm.model_validate(form)))
    assert (finding.kind, finding.severity) == (FindingKind.NO_EXEMPLARS, Severity.ERROR)
    assert "'asks'" in finding.sentence
    assert finding.remedy


def test_one_response_that_needs_no_field_is_enough():
    assert found(ASKS, {"agent": "tells", "responses": ["[date]", "Soon."]}) == []
    assert found({**ASKS, "branches": [tells("[date]!", "with"), tells("Soon.", "without")]}) == [
        ("missing_field", "with")
    ]


def test_a_call_may_give_any_field():
    call = {"call": "track", "ok": [tells("It comes on [date].")], "failed": [tells("Sorry.", "sorry")]}
    assert found(ASKS, call) == []


def test_a_jump_carries_the_fields_that_are_known_where_it_starts():
    late = tells("[order_number] is on its way.", "late") | {"id": "late"}
    ways = [
        NUMBER | {"then": [{"jump": "late"}]},
        {"customer": "other", "exemplars": ["other"], "then": [late]},
    ]
    assert found(*ways, key="branches") == []
    assert found(ways[1], key="branches") == [("missing_field", "late")]


def test_what_stands_beside_the_outcomes_of_a_call_is_never_come_to():
    actions = {"track": {"speaker": "system", "outcomes": ["failed", "ok"]}}
    outcomes = [{"system": "track.failed", "then": [tells()]}, {"system": "track.ok"}, tells("Well.", "beside")]
    flow = {"id": "f", "steps": [ASKS, {"call": "track", "branches": outcomes}]}
    form = {"assistant": "a", "language": "en", "actions": actions, "flows": [flow]}
    (finding,) = check(build(ChartForm.model_validate(form)))
    assert (finding.kind, finding.severity) == (FindingKind.UNREACHABLE, Severity.WARNING)
    assert "is no outcome of the call 'track'" in finding.sentence


def test_the_same_step_twice_after_one_is_found():
    twice = [ASKS | {"then": [tells()]}, ASKS | {"then": [tells("Soon.", "soon")]}]
    assert found(*twice, key="branches") == [("duplicate_siblings", "asks")]


def test_mined_assistants_are_checked_and_what_was_rejected_is_left_out(assistant):
    kinds = [(finding.kind.value, finding.node) for finding in check(assistant)]
    assert ("no_response", "d9") in kinds
    assert ("no_failure_branch", "d4") in kinds
    rejected = apply(SetNodeStatus("damaged", "d9", Status.REJECTED), assistant)
    assert ("dead_end", "d8") in [(finding.kind.value, finding.node) for finding in check(rejected)]
    mended = apply(SetResponses("damaged", "d9", ("It is on its way.",)), assistant)
    assert len(check(mended)) == len(kinds) - 1


@given(st.from_type(Assistant))
def test_findings_name_nodes_of_the_assistant(assistant):
    for finding in check(assistant):
        assert finding.node in assistant.flow_by_id[finding.flow].by_id
        assert finding.sentence
        assert "\n" not in finding.remedy
