"""Customers in the demo shop: they write into the chat widget and read what comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

SAMPLE = Path(__file__).parents[2] / "data" / "after_sale"
PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
DARK: Mapping[str, Any] = {"color_scheme": "dark"}
NAMES = {"en": ("Messages", "Your message", "Open the chat"), "zh": ("消息", "您的消息", "打开对话")}
GREETINGS = (
    "Assistant: Hello! I am the automated assistant. How can I help you?",
    "客服： 您好！我是自动客服助手，请问有什么可以帮您？",
)
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"

OpenPage = Callable[..., Page]
GraveFaults = Callable[[Page], list[str]]


class Chat:
    """The chat widget of a page, as its customer has it."""

    def __init__(self, page: Page, language: str = "en") -> None:
        log, box, launcher = NAMES[language]
        self.page = page
        self.log = page.get_by_role("log", name=log)
        self.box = page.get_by_role("textbox", name=box)
        self.launcher = page.get_by_role("button", name=launcher)
        self.said = self.log.locator("p.message")

    def open(self) -> None:
        self.launcher.click()
        expect(self.box).to_be_focused()

    def write(self, text: str) -> None:
        """Type where the focus is, and press Enter."""
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def ask(self, text: str) -> str:
        """What the assistant answers to a message."""
        before = len(self.transcript())
        self.write(text)
        expect(self.said.nth(before + 1)).to_be_visible()
        told = self.transcript()[before:]
        assert told[0].endswith(text)
        return " ".join(told[1:])

    def transcript(self) -> list[str]:
        """Every message of the conversation, each beginning with who says it; not the widget's own greeting."""
        return [text for text in self.said.all_text_contents() if text not in GREETINGS]


def means(action: str, language: str = "en") -> re.Pattern[str]:
    """Any of the ways in which the sample's agents say something; they may add pleasantries around it."""
    wordings = json.loads((SAMPLE / f"wordings.{language}.json").read_text(encoding="utf-8"))[action]
    return re.compile("|".join(re.sub(r"\\\{\w+\\\}", ".+?", re.escape(wording)) for wording in wordings))


