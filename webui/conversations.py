"""The chat API: customers' conversations, over JSON with bearer tokens; it uses no cookies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import Response as FlaskResponse
from flask import abort, request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from werkzeug.wrappers import Response

from runtime.events import Event
from taskflow.store.assistants import AssistantError
from taskflow.store.attachments import MOST_ATTACHMENTS, attach, attachment_ids, read_attachment
from taskflow.store.names import NameFormError, checked_name
from webui.access import bearer
from webui.openapi import API, CUSTOMER, faults
from webui.parts import parts
from webui.photos import MEDIA_TYPES, TOO_LARGE, sent_photo
from webui.streams import Listener

chat = APIBlueprint("chat", __name__, url_prefix=f"{API}/conversations", tag="Chat")

_PREFLIGHT_AGE = 600  # seconds
_LARGEST_OFFSET = 2**31 - 1
_COME_BACK = 2_000  # milliseconds after which a stream that ended is asked for again
_FULL = f"The conversation has {MOST_ATTACHMENTS} photos: it can hold no more."
_NO_PHOTO = "The body is no JPEG, PNG or WebP picture, whatever it is declared as."
_PRINTABLE = r"^[^\x00-\x1f\x7f]{1,200}$"
_NO_BUFFER = {"X-Accel-Buffering": "no"}  # a proxy that collects an answer first would hold the events back


def _storable(text: str) -> str:
    """JSON can spell half a character, which no text in UTF-8 has."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("it holds half of a surrogate pair") from error
    return text


class Beginning(BaseModel):
    assistant: str

    customer: Annotated[str, StringConstraints(pattern=_PRINTABLE), AfterValidator(_storable)] | None = None
    """The shop's own name for the customer, by which they can be forgotten; it opens no other conversation."""


class Message(BaseModel):
    client_message_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
    """Chosen by the client, anew for every message: sending the same again gives the same events."""

    text: Annotated[str, AfterValidator(_storable)]

    choice: Annotated[str, StringConstraints(pattern=_PRINTABLE), AfterValidator(_storable)] | None = None
    """The payload of the button that was pressed, where the message is one that the assistant offered."""

    attachments: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]] = Field(default=[], max_length=4)
    """Photos that were uploaded before, by their ids."""


class Attached(BaseModel):
    attachment: str
    """For the `attachments` of a message; the same photo has the same id."""

    media_type: str
    size: int


class After(BaseModel):
    after: int = Field(default=-1, ge=-1, le=_LARGEST_OFFSET)
    """The last offset that the client has; events after it are wanted."""


class Resumed(BaseModel):
    last_event_id: int | None = Field(default=None, ge=-1, le=_LARGEST_OFFSET)
    """The same, as browsers send it when they open a stream again; it comes before `after`."""


