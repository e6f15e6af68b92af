"""Event streams: over a socket as clients read them, and the watch that feeds them."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from runtime.events import Event
from taskflow.encoders import Encoder
from taskflow.store import Database, open_database
from taskflow.store.assistants import published_id
from taskflow.store.conversations import NewEvent, commit_turn, read, start
from webui.streams import Listener, Listeners

Serving = Callable[..., AbstractContextManager[tuple[str, Any]]]
ASSISTANT = "after-sale-en"
SERVER = "[server]\nheartbeat = 0.1\nstreams = 10\nconversation_limit = 10000\naddress_limit = 100000\n"


class Customer:
    """A conversation of its own over one server's socket."""

    def __init__(self, address: str) -> None:
        self.address = urlsplit(address).netloc
        status, begun = self.ask("POST", "", {"assistant": ASSISTANT})
        assert status == 201
        self.path, self.token = f"/{begun['conversation']}", begun["token"]
        self.messages = 0

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection(self.address, timeout=60)) as connection:
            known = {"Content-Type": "application/json", "Authorization": f"Bearer {getattr(self, 'token', '')}"}
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1/conversations{path}", text, known | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def say(self, text: str) -> list[dict[str, Any]]:
        self.messages += 1
        said = {"client_message_id": f"m-{self.messages}", "text": text}
        status, answer = self.ask("POST", f"{self.path}/messages", said)
        assert status == 200, answer
        events: list[dict[str, Any]] = answer["events"]
        return events

    @contextmanager
    def stream(self, query: str = "", **headers: str) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        known = {"Authorization": f"Bearer {self.token}"}
        connection.request("GET", f"/api/v1/conversations{self.path}/stream{query}", headers=known | headers)
        with closing(connection), connection.getresponse() as answer:
            yield answer


def lines(answer: http.client.HTTPResponse) -> list[str]:
    """The next block of a stream: an event, or a comment; none where the stream has ended."""
    return [line.decode().rstrip("\n") for line in takewhile(lambda line: line.strip(), iter(answer.readline, b""))]


