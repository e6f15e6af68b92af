"""Tool calls as Hermes models write them; how tools are told to a model is its own template's matter."""

from __future__ import annotations

import json

from taskflow.backbones.protocol import Tool, ToolCall

CALL_OPENS, CALL_ENDS = "<tool_call>", "</tool_call>"


def read_call(block: str) -> ToolCall | None:
    """The call between the tags; None where it is none."""
    try:
        call = json.loads(block)
        name, arguments = call["name"], call.get("arguments", {})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if isinstance(arguments, str):  # some models write the object as a text
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    return ToolCall(name, arguments) if isinstance(name, str) and isinstance(arguments, dict) else None


def as_function(tool: Tool) -> dict[str, object]:
    """A tool as chat templates and servers take it."""
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def as_call(call: ToolCall) -> dict[str, object]:
    return {"type": "function", "function": {"name": call.name, "arguments": dict(call.arguments)}}
