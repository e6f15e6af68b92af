"""The order system over HTTP: a route for each call, and the faults that it is told to have."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator, Mapping
from socket import SHUT_RDWR
from typing import Any

from flask import Flask, Response, g, jsonify, request
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from taskflow.calls import Outcome
from webui.orders.book import Answer, Book, KeyReusedError, normal_number
from webui.orders.calls import CALLS, LONGEST_INPUT, Call, InputError
from webui.orders.faults import FaultPlan, Faults, Kind, explained

TOKEN_VARIABLE = "ORDERS_TOKEN"  # noqa: S105 - the name of the variable

_LARGEST_BODY = 64 * 1024  # bytes
# 424: a system behind this one failed, surely and for good; 5xx is kept for what may have been done or may work later.
_STATUS = {Outcome.NOT_FOUND: 404, Outcome.REFUSED: 409, Outcome.FAILED: 424}
_SOCKETS = ("werkzeug.socket", "gunicorn.socket")


def create_orders(book: Book, faults: Faults, token: str | None = None) -> Flask:
    """The application; with a token, only those who bring it as a bearer token are answered."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.before_request(_guard(token))
    app.before_request(_strike(faults))
    app.after_request(_cut)
    for call in CALLS.values():
        view = _writer(book, call) if call.is_write else _reader(book, call)
        app.add_url_rule(call.path, call.name, view, methods=[call.method])
    app.add_url_rule("/orders", "lookup_order", methods=["GET"])
    app.add_url_rule("/health", "health", lambda: {"status": "ok", "day": book.day.isoformat()})
    app.add_url_rule("/faults", "faults", faults.to_json)
    app.add_url_rule("/faults", "put_faults", _planner(faults), methods=["PUT"])
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(InputError, lambda error: _trouble(422, "invalid", error))
    app.register_error_handler(KeyReusedError, lambda error: _trouble(422, "key_reused", error))
    app.register_error_handler(DBAPIError, _no_database)
    app.register_error_handler(NoConnection, _no_database)
    return app


def _guard(token: str | None) -> Callable[[], Response | None]:
    def guard() -> Response | None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token is None or hmac.compare_digest(given.encode(), token.encode()):
            return None
        refusal = _trouble(401, "unauthorised", f"bring the bearer token of {TOKEN_VARIABLE}")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal

    return guard


def _strike(faults: Faults) -> Callable[[], Response | None]:
    def strike() -> Response | None:
        g.met = {}
        call = request.endpoint or ""
        if call not in CALLS:
            return None
        place: Mapping[str, Any] = request.view_args or {}
        g.met = faults.draw(call, _subject(place.get("number", "")))
        if Kind.SLOW in g.met:
            time.sleep(g.met[Kind.SLOW].seconds)
        if Kind.DROPPED in g.met or Kind.DOWN in g.met:
            return _trouble(503, "unavailable", "the order system is down: try again later")
        return None

    return strike


def _subject(number: str) -> str:
    given = number or request.args.get("order_number") or request.args.get("email", "")
    return normal_number(given)[:LONGEST_INPUT]


def _cut(response: Response) -> Response:
    """End the connection in the middle of the answer, or before it; its length says that there was more to come."""
    met = g.get("met", {})
    share = 0.0 if Kind.DROPPED in met else 0.5 if Kind.HALF in met and Kind.DOWN not in met else None
    if share is None:
        return response
    body = response.get_data()
    response.response = _until_cut(body[: int(len(body) * share)], request.environ)
    response.headers["Content-Length"] = str(len(body))
    return response


def _until_cut(part: bytes, environ: Mapping[str, Any]) -> Iterator[bytes]:
    socket = next((environ[name] for name in _SOCKETS if name in environ), None)
    if part:
        yield part
    if socket is not None:
        socket.shutdown(SHUT_RDWR)


def _reader(book: Book, call: Call) -> Callable[..., Response]:
    def read(number: str = "") -> Response:
        known, email = number or request.args.get("order_number", ""), request.args.get("email", "")
        return _told(call, book.read(call.name, known, email, stale=Kind.STALE in g.met))

    return read


def _writer(book: Book, call: Call) -> Callable[[str], Response]:
    def write(number: str) -> Response:
        who = request.headers.get("X-Actor", "")[:100]
        answer = book.write(call.name, number, _inputs(number), who, request.headers.get("Idempotency-Key"))
        return _told(call, answer)

    return write


def _inputs(number: str) -> dict[str, object]:
    """The body, which may name the order once more."""
    body = _body() if request.get_data() else {}
    if not isinstance(body, dict):
        raise InputError('the body is no JSON object: send one such as {"address": "…"}, or nothing')
    again = body.pop("order_number", number)
    if not isinstance(again, str) or normal_number(again) != normal_number(number):
        raise InputError("the body names another order than the address does: send one of them")
    return body


def _body() -> Any:
    try:
        return request.get_json(force=True)
    except RecursionError as error:
        raise InputError("the body is nested too deeply: send a flat object") from error


def _planner(faults: Faults) -> Callable[[], Response]:
    def plan() -> Response:
        try:
            faults.replace(FaultPlan.model_validate(_body()))
        except ValidationError as error:
            return _trouble(422, "invalid", explained(error))
        return jsonify(faults.to_json())

    return plan


def _told(call: Call, answer: Answer) -> Response:
    response = jsonify(answer.to_json())
    response.status_code = _STATUS.get(answer.outcome, 201 if call.method == "POST" else 200)
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _http(error: HTTPException) -> Response:
    return _trouble(error.code or 500, "invalid" if (error.code or 500) < 500 else "internal_error", error.name)


def _no_database(_error: Exception) -> Response:
    return _trouble(503, "unavailable", "the order book does not answer: try again later")


def _trouble(status: int, reason: str, message: object) -> Response:
    """What is wrong with the request or with the system, and never with the order."""
    response = jsonify({"outcome": Outcome.FAILED.value, "reason": reason, "message": str(message)})
    response.status_code = status
    return response
