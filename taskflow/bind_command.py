"""The subcommand that binds an assistant's calls to the endpoints that answer them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import BinaryIO

import click

from taskflow.bindings import CallBinding
from taskflow.calls import Outcome
from taskflow.edit_forms import binding_from_json, binding_to_json
from taskflow.edits import AttachCall, EditError
from taskflow.model import Assistant, DialogueAction, Speaker
from taskflow.options import Settings, as_json, author_option, print_json, say, with_settings
from taskflow.store.assistants import load_draft
from taskflow.store.drafts import draft_of


@click.command()
@click.argument("assistant")
@click.argument("file", type=click.File("rb"), required=False)
@author_option
@as_json
@with_settings
def bind(settings: Settings, assistant: str, file: BinaryIO | None, author: str, as_json: bool) -> None:
    """Bind the calls of an assistant's draft to endpoints, or list them with what they are bound to.

    FILE ('-' for stdin) is a JSON object, by the call's name. Endpoints are named in the configuration, under
    [runtime.endpoints.NAME]; a binding cannot reach any other address. null takes a binding away.

    \b
    Example: echo '{"lookup_order": {"endpoint": "orders", "method": "GET", "effect": "read",
                    "path": "/orders/[order_number]", "inputs": ["order_number"],
                    "facts": {"amount": "total", "item": "item"}}}' | taskflow bind support -
             taskflow bind support
    """
    if file is not None:
        wanted = _read(file)
        with draft_of(settings.database, assistant) as draft:
            by_name = calls_of(draft.assistant)
            unknown = [name for name in wanted if name not in by_name]
            if len(unknown) == len(wanted):
                there = ", ".join(sorted(by_name)) or "none"
                raise EditError(f"{file.name}: {assistant!r} makes none of these calls (there are: {there})")
            if unknown:
                say(f"left out, since {assistant} makes no such calls: {', '.join(unknown)}")
            known = {name: binding for name, binding in wanted.items() if name in by_name}
            changed = {name: binding for name, binding in known.items() if by_name[name].binding != binding}
            draft.add([AttachCall(by_name[name].id, binding) for name, binding in changed.items()], author)
    _print(load_draft(settings.database, assistant).assistant, as_json)


def calls_of(assistant: Assistant) -> dict[str, DialogueAction]:
    """The calls by the name that they were mined under; their outcomes are actions too, and no calls."""
    outcomes = tuple(f": {outcome}" for outcome in Outcome)
    found = {}
    for action in assistant.actions:
        name = action.exemplars[0].text if action.exemplars else action.name
        if action.speaker is Speaker.SYSTEM and not name.endswith(outcomes):
            found[name] = action
    return found


def _read(file: BinaryIO) -> dict[str, CallBinding | None]:
    try:
        told = json.load(file)
    except (ValueError, RecursionError) as error:
        raise EditError(f"{file.name}: no JSON in UTF-8: write one object, a binding by each call's name") from error
    if not isinstance(told, Mapping):
        raise EditError(f"{file.name}: write one object, a binding by each call's name")
    found: dict[str, CallBinding | None] = {}
    for name, value in told.items():
        try:
            found[name] = None if value is None else binding_from_json(value)
        except EditError as error:
            raise EditError(f"{file.name}, {name}: {error}") from error
    return found


def _print(assistant: Assistant, as_json: bool) -> None:
    calls = calls_of(assistant)
    if as_json:
        bindings = {
            name: None if call.binding is None else binding_to_json(call.binding) for name, call in calls.items()
        }
        print_json({"assistant": assistant.name, "calls": bindings})
        return
    for name, call in calls.items():
        click.echo(f"{name}  {_told(call.binding)}")


def _told(binding: CallBinding | None) -> str:
    if binding is None:
        return "not bound: a person takes over here"
    asked = ", asked for first" if binding.is_write and binding.confirm else ""
    return f"{binding.method} {binding.endpoint}{binding.path}  {binding.effect}{asked}"
