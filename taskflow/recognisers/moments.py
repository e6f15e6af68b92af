"""Rules for dates, times and amounts of money."""

from __future__ import annotations

import re

from taskflow.recognisers.rules import END, START, FieldKind, Rule

# "you may 2" is no date, "by may 2" is one.
_MAY = "".join(rf"(?<!\b{word} )" for word in ("it", "you", "we", "they", "i", "that", "this", "there")) + "may(?= )"
_MONTH = (
    r"(?:(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    rf"|nov(?:ember)?|dec(?:ember)?)\b\.?|May\b|MAY\b|{_MAY})"
)
_DAY = r"(?:3[01]|[12][0-9]|0?[1-9])"
_ORDINAL = r"(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)[0-9]{2}"
_HAN_NUMBER = "[一二三四五六七八九十]{1,3}"

_ISO_DATES = "|".join(rf"{_YEAR}{mark}(?:1[0-2]|0?[1-9]){mark}{_DAY}" for mark in ("-", "/", r"\."))
_OTHER_DATES = "|".join(rf"{_DAY}{mark}{_DAY}{mark}(?:{_YEAR}|[0-9]{{2}}(?!\.))" for mark in ("-", "/", r"\."))
_DATE = re.compile(
    rf"{START}(?<![-/.])(?:(?:{_ISO_DATES})(?:T[0-9:.]{{5,15}}(?:Z|[+-][0-9:]{{4,5}})?)?|{_OTHER_DATES})"
    r"(?![-/]?[A-Za-z0-9])"
)
_DATE_NAMED = re.compile(
    rf"{START}(?:{_MONTH} {{0,2}}{_DAY}{_ORDINAL}{END}(?!:)(?:,? ?{_YEAR}{END})?"
    rf"|{_DAY}{_ORDINAL} ?(?:of )?{_MONTH}(?:,? ?{_YEAR}{END})?(?![A-Za-z])|{_MONTH},? {_YEAR}{END})"
)
_DATE_SHORT = re.compile(rf"\b(?i:on|by|since|dated|before|after|until|till) ({_DAY}/{_DAY})(?<!24/7)(?![/0-9A-Za-z])")
_DATE_CHINESE = re.compile(
    rf"(?<![0-9])(?:(?:[0-9]{{4}}|[0-9]{{2}})年 ?)?[0-9]{{1,2}} ?月 ?[0-9]{{1,2}} ?[日号](?![楼线门])"
    rf"|(?<![0-9]){_YEAR}年(?:[0-9]{{1,2}}月(?:份|底|初)?)?"
    rf"|(?<![一二三四五六七八九十]){_HAN_NUMBER}月{_HAN_NUMBER}[日号](?![楼线门])"
)
_TIME = re.compile(
    r"(?<![A-Za-z0-9:.])(?:(?:2[0-4]|[01]?[0-9]):[0-5][0-9](?::[0-5][0-9])?(?: ?(?i:[ap]\.?m\b\.?))?"
    r"|(?:1[0-2]|0?[1-9]) ?(?i:[ap]\.m\.|[ap]m|o'clock))(?![:]?[A-Za-z0-9])"
)
# "一点" is mostly "a little" and "3点" may be "three points": a time needs its half-day or more.
_PERIODS = ("凌晨", "清晨", "早上", "早晨", "上午", "中午", "下午", "傍晚", "晚上", "夜里", "今晚", "明早")
_PERIOD = f"(?:{'|'.join(_PERIODS)})"
_TIME_CHINESE = re.compile(
    rf"{_PERIOD} ?(?:[0-9]{{1,2}}|[一二两三四五六七八九十]{{1,3}})(?:点|时)(?:钟|半|整|一刻|[0-9]{{1,2}}分?)?"
    rf"|{_PERIOD} ?(?:[0-9]{{1,2}}:[0-9]{{2}})"
    r"|(?<![0-9.])(?:[0-9]{1,2})(?:点(?:钟|半|整|一刻|[0-9]{1,2}分?)|时[0-9]{1,2}分)"
    r"|(?<![一二两三四五六七八九十第])[一二两三四五六七八九十]{1,3}点(?:钟|半|整|一刻)"
    r"|(?<![0-9.第有这那])[0-9]{1,2}点(?=[，。,？?！! ]|$|[之以]?[前后]|左右|到|开|关|送)"
)

