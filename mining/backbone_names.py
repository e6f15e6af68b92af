"""Names and descriptions of Dialogue Actions by a backbone: what it is asked, and which answers are taken."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mining.description import Language, language_of
from mining.discretion import Discretion
from mining.distinctive import is_han, tokens
from mining.naming import LONGEST, unused_name, width
from mining.prompts import render
from taskflow.backbones import Backbone, BackboneError, Message
from taskflow.model import ActionId, Assistant, DialogueAction, FlowNode
from taskflow.recognisers import mask

_WORDINGS = 8  # that a backbone is shown
_LONGEST_WORDING = 200  # letters of each
_LONGEST_DESCRIPTION = 240  # columns
_TOKENS = 160
_LABEL = re.compile(r"^(?:line \d|name|description|名称|描述|第[一二]行)\s*[:：]\s*", re.IGNORECASE)
_BULLET = re.compile(r"^\d+\s*[.)、:：]\s*")
_AROUND = " \t\"'“”‘’「」*#-–•`"


@dataclass(frozen=True, slots=True)
class Answer:
    """A name and, where the backbone gave a fit one, a description."""

    name: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an answer is not taken."""

    why: str


def ask(
    backbone: Backbone, action: DialogueAction, before: str | None, discretion: Discretion, used: Collection[str]
) -> Answer | Refused:
    """What the backbone calls the action; `before` names what it mostly follows, `used` are others' names.

    The backbone sees masked wordings without words that may be somebody's name, and an answer with a value, with such a
    word, in another language or of another length is refused.
    """
    language = language_of([action])
    prompt = render(
        "name_action.v1.jinja",
        speaker=action.speaker.value,
        wordings=_shown(action, discretion),
        before=before,
        language=language,
    )
    try:
        lines = _lines(backbone.complete([Message("user", prompt)], _TOKENS))
    except BackboneError as error:
        return Refused(str(error))
    if not lines:
        return Refused("the answer is empty")
    name = lines[0].rstrip(".。").strip(_AROUND)
    why = _fault(name, LONGEST, language, discretion)
    if why is not None:
        return Refused(f"the answer {why}")
    fit = len(lines) > 1 and _fault(lines[1], _LONGEST_DESCRIPTION, language, discretion) is None
    return Answer(unused_name(name, used), lines[1] if fit else None)


def followed(assistant: Assistant) -> Mapping[ActionId, str]:
    """The name of what each action follows most often in the TaskFlows."""
    most: dict[ActionId, FlowNode] = {}
    names: dict[ActionId, str] = {}
    for flow in assistant.flows:
        for node in flow.nodes:
            parent = None if node.parent_id is None else flow.by_id[node.parent_id]
            if node.action_id is None or parent is None or parent.action_id is None:
                continue
            if node.action_id not in most or most[node.action_id].support < node.support:
                most[node.action_id] = node
                names[node.action_id] = assistant.action_by_id[parent.action_id].name
    return names


def _shown(action: DialogueAction, discretion: Discretion) -> list[str]:
    shown = (discretion.hide(mask(" ".join(said.text.split())))[:_LONGEST_WORDING] for said in action.exemplars)
    return list(dict.fromkeys(shown))[:_WORDINGS]


def _lines(reply: str) -> list[str]:
    """The lines of the reply that say something, without bullets, labels and quotes around them."""
    bare = (_LABEL.sub("", _BULLET.sub("", line.strip(_AROUND))).strip(_AROUND) for line in reply.splitlines())
    return [line for line in bare if line]


def _fault(text: str, longest: int, language: Language, discretion: Discretion) -> str | None:
    """What is wrong with a line, if anything."""
    if not tokens(text) or not text.isprintable() or "\N{REPLACEMENT CHARACTER}" in text:
        return "is no text"
    if width(text) > longest:
        return "is too long"
    if any(map(is_han, text)) != (language == "zh"):
        return "is in another language"
    if mask(text) != text:
        return "holds a value"
    return None if discretion.is_safe(text) else "holds a word that may be somebody's name"
