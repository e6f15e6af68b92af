"""Calls at real endpoints: what goes out, what the answer means, and which addresses are never reached."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import ValidationError

from runtime.bound_calls import BoundCalls
from runtime.calls import CallRequest, CallResult, CallsError, UnboundCallError
from runtime.endpoints import EndpointConfig, EndpointError
from taskflow.bindings import BindingError, CallBinding, Effect
from taskflow.calls import Outcome

from .small_shop import Respond, Shop

KNOWN = {"order_number": "TF-20418837", "amount": "$5"}


def asked(binding: CallBinding | None, known: dict[str, str] = KNOWN, name: str = "the_call") -> CallRequest:
    return CallRequest(name, known, known, binding, key="k-1")


def ask(shop_server: Shop, binding: CallBinding, known: dict[str, str] | None = None, **config: Any) -> CallResult:
    calls = BoundCalls({"orders": EndpointConfig(url=shop_server.url, private=True, **config)})
    return calls(asked(binding, KNOWN if known is None else known))


def reading(**changes: Any) -> CallBinding:
    told = {"path": "/orders/[order_number]", "method": "GET", "inputs": ("order_number",), "effect": Effect.READ}
    return CallBinding("orders", **told | changes)


def writing(**changes: Any) -> CallBinding:
    told = {"path": "/orders/[order_number]/returns", "inputs": ("order_number", "amount"), "effect": Effect.WRITE}
    return CallBinding("orders", **told | changes)


def test_a_read_tells_the_facts_that_the_binding_names(shop_server: Shop) -> None:
    shop_server.answer(200, {"order": {"total": 42.5, "item": "teapot", "empty": ""}, "open": True})
    facts = (("amount", "order.total"), ("item", "order.item"), ("date", "order.sent"), ("name", "order.empty"))
    result = ask(shop_server, reading(facts=facts))
    assert result.outcome is Outcome.OK
    assert result.fields == {"amount": "42.5", "item": "teapot"}
    assert shop_server.asked[0][:2] == ("GET", "/orders/TF-20418837")
    assert "Idempotency-Key" not in shop_server.asked[0][2]


def test_a_write_sends_the_inputs_that_are_not_in_the_path_with_its_key(
    shop_server: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_TOKEN", "secret-1")
    shop_server.answer(201, {"outcome": "ok"})
    result = ask(shop_server, writing(), token_env="ORDERS_TOKEN")
    method, path, headers, body = shop_server.asked[0]
    assert (method, path, body) == ("POST", "/orders/TF-20418837/returns", {"amount": "$5"})
    assert headers["Idempotency-Key"] == "k-1"
    assert headers["Authorization"] == "Bearer secret-1"
    assert result.outcome is Outcome.OK
    assert "secret" not in repr(result)
    assert KNOWN["order_number"] not in repr(result.record)


def test_what_a_customer_writes_cannot_leave_its_place_in_the_path(shop_server: Shop) -> None:
    shop_server.answer(404, {})
    ask(shop_server, reading(), {"order_number": "../admin?all=1#x"})
    assert shop_server.asked[0][1] == "/orders/..%2Fadmin%3Fall%3D1%23x"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"outcome": "not_found"}, Outcome.NOT_FOUND),
        (200, {}, Outcome.NOT_FOUND),
        (200, {"item": "a sign: no parcels found"}, Outcome.OK),
        (204, None, Outcome.OK),
        (404, {"message": "no such order"}, Outcome.NOT_FOUND),
        (409, {"outcome": "refused", "reason": "returned already"}, Outcome.REFUSED),
        (422, {"detail": "too late"}, Outcome.REFUSED),
        (401, {}, Outcome.FAILED),
        (500, {}, Outcome.FAILED),
        (302, {}, Outcome.FAILED),
    ],
)
def test_what_an_answer_means(shop_server: Shop, status: int, body: object, outcome: Outcome) -> None:
    shop_server.answers.append((status, b"" if body is None else json.dumps(body).encode()))
    result = ask(shop_server, writing())
    assert result.outcome is outcome
    assert result.is_certain is (status < 500)
    assert len(shop_server.asked) == 1


def test_a_refusal_says_why(shop_server: Shop) -> None:
    shop_server.answer(409, {"outcome": "refused", "reason": "the order was returned already"})
    assert ask(shop_server, writing()).reason == "the order was returned already"


def test_a_read_is_tried_again_and_a_write_is_not(shop_server: Shop) -> None:
    shop_server.answers = [(503, b"{}"), (503, b"{}"), (200, b'{"item": "teapot"}')]
    read = ask(shop_server, reading(facts=(("item", "item"),)))
    assert (read.outcome, read.fields, read.record["tries"]) == (Outcome.OK, {"item": "teapot"}, 3)
    shop_server.asked.clear()
    shop_server.answers = [(503, b"{}"), (201, b"{}")]
    written = ask(shop_server, writing())
    assert (written.outcome, len(shop_server.asked)) == (Outcome.FAILED, 1)


def _half(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"outcome"')
    handler.wfile.flush()
    handler.connection.close()


def _slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.4)
    handler.send_response(200)
    handler.end_headers()


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b" " * 1_100_000)


def _no_json(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"<html>all is well</html>")


@pytest.mark.parametrize("trouble", [_half, _slow, _endless, _no_json])
def test_a_write_without_a_whole_answer_may_have_been_done(shop_server: Shop, trouble: Respond) -> None:
    shop_server.answers.append(trouble)
    result = ask(shop_server, writing(timeout=0.2))
    assert result.outcome is Outcome.FAILED
    assert not result.is_certain
    assert "orders" in result.reason
    assert len(shop_server.asked) == 1


def test_a_write_that_never_left_was_certainly_not_done(shop_server: Shop) -> None:
    calls = BoundCalls({"orders": EndpointConfig(url="http://127.0.0.1:9", private=True)})
    result = calls(asked(writing()))
    assert (result.outcome, result.is_certain) == (Outcome.FAILED, True)
    assert "refuses connections" in result.reason


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "0.0.0.0"])  # noqa: S104
def test_private_addresses_are_refused_unless_named(host: str) -> None:
    calls = BoundCalls({"orders": EndpointConfig(url=f"http://{host}:9/")})
    result = calls(asked(reading()))
    assert result.outcome is Outcome.FAILED
    assert "private = true under [runtime.endpoints.orders]" in result.reason


def test_a_redirection_is_not_followed(shop_server: Shop) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", f"{shop_server.url}/admin")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    shop_server.answers.append(elsewhere)
    assert ask(shop_server, writing()).outcome is Outcome.FAILED
    assert [path for _, path, _, _ in shop_server.asked] == ["/orders/TF-20418837/returns"]


def test_what_is_not_known_is_not_sent(shop_server: Shop) -> None:
    result = ask(shop_server, writing(), {"order_number": "TF-1"})
    assert (result.outcome, result.reason) == (Outcome.FAILED, "the customer has not told amount")
    assert not shop_server.asked


def test_functions_answer_where_they_are_registered() -> None:
    config = {"books": EndpointConfig(function="webui.shop:order_book")}
    result = BoundCalls(config)(asked(CallBinding("books", inputs=("order_number",)), name="lookup_order"))
    assert result.outcome is Outcome.OK


def test_a_call_that_nothing_answers_says_what_to_do() -> None:
    with pytest.raises(UnboundCallError, match="bind it with 'taskflow bind'"):
        BoundCalls({})(asked(None))
    with pytest.raises(CallsError, match=r"no endpoint is called 'orders' under \[runtime.endpoints\]"):
        BoundCalls({})(asked(reading()))


def test_a_token_that_is_not_in_the_environment_is_missed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORDERS_TOKEN", raising=False)
    with pytest.raises(EndpointError, match="set ORDERS_TOKEN there"):
        BoundCalls({"orders": EndpointConfig(url="https://orders.example.com", token_env="ORDERS_TOKEN")})


@pytest.mark.parametrize("url", ["ftp://example.com", "https://", "https://a@example.com", "https://example.com/?q=1"])
def test_what_is_no_address_is_refused_in_the_configuration(url: str) -> None:
    with pytest.raises(ValidationError, match="is no address"):
        EndpointConfig(url=url)


def test_an_endpoint_has_an_address_or_a_function() -> None:
    with pytest.raises(ValidationError, match="either a url or a function"):
        EndpointConfig()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"endpoint": " "}, "no endpoint"),
        ({"method": "TRACE"}, "method"),
        ({"path": "orders"}, "begin it with /"),
        ({"path": "/orders?x=1"}, "begin it with /"),
        ({"path": "/orders/[email]"}, "no input"),
        ({"timeout": 0.0}, "timeout"),
        ({"timeout": 1e9}, "timeout"),
        ({"retries": 9}, "retries"),
    ],
)
def test_a_binding_that_cannot_be_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(BindingError, match=told):
        CallBinding(**{"endpoint": "orders"} | changes)