class Choice(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    label: str
    payload: str


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
    choices: list[Choice] = []
    """Buttons for the customer's answer."""

    attachments: list[str] = []
    """The customer's photos, by their ids."""


class Events(BaseModel):
    events: list[EventBody]


class Begun(Events):
    conversation: str
    token: str


@chat.post("")
@chat.input(Beginning, arg_name="beginning")
@chat.output(Begun, status_code=201)
@chat.doc(responses=faults(400, 403, 413, 415, 422, 429, 503, e404="No assistant of this name is published."))
def begin(beginning: Beginning) -> Begun:
    """Begin a conversation with a published assistant."""
    manager = parts().manager
    try:
        conversation = manager.start(checked_name(beginning.assistant), beginning.customer)
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
@chat.doc(responses=faults(401, 403, 404, 422, 429, 503), security=CUSTOMER)
def events(conversation_id: str, after: After) -> Events:
    """What happened in a conversation so far."""
    return Events(events=_bodies(parts().manager.events(conversation_id, after.after)))


@chat.get("/<conversation_id>/stream")
@chat.input(After, location="query", arg_name="after")
@chat.input(Resumed, location="headers", arg_name="resumed")
@chat.doc(
    responses={
        200: {
            "description": "Server-sent events: each one's id is its offset, its data what `events` holds. "
            "Comments say that a silent stream is alive. It ends when the server stops: open it again.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    }
    | faults(401, 403, 404, 422, 429, 503),
    security=CUSTOMER,
)
def stream(conversation_id: str, after: After, resumed: Resumed) -> FlaskResponse:
    """What happens in a conversation, as it happens."""
    last = after.after if resumed.last_event_id is None else resumed.last_event_id
    listeners = parts().listeners
    listener = listeners.listen(conversation_id, last)
    response = FlaskResponse(
        _lines(listener, parts().config.heartbeat), mimetype="text/event-stream", headers=_NO_BUFFER
    )
    response.call_on_close(lambda: listeners.leave(listener))
    return response


@chat.post("/<conversation_id>/messages")
@chat.input(Message, arg_name="message")
@chat.output(Events)
@chat.doc(responses=faults(400, 401, 403, 404, 409, 413, 415, 422, 429, 503), security=CUSTOMER)
def send(conversation_id: str, message: Message) -> Events:
    """Say something; the answer holds the message's own event and the replies to it."""
    if not attachment_ids(parts().database, conversation_id).issuperset(message.attachments):
        abort(422, "The request's 'attachments' are no photos of this conversation: upload each one first.")
    said = parts().manager.reply(
        conversation_id, message.client_message_id, message.text, message.choice, tuple(message.attachments)
    )
    return Events(events=_bodies(said))


@chat.post("/<conversation_id>/attachments", endpoint="attach")
@chat.output(Attached, status_code=201)
@chat.doc(
    responses=faults(401, 403, 404, 429, 503, e409=_FULL, e413=TOO_LARGE, e415=_NO_PHOTO),
    security=CUSTOMER,
)
def attach_photo(conversation_id: str) -> Attached:
    """Upload a photo, as the bytes of the request; a message that names it then sends it."""
    photo = sent_photo()
    kept = attach(parts().database, conversation_id, photo)
    if kept is None:
        abort(404, "There is no such conversation: start a new one.")
    return Attached(attachment=kept, media_type=photo.media_type, size=len(photo.content))


@chat.get("/<conversation_id>/attachments/<attachment_id>")
@chat.doc(
    responses={
        200: {
            "description": "The photo.",
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
        }
    }
    | faults(401, 403, 404, 429, 503),
    security=CUSTOMER,
)
def photo(conversation_id: str, attachment_id: str) -> FlaskResponse:
    """A photo of the conversation."""
    found = read_attachment(parts().database, conversation_id, attachment_id)
    if found is None:
        abort(404, "There is no such photo in this conversation.")
    return FlaskResponse(found.content, mimetype=found.media_type)


@chat.before_request
def check_request() -> None:
    origin = request.headers.get("Origin")
    if origin is not None and not _is_welcome(origin):
        abort(403, "This site may not use the chat: its owner can add it to [server] allowed_origins.")
    if request.method == "OPTIONS":
        return
    if request.method == "POST" and not request.is_json and request.endpoint != f"{chat.name}.attach":
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
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_AGE)
    return response


def _check_token(conversation_id: str) -> None:
    known = parts().tokens.conversation(bearer(request.headers.get("Authorization", "")))
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


def _lines(listener: Listener, heartbeat: float) -> Iterator[str]:
    yield f"retry: {_COME_BACK}\n\n"
    for events in listener.batches(heartbeat):
        yield "".join(map(_line, events)) or ": still here\n\n"


def _line(event: Event) -> str:
    return f"id: {event.offset}\nevent: {event.kind}\ndata: {EventBody.model_validate(event).model_dump_json()}\n\n"


def _bodies(found: list[Event]) -> list[EventBody]:
    return [EventBody.model_validate(event) for event in found]
