"""Edits of TaskFlows as wholes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from taskflow.edits.places import flow_of, told, with_flow
from taskflow.model import Assistant, FlowId, TaskFlow


@dataclass(frozen=True, slots=True)
class RenameFlow:
    flow_id: FlowId
    name: str

    def apply(self, assistant: Assistant) -> Assistant:
        return with_flow(assistant, replace(flow_of(assistant, self.flow_id), name=told(self.name)))

    def inverse(self, assistant: Assistant) -> RenameFlow:
        return RenameFlow(self.flow_id, flow_of(assistant, self.flow_id).name)


@dataclass(frozen=True, slots=True)
class AddFlow:
    """Add a TaskFlow after all others."""

    flow: TaskFlow

    def apply(self, assistant: Assistant) -> Assistant:
        told(self.flow.name)
        return replace(assistant, flows=(*assistant.flows, self.flow))
