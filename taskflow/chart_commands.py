"""Subcommands on charts: assistants that are written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from taskflow.charts.checking import Finding, Severity
from taskflow.charts.checking import check as check_assistant
from taskflow.charts.form import ChartError
from taskflow.charts.keeping import keep
from taskflow.charts.reading import read_chart_file
from taskflow.config import read_configuration
from taskflow.model import Assistant, NodeId
from taskflow.options import (
    Settings,
    as_json,
    author_option,
    chosen_url,
    config_option,
    database_option,
    print_json,
    say,
    with_settings,
)
from taskflow.store import open_database
from taskflow.store.assistants import load_draft

_SUFFIXES = (".yaml", ".yml")


@click.command()
@click.argument("target", metavar="ASSISTANT|FILE")
@database_option
@config_option
@as_json
def check(target: str, url: str | None, config: Path | None, as_json: bool) -> None:
    """Say what would go wrong when an assistant is served, with the node and the remedy of each.

    It takes the draft of an assistant, or a chart: a name that ends in .yaml or .yml is a file. Errors, not warnings,
    give the exit code 1.

    \b
    Examples: taskflow check support
              taskflow check tea-shop.yaml --json
    """
    lines: Mapping[NodeId, int] = {}
    if target.endswith(_SUFFIXES):
        chart = read_chart_file(Path(target))
        assistant, lines = chart.assistant, chart.lines
    else:
        assistant = _draft(target, url, config)
    found = check_assistant(assistant)
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    if as_json:
        print_json({"assistant": assistant.name, "findings": [_json(finding, lines) for finding in found]})
    else:
        for finding in found:
            click.echo(_told(assistant, finding, target, lines))
        click.echo(f"{assistant.name}: {errors} errors, {len(found) - errors} warnings")
    if errors:
        raise click.exceptions.Exit(1)


@click.command("import-flow")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--assistant", "name", metavar="NAME", help="Import it under this name, whatever the file says.")
@author_option
@as_json
@with_settings
def import_flow(settings: Settings, file: Path, name: str | None, author: str, as_json: bool) -> None:
    """Make a chart the draft of an assistant, or bring its flows and actions into the draft that is there.

    What the draft has and the file does not name stays. It is one edit of the draft: 'taskflow edits' shows it, and it
    can be undone. Nothing is published before 'taskflow publish'.

    Example: taskflow import-flow tea-shop.yaml --assistant support
    """
    chart = read_chart_file(file)
    written = chart.assistant if name is None else replace(chart.assistant, name=name)
    if not written.flows:
        raise ChartError(f"{file}: has no flows: write at least one under 'flows:'")
    kept = keep(settings.database, written, settings.encoder.name, author)
    found = check_assistant(written)
    for finding in found:
        say(_told(written, finding, str(file), chart.lines))
    if as_json:
        told = {"assistant": written.name, "language": chart.language, "new": kept.new, "changed": kept.changed}
        counts = {"flows": len(written.flows), "actions": len(written.actions), "findings": len(found)}
        print_json(told | counts)
    elif not kept.changed:
        click.echo(f"the draft of {written.name} has all that {file} says: nothing was changed")
    else:
        into = "a new assistant" if kept.new else "an edit of its draft"
        click.echo(
            f"{written.name}: {len(written.flows)} flows and {len(written.actions)} actions, {into}; "
            f"'taskflow publish {written.name}' lets customers talk to it"
        )


def _draft(assistant: str, url: str | None, config: Path | None) -> Assistant:
    with closing(open_database(chosen_url(url, read_configuration(config)))) as database:
        return load_draft(database, assistant).assistant


def _told(assistant: Assistant, finding: Finding, file: str, lines: Mapping[NodeId, int]) -> str:
    """In a file by its line, in a draft by its node."""
    flow = assistant.flow_by_id[finding.flow].name
    line = lines.get(finding.node)
    where = f"node {finding.node!r}" if line is None else f"{file}, line {line}"
    return f"{finding.severity}: {where}, flow {flow!r}: {finding.sentence}: {finding.remedy}"


def _json(finding: Finding, lines: Mapping[NodeId, int]) -> dict[str, Any]:
    """`line` is null in a draft."""
    return {
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "flow": finding.flow,
        "node": finding.node,
        "line": lines.get(finding.node),
        "sentence": finding.sentence,
        "remedy": finding.remedy,
    }
