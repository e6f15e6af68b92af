"""Developers in the web pages: they look at what was mined, and at the dialogues behind it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Protocol

import pytest
from playwright.sync_api import Locator, Page, expect

DATA = Path(__file__).parents[2] / "data"
LIGHT: Mapping[str, Any] = {}
DARK: Mapping[str, Any] = {"color_scheme": "dark"}
PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
CHINESE: Mapping[str, Any] = {"locale": "zh-CN"}
ASSISTANT = "/assistants/after-sale-en"
PATHS = ("/", "/corpora/after-sale-en", "/corpora/after-sale-en/dialogues/en-0001", "/shop", ASSISTANT)
CUT = """names => names
    .filter((name) => {
        const twoLines = 2 * parseFloat(getComputedStyle(name).lineHeight);
        return name.clientHeight + 1 < Math.min(name.scrollHeight, twoLines);
    })
    .map((name) => name.textContent)"""

OpenPage = Callable[..., Page]
GraveFaults = Callable[[Page], list[str]]


class Served(Protocol):
    """What the fixture `served` gives."""

    run: Callable[..., CompletedProcess[str]]


def open_first_flow(page: Page) -> None:
    page.locator("section", has=page.locator("#flows")).get_by_role("row").nth(1).get_by_role("link").click()
    expect(nodes(page).nth(3)).to_be_visible()


def nodes(page: Page) -> Locator:
    return page.locator(".react-flow__node")


def tab_to(target: Locator) -> None:
    """Press Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(100):
        if target.evaluate("element => element.matches(':focus')"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there")


def test_the_overview_leads_to_what_was_mined(open_page: OpenPage) -> None:
    page = open_page("/")
    corpora = page.get_by_role("region", name="Corpora")
    for name in ("after-sale-en", "after-sale-zh"):
        card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=name, exact=True))
        expect(card).to_contain_text("Version 1")
        expect(corpora.get_by_role("row").filter(has_text=name)).to_contain_text("480")
    page.get_by_role("listitem").get_by_role("link", name="after-sale-en", exact=True).click()
    expect(page).to_have_url(re.compile(f"{ASSISTANT}$"))
    expect(page.get_by_role("region", name="TaskFlows").get_by_role("link")).not_to_have_count(0)
    expect(page.get_by_role("region", name="Dialogue Actions").get_by_role("row")).not_to_have_count(0)
    open_first_flow(page)


def test_a_corpus_shows_its_dialogues_masked(open_page: OpenPage) -> None:
    page = open_page("/corpora/after-sale-en")
    page.get_by_role("region", name="The first 20 dialogues").get_by_role("link", name="en-0001").click()
    expect(page.get_by_role("row").filter(has_text="[order_number]")).not_to_have_count(0)
    shown = page.get_by_role("main").inner_text()
    assert not [value for value in private_values("en-0001") if value in shown]


def test_evidence_of_a_node_is_reached_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(ASSISTANT)
    open_first_flow(page)
    tab_to(nodes(page).first)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".react-flow__node:focus")).to_have_attribute("aria-label", re.compile("^Customer: "))
    page.keyboard.press("ArrowRight")
    agent = page.locator(".react-flow__node:focus")
    expect(agent).to_have_attribute("aria-label", re.compile("^Agent: "))
    label = agent.get_attribute("aria-label") or ""
    page.keyboard.press("Enter")
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_role("heading", name="Approved responses")).to_be_visible()
    expect(details.get_by_role("heading", level=2)).to_have_text(re.compile(re.escape(label[len("Agent: ") :][:20])))

    evidence = details.locator(".flow-evidence").get_by_role("button").first
    dialogue, turn = evidence.locator("span").all_inner_texts()
    tab_to(evidence)
    page.keyboard.press("Enter")
    here = details.locator("[aria-current=true]")
    expect(here).to_have_count(1)
    expect(here).to_contain_text("This turn")
    excerpt = details.locator(".flow-turns")
    expect(excerpt).to_contain_text("[order_number]")
    shown = excerpt.inner_text()
    assert not [value for value in private_values(dialogue) if value in shown]
    said = here.locator("span[dir=auto]").inner_text()

    page.goto(f"/corpora/after-sale-en/dialogues/{dialogue}")
    row = page.get_by_role("row").nth(int(turn.removeprefix("turn ")))
    expect(row).to_contain_text(said)


