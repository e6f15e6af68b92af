"""What the application is made of; a view asks for it instead of making its own."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from runtime.dialogue_manager import DialogueManager
from taskflow.store import Database
from webui.access import DeveloperAccess, VisitorTokens
from webui.config import ServerConfig
from webui.streams import Listeners

NAME = "taskflow"


@dataclass(frozen=True, slots=True)
class Parts:
    database: Database
    manager: DialogueManager
    config: ServerConfig
    tokens: VisitorTokens
    developers: DeveloperAccess
    listeners: Listeners


def parts() -> Parts:
    """Those of the application that answers the present request."""
    found: Parts = current_app.extensions[NAME]
    return found
