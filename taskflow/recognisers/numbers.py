"""Rules for order, tracking, phone, card and identity numbers, and for any other long number."""

from __future__ import annotations

import re

from taskflow.recognisers.rules import END, START, FieldKind, Rule

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# A "#" before letters belongs to the number itself.
_IS = r"(?:\s{0,2}(?:is|was|are|:|#(?![A-Za-z])|=|\"|\*|'|是|为)){0,4}\s{0,2}"
_CODE = r"[0-9][A-Za-z0-9]{1,24}(?:-[A-Z0-9]{2,12}){0,3}"
_FOUR_DIGITS = r"(?=(?:[A-Za-z-]{0,8}[0-9]){4})"


def _digits(value: str) -> list[int]:
    return [int(char) for char in value if char in "0123456789"]


def _is_card(value: str) -> bool:
    """The Luhn checksum of a card number."""
    total = 0
    for place, digit in enumerate(reversed(_digits(value))):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and 13 <= place + 1 <= 19


def _is_resident_id(value: str) -> bool:
    """The checksum of a Chinese identity number (GB 11643)."""
    weighted = sum(weight * int(char) for weight, char in zip(_ID_WEIGHTS, value, strict=False))
    return "10X98765432"[weighted % 11] == value[-1].upper()


def _is_dialled(value: str) -> bool:
    return 7 <= len(_digits(value)) <= 15


