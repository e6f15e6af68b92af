"""ABCD's workflows compiled, on a few of the same form that are made here."""

from __future__ import annotations

import json

from click.testing import CliRunner

from benchmarks.abcd_charts import abcd_charts, compile_workflows
from taskflow.charts.checking import check
from taskflow.model import Speaker

SOURCE = {
    "workflows": {"late_parcel": ["look_up", "send_link"], "wrong_size": ["look_up", "offer_refund", "look_up"]},
    "ontology": {
        "actions": {
            "kb_query": {"look_up": ["order_id", "zip_code"]},
            "interaction": {"send_link": [], "offer_refund": []},
        }
    },
}


def test_every_workflow_is_a_flow_in_its_order_and_passes_the_check():
    assistant = compile_workflows(SOURCE)
    assert [flow.id for flow in assistant.flows] == ["late_parcel", "wrong_size"]
    for flow in assistant.flows:
        made = [node.action_id for node in flow.nodes if node.action_id in ("look_up", "send_link", "offer_refund")]
        assert made == SOURCE["workflows"][flow.id]
        assert assistant.speaker(flow.nodes[1]) is Speaker.USER
    assert check(assistant) == []


def test_the_command_counts_them(tmp_path):
    (tmp_path / "abcd.flow.json").write_text(json.dumps(SOURCE), encoding="utf-8")
    finished = CliRunner().invoke(abcd_charts, ["--data", str(tmp_path)])
    assert finished.exit_code == 0, finished.output
    assert "| 2 | 32 | 2 | 2 |" in finished.output
    assert "cannot be read" in CliRunner().invoke(abcd_charts, ["--data", str(tmp_path / "none")]).output