def test_a_link_to_a_node_opens_at_it(open_page: OpenPage) -> None:
    page = open_page(ASSISTANT)
    open_first_flow(page)
    nodes(page).filter(has_text="Agent").first.click()
    heading = page.get_by_role("complementary", name="Details").get_by_role("heading", level=2)
    expect(page).to_have_url(re.compile("#n-"))
    chosen = heading.inner_text()
    page.reload()
    expect(heading).to_have_text(chosen)


def test_the_pages_speak_chinese(open_page: OpenPage) -> None:
    page = open_page("/", CHINESE)
    expect(page.get_by_role("heading", level=1)).to_have_text("总览")
    page.get_by_role("listitem").get_by_role("link", name="after-sale-zh", exact=True).click()
    open_first_flow(page)
    nodes(page).filter(has_text="客服").first.click()
    details = page.get_by_role("complementary", name="详情")
    expect(details.get_by_role("heading", name="已批准的回复")).to_be_visible()
    # Chinese text is set in wider lines, but the boxes of the drawing hold two lines of a name all the same.
    assert page.locator(".flow-node-name").evaluate_all(CUT) == []
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("link", name="中文")).to_be_visible()
    expect(page.get_by_role("link", name="Overview").first).to_be_visible()


@pytest.mark.parametrize("traits", [LIGHT, DARK], ids=["light", "dark"])
def test_nothing_grave_bars_anyone_from_the_pages(
    open_page: OpenPage, grave_faults: GraveFaults, traits: Mapping[str, Any]
) -> None:
    page = open_page("/", traits)
    for path in PATHS:
        page.goto(path)
        assert (path, grave_faults(page)) == (path, [])
    open_first_flow(page)
    nodes(page).first.click()
    page.locator(".flow-evidence").get_by_role("button").first.click()
    expect(page.locator(".flow-turns")).to_be_visible()
    assert grave_faults(page) == []


def test_a_phone_shows_every_page_without_sideways_scrolling(open_page: OpenPage) -> None:
    page = open_page("/", PHONE)
    overhang = "document.documentElement.scrollWidth - innerWidth"
    for path in PATHS:
        page.goto(path)
        assert (path, page.evaluate(overhang)) == (path, 0)
    open_first_flow(page)
    nodes(page).first.tap()
    page.locator(".flow-evidence").get_by_role("button").first.tap()
    expect(page.locator(".flow-turns")).to_be_visible()
    assert page.evaluate(overhang) == 0


def test_the_mine_button_asks_for_a_job_that_a_worker_does(open_page: OpenPage, served: Served) -> None:
    imported = served.run("import", str(DATA / "after-sale.en.held.jsonl.gz"), "--corpus", "held-back")
    assert imported.returncode == 0, imported.stderr
    page = open_page("/corpora/held-back")
    page.get_by_label("Into the assistant").fill("second-opinion")
    page.get_by_role("button", name="Mine").click()
    expect(page.get_by_role("status")).to_contain_text("taskflow worker")
    job = page.get_by_role("region", name="Mining jobs").get_by_role("row").filter(has_text="second-opinion")
    expect(job).to_contain_text("Waiting")

    worked = served.run("worker", "--until-empty")
    assert worked.returncode == 0, worked.stderr
    page.reload()
    expect(job).to_contain_text("Done")
    runs = page.get_by_role("region", name="Mining runs")
    runs.get_by_role("link", name="second-opinion").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("second-opinion")
    expect(page.get_by_text("taskflow publish second-opinion")).to_be_visible()
    open_first_flow(page)


def private_values(dialogue: str) -> set[str]:
    """Order numbers, mail addresses and telephone numbers of a logged dialogue, as the log has them."""
    with gzip.open(DATA / "after-sale.en.jsonl.gz", "rt", encoding="utf-8") as lines:
        logged = next(line for line in lines if json.loads(line)["dialogue_id"] == dialogue)
    found = set(re.findall(r"TF-\d+|[\w.]+@example\.com|\d{3}-\d{4}", logged))
    assert found
    return found
