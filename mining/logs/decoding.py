"""Bytes of a log file, plain or gzip, to numbered lines of text. Memory is bounded by one line."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from mining.logs.entries import LogError

LINE_LIMIT = 64 << 20
_CHUNK = 1 << 16
_GZIP = b"\x1f\x8b"
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
# Two bytes that are a Chinese character or mark in GB2312. Western one-byte text rarely has such a pair, but
# much of it would decode as GB18030, to nonsense.
_HANZI = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_NAMES = {"utf-8": "UTF-8", "gb18030": "GB18030"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end.

    With a `fault`, a sentence, the text is no more than what could be made out of it; if the line is also
    `cut`, the text is only how it begins.
    """

    number: int
    text: str
    fault: str | None = None
    cut: bool = False


class _StreamError(Exception):
    """The gzip stream stops here; `whole` if the data before it was complete."""

    def __init__(self, reason: str, whole: bool) -> None:
        super().__init__(reason)
        self.whole = whole


def read_lines(path: Path) -> Iterator[Line]:
    """The lines in order, from 1. A stream that breaks ends with a line that says so.

    LogError if the file cannot be opened or read, or is none of the encodings.
    """
    decoder = _Decoder()
    try:
        for number, (raw, cut) in enumerate(_split(_checked(_chunks(path), path)), start=1):
            text, fault = decoder.decode(raw) if cut is None else (raw.decode("utf-8", "replace"), cut)
            yield Line(number, text.removeprefix("\ufeff") if number == 1 else text, fault, cut is not None)
    except OSError as error:
        raise LogError(
            f"{path} cannot be read ({error.strerror or error}): check the path and its permissions"
        ) from error


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        if stream.peek(2).startswith(_GZIP):
            yield from _inflated(stream)
        else:
            while chunk := stream.read1(_CHUNK):
                yield chunk


def _inflated(stream: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=stream) as inflating:
        try:
            while chunk := inflating.read1(_CHUNK):
                yield chunk
        except EOFError as error:
            raise _StreamError("the gzip stream ends in the middle of this line: copy the file again", False) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            reason = "the gzip stream is damaged from here on: copy the file again"
            raise _StreamError(reason, isinstance(error, gzip.BadGzipFile)) from error


def _checked(chunks: Iterator[bytes], path: Path) -> Iterator[bytes]:
    head = next(chunks, b"")
    if head.startswith(_WORKBOOK):
        raise LogError(f"{path} is a workbook or a zip archive: save it as CSV or JSON Lines")
    if head.startswith(_UTF16) or head.count(0) * 10 > len(head):
        raise LogError(f"{path} looks like UTF-16 or UTF-32: save it as UTF-8")
    yield from chain([head], chunks)


def _split(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, str | None]]:
    """The lines; with a sentence that says why, if only the beginning of one is given."""
    held: list[bytes] = []
    size = 0
    newline = b""
    try:
        for chunk in chunks:
            newline = newline or _line_end(chunk)
            *ended, last = chunk.split(newline)
            for piece in ended:
                yield _joined([*held, piece], size + len(piece))
                held, size = [], 0
            size += len(last)
            held = [*held, last] if size <= LINE_LIMIT else held[:1]
    except _StreamError as broken:
        if broken.whole and size:
            yield _joined(held, size)
            held = []
        yield b"".join(held[:1]), str(broken)
        return
    if size:
        yield _joined(held, size)


def _joined(pieces: list[bytes], size: int) -> tuple[bytes, str | None]:
    if size > LINE_LIMIT:
        return pieces[0], f"the line is longer than {LINE_LIMIT >> 20} MiB: leave the dialogue out or split it"
    return b"".join(pieces), None


def _line_end(head: bytes) -> bytes:
    return b"\r" if b"\r" in head and b"\n" not in head else b"\n"


class _Decoder:
    """UTF-8 or GB18030: the first line that is not ASCII decides for the file."""

    def __init__(self) -> None:
        self._encoding: str | None = None

    def decode(self, raw: bytes) -> tuple[str, str | None]:
        """The text, and what is wrong with it."""
        raw = raw.removesuffix(b"\r")
        if raw.isascii():
            return raw.decode("ascii"), None
        found = _encoding(raw, self._encoding)
        self._encoding = self._encoding or found
        if found is not None and found == self._encoding:
            return raw.decode(found), None
        text = raw.decode(self._encoding or "utf-8", errors="replace")
        if found is None or self._encoding is None:
            return text, "the line is neither UTF-8 nor GB18030: save the file as UTF-8"
        expected = _NAMES[self._encoding]
        return text, f"the line is not {expected} as the lines before it: convert the file to one encoding"


def _encoding(raw: bytes, before: str | None) -> str | None:
    text = _decoded(raw, "utf-8")
    # Some pairs of GB18030 bytes are also a letter below U+0800 in UTF-8; longer sequences are no accident.
    if text is not None and (before != "gb18030" or max(text) >= "\u0800"):
        return "utf-8"
    if _decoded(raw, "gb18030") is not None and (before == "gb18030" or _HANZI.search(raw)):
        return "gb18030"
    return None


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
