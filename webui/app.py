"""The web application: the customers' chat, the demo shop and the developers' pages."""

from __future__ import annotations

import json
from typing import Any

from apiflask import APIFlask
from flask import Flask, abort, request, session, url_for
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSessionInterface
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from runtime.dialogue_manager import DialogueManager
from taskflow.store import Database
from webui.access import DeveloperAccess, VisitorTokens
from webui.assistants import assistants
from webui.config import ServerConfig
from webui.conversations import chat
from webui.corpora import corpora
from webui.data import data
from webui.door import door, guard, is_developer
from webui.explanations import explanations
from webui.home import home
from webui.openapi import API, describe
from webui.parts import NAME, Parts, parts
from webui.problems import tell_problems
from webui.replays import replays
from webui.shop import shop
from webui.streams import Listeners
from webui.words import Words, chosen_language, remember_language

_LARGEST_BODY = 64 * 1024  # bytes
_LOGIN_LIMIT = "10 per minute"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_WIDGET = "/static/dist/widget.js"


def create_app(
    database: Database,
    manager: DialogueManager,
    config: ServerConfig,
    secret_key: str,
    developer_token: str | None,
) -> APIFlask:
    """The application of these parts; without a developer token its developers' pages are for this machine alone."""
    app = APIFlask(
        __name__, title="TaskFlow", version="1", spec_path=f"{API}/openapi.json", docs_path=None, json_errors=False
    )
    app.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_NAME="taskflow",
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=_LARGEST_BODY,
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open for longer than an hour
    )
    app.jinja_options = {"undefined": StrictUndefined}
    app.json = _Json(app)
    app.session_interface = _Sessions()
    app.extensions[NAME] = Parts(
        database,
        manager,
        config,
        VisitorTokens(secret_key),
        DeveloperAccess(secret_key, developer_token),
        Listeners(database, manager, config.streams),
    )
    app.before_request(_refuse_unkeepable)
    _limit(app, config)
    app.before_request(guard)
    protection = CSRFProtect(app)
    protection.exempt(chat)
    protection.exempt(replays)  # it takes JSON alone, which no other site's form can send
    for blueprint in (chat, shop, door, home, corpora, assistants, data, explanations, replays):
        app.register_blueprint(blueprint)
    describe(app)
    tell_problems(app)
    app.context_processor(_page_context)
    app.add_template_filter("{:,}".format, "grouped")
    app.add_template_filter(_readable, "as_json")
    app.after_request(remember_language)
    app.after_request(_secure)
    if config.proxies:
        believed = config.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=believed, x_proto=believed, x_host=believed)  # type: ignore[method-assign]
    return app


class _Json(DefaultJSONProvider):
    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


class _Sessions(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def _limit(app: APIFlask, config: ServerConfig) -> None:
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", strategy="moving-window")
    limiter.shared_limit(f"{config.address_limit} per minute", scope="address")(chat)
    limiter.shared_limit(
        f"{config.conversation_limit} per minute",
        scope="conversation",
        key_func=_conversation,
        exempt_when=lambda: not _conversation(),
    )(chat)
    limiter.limit(_LOGIN_LIMIT, methods=["POST"])(door)
    guesses = limiter.shared_limit(_LOGIN_LIMIT, scope="developer", deduct_when=_is_refused)
    for blueprint in (data, explanations, replays):
        guesses(blueprint)


def _is_refused(response: Response) -> bool:
    return response.status_code == 401


def _conversation() -> str:
    return str((request.view_args or {}).get("conversation_id", ""))


def _refuse_unkeepable() -> None:
    """No name holds a NUL, and PostgreSQL fails at one."""
    if "\0" in request.path:
        abort(404)


def _page_context() -> dict[str, Any]:
    words = Words(chosen_language())
    can_log_out = parts().developers.token is not None and bool(session) and is_developer()
    return {"w": words, "can_log_out": can_log_out, "other_language": _other_language(words)}


def _readable(value: Any) -> str:
    """JSON for people: characters, not their numbers."""
    return json.dumps(value, ensure_ascii=False)


def _other_language(words: Words) -> str | None:
    """This very page in the other language."""
    if request.endpoint is None or request.method != "GET":
        return None
    place: dict[str, Any] = dict(request.view_args or {})
    other = "en" if words.language == "zh" else "zh"
    return url_for(request.endpoint, **place, version=request.args.get("version"), lang=other)


def _secure(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    widget = request.path == _WIDGET
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if widget else "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
