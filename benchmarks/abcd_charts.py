"""`python -m benchmarks.abcd_charts`: ABCD's workflows as TaskFlows, and what the check finds in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.sets import VARIABLE
from benchmarks.tables import table
from taskflow.charts.building import build
from taskflow.charts.checking import Severity, check
from taskflow.charts.form import ChartForm
from taskflow.model import Assistant

_FILE = "abcd.flow.json"
_TROUBLE = {"agent": "say_trouble", "responses": ["That did not work. I am passing this on to a colleague."]}


def compile_workflows(source: Mapping[str, Any]) -> Assistant:
    """Every workflow a flow: for each of its actions the agent asks for what it needs, and calls."""
    needs = {action: fields for kind in source["ontology"]["actions"].values() for action, fields in kind.items()}
    actions = {action: {"speaker": "system", "outcomes": ["ok", "failed"]} for action in needs}
    flows = [_flow(name, made, needs) for name, made in source["workflows"].items()]
    form = {"assistant": "abcd", "language": "en", "actions": actions, "flows": flows}
    return build(ChartForm.model_validate(form))


def _flow(name: str, made: Sequence[str], needs: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    words = name.replace("_", " ")
    done = {"agent": f"{name}: done", "responses": [f"Your request ({words}) is done."]}
    begun = {"customer": f"wants {name}", "exemplars": [f"I have a question: {words}", words]}
    return {"id": name, "steps": [begun, *_calls(made, needs, done)]}


def _calls(made: Sequence[str], needs: Mapping[str, Sequence[str]], done: dict[str, Any]) -> list[dict[str, Any]]:
    """Each call inside the success of the one before."""
    if not made:
        return [done]
    action, fields = made[0], [field.replace("_", " ") for field in needs.get(made[0], ())]
    call = {"call": action, "ok": _calls(made[1:], needs, done), "failed": [_TROUBLE]}
    if not fields:
        return [call]
    asks = {"agent": f"ask for {action}", "responses": [f"Could you give me one of these: {', '.join(fields)}?"]}
    gives = {"customer": f"give for {action}", "exemplars": [f"my {field} is this" for field in fields]}
    return [asks, gives, call]


@click.command()
@click.option("--data", envvar=VARIABLE, type=click.Path(path_type=Path), required=True, help=f"Where {_FILE} is.")
def abcd_charts(data: Path) -> None:
    """Say how many workflows compile, and how many of them pass `taskflow check`.

    Example: python -m benchmarks.abcd_charts --data FOLDER
    """
    try:
        source = json.loads((data / _FILE).read_text(encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"{data / _FILE} cannot be read ({error.strerror}): name its folder") from error
    assistant = compile_workflows(source)
    found = check(assistant)
    wrong = {finding.flow for finding in found if finding.severity is Severity.ERROR}
    flawed = {finding.flow for finding in found}
    flows = len(assistant.flows)
    nodes = sum(len(flow.nodes) for flow in assistant.flows)
    heads = ["workflows", "nodes", "without errors", "without findings"]
    click.echo(table(heads, [[flows, nodes, flows - len(wrong), flows - len(flawed)]]))
    click.echo("\nMay be published: abcd.")


if __name__ == "__main__":
    abcd_charts()
