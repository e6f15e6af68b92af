"""The order system as a client meets it: a real server, a real database, its faults."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from taskflow.edit_forms import binding_from_json
from taskflow.errors import TaskFlowError
from taskflow.sample import sample_path
from webui.orders.app import create_orders
from webui.orders.book import Book
from webui.orders.calls import CALLS
from webui.orders.faults import FaultPlan, Faults, read_faults
from webui.orders.judging import customers_of, writes_of
from webui.orders.opening import open_book
from webui.orders.server import OrderServer

DAY = date(2025, 6, 2)
PROCESSING, LATE, DELIVERED = "TF-20418837", "TF-20421152", "TF-20410296"
DELIVERED_TO, PROCESSING_OF = "priya.nair@example.com", "nora.whitfield@example.com"

Answer = tuple[int, dict[str, Any], dict[str, str]]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("orders") / "orders.db"
    open_book(f"sqlite:///{path}", day=DAY).database.close()
    return path


@pytest.fixture
def book(seeded: Path, tmp_path: Path) -> Iterator[Book]:
    shutil.copy(seeded, tmp_path / "orders.db")
    opened = open_book(f"sqlite:///{tmp_path / 'orders.db'}")
    with closing(opened.database):
        yield opened


@pytest.fixture
def address(book: Book) -> Iterator[str]:
    with OrderServer(create_orders(book, Faults(FaultPlan()))) as server:
        yield server.address


def ask(address: str, call: str, number: str, body: object = None, **headers: str) -> Answer:
    path = CALLS[call].path.replace("<number>", quote(number, safe=""))
    return send(address, CALLS[call].method, path, body, **headers)


def send(address: str, method: str, path: str, body: object = None, **headers: str) -> Answer:
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, named)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), dict(response.getheaders())


def plan(address: str, *faults: dict[str, Any], seed: int = 1) -> None:
    assert send(address, "PUT", "/faults", {"seed": seed, "faults": faults})[0] == 200


def done(book: Book, email: str = DELIVERED_TO) -> list[str]:
    return [write.call for write in writes_of(book, email) if write.is_done]


def test_an_order_is_read_by_its_number_however_it_is_typed(address: str) -> None:
    told = {
        "outcome": "ok",
        "order_number": DELIVERED,
        "item": "glass teapot",
        "amount": "$58.00",
        "status": "delivered",
    }
    for typed in (DELIVERED, " tf-20410296", "#TF-20410296", "ＴＦ-２０４１０２９６"):
        assert ask(address, "lookup_order", typed)[:2] == (200, told)
    assert send(address, "GET", f"/orders?order_number={DELIVERED}")[:2] == (200, told)
    assert send(address, "GET", f"/orders?email={DELIVERED_TO.title()}")[:2] == (200, told)
    assert send(address, "GET", f"/orders/TF-00000000?email={DELIVERED_TO}")[:2] == (200, told)
    assert ask(address, "lookup_order", "TF-20411384")[1]["amount"] == "189.00元"


@pytest.mark.parametrize(
    "number", ["TF-00000000", "TF-1", "x", "%", "\0", "TF-2041029６x", "' or 1=1", "订单", "x" * 3000]
)
def test_whatever_is_no_order_is_not_found(address: str, book: Book, number: str) -> None:
    for call in CALLS:
        body = {"address": "1 Way"} if call == "update_address" else None
        assert ask(address, call, number, body)[:2] == (404, {"outcome": "not_found"})
    assert send(address, "GET", f"/orders?email={quote(number)}")[0] == 404
    assert done(book) == []


def test_statuses_tell_what_became_of_a_call(address: str) -> None:
    assert ask(address, "create_return", DELIVERED)[:2] == (
        201,
        {"outcome": "ok", "return_by": "2025-06-23", "date": "2025-06-23"},
    )
    status, told, _ = ask(address, "cancel_order", LATE)
    assert (status, told["outcome"], told["reason"], told["date"]) == (409, "refused", "already_shipped", "2025-05-27")
    assert "before it ships" in told["rule"]
    assert ask(address, "track_parcel", "TF-20397764")[:2] == (
        424,
        {
            "outcome": "failed",
            "reason": "no_trace",
            "rule": "The carrier has lost track of the parcel.",
            "last_seen_on": "2025-05-15",
            "date": "2025-05-15",
        },
    )
    assert ask(address, "update_address", PROCESSING, {"address": "5 New Street"})[0] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"[" * 50_000, 422),
        ({}, 422),
        ({"address": ""}, 422),
        ({"address": "  "}, 422),
        ({"address": 5}, 422),
        ({"address": "a\0b"}, 422),
        ({"address": "\ud800"}, 422),
        ({"address": "x" * 201}, 422),
        ({"address": "x", "zip": "1"}, 422),
        ({"address": "x", "order_number": LATE}, 422),
        ({"address": "x" * 70_000}, 413),
    ],
)
def test_a_request_that_cannot_be_meant_changes_nothing(address: str, book: Book, body: object, status: int) -> None:
    answered, told, _ = ask(address, "update_address", PROCESSING, body)
    assert (answered, told["outcome"], told["reason"]) == (status, "failed", "invalid")
    assert writes_of(book, PROCESSING_OF) == ()


def test_the_same_key_has_one_effect_and_one_answer(address: str, book: Book) -> None:
    first = ask(address, "create_refund", DELIVERED, Idempotency_Key="k-1", X_Actor="desk")
    again = ask(address, "create_refund", "tf-20410296", {}, Idempotency_Key="k-1")
    assert first[:2] == again[:2] == (201, {"outcome": "ok", "amount": "$58.00"})
    assert "Idempotent-Replayed" not in first[2]
    assert again[2]["Idempotent-Replayed"] == "true"
    assert done(book) == ["create_refund"]
    for call, number in (("create_return", DELIVERED), ("create_refund", LATE)):
        status, told, _ = ask(address, call, number, Idempotency_Key="k-1")
        assert (status, told["reason"]) == (422, "key_reused")
    refused = ask(address, "create_refund", DELIVERED, Idempotency_Key="k-2")
    assert (refused[0], refused[1]["reason"]) == (409, "already_refunded")
    assert ask(address, "create_refund", DELIVERED, Idempotency_Key="k-2")[:2] == refused[:2]
    assert ask(address, "create_refund", LATE, Idempotency_Key="x" * 201)[0] == 422


def test_requests_in_parallel_have_one_effect(database_url: str) -> None:
    opened = open_book(database_url, day=DAY)
    with (
        closing(opened.database),
        OrderServer(create_orders(opened, Faults(FaultPlan()))) as server,
        ThreadPoolExecutor(12) as pool,
    ):
        same = list(
            pool.map(lambda _: ask(server.address, "create_refund", DELIVERED, Idempotency_Key="one"), range(24))
        )
        assert {(status, told["outcome"]) for status, told, _ in same} == {(201, "ok")}
        assert sum("Idempotent-Replayed" not in headers for *_, headers in same) == 1
        others = list(
            pool.map(lambda n: ask(server.address, "create_replacement", LATE, Idempotency_Key=f"k{n}"), range(24))
        )
        assert sorted(status for status, *_ in others) == [201] + [409] * 23
        keyless = list(pool.map(lambda _: ask(server.address, "cancel_order", PROCESSING), range(12)))
        assert sorted(status for status, *_ in keyless) == [200 + 1] + [409] * 11
        assert done(opened) == ["create_refund"]
        assert done(opened, "marcus_lee@example.com") == ["create_replacement"]
        assert done(opened, PROCESSING_OF) == ["cancel_order"]


def test_after_half_an_answer_the_same_key_tells_what_was_done(address: str, book: Book) -> None:
    plan(address, {"kind": "half", "calls": ["create_refund"], "times": 1})
    with pytest.raises(http.client.IncompleteRead):
        ask(address, "create_refund", DELIVERED, Idempotency_Key="k")
    assert done(book) == ["create_refund"]
    status, told, headers = ask(address, "create_refund", DELIVERED, Idempotency_Key="k")
    assert (status, told["amount"], headers["Idempotent-Replayed"]) == (201, "$58.00", "true")
    assert done(book) == ["create_refund"]


def test_without_a_key_the_rules_still_keep_a_write_from_happening_twice(address: str, book: Book) -> None:
    plan(address, {"kind": "half", "times": 1})
    with pytest.raises(http.client.IncompleteRead):
        ask(address, "cancel_order", PROCESSING)
    assert ask(address, "cancel_order", PROCESSING)[1]["reason"] == "already_cancelled"
    assert done(book, PROCESSING_OF) == ["cancel_order"]


def test_a_dropped_request_did_nothing(address: str, book: Book) -> None:
    plan(address, {"kind": "dropped", "calls": ["create_return"], "times": 1})
    with pytest.raises(http.client.RemoteDisconnected):
        ask(address, "create_return", DELIVERED, Idempotency_Key="k")
    assert writes_of(book, DELIVERED_TO) == ()
    assert ask(address, "create_return", DELIVERED, Idempotency_Key="k")[0] == 201


def test_a_system_that_is_down_says_so_and_does_nothing(address: str, book: Book) -> None:
    plan(address, {"kind": "down"})
    for call in CALLS:
        status, told, _ = ask(address, call, DELIVERED, {"address": "x"} if call == "update_address" else None)
        assert (status, told["outcome"], told["reason"]) == (503, "failed", "unavailable")
    assert writes_of(book, DELIVERED_TO) == ()
    struck = send(address, "GET", "/faults")[1]["struck"]
    assert struck == {"slow": 0, "down": len(CALLS), "dropped": 0, "half": 0, "stale": 0}
    plan(address)
    assert ask(address, "lookup_order", DELIVERED)[0] == 200


def test_giving_up_on_a_slow_answer_does_not_stop_the_work(address: str, book: Book) -> None:
    plan(address, {"kind": "slow", "seconds": 0.6, "calls": ["create_refund"], "times": 1})
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=0.05)) as connection:
        connection.request("POST", f"/orders/{DELIVERED}/refunds", None, {"Idempotency-Key": "k"})
        with pytest.raises(TimeoutError):
            connection.getresponse()
    assert ask(address, "create_refund", DELIVERED, Idempotency_Key="k")[0] == 201
    assert done(book) == ["create_refund"]


def test_a_stale_read_is_of_before_the_last_write(address: str) -> None:
    before = ask(address, "refund_status", DELIVERED)[:2]
    plan(address, {"kind": "stale"})
    assert ask(address, "refund_status", DELIVERED)[:2] == before
    assert ask(address, "create_refund", DELIVERED)[0] == 201
    assert ask(address, "refund_status", DELIVERED)[:2] == before
    assert ask(address, "create_refund", DELIVERED)[1]["reason"] == "already_refunded"
    plan(address)
    assert ask(address, "refund_status", DELIVERED)[1]["paid_on"] == DAY.isoformat()


def test_faults_come_again_with_their_seed_whatever_others_do(address: str) -> None:
    def pattern(number: str) -> list[int]:
        return [ask(address, "track_parcel", number)[0] for _ in range(40)]

    plan(address, {"kind": "down", "rate": 0.3}, seed=5)
    alone = pattern(LATE)
    plan(address, {"kind": "down", "rate": 0.3}, seed=5)
    with ThreadPoolExecutor(3) as pool:
        among_others = list(pool.map(pattern, (PROCESSING, LATE, "TF-20420671")))
    assert among_others[1] == alone
    assert 4 <= alone.count(503) <= 20
    plan(address, {"kind": "down", "rate": 0.3}, seed=6)
    assert pattern(LATE) != alone


@pytest.mark.parametrize(
    "faults", [{"kind": "fire"}, {"kind": "slow", "rate": 2}, {"kind": "down", "calls": ["lookup"]}, {"rate": 0.1}, 5]
)
def test_faults_that_make_no_sense_are_refused_and_the_old_ones_stay(address: str, faults: object) -> None:
    plan(address, {"kind": "down"})
    status, told, _ = send(address, "PUT", "/faults", {"faults": [faults]})
    assert (status, told["reason"]) == (422, "invalid")
    assert told["message"].startswith("faults.0")
    assert ask(address, "lookup_order", DELIVERED)[0] == 503


def test_faults_are_read_from_text_and_file(tmp_path: Path) -> None:
    told = read_faults("slow=0.1, down=0.05@track_parcel+lookup_order,half")
    assert [(fault.kind.value, fault.rate, fault.calls) for fault in told.faults] == [
        ("slow", 0.1, ()),
        ("down", 0.05, ("track_parcel", "lookup_order")),
        ("half", 1.0, ()),
    ]
    (tmp_path / "f.json").write_text(told.model_dump_json())
    assert read_faults(str(tmp_path / "f.json")) == told
    for wrong in ("fire", "slow=x", "down=1@nothing", str(tmp_path / "none.json")):
        with pytest.raises(TaskFlowError, match="cannot be read"):
            read_faults(wrong)


def test_only_those_who_know_the_token_are_answered(book: Book) -> None:
    with OrderServer(create_orders(book, Faults(FaultPlan()), token="geheim-é")) as server:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "geheim"}):
            status, told, _ = ask(server.address, "cancel_order", PROCESSING, **headers)
            assert (status, told["reason"]) == (401, "unauthorised")
            assert send(server.address, "PUT", "/faults", {}, **headers)[0] == 401
        assert ask(server.address, "cancel_order", PROCESSING, Authorization="Bearer geheim-é")[0] == 201
    assert done(book, PROCESSING_OF) == ["cancel_order"]


def test_the_book_tells_every_write_of_a_customer_since_a_moment(address: str, book: Book) -> None:
    ask(address, "update_address", PROCESSING, {"address": "5 New Street"}, X_Actor="assistant", Idempotency_Key="a")
    began = datetime.now(UTC)
    ask(address, "cancel_order", PROCESSING, X_Actor="assistant")
    ask(address, "cancel_order", PROCESSING)
    ask(address, "cancel_order", DELIVERED)
    first, second, third = writes_of(book, PROCESSING_OF)
    assert (first.call, first.who, first.key, first.inputs) == (
        "update_address",
        "assistant",
        "a",
        {"address": "5 New Street"},
    )
    assert first.effects[0]["table"] == "orders"
    assert first.effects[0]["after"] == {"address": "5 New Street"}
    assert (third.outcome, third.reason, third.effects) == ("refused", "already_cancelled", ())
    assert writes_of(book, PROCESSING_OF, began) == (second, third)
    changed = {effect["table"]: effect["after"] for effect in second.effects}
    assert changed == {
        "orders": {"status": "cancelled"},
        "goods": {"stock": 401},
        "refunds": {
            "order_number": PROCESSING,
            "kind": "cancellation",
            "amount": 3490,
            "paid_on": DAY.isoformat(),
        },
    }


def test_a_seed_makes_the_same_customers_and_more_of_them_leave_the_first_as_they_are(tmp_path: Path) -> None:
    def people(name: str, seed: int, count: int) -> tuple[Any, ...]:
        made = open_book(f"sqlite:///{tmp_path / name}", seed=seed, customers=count, day=DAY)
        with closing(made.database):
            found = {language: customers_of(made, language) for language in ("en", "zh")}
        assert all(len(customers) == 10 + count for customers in found.values())
        numbers = [order.number for customers in found.values() for one in customers for order in one.orders]
        assert len(set(numbers)) == len(numbers)
        return found["en"], found["zh"]

    few, same, other = people("a.db", 3, 40), people("b.db", 3, 60), people("c.db", 4, 40)
    assert few == tuple(customers[:50] for customers in same)
    assert few != other
    situations = {order.situation for customers in same for one in customers for order in one.orders}
    assert situations >= {"processing", "late", "lost", "delivered", "price_fell", "return_open"}


def test_the_sample_shop_has_the_orders_of_the_demo(book: Book) -> None:
    for number, order in json.loads(sample_path("after_sale/orders.json").read_text(encoding="utf-8")).items():
        told = book.read("lookup_order", email=order["email"])
        assert told.facts["order_number"] == number
        assert (told.facts["item"], told.facts["amount"]) == (order["item"], order["amount"])


def test_a_database_of_another_kind_or_seed_is_refused(book: Book, site: Any, tmp_path: Path) -> None:
    url = str(book.database.engine.url)
    with pytest.raises(TaskFlowError, match="--seed 1 --customers 0"):
        open_book(url, seed=2)
    with pytest.raises(TaskFlowError, match="other tables"):
        open_book(str(site.engine.url))
    (tmp_path / "x.db").write_text("no database, and long enough to be looked at as one" * 30)
    with pytest.raises(TaskFlowError, match="cannot be used"):
        open_book(f"sqlite:///{tmp_path / 'x.db'}")
    moved = open_book(url, day=date(2025, 7, 1))
    with closing(moved.database):
        assert moved.day == book.day == date(2025, 7, 1)


def test_every_call_is_bound_to_its_route() -> None:
    bindings = json.loads(sample_path("after_sale/bindings.json").read_text(encoding="utf-8"))
    assert bindings.keys() == CALLS.keys()
    for name, told in bindings.items():
        binding, call = binding_from_json(told), CALLS[name]
        assert binding.path == call.path.replace("<number>", "[order_number]")
        assert (binding.method, binding.is_write) == (call.method, call.is_write)
        assert set(binding.inputs) == {"order_number", *(name for name, needed in call.inputs.items() if needed)}


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from taskflow.cli import main; main()", "orders", "--port", "0"]
    options = ["--day", "2025-06-02", "--customers", "2", "--faults", "down=1@track_parcel"]
    process = subprocess.Popen(
        [*command, *options], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    found = re.match(r"orders on (http://\S+), where it is 2025-06-02", process.stdout.readline())
    assert found, process.communicate()
    try:
        assert ask(found[1], "track_parcel", LATE)[0] == 503
        assert send(found[1], "GET", "/health")[1] == {"status": "ok", "day": "2025-06-02"}
    finally:
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in log
    assert (tmp_path / "orders.db").is_file()


def test_the_command_tells_in_one_sentence_what_is_wrong(cli: Cli) -> None:
    finished = cli("orders", "--port", "0", "--faults", "fire", database="sqlite:///unused.db")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("taskflow: the faults 'fire' cannot be read: faults.0.kind")
    assert finished.stderr.count("\n") == 1
