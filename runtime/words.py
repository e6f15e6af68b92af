"""The few sentences that the dialogue manager says of its own accord, in the customer's language."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u4e00-\u9fff]")
_PERSON = (
    r"(?:(?:a|an|some|the|your|another|real|live|actual|human|service|support) ){0,3}"
    r"(?:human|person|agent|representative)"
)
_ASKS_FOR_HUMAN = re.compile(
    rf"\b(?:speak|talk|chat) (?:to|with) (?:{_PERSON}|someone|somebody)\b"
    rf"|\b(?:connect|transfer|pass|put) me (?:(?:over|on|through) )?(?:to|with) (?:{_PERSON}|someone|somebody)\b"
    rf"|\b(?:want|need|get me|give me) {_PERSON}\b|^\W*(?:human|agent|representative|real person)\W*$"
    r"|转人工|人工客服|真人|找(?:个)?(?:人工|客服)|^人工[。！!]?$",
    re.IGNORECASE,
)
_PROMISES_COLLEAGUE = re.compile(
    r"\b(?:pass|hand|transfer|connect|forward)(?:ing)? (?:you|this|your \w+|it) (?:(?:on|over|through) )?(?:to|with) "
    r"(?:(?:a|an|our|my|the|your) )?(?:\w+ ){0,2}(?:colleague|specialist|team|agent|supervisor|expert)s?\b"
    r"|\b(?:colleague|specialist|member of our team|supervisor) will (?:contact|call|reach|take|get|look|write)\b"
    r"|为您转接|转接?给.{0,8}(?:同事|专员|专家|主管)|(?:同事|专员|专人|主管).{0,6}(?:联系您|接手|跟进|为您处理)",
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
