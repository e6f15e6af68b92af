"""Every change of an assistant, as data: small, typed, pure and invertible.

`apply(edit, assistant)` gives the changed assistant; `inverse(edit, assistant)` gives the edit that undoes it.
A draft is a version plus its edits, so undo, audit and review of what another mining proposes all fall out of this.
"""

from __future__ import annotations

from taskflow.edits.actions import (
    AddAction,
    AddExemplars,
    AttachCall,
    DescribeAction,
    MergeActions,
    RenameAction,
    SetActionStatus,
    SplitAction,
)
from taskflow.edits.flows import AddFlow, RenameFlow
from taskflow.edits.nodes import AddNode, AddResponses, MoveNode, RemoveNode, SetCost, SetNodeStatus, SetResponses
from taskflow.edits.places import EditError
from taskflow.edits.restoring import FlowBefore, Restore, difference
from taskflow.model import Assistant, ModelError

__all__ = [
    "AddAction",
    "AddExemplars",
    "AddFlow",
    "AddNode",
    "AddResponses",
    "AttachCall",
    "DescribeAction",
    "Edit",
    "EditError",
    "FlowBefore",
    "MergeActions",
    "MoveNode",
    "RemoveNode",
    "RenameAction",
    "RenameFlow",
    "Restore",
    "SetActionStatus",
    "SetCost",
    "SetNodeStatus",
    "SetResponses",
    "SplitAction",
    "apply",
    "difference",
    "inverse",
]

# Several things change with one of these, so the way back names what was different.
_Wide = AddAction | AddExemplars | SplitAction | MergeActions | AddFlow | Restore
Edit = (
    RenameAction
    | DescribeAction
    | SetActionStatus
    | AttachCall
    | RenameFlow
    | SetResponses
    | AddResponses
    | SetNodeStatus
    | SetCost
    | AddNode
    | RemoveNode
    | MoveNode
    | _Wide
)


def apply(edit: Edit, assistant: Assistant) -> Assistant:
    """The assistant with the edit made; raises EditError and changes nothing where it does not fit."""
    try:
        return edit.apply(assistant)
    except ModelError as error:
        raise EditError(str(error)) from error


def inverse(edit: Edit, assistant: Assistant) -> Edit:
    """The edit that leads back: apply(inverse(e, a), apply(e, a)) == a."""
    if isinstance(edit, _Wide):
        return difference(assistant, apply(edit, assistant))
    return edit.inverse(assistant)
