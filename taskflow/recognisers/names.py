"""Rules for people's names, found by the words that introduce them.

A wrong name spoils mining more than a missed one: "I'm Sorry" and "我是说" are no names, so a name must
follow a cue, be written as one, and hold none of the words below.
"""

from __future__ import annotations

import re

from taskflow.recognisers.rules import FieldKind, Rule

_NO_NAMES = (
    "a|able|about|acting|afraid|after|all|already|also|always|am|american|an|and|angry|another|any|are|as|asian|at"
    "|aware|away|back|bad|because|before|british|bronze|busy|but|by|can|canadian|captain|certain|chief|chinese|clear"
    "|close|cold|confused|correct|curious|customer|delighted|different|director|disappointed|doctor|done|down|dr"
    "|either|email|engineer|english|even|every|excited|exhausted|finally|fine|first|flexible|for|free|french|from"
    "|full|german|getting|glad|gold|gonna|good|goodbye|great|happy|hello|help|her|here|hi|his|home|hoping|hot|how"
    "|hungry|i|if|in|incorrect|indian|inside|interested|irish|is|it|italian|japanese|just|last|late|leaving|like"
    "|listed|located|lost|mad|manager|misspelled|missing|my|near|needed|new|nice|no|none|not|now|of|off|officer|ok"
    "|okay|on|only|open|or|order|our|out|outside|over|overwhelmed|platinum|please|pretty|private|probably|quite|ready"
    "|really|right|sad|same|satisfied|secret|serious|service|she|sick|silver|so|some|sorry|spelled|still|stuck"
    "|student|suite|super|support|sure|surprised|teacher|thank|thanks|that|the|their|then|there|they|this|tired|to"
    "|today|tomorrow|too|traveling|trying|type|unable|under|unhappy|unsure|up|upset|usually|very|visa|waiting|was|we"
    "|well|what|when|where|which|why|will|with|without|wondering|worried|written|wrong|yes|yet|you|your|yours|once|im|time|who|as"
    "|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
)
_STOP = rf"(?!(?i:{_NO_NAMES}|[a-z]{{1,20}}ing)(?![A-Za-z'-]))"
_CAPITALISED = r"(?:(?:Ma?c)?[A-ZÀ-Þ][a-zß-ÿ]{1,20}|[A-Z]'[A-Z][a-z]{1,20})"
_PART = rf"{_STOP}{_CAPITALISED}(?:[-'][A-Z][a-z]{{1,20}})?(?![A-Za-z])"
_FULL = rf"{_PART}(?: (?:[A-Z]\.? )?{_PART}){{0,2}}"
# A sentence Written Like This would give a name after every cue.
_NO_TITLE = "(?! [A-Z][a-z])"
_CLAUSE_END = r"(?= ?[.,!?;)\n]| ?$| I\b| (?i:and (?:i|my)|from|with|calling|speaking|here)\b)"
_SMALL = rf"{_STOP}[a-z]{{2,15}}(?: {_STOP}[a-z]{{2,15}})?"

_NAME = re.compile(
    rf"(?:\b(?i:my (?:full |first |last |sur)?name(?:'s| is|:| -)|names'? is"
    rf"|(?:first|last|full|customer|sur)[ _]?name[\"*]{{0,2}} ?(?:[:=]|is)[\"*]{{0,2}}"
    rf"|(?:speaking|talking|chatting) (?:to|with)|call me)|(?:^|\n)[-*• ]{{0,4}}(?i:name):\**)"
    rf" {{0,2}}\"?({_FULL})"
    rf"|\b(?i:my (?:full )?name(?:'s| is)) ({_SMALL})(?= ?[.,!?\n]| ?$| and\b)"
    rf"|\b(?i:i'?m|i am|it's|this is) ({_PART} (?:[A-Z]\.? )?{_PART}){_NO_TITLE}{_CLAUSE_END}"
    rf"|\b(?i:i'?m|i am) ({_PART}){_CLAUSE_END}"
    rf"|\b(?i:this is) ({_FULL})(?= (?i:speaking|calling|here)\b)"
    rf"|\b(?:Mr|Mrs|Ms|Mx|Dr|Prof|MR|MRS)\b\.? ({_FULL})"
    # Agents address customers: "Thank you for your patience, Ann Lee."
    rf"|\b(?i:thanks|thank you|welcome|sorry|apologies|hello|hi|dear|goodbye|bye)\b[^.!?,\n]{{0,40}}, ({_PART} {_PART})"
    rf"{_NO_TITLE}(?=[.!?,;]|$)"
    rf"|\b(?i:placed )?(?i:under(?: the name)?|name) ({_PART} {_PART}){_NO_TITLE}(?=[.!?,;]|$)"
)

