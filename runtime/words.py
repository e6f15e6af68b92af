"""The few sentences that the dialogue manager says of its own accord, in the customer's language."""

from __future__ import annotations

import calendar
import re

from taskflow.recognisers import mask

_PLACEHOLDER = re.compile(r"\[[a-z_]+\]")
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

_CANCELS = re.compile(
    r"^\W*(?:(?:oh|ok|okay|actually|no|please|well|um|hmm|sorry)\W+){0,3}"
    r"(?:never ?mind|forget (?:about )?(?:it|that|this)|(?:stop|cancel|drop|scrap) (?:it|that|this)(?: please)?"
    r"|stop|i changed my mind|let'?s leave it)\W*(?:please|thanks|thank you)?\W*$"
    r"|^\W*(?:算了吧?|不用了|不弄了|当我没说|别弄了|先不(?:弄|办)了|取消吧|停)[\W了吧]*(?:谢谢)?\W*$",
    re.IGNORECASE,
)
_CORRECTS = re.compile(
    r"\b(?:i meant|i mean|sorry|wait|actually|correction|wrong (?:number|one|address|order|date)|instead|not that|typo"
    r"|mistyped|should (?:be|have been)|oops|no,)\b"
    r"|不对|说错|写错|打错|搞错|输错|应该是|更正|改成|不是.{0,20}是|刚才那个",
    re.IGNORECASE,
)
_GOODBYE = re.compile(
    r"\b(?:bye|goodbye|that'?s (?:all|it|everything)|nothing else|no,? thank(?:s| you)|have a (?:good|nice))\b"
    r"|^\W*(?:no|nope|thanks?|thank you|cheers)\W*$"
    r"|再见|拜拜|没有了|没了|没别的|就这些|不用了谢谢|^\W*(?:谢谢|没有)[\W你您啦了]*$",
    re.IGNORECASE,
)
_DECLINES = re.compile(r"^\W*(?:no|nope|no,? thank(?:s| you))\W*$|^\W*(?:没有|不用了?谢谢)[\W了]*$", re.IGNORECASE)
_ASKS_FOR_MORE = re.compile(
    r"\b(?:any|some)thing (?:else|more|further)\b|\b(?:else|further) (?:i|we) can\b"
    r"|\b(?:any )?other (?:questions?|issues?)\b"
    r"|还有(?:什么|啥|别的|其他|其它|问题)|(?:别的|其他|其它).{0,12}[吗？?]",
    re.IGNORECASE,
)

_AGREES = re.compile(
    r"^\W*(?:(?:oh|ah|well|hm+|great|perfect|thanks?|thank you|that'?s)\W+){0,2}"
    r"(?:yes|yeah|yep|yup|sure|ok(?:ay)?|right|correct|absolutely|definitely|of course|certainly|please do|go ahead"
    r"|do it|do that|sounds good|that works|i confirm|confirmed?|by all means)\b"
    r"|^\W*(?:好的?|可以|行|是的?|对的?|嗯+|没问题|确认|同意|当然|要的|麻烦(?:您|你)?了|请(?:办理|处理|取消|继续)|办吧|退吧|换吧|取消吧)",
    re.IGNORECASE,
)
_DISAGREES = re.compile(
    r"^\W*(?:(?:oh|actually|well|hm+|sorry)\W+){0,2}(?:no|nope|nah|don'?t|do not|stop|wait|rather not|not yet"
    r"|hold on)\b|\b(?:but not|don'?t do|do not do)\b|^\W*(?:不|别|先不|先别|算了|等等|等一下|没有)",
    re.IGNORECASE,
)
_PROPOSES = re.compile(
    r"\b(?:shall|should|may|can) (?:i|we)\b|\b(?:would|do) you (?:like|want) (?:me|us) to\b|\bgo ahead\b"
    r"|\bconfirm\b|\bproceed\b|\bis (?:that|this) (?:ok|okay|all right|fine)\b|\bok(?:ay)? (?:to|if i|for me to)\b"
    r"|要不要我|需要我|我(?:现在)?(?:就|来|可以)?(?:帮|给|为)您.{0,20}(?:吗|可以吗|好吗|行吗|？)|确认.{0,20}(?:吗|？)|确定.{0,20}(?:吗|？)|是否",
    re.IGNORECASE,
)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T.*)?\Z")

