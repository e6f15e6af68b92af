"""Rules for web addresses, mail addresses and street addresses."""

from __future__ import annotations

import re

from taskflow.recognisers.rules import END, START, FieldKind, Rule

_MAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}"
    rf"{END}"
)
_DOMAINS = ("com", "net", "org", "cn", "io", "co", "shop", "store", "info", "uk")
_LINK_CHAR = r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]"
_LINK = re.compile(
    rf"(?:{START}(?i:https?|ftp)://|{START}(?i:www)\.){_LINK_CHAR}+(?<![.,;:!?)'])"
    rf"|(?<![A-Za-z0-9@._%+-])(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,4}}(?:{'|'.join(_DOMAINS)})"
    rf"(?![A-Za-z0-9@-]|\.[A-Za-z0-9])(?:/(?:{_LINK_CHAR}+(?<![.,;:!?)']))?)?"
)

# Capitalised words carry an English address; in lower case only the plainest form is trusted.
_GAP = "[ \n]{1,3}"
_JOIN = "(?:,[ \n]{0,3}|[ \n]{1,3})"
_TYPE = (
    r"(?i:street|st|avenue|ave|boulevard|blvd|road|rd|lane|ln|drive|dr|court|ct|place|pl|way|terrace|circle|cir"
    r"|parkway|pkwy|highway|hwy|square|sq|trail|crescent)(?![A-Za-z0-9])\.?"
)
_WORD = r"(?!(?:[GTMK]B|Hard|Flash|Disk|SSD|USB)\b)(?:[A-Z][A-Za-z'.-]{0,20}|[0-9]{1,3}(?:st|nd|rd|th))"
_UNIT = (
    r"(?:(?i:apt|apartment|suite|ste|unit|room|rm|floor|building|bldg)(?![A-Za-z])\.? ?#? ?|#)"
    r"(?=[A-Z]?[0-9]|[A-Z]\b)[A-Za-z0-9-]{1,6}"
)
_CITY = r"[A-Z][A-Za-z'.-]{1,20}(?: [A-Z][A-Za-z'.-]{1,20}){0,2}"
_ZIP = r"[0-9]{5}(?:-[0-9]{4})?"
_TAIL = (
    rf"(?:{_JOIN}{_UNIT})?(?:{_JOIN}{_CITY}{_JOIN}(?:[A-Z]{{2}}(?![A-Za-z])(?:{_JOIN}{_ZIP})?|{_ZIP}){END})?"
    rf"(?:{_JOIN}(?:USA|U\.S\.A\.|United States)(?![A-Za-z]))?"
)
_NO_STREET = r"(?!(?:way|star|more|min(?:ute)?s?|hours?|days?|miles?|from|of|on|in|to|the|and|or|for|blocks?|km)\b)"
_STREET = re.compile(
    rf"(?<![A-Za-z0-9.$#/-])(?:[0-9]{{1,6}}[A-Za-z]?(?:-[0-9]{{1,5}})?{_GAP}"
    rf"(?:{_WORD} ){{1,4}}?{_TYPE}(?: [NSEW]\b)?{_TAIL}"
    rf"|[0-9]{{2,6}} {_NO_STREET}[a-z]{{3,12}} (?:{_NO_STREET}[a-z]{{3,12}} )?"
    rf"(?:street|st|avenue|ave|boulevard|blvd|lane|road|rd)(?![A-Za-z0-9]){_TAIL})"
    r"|\b(?i:p\.?o\.? box) [0-9]{1,6}(?![A-Za-z0-9])"
)

# What a Chinese place name may hold: the words that lead up to an address ("地址是", "寄到") are no part.
_HAN = r"[^\Wa-zA-Z0-9_是在于到从的我你他她它这那哪请把寄送往住址为改换与了吗呢要想去您就帮给有什么附近]"
_PROVINCE = (
    "(?:北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州"
    "|云南|陕西|甘肃|青海|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|台湾)"
)
_DOOR = "(?:号楼|号院|号|弄|栋|幢|座|单元|楼|层|室|房|户|门|条)"
_DOORS = rf"[A-Z甲乙丙丁临]?[0-9]{{1,5}}(?:[、-][0-9]{{1,5}}){{0,3}} ?{_DOOR}(?!线|[日码])"
_ADDRESS_CHINESE = re.compile(
    rf"{_HAN}{{2,24}}(?<=[路街道巷弄里条村苑园区厦场同镇乡院寨坊东西南北中内外大]) ?{_DOORS}"
    rf"(?: ?{_HAN}{{0,10}}[0-9]{{1,5}}(?:-[0-9]{{1,5}}){{0,3}} ?{_DOOR}){{0,4}}"
    # The room may stand bare behind its unit or floor.
    rf"(?:(?<=[元楼层栋幢座]) ?[0-9]{{2,5}}(?![0-9]))?"
    rf"|{_PROVINCE}(?:省|市|自治区)?{_HAN}{{1,12}}[市区县州]{_HAN}{{2,12}}[路街道镇村巷里]"
    rf"|{_PROVINCE}(?:省{_HAN}{{1,6}}市|市){_HAN}{{1,6}}[区县]"
    rf"|地址(?:[是为在:]|改[成为到]|换成| ){{1,4}}({_HAN}{{0,20}}[省市区县镇乡村路街巷道院内]{_HAN}{{0,10}}"
    r"(?:[A-Z0-9-]{1,6}[号楼室层栋弄]?){0,3})(?=[，。！？,.!?;、 \n]|$)"
)

LINK_RULES = (
    Rule(FieldKind.EMAIL, _MAIL, cues=("@",), digits=False),
    Rule(FieldKind.URL, _LINK, cues=("://", "www.", *(f".{end}" for end in _DOMAINS)), digits=False),
)
ADDRESS_RULES = (
    Rule(FieldKind.ADDRESS, _STREET),
    Rule(FieldKind.ADDRESS, _ADDRESS_CHINESE, cues=tuple("号弄栋幢座室楼层市区县路街道址"), digits=False),
)
