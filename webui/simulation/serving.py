"""The server and the order system that a simulation starts for itself, on free ports, and that end with it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from runtime.bound_calls import BoundCalls
from runtime.dialogue_manager import DialogueManager
from runtime.endpoints import EndpointConfig
from runtime.outfit import Outfit
from runtime.stage import Stage, scratch_database
from runtime.target import Target
from taskflow.model import Assistant
from webui.app import create_app
from webui.config import ServerConfig
from webui.orders.app import create_orders
from webui.orders.book import Book
from webui.orders.faults import Faults
from webui.orders.opening import open_book
from webui.orders.server import OrderServer

DAY = date(2025, 6, 2)
_NO_LIMIT = 1_000_000_000  # requests a minute: all customers come from one address


@contextmanager
def scratch_book(seed: int, customers: int) -> Iterator[Book]:
    """A book of so many customers a language, in a file that is gone afterwards."""
    with TemporaryDirectory(prefix="taskflow-orders-") as folder:
        book = open_book(f"sqlite:///{Path(folder) / 'orders.db'}", seed=seed, customers=customers, day=DAY)
        with closing(book.database):
            yield book


@contextmanager
def order_system(book: Book, faults: Faults) -> Iterator[str]:
    """Its address."""
    with OrderServer(create_orders(book, faults)) as served:
        yield served.address


@contextmanager
def chat_server(outfit: Outfit, target: Target, orders: str) -> Iterator[str]:
    """The address of a server of this version alone, in a database of its own; its calls go to the order system."""
    endpoints = {name: EndpointConfig(url=orders, private=True) for name in endpoints_of(target.version.assistant)}
    config = outfit.config.model_copy(update={"endpoints": endpoints, "calls": None})
    with scratch_database() as database:
        stage = Stage(database, replace(outfit, config=config))
        stage.show(target.version, target.calibration, outfit.database)
        manager = DialogueManager(database, outfit.encoder, config, outfit.backbone, BoundCalls(endpoints))
        limits = ServerConfig(address_limit=_NO_LIMIT, conversation_limit=_NO_LIMIT)
        app = create_app(database, manager, limits, secrets.token_hex(16), None)
        with OrderServer(app) as served:
            yield served.address


def endpoints_of(assistant: Assistant) -> set[str]:
    """The endpoints that an assistant's calls are bound to."""
    return {action.binding.endpoint for action in assistant.actions if action.binding is not None}
