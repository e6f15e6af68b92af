"""A small published assistant in a real SQLite database, and the application that serves it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from taskflow.encoders import Encoder
from taskflow.model import (
    ActionId,
    Assistant,
    Dialogue,
    DialogueAction,
    Evidence,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    TaskFlow,
    Utterance,
)
from taskflow.store import Database, open_database
from taskflow.store.assistants import publish, save_mined
from taskflow.store.corpora import add_dialogues
from taskflow.store.runs import save_run
from webui.app import create_app
from webui.config import ServerConfig
from webui.shop import order_book

HOSTILE = '<script>alert("x")</script>'
SECRET_KEY = "a key of the tests that is long enough"
ASSISTANT = "after-sale-en"
CORPUS = "after-sale"

COMMAND = [sys.executable, "-c", "from taskflow.cli import main; main()", "serve"]
VARIABLES = ("TASKFLOW_SECRET_KEY", "TASKFLOW_DEVELOPER_TOKEN", "TASKFLOW_DATABASE_URL")

MakeApp = Callable[..., APIFlask]
Serving = Callable[..., AbstractContextManager[tuple[str, Any]]]


def action(name: str, speaker: Speaker, *texts: str) -> DialogueAction:
    return DialogueAction(ActionId(name), speaker, name, tuple(Exemplar(text, 2) for text in texts), 4)


def node(
    name: str, parent: str | None, action_id: str, *responses: str, jump_to: str | None = None, turn: int = 0
) -> FlowNode:
    return FlowNode(
        NodeId(name),
        None if parent is None else NodeId(parent),
        ActionId(action_id),
        support=4,
        probability=1.0,
        jump_to=None if jump_to is None else NodeId(jump_to),
        responses=responses,
        evidence=(Evidence("d/1", turn),),
    )


def small_assistant(name: str = ASSISTANT) -> Assistant:
    return Assistant(
        name,
        (
            action("broken", Speaker.USER, "It arrived broken", "My order is damaged", "[order_number] is broken"),
            action("ask-number", Speaker.AGENT, "What is the order number?"),
            action("give-number", Speaker.USER, "It is [order_number]", "[order_number]"),
            action("lookup", Speaker.SYSTEM, "lookup_order"),
            action("lookup-ok", Speaker.SYSTEM, "lookup_order: ok"),
            action("lookup-none", Speaker.SYSTEM, "lookup_order: not_found"),
            action("refunded", Speaker.AGENT, "You get [amount] back."),
            action("not-there", Speaker.AGENT, "I cannot find that order."),
            action("hostile", Speaker.USER, HOSTILE),
        ),
        (
            TaskFlow(
                FlowId("f-damaged"),
                f"Damaged item {HOSTILE}",
                (
                    node("n0", None, "broken"),
                    node("n1", "n0", "ask-number", "What is the order number?", turn=1),
                    node("n2", "n1", "give-number", turn=2),
                    node("n3", "n2", "lookup", turn=3),
                    node("n4", "n3", "lookup-ok", turn=3),
                    node("n5", "n4", "refunded", "You get [amount] back.", turn=4),
                    node("n6", "n3", "lookup-none", turn=3),
                    node("n7", "n6", "not-there", "I cannot find that order. What is its number?", turn=4),
                    node("n8", "n7", "give-number", jump_to="n2"),
                ),
            ),
        ),
    )


def logged_dialogues() -> list[Dialogue]:
    turns = (
        Utterance(Speaker.USER, f"It arrived broken {HOSTILE}"),
        Utterance(Speaker.AGENT, "What is the order number?"),
        Utterance(Speaker.USER, "[order_number]"),
        Utterance(Speaker.SYSTEM, "{}", "lookup_order", {"outcome": "ok", "item": HOSTILE}),
        Utterance(Speaker.AGENT, "You get [amount] back."),
        Utterance(Speaker.USER, "谢谢"),
    )
    return [Dialogue("d/1", turns, need="damaged"), Dialogue(HOSTILE, turns[:2]), Dialogue("长//id", turns[:1])]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Database]:
    """A database with a corpus, its mining run and the published assistant."""
    with closing(open_database(f"sqlite:///{tmp_path / 'site.db'}")) as database:
        fill(database)
        yield database


@pytest.fixture(scope="session")
def serving() -> Serving:
    """Runs `taskflow serve` with options and environment; gives the address that it printed, and the process."""

    @contextmanager
    def serve(database: str, folder: Path, *options: str, **environment: str) -> Iterator[tuple[str, Any]]:
        unset = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        process = subprocess.Popen(
            [*COMMAND, "--port", "0", *options],
            cwd=folder,
            env=unset | {"TASKFLOW_DATABASE_URL": database} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("serving on http://"), process.communicate()
            yield line.split()[2], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)

    return serve


@pytest.fixture(scope="session")
def stock() -> Callable[[Database], None]:
    """Puts into another database what `site` holds."""
    return fill


def fill(database: Database) -> None:
    add_dialogues(database, CORPUS, [(dialogue, dialogue.id) for dialogue in logged_dialogues()])
    figures = {"actions": 9, "flows": 1, "nodes": 9, "utterances": 9, "assigned": 8, "steps": 9, "steps_cut": 1}
    details = {"config": {}, "figures": figures | {"seconds": 0.5, "note": HOSTILE}}
    save_run(database, CORPUS, small_assistant(), "use-multilingual-v3", [], details)
    publish(database, ASSISTANT)
    with database.write() as session:
        save_mined(session, small_assistant("unpublished"), "use-multilingual-v3")


@pytest.fixture
def make_app(site: Database, encoder: Encoder) -> MakeApp:
    def make(
        database: Database = site, developer_token: str | None = None, testing: bool = True, **server: object
    ) -> APIFlask:
        manager = DialogueManager(database, encoder, RuntimeConfig(), calls=order_book)
        app = create_app(database, manager, ServerConfig.model_validate(server), SECRET_KEY, developer_token)
        app.testing = testing
        return app

    return make


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app().test_client()
