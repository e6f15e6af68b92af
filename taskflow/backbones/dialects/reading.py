"""Reading what a model writes: thinking, tool calls and answer told apart, piece by piece."""

from __future__ import annotations

from typing import Literal

from taskflow.backbones.dialects.hermes import CALL_ENDS, CALL_OPENS, read_call
from taskflow.backbones.engines import Chunk
from taskflow.backbones.protocol import Delta, ToolCall

OPENS, ENDS = "<think>", "</think>"
_TAGS = (OPENS, ENDS, CALL_OPENS, CALL_ENDS)


class Reading:
    """Reads the fields in which servers put thinking and, where there are none, the raw text.

    While thinking is expected, nothing is answer until it is certain: either thinking ended, or the text did. So an
    answer without an opening tag, or one that was cut before the closing tag, leaks no thought. A closing tag that
    comes unexpected makes thinking of all before it, in the whole answer though no longer in what was streamed.
    """

    def __init__(self, *, expected: bool, inside: bool) -> None:
        """`inside`: the prompt has opened the thinking already."""
        self._expected = expected
        self._place: Literal["unsure", "thinking", "answer", "call"] = "thinking" if inside else "unsure"
        self._held = ""
        self._thinking = ""
        self._text = ""
        self._call = ""
        self._pending = 0
        self._served = False
        self.thinking_tokens = 0
        self.answer_tokens = 0
        self.calls: list[ToolCall] = []

    @property
    def thinking(self) -> str:
        return self._thinking.strip()

    @property
    def text(self) -> str:
        return self._text.strip()

    @property
    def in_thought(self) -> bool:
        return self._place == "thinking"

    def feed(self, chunk: Chunk) -> Delta:
        """What is certain now."""
        before = len(self._text), len(self._thinking)
        self.calls += chunk.calls
        if chunk.reasoning.strip() or (chunk.reasoning and self._thinking):  # some tell the empty block's lines
            self._thinking += chunk.reasoning
            self._place, self._expected = "answer", False  # the server reads for us: the rest is no thinking
            self._served = True
            self.thinking_tokens += chunk.tokens
        elif self._served and not chunk.text:
            # No piece was made of the tags around the thinking, nor of the end.
            end = min(chunk.tokens, int(chunk.finish == "stop"))
            self.thinking_tokens += chunk.tokens - end
            self.answer_tokens += end
        else:
            self._charge(chunk.tokens)
        if chunk.text:
            self._held += chunk.text
            while self._step():
                pass
        self._settle()
        return Delta(self._text[before[0] :], self._thinking[before[1] :])

    def end(self) -> Delta:
        """What was held back, now that nothing follows."""
        before = len(self._text), len(self._thinking)
        if self._place == "unsure":
            self._place = "answer"
        if self._place == "call":
            self._text += CALL_OPENS + self._call  # a call that was cut is no call
            self._place = "answer"
        self._put(self._held)
        self._held = ""
        self._settle()
        return Delta(self._text[before[0] :], self._thinking[before[1] :])

    def _charge(self, tokens: int) -> None:
        if self._place == "thinking":
            self.thinking_tokens += tokens
        elif self._place == "unsure":
            self._pending += tokens
        else:
            self.answer_tokens += tokens

    def _settle(self) -> None:
        """Tokens that came before it was known what they are."""
        if self._place == "unsure":
            return
        if self._place == "thinking" or (self._thinking and not self._text):
            self.thinking_tokens += self._pending
        else:
            self.answer_tokens += self._pending
        self._pending = 0

    def _step(self) -> bool:
        """Read up to the next tag; False where more text is needed."""
        if self._place == "unsure" and not self._is_sure():
            return False
        places = [(self._held.find(tag), tag) for tag in _TAGS if tag in self._held]
        if not places:
            whole = len(self._held) - _begun_tag(self._held)
            self._put(self._held[:whole])
            self._held = self._held[whole:]
            return False
        place, tag = min(places)
        self._put(self._held[:place])
        self._held = self._held[place + len(tag) :]
        self._turn(tag)
        return True

    def _is_sure(self) -> bool:
        """Whether it is known by now how the text begins."""
        start = self._held.lstrip()
        if start.startswith(OPENS) or ENDS in start:
            self._place = "thinking"
        elif not self._expected and not OPENS.startswith(start):
            self._place = "answer"
        return self._place != "unsure"

    def _turn(self, tag: str) -> None:
        if tag == CALL_OPENS and self._place == "answer":
            self._place, self._call = "call", ""
        elif tag == CALL_ENDS and self._place == "call":
            call = read_call(self._call)
            if call is None:
                self._text += CALL_OPENS + self._call + CALL_ENDS
            else:
                self.calls.append(call)
            self._place = "answer"
        elif tag == OPENS:
            self._place = "thinking"
        elif tag == ENDS:
            if self._place == "answer" and self._text.strip():
                self._thinking, self._text = self._thinking + self._text, ""
                self.thinking_tokens, self.answer_tokens = self.thinking_tokens + self.answer_tokens, 0
            self._place, self._expected = "answer", False
        else:
            self._put(tag)

    def _put(self, text: str) -> None:
        if self._place == "thinking":
            self._thinking += text if self._thinking else text.lstrip()
        elif self._place == "call":
            self._call += text
        else:
            self._text += text if self._text else text.lstrip()


def _begun_tag(text: str) -> int:
    """How many letters at the end may begin a tag."""
    longest = max(map(len, _TAGS)) - 1
    return next(
        (size for size in range(min(longest, len(text)), 0, -1) if any(tag.startswith(text[-size:]) for tag in _TAGS)),
        0,
    )
