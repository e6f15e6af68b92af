"""The few sentences that the dialogue manager says of its own accord, in the customer's language."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u4e00-\u9fff]")
_ASKS_FOR_HUMAN = re.compile(
    r"\b(speak|talk|chat|connect|transfer|put)\b.{0,30}\b(human|person|someone|somebody|representative|agent|staff)\b"
    r"|\b(real|live|actual) (human|person|agent)\b|^\W*(human|agent|representative)\W*$"
    r"|转人工|人工客服|真人|找(个)?(人工|客服)|^人工[。！!]?$",
    re.IGNORECASE,
)

_PROMISES_COLLEAGUE = re.compile(
    r"\b(pass|hand|transfer|connect|forward|escalat)\w*\b.{0,40}\b(colleague|specialist|team|agent|supervisor|expert)s?\b"
    r"|\b(colleague|specialist|someone|member) (from|of|on|in) (our|the) .{0,20}team will\b"
    r"|转(接|给|交).{0,12}(同事|专员|人工|客服|专家|主管)|(同事|专员|专人|主管).{0,8}(联系您|接手|跟进|为您处理)",
    re.IGNORECASE,
)

CLARIFY = {
    "en": "Sorry, I did not get that. Could you put it in other words?",
    "zh": "抱歉，我没有明白您的意思，能换个说法吗？",
}
HAND_OFF = {
    "en": "I am passing you on to a colleague, who will take it from here.",
    "zh": "我为您转接同事继续处理，请稍候。",
}
CLOSE = {
    "en": "Thank you. Write again whenever you need anything else.",
    "zh": "感谢您的联系，有其他问题随时告诉我。",
}


def language(text: str) -> str:
    """ "zh" where the text has Chinese characters, else "en"."""
    return "zh" if _HAN.search(text) else "en"


def promises_colleague(text: str) -> bool:
    """Whether an approved response says that a person takes over: then one has to."""
    return _PROMISES_COLLEAGUE.search(text) is not None


def asks_for_human(text: str) -> bool:
    return _ASKS_FOR_HUMAN.search(text) is not None
