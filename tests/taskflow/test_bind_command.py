"""Binding an assistant's calls from a file, as people and scripts do it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import pytest

from taskflow.bindings import CallBinding, Effect
from taskflow.model import ActionId, DialogueAction, Exemplar, Speaker
from taskflow.store import open_database
from taskflow.store.assistants import load_draft, load_version, publish, published_id, save_mined

CALLS = tuple(
    DialogueAction(ActionId(f"s-{place}"), Speaker.SYSTEM, f"call {place}", (Exemplar(key, 3),), 3)
    for place, key in enumerate(["lookup_order", "lookup_order: ok", "lookup_order: not_found", "cancel_order"])
)
LOOKUP = {"endpoint": "orders", "method": "GET", "effect": "read", "path": "/orders/[order_number]"}
LOOKUP |= {"inputs": ["order_number"], "facts": {"amount": "total"}}


@pytest.fixture
def mined(database_url, assistant):
    """The address of a database with an assistant that makes calls."""
    with closing(open_database(database_url)) as database, database.write() as session:
        save_mined(session, replace(assistant, actions=(*assistant.actions, *CALLS)), "any")
    return database_url


def test_calls_are_bound_by_name_published_so_and_let_go(cli, mined):
    told = cli("bind", "support", "-", "--json", database=mined, stdin=json.dumps({"lookup_order": LOOKUP}))
    calls = json.loads(told.stdout)["calls"]
    assert set(calls) == {"lookup_order", "cancel_order"}
    assert calls["lookup_order"]["path"] == "/orders/[order_number]"
    assert calls["cancel_order"] is None
    with closing(open_database(mined)) as database:
        publish(database, "support")
        served = load_version(database, published_id(database, "support")).assistant
    expected = CallBinding(
        "orders", "/orders/[order_number]", "GET", ("order_number",), Effect.READ, facts=(("amount", "total"),)
    )
    assert served.action_by_id[ActionId("s-0")].binding == expected
    listed = cli("bind", "support", database=mined).stdout.splitlines()
    assert listed == [
        "lookup_order  GET orders/orders/[order_number]  read",
        "cancel_order  not bound: a person takes over here",
    ]
    cli("bind", "support", "-", database=mined, stdin='{"lookup_order": null}')
    with closing(open_database(mined)) as database:
        assert all(action.binding is None for action in load_draft(database, "support").assistant.actions)
        assert load_version(database, published_id(database, "support")).assistant == served


def test_what_the_assistant_does_not_call_is_left_out_and_said(cli, mined):
    file = json.dumps({"lookup_order": LOOKUP, "send_pigeon": LOOKUP})
    told = cli("bind", "support", "-", database=mined, stdin=file)
    assert told.returncode == 0
    assert "support makes no such calls: send_pigeon" in told.stderr


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("{", "no JSON"),
        ("[1]", "write one object"),
        ('{"send_pigeon": null}', "none of these calls (there are: cancel_order, lookup_order)"),
        ('{"lookup_order": 1}', "lookup_order: binding is 1"),
        ('{"lookup_order": {"endpoint": ""}}', "lookup_order: a binding has no endpoint"),
        ('{"lookup_order": {"endpoint": "x", "path": "//[email]"}}', "is no input"),
    ],
)
def test_a_file_that_cannot_be_binds_nothing(cli, mined, file, told):
    finished = cli("bind", "support", "-", database=mined, stdin=file)
    assert finished.returncode == 1
    assert told in finished.stderr
    with closing(open_database(mined)) as database:
        assert all(action.binding is None for action in load_draft(database, "support").assistant.actions)