def pick(page: Page, name: str, content: bytes) -> None:
    """Pick a file for the button that sends a photo."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Send a photo").click()
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": content})


def order_number(language: str, status: str) -> str:
    """The first order of the sample order book in that state."""
    orders = json.loads((SAMPLE / "orders.json").read_text(encoding="utf-8"))
    return next(
        number for number, order in orders.items() if (order["language"], order["status"]) == (language, status)
    )


@pytest.fixture
def chat(open_page: OpenPage) -> Chat:
    opened = Chat(open_page("/shop"))
    opened.open()
    return opened


def test_a_customer_with_a_damaged_item_gets_their_money_back_by_keyboard_alone(open_page: OpenPage) -> None:
    chat = Chat(open_page("/shop"))
    opening = "Hi there, the teapot you delivered this morning has a big crack in its side"
    assert opening not in (SAMPLE / "wordings.en.json").read_text()
    expect(chat.launcher).to_be_visible()
    chat.page.keyboard.press("Shift+Tab")  # the launcher is the last thing on the page
    expect(chat.launcher).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.box).to_be_focused()

    assert means("ask_order_number").search(chat.ask(opening))
    assert means("ask_photo").search(chat.ask(order_number("en", "delivered")))
    assert means("offer_replacement_or_refund").search(chat.ask("Here is a picture of it"))
    assert "Shall I go ahead?" in chat.ask("I would like my money back")
    assert means("confirm_refund").search(chat.ask("Yes, please"))
    assert means("anything_else").search(chat.ask("Great, thank you"))
    assert means("goodbye").search(chat.ask("No, that was everything"))


def test_a_reload_in_the_middle_loses_and_doubles_nothing(chat: Chat) -> None:
    number = order_number("en", "delivered")
    chat.ask("Hi there, the teapot you delivered this morning has a big crack in its side")
    chat.ask(number)
    before = chat.transcript()
    assert [text.split()[0] for text in before] == ["You:", "Assistant:", "You:", "Assistant:"]

    chat.page.reload()
    expect(chat.said).to_have_count(len(before))
    assert chat.transcript() == before

    chat.box.focus()
    assert means("offer_replacement_or_refund").search(chat.ask("Here is a picture of it"))
    assert "Shall I go ahead?" in chat.ask("Please send me a new one")
    assert "nothing was changed" in chat.ask("No, leave it")
    assert chat.transcript()[: len(before)] == before


def test_an_answer_that_got_lost_is_there_after_a_reload(chat: Chat, complaints: list[str]) -> None:
    chat.ask("I'd like to cancel an order.")
    before = len(chat.transcript())
    chat.page.route("**/messages", _lose_the_answer)
    with chat.page.expect_event("requestfailed"):
        chat.write(order_number("en", "processing"))
    chat.page.unroute("**/messages")

    chat.page.reload()
    expect(chat.said.nth(before + 1)).to_be_visible()
    expect(chat.log.locator(".typing")).to_have_count(0)
    expect(chat.said).to_have_count(before + 2)
    assert means("ask_confirm_cancel").search(chat.transcript()[-1])
    _excuse(complaints, "ERR_FAILED")


def test_a_customer_is_served_in_chinese(open_page: OpenPage) -> None:
    chat = Chat(open_page("/shop/zh"), "zh")
    chat.open()
    opening = "茶壶到手就裂了一条缝"
    assert opening not in (SAMPLE / "wordings.zh.json").read_text(encoding="utf-8")
    assert means("ask_order_number", "zh").search(chat.ask(opening))
    assert means("ask_photo", "zh").search(chat.ask(order_number("zh", "delivered")))
    assert means("offer_replacement_or_refund", "zh").search(chat.ask("拍好照片发过去了"))
    assert "可以吗？" in chat.ask("给我换一个新的吧")
    assert means("confirm_replacement", "zh").search(chat.ask("好的，请办理"))
    assert means("anything_else", "zh").search(chat.ask("好的谢谢"))
    assert means("goodbye", "zh").search(chat.ask("没别的事了"))


def test_a_pressed_button_is_what_the_customer_says(chat: Chat) -> None:
    chat.ask("my order")
    offered = chat.log.get_by_role("group", name="Answers to choose from").get_by_role("button")
    expect(offered).not_to_have_count(1)
    chosen = offered.last.inner_text()
    chat.page.reload()
    offered.last.focus()
    chat.page.keyboard.press("Enter")
    expect(chat.box).to_be_focused()
    expect(chat.said.nth(3)).to_be_visible()
    expect(offered).to_have_count(0)
    assert chat.transcript()[2] == f"You: {chosen}"
    assert means("ask_order_number").search(chat.transcript()[3])


def test_a_photo_is_sent_and_there_after_a_reload(chat: Chat) -> None:
    chat.ask("Hi there, the teapot you delivered this morning has a big crack in its side")
    chat.ask(order_number("en", "delivered"))
    pick(chat.page, "crack.png", chat.page.screenshot())
    photo = chat.log.get_by_role("img", name="Photo")
    expect(photo).to_be_visible()
    expect(chat.said.nth(5)).to_be_visible()
    assert chat.transcript()[4] == "You: Here is the photo."
    assert means("offer_replacement_or_refund").search(chat.transcript()[5])
    chat.page.reload()
    expect(photo).to_have_js_property("naturalWidth", 1280)
    chat.page.get_by_role("button", name="New conversation").click()
    expect(photo).to_have_count(0)


def test_a_photo_may_be_the_first_thing_and_is_made_smaller(chat: Chat) -> None:
    chat.page.set_viewport_size({"width": 3000, "height": 500})
    pick(chat.page, "wide.png", chat.page.screenshot())
    photo = chat.log.get_by_role("img", name="Photo")
    expect(photo).to_have_js_property("naturalWidth", 2048)
    expect(chat.said.nth(1)).to_be_visible()


def test_what_is_no_photo_is_not_sent(chat: Chat) -> None:
    pick(chat.page, "crack.png", b"<script>alert(1)</script>")
    expect(chat.page.get_by_role("status").filter(has_text="not a photo")).to_be_visible()
    assert chat.transcript() == []


def test_another_page_of_the_customer_shows_what_is_said_here(chat: Chat) -> None:
    other = Chat(chat.page.context.new_page())
    other.page.goto("/shop")
    chat.page.bring_to_front()
    chat.ask("I'd like to cancel an order.")
    other.page.goto("/shop")
    other.open()
    expect(other.said).to_have_count(2)
    chat.page.bring_to_front()
    chat.box.focus()
    chat.ask(order_number("en", "processing"))
    expect(other.said).to_have_count(4)
    assert other.transcript() == chat.transcript()


def test_impatient_fingers_send_a_message_once_and_two_messages_in_order(chat: Chat) -> None:
    chat.write("Hi there, the teapot you delivered this morning has a big crack in its side")
    chat.page.keyboard.press("Enter")
    chat.write(order_number("en", "delivered"))
    expect(chat.said.nth(3)).to_be_visible()
    chat.page.reload()
    expect(chat.said).to_have_count(4)
    opening, asked, number, answered = chat.transcript()
    assert opening.endswith("a big crack in its side")
    assert means("ask_order_number").search(asked)
    assert number == f"You: {order_number('en', 'delivered')}"
    assert means("ask_photo").search(answered)


def test_a_cut_connection_is_told_and_a_retry_doubles_nothing(chat: Chat, complaints: list[str]) -> None:
    chat.ask("I'd like to cancel an order.")
    before = len(chat.transcript())
    chat.page.context.set_offline(True)
    chat.write(order_number("en", "processing"))
    notice = chat.page.get_by_role("alert")
    expect(notice).to_contain_text("We could not be reached")
    notice.get_by_role("button", name="Try again").click()
    expect(notice).to_contain_text("We could not be reached")

    chat.page.context.set_offline(False)
    notice.get_by_role("button", name="Try again").click()
    expect(chat.said.nth(before + 1)).to_be_visible()
    expect(notice).to_have_count(0)
    expect(chat.box).to_be_focused()
    assert means("ask_confirm_cancel").search(chat.transcript()[-1])
    chat.page.reload()
    expect(chat.said).to_have_count(before + 2)
    chat.box.focus()
    assert means("confirm_cancelled").search(chat.ask("Yes, please"))

    _excuse(complaints, "ERR_INTERNET_DISCONNECTED")


def test_a_message_of_markup_is_shown_as_text(chat: Chat) -> None:
    title = chat.page.title()
    chat.ask(HOSTILE)
    assert chat.transcript()[0] == f"You: {HOSTILE}"
    expect(chat.log.locator("img, script")).to_have_count(0)
    chat.page.reload()
    expect(chat.said.first).to_contain_text(HOSTILE)
    assert chat.page.title() == title


def test_escape_closes_the_panel_and_the_focus_returns(chat: Chat) -> None:
    chat.page.keyboard.press("Escape")
    expect(chat.box).to_be_hidden()
    expect(chat.launcher).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.box).to_be_focused()


def test_a_new_conversation_forgets_the_old_one(chat: Chat) -> None:
    chat.ask("I'd like to cancel an order.")
    chat.page.get_by_role("button", name="New conversation").click()
    expect(chat.said).to_have_count(1)
    assert chat.transcript() == []
    chat.ask("My order still has not come")
    chat.page.reload()
    expect(chat.said).to_have_count(2)


def test_the_panel_fills_a_phone(open_page: OpenPage) -> None:
    chat = Chat(open_page("/shop", PHONE))
    chat.launcher.tap()
    expect(chat.box).to_be_focused()
    panel = chat.page.get_by_role("dialog")
    expect(panel).to_have_css("width", "390px")
    expect(panel).to_have_css("height", "844px")
    expect(panel).to_be_in_viewport(ratio=1)
    assert means("ask_order_number").search(chat.ask("I'd like to cancel an order."))
    assert chat.page.evaluate("document.documentElement.scrollWidth") == 390
    chat.page.get_by_role("button", name="Close the chat").tap()
    expect(chat.box).to_be_hidden()
    expect(chat.launcher).to_be_visible()


@pytest.mark.parametrize("traits", [(), (DARK,), (PHONE,)], ids=["light", "dark", "phone"])
def test_nothing_grave_bars_anyone_from_the_open_chat(
    open_page: OpenPage, grave_faults: GraveFaults, traits: tuple[Mapping[str, Any], ...]
) -> None:
    chat = Chat(open_page("/shop", *traits))
    chat.open()
    chat.ask("I'd like to cancel an order.")
    assert grave_faults(chat.page) == []


def _lose_the_answer(route: Route) -> None:
    """The server takes the message, and its answer never reaches the page."""
    route.fetch()
    route.abort()


def _excuse(complaints: list[str], expected: str) -> None:
    """Take the complaints out that a test brought about on purpose."""
    assert all(expected in complaint for complaint in complaints)
    complaints.clear()
