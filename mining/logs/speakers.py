"""The names that logs give to those who speak."""

from __future__ import annotations

from collections.abc import Mapping

from mining.logs.entries import DialogueError, shown
from taskflow.model import Speaker

_USUAL = {
    Speaker.USER: (
        "user customer client visitor buyer consumer 用户 用戶 客户 客戶 顾客 顧客 买家 買家 访客 訪客 消费者"
    ),
    Speaker.AGENT: (
        "agent staff operator support representative seller assistant "
        "客服 人工客服 坐席 座席 卖家 賣家 商家 客服人员 客服人員"
    ),
    Speaker.SYSTEM: "system tool api function 系统 系統",
}


def speaker_names(own: Mapping[str, Speaker]) -> Mapping[str, Speaker]:
    """Every name that is understood, case folded: the usual ones, and a log's own before them."""
    usual = {name: speaker for speaker, names in _USUAL.items() for name in names.split()}
    return usual | {_folded(name): speaker for name, speaker in own.items()}


def find_speaker(name: object, names: Mapping[str, Speaker]) -> Speaker:
    if not isinstance(name, str) or not name.strip():
        raise DialogueError("it has no speaker: write user, agent or system")
    speaker = names.get(_folded(name))
    if speaker is None:
        told = shown(name.strip())
        option = shown(f"{name.strip()[:30]}=agent")
        raise DialogueError(f"its speaker {told} is not known: say who that is, for example with --speaker {option}")
    return speaker


def _folded(name: str) -> str:
    return name.strip().casefold()
