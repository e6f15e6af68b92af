"""Calls that are bound to endpoints: what is sent, and what the answer means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from runtime.calls import CallRequest, CallResult, Calls, CallsError, UnboundCallError, load_calls
from runtime.endpoints import Answer, Endpoint, EndpointConfig, EndpointError, Sending
from taskflow.bindings import CallBinding
from taskflow.calls import Outcome, outcome_of_status
from taskflow.recognisers import mask

_OURS = (401, 403, 407)  # our own fault: no rule of the shop refused the customer
_LONGEST_RECORD = 2_000  # characters of an answer that are kept
_PLACE = re.compile(r"\[([a-z_]+)\]")


class BoundCalls:
    """Answers each call at the endpoint that it is bound to; `function` answers those without a binding."""

    def __init__(self, endpoints: Mapping[str, EndpointConfig], function: Calls | None = None) -> None:
        self._function = function
        self._functions = {
            name: load_calls(config.function) for name, config in endpoints.items() if config.function is not None
        }
        self._endpoints = {name: Endpoint(name, config) for name, config in endpoints.items() if config.url is not None}

    def __call__(self, request: CallRequest) -> CallResult:
        binding = request.binding
        if binding is None:
            if self._function is None:
                raise UnboundCallError(f"the call {request.name!r} is not bound: bind it with 'taskflow bind'")
            return self._function(request.name, request.fields)
        given = {kind: request.typed[kind] for kind in binding.inputs if kind in request.typed}
        missing = [kind for kind in binding.inputs if kind not in given]
        if missing:
            return CallResult(Outcome.FAILED, {}, f"the customer has not told {', '.join(missing)}")
        if binding.endpoint in self._functions:
            return self._functions[binding.endpoint](request.name, given)
        if binding.endpoint not in self._endpoints:
            there = ", ".join(sorted({*self._endpoints, *self._functions})) or "none"
            raise CallsError(
                f"no endpoint is called {binding.endpoint!r} under [runtime.endpoints] (there are: {there})"
            )
        return self._sent(self._endpoints[binding.endpoint], binding, given, request)

    def _sent(
        self, endpoint: Endpoint, binding: CallBinding, given: Mapping[str, str], request: CallRequest
    ) -> CallResult:
        path = _PLACE.sub(lambda place: quote(given[place[1]], safe=""), binding.path)
        body = {kind: value for kind, value in given.items() if kind not in binding.in_path}
        key = request.key if binding.is_write else ""
        retries = 0 if binding.is_write else binding.retries
        record: dict[str, Any] = {
            "method": binding.method,
            "endpoint": binding.endpoint,
            "path": binding.path,
            "sent": sorted(body),
        }
        try:
            answer = endpoint.send(Sending(binding.method, path, body, key, binding.timeout, retries))
        except EndpointError as error:
            certain = error.is_certain or not binding.is_write
            return CallResult(Outcome.FAILED, {}, str(error), certain, record | {"answer": str(error)})
        told = json.dumps(answer.body, ensure_ascii=False)
        record |= {"status": answer.status, "tries": answer.tries, "answer": mask(told)[:_LONGEST_RECORD]}
        outcome = _outcome(answer)
        certain = answer.status < 500 or not binding.is_write
        return CallResult(outcome, _facts(binding, answer.body), _reason(answer), certain, record)


def answers(calls: Calls | BoundCalls | None) -> Callable[[CallRequest], CallResult] | None:
    """What answers calls: a function alone answers every one, bound or not, so that a test reaches nothing outside."""
    if calls is None or isinstance(calls, BoundCalls):
        return calls
    return lambda request: calls(request.name, request.fields)


def _outcome(answer: Answer) -> Outcome:
    """What the answer states, else what its status says."""
    stated = answer.body.get("outcome") if isinstance(answer.body, Mapping) else None
    if answer.status in _OURS:
        return Outcome.FAILED
    if stated in list(Outcome):
        return Outcome(stated)
    if answer.status >= 300:
        return outcome_of_status(answer.status)
    return Outcome.NOT_FOUND if answer.body in ([], {}) else Outcome.OK


def _facts(binding: CallBinding, body: Any) -> dict[str, str]:
    """What the answer tells, by field kind; a key may lead into objects, as in order.amount."""
    found = {}
    for kind, key in binding.facts:
        value = body
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            found[kind] = str(value).strip()
    return found


def _reason(answer: Answer) -> str:
    body = answer.body if isinstance(answer.body, Mapping) else {}
    said = next((body[key] for key in ("reason", "message", "detail", "error") if isinstance(body.get(key), str)), "")
    return said or ("" if answer.status < 400 else f"the endpoint answered {answer.status}")