_SURNAME = (
    "(?:欧阳|司马|上官|诸葛|尉迟|慕容|令狐|皇甫"
    "|[王李张刘陈杨黄赵吴周徐孙胡朱高林何郭罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏"
    "卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范石姚谭廖邹熊陆郝孔崔邱秦史顾侯邵孟龙万段雷钱汤尹黎贺赖龚庞樊殷施洪翁牛俞严])"
)
# Surnames that begin common words ("高级", "黄金", "马上", "万一") are no cue after 我是.
_PLAIN_SURNAME = (
    "[王李张刘陈杨赵吴徐孙胡朱林郭梁宋郑谢韩唐冯董萧曹袁邓沈彭吕苏卢蒋蔡贾魏薛阎潘戴汪姜姚谭廖邹崔邱秦邵孟尹龚庞樊]"
)
_HAN = "[\u4e00-\u9fff]"
_HAN_END = r"(?=[^\w]|$)"
_GO_ON = r"(?=[^\w]|$|[想要我你您在是的电手住订单需有来可能也请今昨地]|[a-zA-Z0-9])"

_NAME_CHINESE = re.compile(
    rf"(?<![帮给替为])我(?:的名字)?叫[做作]? ?({_SURNAME}(?:{_HAN}{{1,2}}?{_GO_ON}|{_HAN}{{2}})"
    rf"|[A-Z][a-z]{{1,20}})"
    rf"|我是 ?({_PLAIN_SURNAME}(?!说|想|要){_HAN}{{1,2}}){_HAN_END}"
    rf"|(?:姓名|收件人|收货人|联系人|我的名字)(?:[:是为] ?){{1,2}}({_FULL}"
    rf"|(?![请未无是什不谁哪]){_HAN}{{2,4}}{_HAN_END}|{_SURNAME}{_HAN}{{1,2}}?{_GO_ON})"
    rf"|({_SURNAME}{_HAN}{{0,2}}?)(?=先生|女士|小姐|太太)"
    rf"|(?:谢谢|感谢|您好|你好|耐心|抱歉)[^。！？，,\n]{{0,12}}[，,]({_PLAIN_SURNAME}{_HAN}{{1,2}})(?=[，,。！!])"
)

_CUES = (
    "name",
    "i'm ",
    "im ",
    "i am ",
    "this is ",
    "it's ",
    "ing to ",
    "ing with ",
    "call me ",
    "mr",
    "ms",
    "mx",
    "dr",
    "prof",
    "thank",
    "welcome",
    "sorry",
    "apologies",
    "hello",
    "hi ",
    "dear",
    "bye",
    "under ",
)
_CUES_CHINESE = (
    "谢",
    "您好",
    "你好",
    "耐心",
    "抱歉",
    "我叫",
    "我是",
    "名",
    "件人",
    "货人",
    "系人",
    "先生",
    "女士",
    "小姐",
    "太太",
)

NAME_RULES = (
    Rule(FieldKind.NAME, _NAME, cues=_CUES, digits=False),
    Rule(FieldKind.NAME, _NAME_CHINESE, cues=_CUES_CHINESE, digits=False),
)