WAITING = {"en": "One moment, I am looking into it.", "zh": "请稍候，正在为您查询。"}
YES = {"en": "Yes, please", "zh": "好的，请办理"}
NO = {"en": "No, leave it", "zh": "不，先不办"}
REPAIRS: dict[str, dict[str, str]] = {
    "resume": {"en": "Back to where we were.", "zh": "我们继续刚才的问题。"},
    "correction": {"en": "Noted: [value] instead of [before].", "zh": "好的，已把[before]更正为[value]。"},
    "clarify": {"en": "Which of these do you mean?", "zh": "请问您是指哪一个？"},
    "invalid": {
        "en": "[value] does not look right to me. Could you check it and send it again?",
        "zh": "[value]似乎不正确，能请您核对后再发一次吗？",
    },
    "consent": {
        "en": "I would now do this: [call] ([values]). Shall I go ahead?",
        "zh": "接下来将为您办理：[call]（[values]）。可以吗？",
    },
    "cancel": {"en": "All right, I stop here; nothing was changed.", "zh": "好的，已停止，没有做任何更改。"},
    "cancel after write": {
        "en": "All right, I stop here. What was already done stands: [done]",
        "zh": "好的，到此为止。已经完成的部分仍然有效：[done]",
    },
    "not understood": {
        "en": "Sorry, I did not get that. Could you put it in other words?",
        "zh": "抱歉，我没有明白您的意思，能换个说法吗？",
    },
    "human": {
        "en": "I am passing you on to a colleague, who will take it from here.",
        "zh": "我为您转接同事继续处理，请稍候。",
    },
    "close": {
        "en": "Thank you. Write again whenever you need anything else.",
        "zh": "感谢您的联系，有其他问题随时告诉我。",
    },
    "satisfaction": {
        "en": "How well did this go, from 1 (badly) to 5 (very well)?",
        "zh": "请为本次服务打分：1（很差）到5（很好）。",
    },
}


def language(text: str) -> str:
    """ "zh" where the text has Chinese characters, else "en"."""
    return "zh" if _HAN.search(text) else "en"


def language_after(text: str, before: str) -> str:
    """That of a message; a value alone, such as "TF-204", leaves it what it was `before`."""
    if before and not any(sign.isalpha() for sign in _PLACEHOLDER.sub("", mask(text))):
        return before
    return language(text)


def promises_colleague(text: str) -> bool:
    """Whether an approved response says that a person takes over: then one has to."""
    return _PROMISES_COLLEAGUE.search(text) is not None


def asks_for_human(text: str) -> bool:
    return _ASKS_FOR_HUMAN.search(text) is not None


def cancels(text: str) -> bool:
    """Whether a message is nothing but the wish to stop."""
    return _CANCELS.match(text) is not None


def agrees(text: str) -> bool:
    """Whether a message begins with a yes, and takes nothing back."""
    return _AGREES.match(text) is not None and _DISAGREES.search(text) is None


def disagrees(text: str) -> bool:
    return _DISAGREES.search(text) is not None


def proposes(text: str) -> bool:
    """Whether a question asks for leave to do something."""
    return _PROPOSES.search(text) is not None


def spoken_day(day: str, language: str) -> str | None:
    """An ISO date as people say it; None where it is none."""
    found = _DAY.match(day)
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    month, number = int(found[2]), int(found[3])
    return f"{month}月{number}日" if language == "zh" else f"{calendar.month_name[month]} {number}"


def corrects(text: str) -> bool:
    return _CORRECTS.search(text) is not None


def says_goodbye(text: str) -> bool:
    return _GOODBYE.search(text) is not None


def takes_leave(text: str, asked: str | None) -> bool:
    """Whether who answers `asked` so takes leave: a bare no does to "anything else?" alone."""
    answers = asked is not None and _DECLINES.search(text) is not None
    return says_goodbye(text) and not (answers and _ASKS_FOR_MORE.search(asked or "") is None)
