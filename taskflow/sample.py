"""Where the project's own data lies: beside the packages in a checkout, inside `taskflow` once installed."""

from __future__ import annotations

from pathlib import Path

from taskflow.errors import TaskFlowError

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "_data", _PACKAGE.parent / "data")


def sample_path(name: str) -> Path:
    """The file `name` of the data, such as "after_sale/orders.json"; raises TaskFlowError where it is missing."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise TaskFlowError(f"the sample file {name!r} is not in {_FOLDERS[0]} or {_FOLDERS[1]}: install TaskFlow again")
