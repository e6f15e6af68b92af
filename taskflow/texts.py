"""When two wordings are the same, and which sentences one has."""

import re

# Latin marks end a sentence before a space, so that "4.5" stays whole; wide marks end one anywhere.
_END = re.compile(r"(?<=[。！？；])|(?<=[.!?;…])\s+|\n+")
_MARKS = re.compile(r"[\s.,;:!?…。，、；：！？'\"“”‘’()（）–—-]*\Z")


def normalise(text: str) -> str:
    """The form in which two wordings count as the same: case and spaces do not matter."""
    return " ".join(text.casefold().split())


def split_sentences(text: str) -> list[str]:
    """In order, without spaces around them; what is but punctuation is none."""
    parts = (part.strip() for part in _END.split(text))
    return [part for part in parts if not _MARKS.match(part)]