_TRACKING = re.compile(
    rf"{START}(?:1Z[0-9A-Z]{{16}}|SF[0-9]{{12,15}}"
    rf"|(?:YT|JT|ZT|ST|YD)[0-9]{{12,16}}|JD[0-9A-Z]{{2}}[0-9]{{9,13}}"
    rf"|TBA[0-9]{{12}}|[A-Z]{{2}}[0-9]{{9}}[A-Z]{{2}}|9[1-5][0-9]{{18,20}}"
    rf"|9[1-5][0-9]{{2}}(?: [0-9]{{4}}){{4}}"
    rf"(?: [0-9]{{2}})?){END}"
)
_TRACKING_CUED = re.compile(
    rf"(?:\b(?i:tracking)[ _]?(?i:number|num|no|id|code)?s?\.?"
    rf"|(?:快递|运|物流|包裹|货运){{1,2}}单?号(?:码)?){_IS}"
    rf"{_FOUR_DIGITS}([A-Za-z]{{0,6}}-?{_CODE}){END}"
)
_ORDER = re.compile(
    rf"(?:#[A-Za-z]{{1,6}}-?[0-9]{{4,}}+"
    rf"|(?<![A-Za-z0-9#])(?!(?:USD?|EUR|GBP|CNY|RMB|JPY|HKD|CAD|AUD|ZIP)[0-9])[A-Z]{{1,6}}-?[0-9]{{5,}}+"
    rf"|(?<![A-Za-z0-9#-])[a-z]{{1,4}}-[0-9]{{6,}}+)"
    rf"(?:-[A-Z0-9]{{2,12}}){{0,3}}{END}"
)
# "order" alone is also a verb ("order 1000 pieces"): there the number must look like one that was given out.
_ORDER_CUED = re.compile(
    r"(?:\b(?i:orders?|purchase)[ _]?(?i:number|num|no|id|ref|reference|code)s?\.?"
    r"|订单(?:编号|号码|号)|单号)"
    rf"{_IS}{_FOUR_DIGITS}(#?[A-Za-z]{{0,6}}-?{_CODE}){END}"
    rf"|\b(?i:order) ?#([0-9]{{4,}}+){END}"
    rf"|(?:\b(?i:orders?)\b|订单){_IS}(#?[A-Za-z]{{0,6}}-?[0-9]{{6,}}+){END}"
)
_ID_SHAPE = re.compile(rf"{START}[1-9][0-9]{{5}}(?:18|19|20)[0-9]{{2}}[01][0-9][0-3][0-9]{{4}}[0-9Xx]{END}")
_ID_OTHER = re.compile(
    rf"{START}(?<!-)(?!000|666|9)[0-9]{{3}}-(?!00)[0-9]{{2}}-(?!0000)[0-9]{{4}}(?!-){END}"
    rf"|身份证(?:号码|号)?{_IS}([0-9]{{17}}[0-9Xx]|[0-9]{{15}}){END}"
    rf"|\b(?i:ssn|social security(?: number)?){_IS}([0-9]{{9}}){END}"
)
_CARD = re.compile(rf"{START}(?:2[2-7]|[3-6][0-9])[0-9]{{2}}(?:[ -]?[0-9]){{9,15}}+{END}")
_PHONE = re.compile(
    r"(?<![A-Za-z0-9+.])(?<![A-Za-z0-9]-)(?:(?:\+?86[- ]?|0086[- ]?)?1[3-9][0-9]"
    r"(?:[0-9]{8}|[0-9]{0,4}(?:x{4,8}|X{4,8}|\*{4,8})[0-9]{0,4}|[- ][0-9]{4}[- ][0-9]{4})"
    r"|\+?86[- ]?0?[0-9]{2,3}[- ][0-9]{7,8}"
    r"|\(0[0-9]{2,3}\)[ -]?[0-9]{7,8}|0[0-9]{2,3}[- ][0-9]{7,8}(?:-[0-9]{1,5})?"
    r"|[48]00(?:[- ]?[0-9]{3}[- ]?[0-9]{4}|[- ]?[0-9]{4}[- ]?[0-9]{3})"
    r"|0(?:10|2[0-9])[0-9]{8}"
    r"|(?:\+?1[-. ]?)?(?:\([2-9][0-9]{2}\)[-. ]?[0-9]{3}[-. ]?[0-9]{4}"
    r"|[2-9][0-9]{2}(?:[-. ])[0-9]{3}[-. ][0-9]{4})"
    r"|0[1-9][0-9]{1,3} [0-9]{3,4} ?[0-9]{3,4}"
    r")(?: ?(?:ext\.?|分机) ?[0-9]{1,6})?(?!-?[A-Za-z0-9])"
)
_PHONE_ABROAD = re.compile(
    rf"(?<![A-Za-z0-9+])\+[1-9][0-9]{{0,2}}(?:[-. ]{{0,2}}(?:\([0-9]{{1,4}}\)|[0-9]{{1,12}})){{1,6}}{END}"
)
_PHONE_CUED = re.compile(
    r"(?:\b(?i:(?:tele|cell)?phone|mobile|cell|tel|(?:call|text) me (?:at|on))(?i: number| no| #)?\.?"
    rf"|电话(?:号码|号)?|手机(?:号码|号)?|联系方式){_IS}([0-9(](?:[-. ()]{{0,2}}[0-9]){{6,14}}){END}"
)
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9.])(?:[0-9]{{4}}(?:[ -][0-9]{{4}}){{2,4}}"
    rf"|[0-9]{{1,3}}+(?:,[0-9]{{3}}){{1,6}}+(?:\.[0-9]{{1,4}})?"
    rf"|[0-9]{{4,}}+(?:\.[0-9]{{1,4}})?){END}"
)

ORDER_RULES = (
    Rule(FieldKind.TRACKING_NUMBER, _TRACKING),
    Rule(FieldKind.TRACKING_NUMBER, _TRACKING_CUED, cues=("track", "运", "递", "物流", "包裹")),
    Rule(FieldKind.ORDER_NUMBER, _ORDER_CUED, cues=("order", "purchase", "单")),
    Rule(FieldKind.ORDER_NUMBER, _ORDER),
)
PERSONAL_RULES = (
    Rule(FieldKind.ID_NUMBER, _ID_SHAPE, accepts=_is_resident_id),
    Rule(FieldKind.ID_NUMBER, _ID_OTHER, cues=("-", "身份证", "ssn", "social")),
    Rule(FieldKind.CARD_NUMBER, _CARD, accepts=_is_card),
)
PHONE_RULES = (
    Rule(FieldKind.PHONE, _PHONE),
    Rule(FieldKind.PHONE, _PHONE_ABROAD, cues=("+",), accepts=_is_dialled),
    Rule(FieldKind.PHONE, _PHONE_CUED, cues=("phone", "mobile", "cell", "tel", "me ", "电话", "手机", "联系")),
)
NUMBER_RULES = (Rule(FieldKind.NUMBER, _NUMBER),)