def read_events(answer: http.client.HTTPResponse, count: int) -> list[dict[str, Any]]:
    """So many events; each one's id has to be its offset."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        block = lines(answer)
        assert block, "the stream ended early"
        fields = dict(line.split(": ", 1) for line in block)
        if "data" in fields:
            found.append(json.loads(fields["data"]))
            assert (fields["id"], fields["event"]) == (str(found[-1]["offset"]), found[-1]["kind"])
    return found


@pytest.fixture(scope="module")
def address(serving: Serving, stock: Callable[[Database], None], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("streams")
    url = f"sqlite:///{folder / 'site.db'}"
    with closing(open_database(url)) as database:
        stock(database)
    (folder / "taskflow.toml").write_text(SERVER)
    with serving(url, folder) as (served, _):
        yield served


def test_a_stream_tells_what_happens_as_it_happens(address: str) -> None:
    customer = Customer(address)
    with customer.stream() as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert lines(stream) == ["retry: 2000"]
        for text in ("It arrived broken", "It is TF-20410296"):
            said = customer.say(text)
            assert read_events(stream, len(said)) == said


def test_a_silent_stream_says_that_it_is_alive(address: str) -> None:
    with Customer(address).stream() as stream:
        assert lines(stream) == ["retry: 2000"]
        assert [lines(stream) for _ in range(3)] == [[": still here"]] * 3


def test_a_stream_goes_on_after_the_offset_that_the_reader_has(address: str) -> None:
    customer = Customer(address)
    said = customer.say("It arrived broken") + customer.say("It is TF-20410296")
    with customer.stream() as stream:
        assert read_events(stream, len(said)) == said
    for place, event in enumerate(said[:-1]):
        with customer.stream(f"?after={event['offset']}") as stream:
            assert read_events(stream, 1) == [said[place + 1]]
        with customer.stream("?after=-1", **{"Last-Event-ID": str(event["offset"])}) as stream:
            assert read_events(stream, 1) == [said[place + 1]], "the browser's own header is the newer one"
    with customer.stream(f"?after={said[-1]['offset']}") as stream:
        more = customer.say("It arrived broken")
        assert read_events(stream, len(more)) == more


def test_two_readers_of_a_conversation_read_the_same_and_nothing_of_another(address: str) -> None:
    customer, stranger = Customer(address), Customer(address)
    with customer.stream() as one, customer.stream() as two, stranger.stream() as other:
        said = customer.say("It arrived broken")
        assert read_events(one, len(said)) == said == read_events(two, len(said))
        theirs = stranger.say("My order is damaged")
        assert read_events(other, len(theirs)) == theirs


def test_a_reader_who_goes_away_leaves_the_place_to_another(address: str) -> None:
    customer, other = Customer(address), Customer(address)
    with customer.stream() as stays:
        with customer.stream() as goes:
            lines(goes)
        said = customer.say("It arrived broken")
        assert read_events(stays, len(said)) == said
    for turn in range(30):  # three times as many as there are places
        while True:  # until the server has noticed who is gone
            with other.stream() as stream:
                if stream.status == 200:
                    break
                assert stream.status in (429, 503), turn


def test_one_conversation_cannot_take_every_place(address: str) -> None:
    customer = Customer(address)
    with closing(Readers(customer)) as readers:
        assert readers.until_refused() == (429, "This conversation has 8 open event streams: close one first.")


class Readers:
    """Streams of one customer, opened until the server refuses."""

    def __init__(self, customer: Customer) -> None:
        self._customer = customer
        self._open: list[AbstractContextManager[http.client.HTTPResponse]] = []

    def until_refused(self) -> tuple[int, str]:
        while True:
            opened = self._customer.stream()
            answer = opened.__enter__()
            self._open.append(opened)
            if answer.status not in (200, 503):  # 503: streams of an earlier test are not noticed to be gone
                return answer.status, json.loads(answer.read())["message"]

    def close(self) -> None:
        for opened in self._open:
            opened.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"Authorization": ""}, 401),
        ("", {"Authorization": "Bearer forged"}, 401),
        ("", {"Last-Event-ID": "x"}, 422),
        ("", {"Last-Event-ID": "-2"}, 422),
        ("", {"Last-Event-ID": "9" * 40}, 422),
        ("?after=1e3", {}, 422),
        ("", {"Origin": "https://evil.example"}, 403),
    ],
)
def test_a_stream_is_refused_with_a_reason(address: str, query: str, headers: dict[str, str], status: int) -> None:
    with Customer(address).stream(query, **headers) as answer:
        assert answer.status == status
        assert list(json.loads(answer.read())) == ["message"]


def test_the_token_of_one_conversation_streams_no_other(address: str) -> None:
    mine, other = Customer(address), Customer(address)
    mine.path = other.path
    with mine.stream() as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("chunked", "status"), [(False, 413), (True, 400)])  # of no stated length, it is cut
def test_a_body_of_a_megabyte_is_refused_and_the_server_goes_on(address: str, chunked: bool, status: int) -> None:
    customer = Customer(address)
    body = json.dumps({"client_message_id": "m", "text": "x" * 1_000_000}).encode()
    with closing(http.client.HTTPConnection(customer.address, timeout=60)) as connection:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {customer.token}"}
        path = f"/api/v1/conversations{customer.path}/messages"
        connection.request("POST", path, iter([body]) if chunked else body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        assert (answer.status, list(told)) == (status, ["message"]), told
    assert customer.say("It arrived broken")


def test_a_photo_of_no_stated_length_is_read_to_the_bound_and_no_further(address: str) -> None:
    customer = Customer(address)
    photo = b"\x89PNG\r\n\x1a\n".ljust(9 * 1024 * 1024, b"x")
    with closing(http.client.HTTPConnection(customer.address, timeout=60)) as connection:
        headers = {"Authorization": f"Bearer {customer.token}"}
        path = f"/api/v1/conversations{customer.path}/attachments"
        connection.request("POST", path, iter([photo[:65_536], photo[65_536:]]), headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["message"]) == (
            413,
            "The photo is too large: 8 MB are the most.",
        )
    assert customer.say("It arrived broken")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_streams_of_every_worker_are_fed_and_end_when_the_server_stops(
    site: Database, serving: Serving, tmp_path: Path, stop: signal.Signals
) -> None:
    with serving(str(site.engine.url), tmp_path, "--workers", "2") as (address, process):
        customer = Customer(address)
        with customer.stream() as one, customer.stream() as two, customer.stream() as three:
            said = customer.say("It arrived broken")
            for stream in (one, two, three):
                assert read_events(stream, len(said)) == said
            process.send_signal(stop)
            for stream in (one, two, three):
                assert stream.read() == b"", "an ending that was cut off raises"
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "Traceback" not in log


def test_a_request_for_the_headers_alone_takes_no_place(make_app: Any) -> None:
    client: FlaskClient = make_app(streams=1).test_client()
    begun = client.post("/api/v1/conversations", json={"assistant": ASSISTANT}).json
    path = f"/api/v1/conversations/{begun['conversation']}/stream"
    headers = {"Authorization": f"Bearer {begun['token']}"}
    for _ in range(3):
        with client.head(path, headers=headers) as answer:
            assert answer.status_code == 200
    with client.get(path, headers=headers, buffered=False) as first:
        assert first.status_code == 200
        refused = client.get(path, headers=headers)
        assert refused.status_code == 503
        assert "ask for the events instead" in refused.json["message"]
    with client.get(path, headers=headers, buffered=False) as second:
        assert second.status_code == 200


@pytest.fixture
def manager(database: Database, stock: Callable[[Database], None], encoder: Encoder) -> DialogueManager:
    stock(database)
    return DialogueManager(database, encoder, RuntimeConfig())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(st.integers(0, 3), min_size=1, max_size=6), breaks=st.lists(st.integers(1, 4), max_size=3))
def test_however_often_a_reader_comes_back_every_message_is_read_once(
    database: Database, manager: DialogueManager, turns: list[int], breaks: list[int]
) -> None:
    conversation = start(database, published_id(database, ASSISTANT))
    listeners = Listeners(database, manager, most=2)
    found: list[int] = []
    for turn, messages in enumerate(turns):
        write_turn(database, conversation, turn, messages)
    for messages in [*breaks, None]:
        last = found[-1] if found else -1
        listener = listeners.listen(conversation, last)
        write_turn(database, conversation, len(found), 1)
        there = len(manager.events(conversation, last))
        found += first_offsets(listener, there if messages is None else min(messages, there))
        listeners.leave(listener)
    assert found == [event.offset for event in manager.events(conversation)]
    listeners.close()


def write_turn(database: Database, conversation: str, turn: int, messages: int) -> None:
    """A turn with something that is no message in it, as an understanding is none."""
    before = read(database, conversation)
    assert before is not None
    said = [NewEvent("message", {"speaker": "agent", "text": f"{turn}.{place}"}) for place in range(messages)]
    assert commit_turn(database, before, {}, [NewEvent("understood", {}), *said]) is not None


def first_offsets(listener: Listener, count: int) -> list[int]:
    """The offsets of the first batches that hold so many messages, cut there as by a lost connection."""
    found: list[Event] = []
    for batch in listener.batches(patience=5):
        found += batch
        if len(found) >= count:
            break
    return [event.offset for event in found[:count]]


def test_a_database_that_is_away_for_a_while_ends_no_stream(
    database: Database, manager: DialogueManager, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = start(database, published_id(database, ASSISTANT))
    listeners = Listeners(database, manager, most=2)
    listener = listeners.listen(conversation, -1)
    with database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE conversations RENAME TO away")
    while "got no answer" not in caplog.text:
        assert next(listener.batches(patience=0.05)) == []
    with database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE away RENAME TO conversations")
    write_turn(database, conversation, 0, 1)
    assert len(first_offsets(listener, 1)) == 1
    listeners.close()
    assert list(listener.batches(patience=5)) == []


def test_a_deleted_conversation_ends_its_streams(database: Database, manager: DialogueManager) -> None:
    conversation = start(database, published_id(database, ASSISTANT))
    listeners = Listeners(database, manager, most=2)
    listener = listeners.listen(conversation, -1)
    with database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM conversations")
    assert [batch for batch in listener.batches(patience=5) if batch] == []
    listeners.close()


def test_a_reader_who_takes_nothing_is_let_go(database: Database, manager: DialogueManager) -> None:
    conversation = start(database, published_id(database, ASSISTANT))
    write_turn(database, conversation, 0, 150)
    listener = Listener(conversation, known=0, after=-1)
    events = manager.events(conversation)
    for event in events:
        listener.deliver([event], event.offset + 1)
    assert listener.ended
    assert [event for batch in listener.batches(patience=5) for event in batch] == events[:101]
