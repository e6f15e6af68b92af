"""The demo shop: a page of orders with the chat widget, and the order book that answers the assistant's calls."""

from __future__ import annotations

import calendar
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from flask import Blueprint, render_template

from runtime.calls import CallResult
from taskflow.calls import Outcome
from taskflow.sample import sample_path
from taskflow.store import Database
from taskflow.store.assistants import AssistantError, published_id
from webui.parts import parts
from webui.words import Language, Words

shop = Blueprint("shop", __name__, url_prefix="/shop")

_FACTS = ("amount", "item", "address")  # what responses name besides dates
_DATE_ENDINGS = ("_on", "_by")
_TONES = {"processing": "info", "shipped": "info", "lost": "warn", "delivered": "ok", "on_hold": "warn"}
_QUESTIONS: Mapping[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("My teapot arrived with a crack in it.", "TF-20410296"),
        ("My parcel should have been here by now.", "TF-20397764"),
        ("I'd like to cancel an order.", "TF-20418837"),
    ),
    "zh": (
        ("我收到的茶壶是坏的。", "TF-20411384"),
        ("我的包裹怎么还没到？", "TF-20398120"),
        ("我想取消订单。", "TF-20418905"),
    ),
}


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    item: str
    amount: str
    ordered_on: str
    status: str
    tone: str


@shop.get("", endpoint="english")
def english() -> str:
    return _page("en")


@shop.get("/zh", endpoint="chinese")
def chinese() -> str:
    return _page("zh")


def order_book(name: str, fields: Mapping[str, str]) -> CallResult:
    """Answer the call `name` from the sample orders, by order number or, to look one up, by mail address.

    An order answers the same each time: the calls' effects are not kept.
    """
    number = fields.get("order_number", "").strip().upper()
    if not number and name == "lookup_order":
        number = _numbers_by_mail().get(fields.get("email", "").strip().lower(), "")
    order = _orders().get(number)
    answer = None if order is None else order["answers"].get(name)
    if order is None or answer is None:
        return CallResult(Outcome.NOT_FOUND, {})
    facts = {fact: answer[fact] for fact in _FACTS if fact in answer}
    dates = [value for fact, value in answer.items() if fact.endswith(_DATE_ENDINGS)]
    if dates:
        facts["date"] = spoken_date(dates[0], order["language"])
    return CallResult(Outcome(answer["outcome"]), facts)


def spoken_date(day: str, language: str) -> str:
    """An ISO date as agents say it."""
    moment = date.fromisoformat(day)
    if language == "zh":
        return f"{moment.month}月{moment.day}日"
    return f"{calendar.month_name[moment.month]} {moment.day}"


def _page(language: Language) -> str:
    words = Words(language)
    assistant = getattr(parts().config.shop_assistants, language)
    orders = [
        Order(
            number,
            order["item"],
            order["amount"],
            spoken_date(order["ordered_on"], language),
            words(f"status_{order['status']}"),
            _TONES.get(order["status"], ""),
        )
        for number, order in _orders().items()
        if order["language"] == language
    ]
    return render_template(
        "shop.html",
        w=words,
        assistant=assistant,
        open=_is_published(parts().database, assistant),
        orders=orders,
        questions=_QUESTIONS[language],
    )


def _is_published(database: Database, assistant: str) -> bool:
    try:
        published_id(database, assistant)
    except AssistantError:
        return False
    return True


@cache
def _orders() -> dict[str, Any]:
    """The orders by number, in the form that `data/README.md` describes."""
    orders: dict[str, Any] = json.loads(sample_path("after_sale/orders.json").read_text(encoding="utf-8"))
    return orders


@cache
def _numbers_by_mail() -> dict[str, str]:
    return {order["email"]: number for number, order in _orders().items()}
