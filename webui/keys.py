"""The key that signs visitors' tokens and developers' cookies."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import make_url

from taskflow.errors import TaskFlowError

VARIABLE = "TASKFLOW_SECRET_KEY"
_LENGTH = 32


class SecretKeyError(TaskFlowError):
    """No usable key: one sentence with the remedy."""


def secret_key(database_url: str) -> str:
    """The key from the environment, else one kept beside a SQLite database, so that a restart ends no conversation.

    Several servers on one PostgreSQL database have no such place in common: there the variable is needed.
    """
    given = os.environ.get(VARIABLE, "")
    if given:
        if len(given) < _LENGTH:
            raise SecretKeyError(f"{VARIABLE} has {len(given)} characters: make it random and {_LENGTH} at least")
        return given
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        raise SecretKeyError(f"with a {url.get_backend_name()} database the server needs a key: set {VARIABLE}")
    if url.database in (None, "", ":memory:"):
        return secrets.token_hex(_LENGTH)
    return _kept_key(Path(str(url.database)))


def _kept_key(database: Path) -> str:
    path = database.with_name(database.name + ".key")
    try:
        if not path.is_file():
            _make(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretKeyError(f"the server's key {path} cannot be kept or read ({error}): set {VARIABLE}") from error
    if len(key) < _LENGTH:
        raise SecretKeyError(f"the server's key {path} is too short: remove the file, or set {VARIABLE}")
    return key


def _make(path: Path) -> None:
    """Only its owner may read it; of two servers that start at once, the second takes the first one's."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name) as file:
        file.write(secrets.token_hex(_LENGTH))
        file.flush()
        try:
            os.link(file.name, path)
        except FileExistsError:
            return