_FIGURE = r"[0-9]{1,3}+(?:,[0-9]{3}){1,6}+(?:\.[0-9]{1,4})?|[0-9]++(?:\.[0-9]{1,4})?"
_AMOUNT = re.compile(
    rf"(?:{START}(?:US|CA|AU|HK|NT|A|C))?[$€£¥₹₩] ?(?:{_FIGURE})"
    r"(?:[kKmM](?![A-Za-z])|[万千亿])?(?: ?(?:USD|[美港日]?元))?"
    rf"|{START}(?:USD|EUR|GBP|CNY|RMB|JPY|HKD|CAD|AUD) ?(?:{_FIGURE})"
    rf"|(?<![A-Za-z0-9.])(?:(?:{_FIGURE})-)?(?:{_FIGURE}) ?"
    r"(?i:(?:us )?dollars?|bucks|usd|eur|gbp|cny|rmb|yuan|euros?|cents?)(?![A-Za-z0-9])"
    rf"|(?<![A-Za-z0-9.])(?:(?:{_FIGURE}) ?[元块]? ?[-到至] ?)?(?:{_FIGURE}) ?[万千百亿]?"
    r"(?:[美港日欧]?元|块钱|人民币|英镑|港币|(?<=[0-9]{2})块(?![^\W0-9一二两三四五六七八九]))"
)
_AMOUNT_WORDS = re.compile(
    r"(?<![一二两三四五六七八九十百千万])(?=[一二两三四五六七八九十]{0,3}[百千万])[一二两三四五六七八九十百千万零]{2,12}"
    r"(?:元|块钱|块(?![^\W0-9一二两三四五六七八九]))"
)

_RELATIVE = re.compile(
    r"\b(?i:the day (?:after tomorrow|before yesterday)|today|tomorrow|yesterday"
    r"|(?:(?:last|next|this|coming) )?(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
    r"|大?[前后]天|今天|明天|昨天|昨日|明日|今日|(?:上上?|下下?|这|本)个?(?:周|星期|礼拜)[一二三四五六日天]"
    r"|(?:星期|礼拜|周)[一二三四五六日天](?!\w*公园)"
)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONEY = ("$", "€", "£", "¥", "₹", "₩", "元", "块", "币", "镑", "dollar", "bucks", "yuan", "euro", "cent")
_CODES = ("usd", "eur", "gbp", "cny", "rmb", "jpy", "hkd", "cad", "aud")

DATE_RULES = (
    Rule(FieldKind.DATE, _DATE, cues=("-", "/", ".")),
    Rule(FieldKind.DATE, _DATE_NAMED, cues=_MONTHS),
    Rule(FieldKind.DATE, _DATE_SHORT, cues=("/",)),
    Rule(FieldKind.DATE, _DATE_CHINESE, cues=("年", "月"), digits=False),
)
TIME_RULES = (
    Rule(FieldKind.TIME, _TIME_CHINESE, cues=(*_PERIODS, "点", "时"), digits=False),
    Rule(FieldKind.TIME, _TIME, cues=(":", "am", "pm", ".m", "clock")),
)
AMOUNT_RULES = (
    Rule(FieldKind.AMOUNT, _AMOUNT, cues=_MONEY + _CODES),
    Rule(FieldKind.AMOUNT, _AMOUNT_WORDS, cues=("元", "块"), digits=False),
)
RELATIVE_RULES = (
    Rule(FieldKind.DATE, _RELATIVE, cues=("day", "tomorrow", "天", "日", "周", "星期", "礼拜"), digits=False),
)
