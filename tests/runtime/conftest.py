"""A small published assistant, made by hand, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from taskflow.encoders.bundled import BundledEncoder
from taskflow.model import (
    ActionId,
    Assistant,
    DialogueAction,
    Evidence,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    TaskFlow,
)
from taskflow.store import Database
from taskflow.store.assistants import publish, save_mined

from .small_shop import Shop, served

_SPEAKERS = {"u": Speaker.USER, "a": Speaker.AGENT, "s": Speaker.SYSTEM}


def action(key: str, *texts: str) -> DialogueAction:
    exemplars = tuple(Exemplar(text, 3) for text in texts)
    return DialogueAction(ActionId(key), _SPEAKERS[key[0]], texts[0], exemplars, 3 * len(texts))


ACTIONS = (
    action("u-return", "I want to return something", "can I send this back", "我要退货", "这个东西我想退掉"),
    action("u-late", "where is my parcel", "my delivery is late", "我的包裹还没到", "快递怎么这么慢"),
    action("u-number", "[order_number]", "it is [order_number]", "订单号是[order_number]"),
    action("u-unused", "yes, it is unused", "still in the box", "是的，没用过"),
    action("u-used", "no, I have worn it", "it has been used", "不是，已经用过了"),
    action("a-number", "What is your order number?", "请问订单号是多少？"),
    action("a-unused", "Is the item unused?", "商品没有用过吧？"),
    action("a-label", "The label for [order_number] is on its way.", "[order_number]的退货单已发出。"),
    action("a-used", "Used items cannot be returned.", "用过的商品不能退货。"),
    action("a-where", "[order_number] arrives on [date].", "It is on its way."),
    action("a-lost", "I cannot find that order."),
    action("s-track", "track"),
    action("s-found", "track: ok"),
    action("s-not-found", "track: not_found"),
)


def node(flow: str, key: str, parent: str | None, action_key: str, share: float = 1.0, **more: str) -> FlowNode:
    speaks = action_key.startswith("a-")
    said = next(a for a in ACTIONS if a.id == action_key).exemplars
    return FlowNode(
        id=NodeId(f"{flow}-{key}"),
        parent_id=None if parent is None else NodeId(f"{flow}-{parent}"),
        action_id=ActionId(action_key),
        support=10,
        probability=share,
        jump_to=NodeId(f"{flow}-{more['jump']}") if "jump" in more else None,
        responses=tuple(exemplar.text for exemplar in said) if speaks and "jump" not in more else (),
        evidence=(Evidence("logged-1", 0),),
    )


RETURN = TaskFlow(
    FlowId("f-return"),
    "Returns",
    (
        node("r", "root", None, "u-return"),
        node("r", "ask", "root", "a-number"),
        node("r", "number", "ask", "u-number"),
        node("r", "unused", "number", "a-unused"),
        node("r", "yes", "unused", "u-unused", 0.6),
        node("r", "label", "yes", "a-label"),
        node("r", "no", "unused", "u-used", 0.4),
        node("r", "refused", "no", "a-used"),
    ),
)
LATE = TaskFlow(
    FlowId("f-late"),
    "Late parcels",
    (
        node("l", "root", None, "u-late"),
        node("l", "ask", "root", "a-number"),
        node("l", "number", "ask", "u-number"),
        node("l", "call", "number", "s-track"),
        node("l", "found", "call", "s-found", 0.8),
        node("l", "where", "found", "a-where"),
        node("l", "missing", "call", "s-not-found", 0.2),
        node("l", "lost", "missing", "a-lost"),
        node("l", "again", "lost", "a-number", jump="ask"),
    ),
)
SHOP = Assistant("shop", ACTIONS, (RETURN, LATE))

Serve = Callable[..., DialogueManager]


@pytest.fixture
def published(database: Database, encoder: BundledEncoder) -> Database:
    with database.write() as session:
        save_mined(session, SHOP, encoder.name)
    publish(database, "shop")
    return database


@pytest.fixture
def serve(published: Database, encoder: BundledEncoder) -> Serve:
    """A dialogue manager over the published shop, as the given settings make it."""

    def served(calls=None, backbone=None, **config) -> DialogueManager:
        return DialogueManager(published, encoder, RuntimeConfig(**config), backbone, calls)

    return served


@pytest.fixture
def shop_server() -> Iterator[Shop]:
    with served(Shop()) as shop:
        yield shop


@pytest.fixture(scope="session")
def shop() -> Assistant:
    return SHOP
