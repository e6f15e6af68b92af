"""Processes that die, writers that meet, databases that go away: nothing is lost, nothing is there twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, make_url, text, update
from sqlalchemy.exc import OperationalError

from runtime import dialogue_manager
from runtime.calls import CallResult
from runtime.config import RuntimeConfig
from runtime.dialogue_manager import ConversationError, DialogueManager
from taskflow.model import Assistant
from taskflow.store import Database, open_database
from taskflow.store.assistants import publish, save_mined
from taskflow.store.schema import ConversationRow

from .mortal_servers import DIED, BagOfWords, Message, Servers, Task, WrittenCalls

NUMBER = "TF-20418837"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with closing(Servers()) as opened:
        yield opened


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Where the shop's system writes its calls down."""
    path = tmp_path / "made"
    path.touch()
    return path


@pytest.fixture
def manager(database: Database, shop: Assistant, made: Path) -> DialogueManager:
    """One that lives."""
    with database.write() as session:
        save_mined(session, shop, BagOfWords.name)
    publish(database, "shop")
    return DialogueManager(database, BagOfWords(), RuntimeConfig(), calls=WrittenCalls(made))


def asked_where(manager: DialogueManager) -> str:
    """A conversation that waits for an order number, upon which a call is made."""
    conversation = manager.start("shop")
    manager.reply(conversation, "m-1", "where is my parcel")
    return conversation


def check_whole(manager: DialogueManager, conversation: str, *messages: str) -> None:
    """Each message is there once, and no event is lost or there twice."""
    events = manager.explanation(conversation)
    assert [event.offset for event in events] == list(range(len(events)))
    assert [event.client_message_id for event in events if event.client_message_id] == list(messages)
    assert sorted({event.turn for event in events}) == list(range(len({event.turn for event in events})))


def time_passes(database: Database) -> None:
    """The claims of the dead end."""
    with database.write() as session:
        session.execute(update(ConversationRow).values(claimed_until=datetime(2026, 1, 1, tzinfo=UTC)))


def test_a_process_killed_at_any_point_of_a_turn(database_url, database, manager, servers, made):
    whole = asked_where(manager)
    ((code, points),) = servers.run(database_url, [Task([Message(whole, "m-2", NUMBER)], str(made))])
    assert code == 0
    numbers = [f"TF-2042{place:04}" for place, _ in enumerate(points)]
    conversations = [asked_where(manager) for _ in points]
    ends = servers.run(
        database_url,
        [
            Task([Message(conversations[place], "m-2", number)], str(made), place + 1)
            for place, number in enumerate(numbers)
        ],
    )
    assert [code for code, _ in ends] == [DIED] * len(points)
    time_passes(database)
    for conversation, number in zip(conversations, numbers, strict=True):
        replies = manager.reply(conversation, "m-2", number)
        assert [reply.text for reply in replies] == [number, f"{number} arrives on 3 May."]
        check_whole(manager, conversation, "m-1", "m-2")
        state = json.dumps(manager.state(conversation).to_json())
        assert state.replace(number, NUMBER) == json.dumps(manager.state(whole).to_json())
    committing = max(place for place, point in enumerate(points) if point == "commit")
    lost = range(points.index("call ends"), committing + 1)
    calls = made.read_text().splitlines()
    counts = [calls.count(f"begin {number}") for number in numbers]
    assert counts == [2 if place in lost else 1 for place, _ in enumerate(points)], "a call is lost with its turn alone"


def test_nobody_else_makes_the_call_of_a_process_that_has_just_died_in_it(
    database_url, database, manager, servers, made, monkeypatch
):
    ((_, points),) = servers.run(database_url, [Task([Message(asked_where(manager), "m-2", NUMBER)], str(made))])
    conversation = asked_where(manager)
    dying = Task([Message(conversation, "m-2", NUMBER)], str(made), points.index("call ends") + 1)
    assert servers.run(database_url, [dying]) == [(DIED, [])]
    calls = made.read_text()
    monkeypatch.setattr(dialogue_manager, "_TRIES", 3)
    with pytest.raises(ConversationError, match="busy: send the message again") as refused:
        manager.reply(conversation, "m-2", NUMBER)
    assert refused.value.status == 503
    assert made.read_text() == calls
    time_passes(database)
    manager.reply(conversation, "m-2", NUMBER)
    check_whole(manager, conversation, "m-1", "m-2")


