"""What another mining run would change in a reviewed draft: edits with the reason and the evidence for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from taskflow.edits import AddAction, AddNode, Edit
from taskflow.model import Assistant, Evidence


class Kind(StrEnum):
    BRANCH = "branch"
    ACTION = "action"
    WORDINGS = "wordings"
    FLOW = "flow"
    RESPONSES = "responses"
    UNUSED = "unused"
    NAME = "name"


class Decision(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Gain:
    """What the edits would change when `dialogues` of the new corpus are replayed.

    Differences of shares: `hit_1` of agent turns whose action is foretold first, `steps` of the dialogues' steps
    that keep to the flows.
    """

    hit_1: float
    steps: float
    dialogues: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """Edits to be made in this order, all or none; `why` is one sentence for the reviewer.

    Two runs that propose the same give it the same `digest`. `gain` is None where replay cannot tell.
    """

    kind: Kind
    digest: str
    edits: tuple[Edit, ...]
    why: str
    support: int
    evidence: tuple[Evidence, ...]
    gain: Gain | None = None


def digest_of(kind: Kind, *names: str) -> str:
    """Names what is proposed, whatever its counts are."""
    return hashlib.sha256("\n".join((kind, *names)).encode()).hexdigest()


def fitted(edit: Edit, assistant: Assistant) -> Edit | None:
    """The edit as it fits a draft that went on since it was proposed; None where it is made already.

    Two proposals may bring the same new action along, and a parent may have fewer children than it had.
    """
    if isinstance(edit, AddAction) and edit.action.id in assistant.action_by_id:
        return None
    if isinstance(edit, AddNode):
        flow = assistant.flow_by_id.get(edit.flow_id)
        children = 0 if flow is None else sum(node.parent_id == edit.node.parent_id for node in flow.nodes)
        return AddNode(edit.flow_id, edit.node, min(edit.index, children))
    return edit
