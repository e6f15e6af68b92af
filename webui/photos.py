"""What a customer may attach: photos, told by their own bytes whatever they are called."""

from __future__ import annotations

from flask import abort, request
from werkzeug.exceptions import RequestEntityTooLarge

from taskflow.store.attachments import Attachment

LARGEST_PHOTO = 8 * 1024 * 1024  # bytes
TOO_LARGE = f"The photo is too large: {LARGEST_PHOTO // 1024 // 1024} MB are the most."
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")


def sent_photo() -> Attachment:
    """The body of this request; what is no photo, or too large, ends the request here."""
    # A body of no stated length is cut at the limit without a word: one byte more tells.
    request.max_content_length = LARGEST_PHOTO + 1
    try:
        content = request.get_data(cache=False)
    except RequestEntityTooLarge:
        abort(413, TOO_LARGE)
    if len(content) > LARGEST_PHOTO:
        abort(413, TOO_LARGE)
    kind = media_type(content)
    if kind is None:
        abort(415, "The body is no photo: send the bytes of a JPEG, PNG or WebP picture.")
    return Attachment(kind, content)


def media_type(content: bytes) -> str | None:
    """Of a JPEG, PNG or WebP picture; None of anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None
