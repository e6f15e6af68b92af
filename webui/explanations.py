"""Why a conversation went as it did: what each turn understood, for developers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel

from webui.openapi import API, DEVELOPER, faults
from webui.parts import parts

explanations = APIBlueprint("explanations", __name__, url_prefix=f"{API}/conversations", tag="Explanations")


class TurnExplained(BaseModel):
    turn: int
    offset: int
    at: datetime
    understood: dict[str, Any]
    """As the dialogue manager stored it: the candidates, their scores, the choice."""


class Explanation(BaseModel):
    conversation: str
    turns: list[TurnExplained]


@explanations.get("/<conversation_id>/explanation")
@explanations.output(Explanation)
@explanations.doc(responses=faults(401, 403, 404, 429, 503), security=DEVELOPER)
def explanation(conversation_id: str) -> Explanation:
    """What each turn of a conversation understood; a turn that needed no understanding is left out."""
    turns = [
        TurnExplained(turn=event.turn, offset=event.offset, at=event.at, understood=event.payload)
        for event in parts().manager.explanation(conversation_id)
        if event.kind == "understood"
    ]
    return Explanation(conversation=conversation_id, turns=turns)
