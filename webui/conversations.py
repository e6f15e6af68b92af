"""The chat API: customers' conversations, over JSON with bearer tokens; it uses no cookies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import abort, request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from werkzeug.wrappers import Response

from runtime.dialogue_manager import Event
from taskflow.store.assistants import AssistantError
from taskflow.store.names import NameFormError, checked_name
from webui.parts import parts

chat = APIBlueprint("chat", __name__, url_prefix="/api/conversations", tag="Chat")

_PREFLIGHT_AGE = 600  # seconds
_LARGEST_OFFSET = 2**31 - 1


def _storable(text: str) -> str:
    """JSON can spell half a character, which no text in UTF-8 has."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("it holds half of a surrogate pair") from error
    return text


class Beginning(BaseModel):
    assistant: str


class Message(BaseModel):
    client_message_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
    """Chosen by the client, anew for every message: sending the same again gives the same events."""

    text: Annotated[str, AfterValidator(_storable)]


class After(BaseModel):
    after: int = Field(default=-1, ge=-1, le=_LARGEST_OFFSET)
    """The last offset that the client has; events after it are wanted."""


class EventBody(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    offset: int
    kind: str
    speaker: str
    text: str
    client_message_id: str | None
    node: str | None
    handoff: bool
    at: datetime


class Events(BaseModel):
    events: list[EventBody]


class Begun(Events):
    conversation: str
    token: str


@chat.post("")
@chat.input(Beginning, arg_name="beginning")
@chat.output(Begun, status_code=201)
def begin(beginning: Beginning) -> Begun:
    """Begin a conversation with a published assistant."""
    manager = parts().manager
    try:
        conversation = manager.start(checked_name(beginning.assistant))
    except (AssistantError, NameFormError):
        # Whoever asks is a stranger: the error's own words name other assistants.
        abort(404, "No assistant of this name is published here.")
    return Begun(
        conversation=conversation,
        token=parts().tokens.issue(conversation),
        events=_bodies(manager.events(conversation)),
    )


@chat.get("/<conversation_id>/events")
@chat.input(After, location="query", arg_name="after")
@chat.output(Events)
def events(conversation_id: str, after: After) -> Events:
    """What happened in a conversation so far."""
    return Events(events=_bodies(parts().manager.events(conversation_id, after.after)))


@chat.post("/<conversation_id>/messages")
@chat.input(Message, arg_name="message")
@chat.output(Events)
def send(conversation_id: str, message: Message) -> Events:
    """Say something; the answer holds the message's own event and the replies to it."""
    return Events(events=_bodies(parts().manager.reply(conversation_id, message.client_message_id, message.text)))


@chat.before_request
def check_request() -> None:
    origin = request.headers.get("Origin")
    if origin is not None and not _is_welcome(origin):
        abort(403, "This site may not use the chat: its owner can add it to [server] allowed_origins.")
    if request.method == "OPTIONS":
        return
    if request.method == "POST" and not request.is_json:
        abort(415, "Send JSON, with the header Content-Type: application/json.")
    asked = (request.view_args or {}).get("conversation_id")
    if asked is not None:
        _check_token(asked)


@chat.after_request
def share(response: Response) -> Response:
    """Let the pages of allowed sites read the answer."""
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin is not None and _is_welcome(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_AGE)
    return response


def _check_token(conversation_id: str) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = parts().tokens.conversation(token.strip()) if scheme.lower() == "bearer" else None
    if known is None:
        abort(401, "Send the conversation's token, as Authorization: Bearer TOKEN.")
    if known != conversation_id:
        abort(404, "There is no such conversation, or it is another customer's.")


def _is_welcome(origin: str) -> bool:
    """An allowed site, or this server: told by its name and port, as a proxy may speak HTTPS for it."""
    try:
        own = urlsplit(origin).netloc == request.host
    except ValueError:
        return False
    return own or origin.lower() in parts().config.allowed_origins


def _bodies(found: list[Event]) -> list[EventBody]:
    return [EventBody.model_validate(event) for event in found]
