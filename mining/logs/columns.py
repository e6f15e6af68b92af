"""Which column of a table holds what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from mining.logs.entries import LogError, shown
from taskflow.recognisers import mask

_REQUIRED = ("dialogue_id", "speaker", "text")

# Usual names, the more telling first, in the form that `_plain` gives.
_USUAL = {
    "dialogue_id": (
        "dialogueid dialogid conversationid sessionid chatid convid threadid ticketid callid caseid "
        "dialogue dialog conversation session chat "
        "会话id 对话id 会话编号 对话编号 会话号 会话标识 聊天id 工单号 工单id 会话 对话"
    ),
    "speaker": (
        "speaker role speakerrole senderrole sendertype speakertype authortype authorrole sender from author "
        "角色 说话人 说话者 发言人 发言者 发送者 发送人 发送方 发送者角色 发送者类型 身份"
    ),
    "text": (
        "text utterance message messagetext content messagecontent msg body "
        "内容 消息 消息内容 聊天内容 对话内容 发言内容 文本 话语 语句"
    ),
    "turn": "turn turnid turnindex turnnumber turnno utteranceindex seq seqno sequence 轮次 轮 序号 顺序",
    "action": "action dialogueaction label annotation act 动作 标签 标注",
    "need": "need 需求 诉求",
    "outcome": "outcome resolution 结局 处理结果 解决结果",
    "satisfaction": "satisfaction csat satisfactionscore 满意度 满意度评分",
    "started_at": (
        "startedat timestamp time datetime createdat sentat starttime date "
        "开始时间 时间 时间戳 发送时间 消息时间 创建时间 日期"
    ),
    "result": "result response returned 返回 返回值 返回结果",
    "attachments": "attachments attachment images image photos photo 附件 图片",
}
FIELDS = tuple(_USUAL)


def find_columns(file: str, header: Sequence[str], own: Mapping[str, str]) -> dict[str, int]:
    """The index of the column of each field that has one; what is mapped by hand comes before usual names."""
    unknown = [field for field in own if field not in FIELDS]
    if unknown:
        raise LogError(f"there is no field {shown(unknown[0])} to map: use one of {', '.join(FIELDS)}")
    found = {field: _index(file, header, column) for field, column in own.items() if column}
    plain = [_plain(name) for name in header]
    for field in FIELDS:
        usual = (plain.index(name) for name in _USUAL[field].split() if name in plain)
        index = next((index for index in usual if index not in found.values()), None)
        if field not in own and index is not None:
            found[field] = index
    for field in _REQUIRED:
        if field not in found:
            raise LogError(
                f"{file} has no {field} column among {_names(header)}: begin it with a row of column names, "
                f"or name the column with --column {field}=NAME"
            )
    return found


def _index(file: str, header: Sequence[str], column: str) -> int:
    names = [name.strip() for name in header]
    if names.count(column.strip()) != 1:
        how = "several columns" if column.strip() in names else "no column"
        raise LogError(f"{file} has {how} named {shown(column)} among {_names(header)}: name one of them")
    return names.index(column.strip())


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]", "", unicodedata.normalize("NFKC", name)).casefold()


def _names(header: Sequence[str]) -> str:
    """For a message; masked, since a table without a header begins with what somebody said."""
    few = ", ".join(shown(mask(name.strip())) for name in header[:12])
    return few if len(header) <= 12 else f"{few} and {len(header) - 12} more"
