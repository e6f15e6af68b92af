"""The developers' door: the login form, and the guard before every page that is not public."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from webui.access import LOCAL_ONLY, bearer, is_local_name, is_loopback, is_public
from webui.parts import parts

door = Blueprint("door", __name__)

_MARK = "developer"
_NEXT = "next"
_FORWARDING = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


def guard() -> ResponseReturnValue | None:
    """Let developers in, send others to the login form, and answer scripts with a status."""
    if request.endpoint is None or is_public(request.endpoint):
        return None
    developers = parts().developers
    if developers.token is None:
        if not _is_from_this_machine():
            abort(403, LOCAL_ONLY)
        return None
    if is_developer():
        return None
    if request.path.startswith("/api/"):
        if developers.accepts(bearer(request.headers.get("Authorization", ""))):
            return None
        abort(401, "Send the developers' token, as Authorization: Bearer TOKEN, or log in at /login first.")
    if request.method == "GET":
        # Kept in the signed session, not in the address: nobody else can choose where a login leads.
        session[_NEXT] = request.full_path.rstrip("?")
    return redirect(url_for("door.login"))


def is_developer() -> bool:
    """Whether the session stems from a login with the present token."""
    return parts().developers.knows(session.get(_MARK))


@door.get("/login")
def login() -> ResponseReturnValue:
    if parts().developers.token is None or is_developer():
        return redirect(url_for("home.index"))
    return render_template("login.html", refused=False)


@door.post("/login")
def enter() -> ResponseReturnValue:
    if not parts().developers.accepts(request.form.get("token", "")):
        return render_template("login.html", refused=True), 401
    place = session.get(_NEXT, url_for("home.index"))
    session.clear()
    session[_MARK] = parts().developers.mark()
    return redirect(place, 303)


@door.post("/logout")
def leave() -> Response:
    session.clear()
    return redirect(url_for("door.login"), 303)


def _is_from_this_machine() -> bool:
    """A proxy on this machine is not its user, whoever stands behind it."""
    return (
        is_loopback(request.remote_addr or "")
        and is_local_name(request.host)
        and not any(name in request.headers for name in _FORWARDING)
    )
