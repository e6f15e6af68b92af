"""How the API describes itself: the errors that a route answers with, and who may ask."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from webui.photos import MEDIA_TYPES

API = "/api/v1"
CUSTOMER = "conversation"
DEVELOPER = "developer"

_FAULTS = {
    400: "The body is no JSON, or the request makes no sense.",
    401: "No token, or one that this server never issued.",
    403: "Not from here: another site's page, or, without a developers' token, another machine.",
    404: "There is nothing of this name.",
    409: "The request does not fit what the conversation has come to.",
    413: "The request, or the message in it, is too large.",
    415: "The body is not declared as application/json.",
    422: "A value of the request is missing, or not as it should be.",
    429: "Too many requests.",
    503: "The service, or its database, is not ready just now: try again in a moment.",
}
_BODY = {
    "type": "object",
    "properties": {"message": {"type": "string", "description": "What is wrong, and the remedy, in one sentence."}},
    "required": ["message"],
    "additionalProperties": False,
}
_WAIT = {
    "Retry-After": {
        "description": "Seconds to wait; it is missing where the number of open streams is the reason.",
        "schema": {"type": "integer"},
    }
}


def faults(*codes: int, **reasons: str) -> dict[int, Any]:
    """The errors of a route, for `doc(responses=…)`; a reason of its own is given as `e404="…"`."""
    own = {int(name.removeprefix("e")): reason for name, reason in reasons.items()}
    told: dict[int, Any] = {code: own.get(code, _FAULTS[code]) for code in sorted({*codes, *own})}
    if 429 in told:
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPError"}}}
        told[429] = {"description": told[429], "content": content, "headers": _WAIT}
    return told


def describe(app: APIFlask) -> None:
    app.spec_processor(_with_photos)  # type: ignore[arg-type]  # a string where YAML is asked for, which is nowhere
    app.config.update(HTTP_ERROR_SCHEMA=_BODY, AUTO_404_RESPONSE=False, AUTO_VALIDATION_ERROR_RESPONSE=False)
    app.security_schemes = {
        CUSTOMER: {
            "type": "http",
            "scheme": "bearer",
            "description": "The token that came with the conversation when it began; it opens no other one.",
        },
        DEVELOPER: {
            "type": "http",
            "scheme": "bearer",
            "description": "The server's TASKFLOW_DEVELOPER_TOKEN. A browser that is logged in needs none, nor does "
            "anything on the server's own machine where no such token is set.",
        },
    }
    app.description = (
        "Conversations of customers with an assistant, and, for developers, what assistants are made of. "
        "Every error has the same body: one sentence."
    )


def _with_photos(spec: dict[str, Any]) -> dict[str, Any]:
    """APIFlask knows no body that is a picture's own bytes."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES}
    upload = spec["paths"][f"{API}/conversations/{{conversation_id}}/attachments"]["post"]
    upload["requestBody"] = {"required": True, "content": content}
    return spec
