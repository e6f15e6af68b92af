"""A backbone names actions: what it is shown, which answers are taken, and that a person decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mining.backbone_names import Answer, Refused, ask, followed
from mining.discretion import Discretion
from taskflow.backbones import Message
from taskflow.cli import cli
from taskflow.config import ConfigError
from taskflow.edits import RenameAction
from taskflow.model import (
    ActionId,
    Assistant,
    DialogueAction,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    TaskFlow,
)
from taskflow.store import Database, open_database
from taskflow.store.assistants import AssistantError, add_edit, load_draft, load_log, save_mined
from taskflow.store.drafts import find_assistant
from taskflow.store.proposals import replace_pending

from ..tiny_qwen3 import Lesson, make_checkpoint

ANSWERS = {
    "May I have the order number?": "Name: Ask for the order number\nThe agent asks which order it is about.",
    "Is it unused?": "Ask whether it was used.",
    "yes, brand new": "The customer calls us at 555-014-2233",
    "麻烦提供一下订单号": "询问订单号\n客服请客户提供订单号。",
    "I want to return it": "Wants to return a purchase and would like to know how that can be done as soon as possible",
}
NAMED = {"a-number": "Ask for the order number", "a-unused": "Ask whether it was used", "a-zh": "询问订单号"}


def action(key: str, speaker: Speaker, *said: str, support: int = 9) -> DialogueAction:
    return DialogueAction(
        ActionId(key), speaker, said[0], tuple(Exemplar(text, 3) for text in said), support, "as mined"
    )


def shop() -> Assistant:
    actions = (
        action("a-number", Speaker.AGENT, "May I have the order number?", "Which order is it?", support=20),
        action("a-unused", Speaker.AGENT, "Is it unused?", support=15),
        action("a-zh", Speaker.AGENT, "麻烦提供一下订单号", support=5),
        action("u-yes", Speaker.USER, "yes, brand new", support=12),
        action("u-return", Speaker.USER, "I want to return it", support=10),
        action("s-call", Speaker.SYSTEM, "check_return"),
    )
    nodes = (
        FlowNode(NodeId("r"), None, None, 20),
        FlowNode(NodeId("r-unused"), NodeId("r"), ActionId("a-unused"), 15),
        FlowNode(NodeId("r-yes"), NodeId("r-unused"), ActionId("u-yes"), 12),
    )
    return Assistant("shop", actions, (TaskFlow(FlowId("f"), "Returns", nodes),))


class Teacher:
    """Answers as it is told, and keeps each prompt with its answer as a lesson."""

    name = "teacher"

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.lessons: list[Lesson] = []
        self._answers = answers

    def score(self, messages: Sequence[Message], choices: Sequence[str]) -> list[float]:
        raise AssertionError("names are written, not chosen")

    def complete(self, messages: Sequence[Message], max_tokens: int) -> str:
        asked = messages[-1].content
        answer = next(answer for said, answer in self._answers.items() if f"- {said}" in asked)
        self.lessons.append(Lesson(tuple(messages), answer))
        return answer


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    teacher, assistant = Teacher(ANSWERS), shop()
    before = followed(assistant)
    for one in assistant.actions:
        if one.speaker is not Speaker.SYSTEM:
            ask(teacher, one, before.get(one.id), Discretion(()), set())
    return make_checkpoint(tmp_path_factory.mktemp("names") / "tiny-qwen3", teacher.lessons)


Run = Callable[..., Any]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path / 'taskflow.db'}")) as opened:
        with opened.write() as session:
            save_mined(session, shop(), "e")
        yield opened


@pytest.fixture
def run(tmp_path, database, checkpoint) -> Run:
    """A subcommand's JSON, with the checkpoint configured; in this process, which has torch already."""
    config = tmp_path / "taskflow.toml"
    config.write_text(f"[backbone]\ncheckpoint = {json.dumps(str(checkpoint))}\n")
    where = ("--database", f"sqlite:///{tmp_path / 'taskflow.db'}", "--config", str(config))

    def run(*arguments: str) -> Any:
        done = CliRunner().invoke(cli, [*arguments, "--json", *where], catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_names_are_proposed_and_become_the_drafts_when_they_are_accepted(run, database):
    told = run("name", "shop")
    assert {row["action_id"]: row["name"] for row in told["proposed"]} == NAMED
    assert told["backbone"] == "transformers:tiny-qwen3"
    why = {row["action_id"]: row["why"] for row in told["kept"]}
    assert why == {"u-yes": "the answer holds a value", "u-return": "the answer is too long"}
    assert load_draft(database, "shop").assistant == shop()
    assert {row["kind"] for row in run("proposals", "shop")} == {"name"}
    run("accept", "shop", "--all")
    draft = load_draft(database, "shop").assistant.action_by_id
    assert {id_: draft[ActionId(id_)].name for id_ in NAMED} == NAMED
    assert draft[ActionId("a-number")].description == "The agent asks which order it is about."
    assert draft[ActionId("a-unused")].description == "as mined"
    assert {stored.origin.value for stored in load_log(database, "shop")} == {"proposal"}


def test_what_a_person_or_the_backbone_named_is_passed_over_unless_it_is_asked_for(run, database):
    add_edit(database, "shop", RenameAction(ActionId("a-zh"), "问单号"), "ana")
    first = run("name", "shop", "--actions", "a-number")
    assert [row["action_id"] for row in first["proposed"]] == ["a-number"]
    second = run("name", "shop")
    assert [row["action_id"] for row in second["proposed"]] == ["a-unused"]
    assert {row["action_id"] for row in second["kept"]} == {"u-yes", "u-return"}
    again = run("name", "shop", "--actions", "a-zh", "--actions", "a-number")
    assert [row["before"] for row in again["proposed"]] == ["问单号", "May I have the order number?"]
    assert again["proposed"][1]["id"] == first["proposed"][0]["id"]


def test_a_rejected_name_does_not_come_back(run):
    (proposed,) = run("name", "shop", "--actions", "a-zh")["proposed"]
    run("reject", "shop", str(proposed["id"]))
    (kept,) = run("name", "shop", "--actions", "a-zh")["kept"]
    assert kept["why"] == "'询问订单号' was rejected"


def test_proposed_names_outlive_the_next_mining(run, database):
    run("name", "shop", "--actions", "a-zh")
    with database.write() as session:
        replace_pending(session, find_assistant(session, "shop"), 1, [])
    assert [row["kind"] for row in run("proposals", "shop")] == ["name"]


def test_without_a_backbone_or_with_an_unknown_action_it_says_what_to_do(tmp_path, database):
    where = ("--database", f"sqlite:///{tmp_path / 'taskflow.db'}", "--config", str(tmp_path / "taskflow.toml"))
    (tmp_path / "taskflow.toml").touch()
    for more, error, told in (
        ((), ConfigError, "set checkpoint under .backbone."),
        (("--actions", "s-call"), AssistantError, "no action 's-call' of a customer or an agent"),
    ):
        with pytest.raises(error, match=told):
            CliRunner().invoke(cli, ["name", "shop", *more, *where], catch_exceptions=False)


SAFE = Discretion([["Thanks, Ivan"], *[["May I have the order number", "Thanks"]] * 40])


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "the answer is empty"),
        (" \n“”\n", "the answer is empty"),
        ("?!", "the answer is no text"),
        ("Ask \ufffd now", "the answer is no text"),
        ("询问订单号", "the answer is in another language"),
        ("Write to ana@example.org", "the answer holds a value"),
        ("Thank Ivan", "the answer holds a word that may be somebody's name"),
        ("Ask " * 30, "the answer is too long"),
    ],
)
def test_an_answer_that_is_no_name_is_refused(reply, why):
    said = action("a", Speaker.AGENT, "May I have the order number")
    assert ask(Teacher({"May I": reply}), said, None, SAFE, set()) == Refused(why)


@pytest.mark.parametrize(
    "reply",
    [
        "Ask for the number",
        '1. "Ask for the number."',
        "**Name:** Ask for the number",
        "Line 1: Ask for the number\n\n",
    ],
)
def test_what_stands_around_a_name_is_taken_off(reply):
    said = action("a", Speaker.AGENT, "May I have the order number")
    assert ask(Teacher({"May I": reply}), said, None, SAFE, set()) == Answer("Ask for the number", None)
    used = {"Ask for the number"}
    assert ask(Teacher({"May I": reply}), said, None, SAFE, used) == Answer("Ask for the number (2)", None)


def test_the_backbone_sees_masked_wordings_without_names_and_what_comes_before():
    said = action("a", Speaker.USER, "Thanks, Ivan\nmy number is 555-014-2233", "May I have the order number")
    teacher = Teacher({"Thanks": "Says thanks"})
    ask(teacher, said, "Is it unused?", SAFE, set())
    (asked,) = teacher.lessons[0].messages
    assert "said by a customer" in asked.content
    assert "- Thanks, … my number is [phone]" in asked.content
    assert "It mostly follows: Is it unused?" in asked.content
    assert "Answer in English" in asked.content