def test_calls_of_one_conversation_are_made_one_after_the_other(database_url, manager, servers, made):
    conversation = asked_where(manager)
    messages = [Message(conversation, f"m-{place}", f"TF-2041883{place}") for place in range(2, 5)]
    ends = servers.run(database_url, [Task([said], str(made), seconds_of_call=0.2) for said in messages])
    assert [code for code, _ in ends] == [0, 0, 0]
    order = [line.split()[0] for line in made.read_text().splitlines()]
    assert order == ["begin", "end"] * (len(order) // 2)
    ids = [event.client_message_id for event in manager.explanation(conversation) if event.client_message_id]
    check_whole(manager, conversation, *ids)
    assert sorted(ids) == ["m-1", "m-2", "m-3", "m-4"]


def test_one_message_sent_twenty_times_to_four_processes(database_url, manager, servers, made):
    conversation = asked_where(manager)
    sent = [Message(conversation, "m-2", NUMBER)] * 5
    ends = servers.run(database_url, [Task(sent, str(made), threads=5, seconds_of_call=0.1)] * 4)
    assert [code for code, _ in ends] == [0] * 4
    check_whole(manager, conversation, "m-1", "m-2")
    assert made.read_text().splitlines() == [f"begin {NUMBER}", f"end {NUMBER}"]


def test_a_hundred_messages_to_one_conversation_from_four_processes(database_url, manager, servers, made):
    conversation = manager.start("shop")
    sent = [
        [Message(conversation, f"m-{process}-{place}", "where is my parcel") for place in range(25)]
        for process in range(4)
    ]
    ends = servers.run(database_url, [Task(messages, str(made), threads=25) for messages in sent])
    assert [code for code, _ in ends] == [0] * 4
    ids = [event.client_message_id for event in manager.explanation(conversation) if event.client_message_id]
    check_whole(manager, conversation, *ids)
    assert sorted(ids) == sorted(said.id for messages in sent for said in messages)
    for said in (messages[0] for messages in sent):
        again = manager.reply(conversation, said.id, said.text)
        assert [event.speaker for event in again][-1] == "agent", "it was answered"


@contextmanager
def away(url: str) -> Iterator[None]:
    """The database is out of reach: no connection to it is left, or somebody holds its file."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        with closing(sqlite3.connect(parsed.database)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield
        return
    driver = parsed.set(drivername="postgresql+psycopg", database="postgres")
    engine = create_engine(driver, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as server:
        server.exec_driver_sql(f"ALTER DATABASE {parsed.database} ALLOW_CONNECTIONS false")
        server.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": parsed.database},
        )
        yield
        server.exec_driver_sql(f"ALTER DATABASE {parsed.database} ALLOW_CONNECTIONS true")
    engine.dispose()


def be_impatient(database: Database) -> None:
    """Wait for a locked file no longer than a test does."""
    if database.engine.dialect.name == "sqlite":
        event.listen(database.engine, "checkout", lambda held, *_: held.execute("PRAGMA busy_timeout=50"))


def test_a_database_that_goes_away_and_comes_back(database_url, database, manager, made):
    be_impatient(database)
    conversation = asked_where(manager)
    with away(database_url):
        for _ in range(2):
            with pytest.raises(OperationalError, match=r"locked|not currently accepting|terminating"):
                manager.reply(conversation, "m-2", NUMBER)
    replies = manager.reply(conversation, "m-2", NUMBER)
    assert replies[-1].text == f"{NUMBER} arrives on 3 May."
    check_whole(manager, conversation, "m-1", "m-2")
    assert made.read_text().count("begin") == 1, "what could not be claimed was not called"


def test_a_database_that_goes_away_while_a_call_is_made(database_url, database, manager, made):
    be_impatient(database)
    conversation = asked_where(manager)
    with ExitStack() as gone:

        def calls(name: str, fields: Mapping[str, str]) -> CallResult:
            gone.enter_context(away(database_url))
            return WrittenCalls(made)(name, fields)

        served = DialogueManager(database, BagOfWords(), RuntimeConfig(), calls=calls)
        with pytest.raises(OperationalError, match=r"locked|not currently accepting|terminating"):
            served.reply(conversation, "m-2", NUMBER)
    check_whole(manager, conversation, "m-1")
    time_passes(database)
    replies = manager.reply(conversation, "m-2", NUMBER)
    assert replies[-1].text == f"{NUMBER} arrives on 3 May."
    check_whole(manager, conversation, "m-1", "m-2")
    assert made.read_text().count("begin") == 2, "it is made again where no event tells of it"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_breaks_while_a_turn_is_written(database_url, database, manager):
    conversation = asked_where(manager)
    broken = []

    def cut(connection, _cursor, statement, *_: object) -> None:
        if not broken and statement.startswith("INSERT INTO events"):
            broken.append(statement)
            with closing(open_database(database_url)) as other, other.engine.connect() as killer:
                pid = connection.connection.driver_connection.info.backend_pid
                killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    event.listen(database.engine, "before_cursor_execute", cut)
    with pytest.raises(OperationalError):
        manager.reply(conversation, "m-2", NUMBER)
    replies = manager.reply(conversation, "m-2", NUMBER)
    assert replies[-1].text == f"{NUMBER} arrives on 3 May."
    check_whole(manager, conversation, "m-1", "m-2")
