"""Subcommands on assistants and on the database itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import click

from taskflow.charts.writing import write_chart
from taskflow.config import read_configuration
from taskflow.graph import FORMATS, Format, label, to_dot, to_graphml, to_json, to_mermaid
from taskflow.model import Assistant, AssistantVersion, TaskFlow
from taskflow.options import (
    Settings,
    as_json,
    chosen_url,
    config_option,
    database_option,
    print_json,
    with_settings,
)
from taskflow.outcomes import Parting, partings
from taskflow.store import DatabaseError, open_database, upgrade_database
from taskflow.store.assistants import AssistantError, load_draft, load_version, published_id
from taskflow.store.database import schema_differences


@click.command()
@click.argument("assistant")
@click.option("--outcomes", is_flag=True, help="Where dialogues that ended one way take another branch than the rest.")
@as_json
@with_settings
def flows(settings: Settings, assistant: str, outcomes: bool, as_json: bool) -> None:
    """List the TaskFlows of an assistant's draft.

    With --outcomes it lists the branch points at which dialogues of one outcome go other ways than the rest beyond
    chance: by a chi-square test (Fisher's exact test where counts are small), at 5 % for all comparisons together, by
    Holm's correction. "satisfied" are the dialogues of the more content half of the customers.

    \b
    Examples: taskflow flows support
              taskflow flows support --outcomes
    """
    if outcomes:
        _tell_partings(load_draft(settings.database, assistant).assistant, as_json)
        return
    found = load_draft(settings.database, assistant).assistant.flows
    if as_json:
        print_json([{"name": f.name, "nodes": len(f.nodes), "support": f.support} for f in found])
        return
    for flow in found:
        click.echo(f"{flow.support:6} dialogues  {len(flow.nodes):5} nodes  {flow.name}")


@click.command()
@click.argument("assistant")
@click.option("--flow", "flow_name", metavar="NAME", help="Only this TaskFlow.")
@click.option("--format", "format_", type=click.Choice([*FORMATS, "yaml"]), default="json", show_default=True)
@click.option("--version", type=int, metavar="N", help="A published version instead of the draft.")
@with_settings
def export(
    settings: Settings, assistant: str, flow_name: str | None, format_: Format | Literal["yaml"], version: int | None
) -> None:
    """Write an assistant's TaskFlows to stdout; yaml is the whole of it, and 'taskflow import-flow' reads it again.

    \b
    Examples: taskflow export support --format mermaid > flows.mmd
              taskflow export support --format yaml > support.yaml
    """
    chosen = _version(settings, assistant, version)
    found = _chosen_flows(chosen, flow_name)
    match format_:
        case "json":
            print_json(to_json(chosen, found))
        case "mermaid":
            click.echo(to_mermaid(chosen.assistant, found), nl=False)
        case "graphml":
            click.echo(to_graphml(chosen.assistant, found))
        case "dot":
            click.echo(to_dot(chosen.assistant, found), nl=False)
        case "yaml":
            click.echo(write_chart(replace(chosen.assistant, flows=found)), nl=False)


@click.group()
def db() -> None:
    """Look after the database's schema."""


@db.command()
@database_option
@config_option
@as_json
def upgrade(url: str | None, config: Path | None, as_json: bool) -> None:
    """Bring the database to the schema of this TaskFlow, keeping its rows.

    Example: taskflow db upgrade --database sqlite:///taskflow.db
    """
    before, after = upgrade_database(chosen_url(url, read_configuration(config)))
    if as_json:
        print_json({"before": before, "after": after})
    else:
        click.echo(f"schema version {before or 'none'} -> {after}")


@db.command()
@database_option
@config_option
@as_json
def check(url: str | None, config: Path | None, as_json: bool) -> None:
    """Say whether the database's tables are those that this TaskFlow expects.

    Example: taskflow db check
    """
    address = chosen_url(url, read_configuration(config))
    database = open_database(address)
    differences = schema_differences(database)
    database.close()
    if as_json:
        print_json({"differences": differences})
    elif not differences:
        click.echo("the schema is as it should be")
    if differences:
        raise DatabaseError(f"the schema differs in {len(differences)} places, first: {differences[0]}")


def _tell_partings(assistant: Assistant, as_json: bool) -> None:
    parted = partings(assistant.flows)
    if as_json:
        told = [_parting_json(assistant, parting) for parting in parted.found]
        print_json({"assistant": assistant.name, "compared": parted.compared, "differ": told})
        return
    for flow, found in groupby(parted.found, key=lambda parting: parting.flow):
        click.echo(flow.name)
        for parting in found:
            click.echo(
                f"  after {label(assistant, flow, parting.node)!r}, {parting.outcome!r} dialogues go another way:"
            )
            for branch in parting.most_different():
                so, otherwise = parting.shares(branch)
                click.echo(f"    {so:5.0%} (the rest {otherwise:4.0%})  {label(assistant, flow, branch.node)!r}")
    if not any(flow.root.outcomes for flow in assistant.flows):
        click.echo(f"the dialogues of {assistant.name} have no outcomes: give them in the log, and mine it again")
    else:
        click.echo(
            f"{len(parted.found)} of {parted.compared} comparisons differ beyond chance (chi-square or Fisher's exact "
            "test, 5% for all together by Holm's correction)"
        )


def _parting_json(assistant: Assistant, parting: Parting) -> dict[str, Any]:
    branches = []
    for branch in parting.branches:
        so, otherwise = parting.shares(branch)
        counts = {"ended_so": branch.ended_so, "ended_else": branch.ended_else}
        shares = {"share": round(so, 4), "share_else": round(otherwise, 4)}
        branches.append(
            {"node": branch.node.id, "action": label(assistant, parting.flow, branch.node)} | counts | shares
        )
    return {
        "flow": parting.flow.name,
        "node": parting.node.id,
        "action": label(assistant, parting.flow, parting.node),
        "outcome": parting.outcome,
        "p": parting.chance,
        "branches": branches,
    }


def _version(settings: Settings, assistant: str, number: int | None) -> AssistantVersion:
    if number is None:
        return load_draft(settings.database, assistant)
    return load_version(settings.database, published_id(settings.database, assistant, number))


def _chosen_flows(version: AssistantVersion, name: str | None) -> tuple[TaskFlow, ...]:
    if name is None:
        return version.assistant.flows
    found = tuple(flow for flow in version.assistant.flows if flow.name == name)
    if not found:
        raise AssistantError(
            f"assistant {version.assistant.name!r} has no TaskFlow {name!r}: "
            f"list them with 'taskflow flows {version.assistant.name}'"
        )
    return found
