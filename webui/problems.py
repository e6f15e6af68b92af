"""What goes wrong, told in one sentence: as JSON to scripts, as a page to people."""

from __future__ import annotations

import logging
import time

from apiflask import APIFlask, HTTPError
from flask import current_app, jsonify, make_response, render_template, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from runtime.dialogue_manager import ConversationError
from taskflow.errors import TaskFlowError
from taskflow.store.assistants import AssistantError
from taskflow.store.attachments import TooManyAttachmentsError
from taskflow.store.corpora import CorpusError
from taskflow.store.names import NameFormError
from webui.access import is_public
from webui.streams import StreamError

_SENTENCES = {
    400: "The request is malformed.",
    404: "There is nothing at this address.",
    405: "This address is not used in this way.",
    413: "The request is too large: 64 kB are the most.",
    415: "The request has a content type that is not used here.",
    429: "Too many requests: wait a moment and try again.",
    500: "The server failed at this request; its log says why.",
    503: "The service is not ready just now: try again in a moment.",
}
_UNKNOWN = (AssistantError, CorpusError, NameFormError)
_log = logging.getLogger(__name__)


def tell_problems(app: APIFlask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(HTTPError, _malformed)
    app.register_error_handler(ConversationError, _with_status)
    app.register_error_handler(StreamError, _with_status)
    app.register_error_handler(TooManyAttachmentsError, _full)
    app.register_error_handler(TaskFlowError, _ours)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(NoConnection, _database)


def _http(error: HTTPException) -> Response:
    code = error.code or 500
    ours = error.description if error.description != type(error).description else None
    response = _told(code, _SENTENCES.get(code, str(error.name)) if ours is None else ours)
    if isinstance(error, RateLimitExceeded):
        response = _told(code, _SENTENCES[429])
        response.headers["Retry-After"] = str(_seconds_to_wait())
    if code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if code == 405:
        response.headers.extend(item for item in error.get_headers() if item[0] == "Allow")
    return response


def _malformed(error: HTTPError) -> Response:
    """What APIFlask's check of the input found, the first of it."""
    for place in error.detail.values():
        for key, faults in place.items():
            return _told(error.status_code, f"The request's {key!r} is not as it should be: {faults[0]}.")
    return _told(error.status_code, _SENTENCES[400])


def _with_status(error: ConversationError | StreamError) -> Response:
    return _told(error.status, _sentence(error))


def _full(error: TooManyAttachmentsError) -> Response:
    return _told(409, _sentence(error))


def _ours(error: TaskFlowError) -> Response:
    if isinstance(error, _UNKNOWN):
        return _told(404, _sentence(error))
    _log.error("%s: %s", request.endpoint, error)
    if is_public(request.endpoint or ""):
        return _told(503, _SENTENCES[503])
    return _told(500, _sentence(error))


def _database(error: DBAPIError | NoConnection) -> Response:
    cause = error.orig if isinstance(error, DBAPIError) else error
    _log.error("%s: the database did not answer: %s", request.endpoint, cause)
    return _told(503, _SENTENCES[503])


def _told(code: int, sentence: str) -> Response:
    if request.path.startswith("/api/"):
        return make_response(jsonify(message=sentence), code)
    return make_response(render_template("problem.html", code=code, sentence=sentence), code)


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "。")) else ".")


def _seconds_to_wait() -> int:
    limiter = next((found for found in current_app.extensions["limiter"] if isinstance(found, Limiter)), None)
    limit = None if limiter is None else limiter.current_limit
    return 60 if limit is None else max(1, int(limit.reset_at - time.time()))
