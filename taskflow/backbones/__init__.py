"""Backbones are language models that choose among actions and word replies, never more than that.

A *dialect* knows a family of models and an *engine* runs tokens. Neither knows the other; a backbone is one of each.
"""

from taskflow.backbones.errors import BackboneError
from taskflow.backbones.protocol import (
    GREEDY,
    Answer,
    Backbone,
    Capabilities,
    Delta,
    Message,
    Request,
    Sampling,
    Tool,
    ToolCall,
    Usage,
)

__all__ = [
    "GREEDY",
    "Answer",
    "Backbone",
    "BackboneError",
    "Capabilities",
    "Delta",
    "Message",
    "Request",
    "Sampling",
    "Tool",
    "ToolCall",
    "Usage",
]
