"""The whole product as a person starts it, and the browser that they look at it with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

ROOT = Path(__file__).parents[2]
FRONT_END = ROOT / "webui" / "static" / "dist"
COMMAND = (sys.executable, "-c", "from taskflow.cli import main; main()")
VARIABLES = ("TASKFLOW_SECRET_KEY", "TASKFLOW_DEVELOPER_TOKEN")
PATIENCE = 20_000  # milliseconds; a machine with little to spare is slow, not broken
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
OpenPage = Callable[..., Page]


@dataclass(frozen=True, slots=True)
class Served:
    """Where the demo is served, and how to run a further subcommand on its database."""

    url: str
    run: Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def served(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`taskflow demo` in an empty folder: it imports, mines, publishes and serves."""
    if not (FRONT_END / "widget.js").is_file():
        pytest.skip("the front end is not built: pip install -e . builds it, without TASKFLOW_SKIP_FRONTEND")
    folder = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment |= {"TASKFLOW_DATABASE_URL": f"sqlite:///{folder / 'demo.db'}", "NO_COLOR": "1"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], check=False, cwd=folder, env=environment, capture_output=True, text=True
        )

    log = folder / "log.txt"
    with (
        log.open("w") as told,
        subprocess.Popen(
            [*COMMAND, "demo", "--port", "0"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            lines = (re.search(r"serving on (http://\S+)", line) for line in process.stdout)
            address = next((found[1] for found in lines if found), None)
            assert address is not None, log.read_text()
            yield Served(address, run)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    assert process.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()


# One for each module: while it lives, Playwright runs an event loop in this thread, where other tests want their own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
    expect.set_options(timeout=PATIENCE)
    yield launched
    launched.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console reports as wrong; a test that expects some takes them out."""
    return []


@pytest.fixture
def open_page(browser: Browser, served: Served, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens a path of the served demo as a new visitor; traits are options of a browser context."""
    contexts = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def open_(path: str, *traits: Mapping[str, Any]) -> Page:
        options: dict[str, Any] = {"locale": "en-GB", "viewport": {"width": 1280, "height": 800}}
        for trait in traits:
            options |= trait
        context = browser.new_context(base_url=served.url, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def grave_faults() -> Callable[[Page], list[str]]:
    """What axe finds of serious or critical faults for people who use a page otherwise than by sight or by mouse."""
    axe = Axe()

    def find(page: Page) -> list[str]:
        found = axe.run(page).response["violations"]
        return [
            f"{fault['id']}: {place['html']}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for place in fault["nodes"]
        ]

    return find
