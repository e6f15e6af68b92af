"""What a corpus or an assistant may be called: it stands in addresses and on screens."""

import re

from taskflow.errors import TaskFlowError

_NAME = re.compile(r"[^\W_][\w.-]{0,79}")


class NameFormError(TaskFlowError):
    """A name that cannot stand in an address."""


def checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise NameFormError(
            f"{name!r} cannot be a name: begin with a letter or digit, "
            "then use letters, digits, '-', '_' and '.', 80 characters at most"
        )
    return name
