"""Who may see what: customers their own conversation, developers the pages that show logged dialogues.

Everything that is not public is for developers, so a new route is shut until somebody opens it here.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer

DEVELOPER_VARIABLE = "TASKFLOW_DEVELOPER_TOKEN"
LOCAL_ONLY = (
    f"The developers' pages are for this machine alone: set {DEVELOPER_VARIABLE} and start the server again "
    "to open them to those who know it."
)

_PUBLIC_BLUEPRINTS = frozenset({"chat", "shop", "door"})
_PUBLIC_ENDPOINTS = frozenset({"static"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class VisitorTokens:
    """Signed tokens, each of which lets its bearer speak in one conversation."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="taskflow conversation")

    def issue(self, conversation_id: str) -> str:
        token = self._serializer.dumps(conversation_id)
        return token if isinstance(token, str) else token.decode("ascii")

    def conversation(self, token: str) -> str | None:
        """The conversation of a token; None where we never issued it."""
        try:
            found = self._serializer.loads(token)
        except BadSignature:
            return None
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class DeveloperAccess:
    """Developers log in with `token`; where there is none, this machine's own user needs no login."""

    secret_key: str
    token: str | None

    def accepts(self, offered: str) -> bool:
        return self.token is not None and hmac.compare_digest(offered.encode(), self.token.encode())

    def mark(self) -> str:
        """What a session holds after a login; it is void once the token or the secret key is another."""
        return hmac.new(self.secret_key.encode(), (self.token or "").encode(), hashlib.sha256).hexdigest()

    def knows(self, mark: object) -> bool:
        return self.token is not None and isinstance(mark, str) and hmac.compare_digest(mark, self.mark())


def bearer(authorization: str) -> str:
    """The token of an Authorization header; empty where it holds none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def is_public(endpoint: str) -> bool:
    return endpoint in _PUBLIC_ENDPOINTS or endpoint.partition(".")[0] in _PUBLIC_BLUEPRINTS


def is_loopback(address: str) -> bool:
    """Whether an address, or the name localhost, leads to this machine alone."""
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_local_name(host: str) -> bool:
    """Whether a Host header names this machine: another name with our address is another site's trick."""
    try:
        return urlsplit(f"//{host}").hostname in _LOCAL_NAMES
    except ValueError:
        return False
