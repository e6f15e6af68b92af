"""A chart as the draft of an assistant in the store."""

from __future__ import annotations

from dataclasses import dataclass, replace

from taskflow.edits import difference
from taskflow.model import Assistant
from taskflow.store import Database
from taskflow.store.assistants import ensure_assistant, save_mined
from taskflow.store.drafts import Draft, newest_mined, read_draft


@dataclass(frozen=True, slots=True)
class Kept:
    """What the import made of the draft; `changed` is False where it was so already."""

    assistant: Assistant
    new: bool
    changed: bool


def keep(database: Database, written: Assistant, encoder: str, author: str) -> Kept:
    """Make `written` the draft of a new assistant, or change the one of its name by a single edit, which can be undone.

    Flows and actions that the draft has and `written` does not name stay as they are. Raises ModelError, and changes
    nothing, where the two cannot be one assistant: a node id or a flow's name that both use for different things.
    """
    with database.write() as session:
        key = ensure_assistant(session, written.name)
        base = newest_mined(session, key)
        if base is None:
            save_mined(session, written, encoder)
            return Kept(written, new=True, changed=True)
        draft = read_draft(session, base, written.name).assistant
        joined = _joined(draft, written)
        if joined != draft:
            Draft(session, base, draft).add([difference(joined, draft)], author)
        return Kept(joined, new=False, changed=joined != draft)


def _joined(draft: Assistant, written: Assistant) -> Assistant:
    """The draft with what is written in the place of what has the same id, and what is new behind it."""
    actions = {**draft.action_by_id, **written.action_by_id}
    flows = {**draft.flow_by_id, **written.flow_by_id}
    return replace(draft, actions=tuple(actions.values()), flows=tuple(flows.values()))
