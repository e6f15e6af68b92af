"""Names and descriptions of actions: whole phrases of the dialogues, one of a kind, and nobody's name in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.description import describe, language_of, typical_phrases
from mining.discretion import Discretion
from mining.distinctive import Distinctive, sentences, words
from mining.naming import LONGEST, name_actions, width
from taskflow.model import ActionId, DialogueAction, Exemplar, Speaker

ENGLISH = {
    "number": {
        "I'll check for you. Do you have the order number handy?": 9,
        "May I have the order number? It starts with TF.": 8,
        "Could you send me your order number, please?": 3,
    },
    "bye": {"Glad I could help. Goodbye!": 8, "Have a great rest of your day. Goodbye!": 7},
    "refund": {
        "The refund for [order_number] is booked, please allow three to five business days for it to appear.": 5,
        "The refund for [order_number] is booked, and you will get a confirmation by email within a few minutes.": 4,
    },
}
CHINESE = {
    "number": {"好的，是哪个订单呢？订单号发我一下。": 9, "麻烦提供一下订单号。": 5, "订单号是多少？": 4},
    "bye": {"感谢您的咨询，再见！": 6, "祝您生活愉快，再见！": 5},
    "photo": {"很抱歉给您带来不便，方便拍张照片发过来吗？": 6, "请发一张照片给我。": 4},
}


def agent(key: str, said: Mapping[str, int], speaker: Speaker = Speaker.AGENT) -> DialogueAction:
    exemplars = tuple(Exemplar(text, count) for text, count in said.items())
    return DialogueAction(ActionId(key), speaker, exemplars[0].text, exemplars, sum(said.values()))


def named(groups: Mapping[str, Mapping[str, int]], discretion: Discretion | None = None) -> dict[str, DialogueAction]:
    actions = [agent(key, said) for key, said in groups.items()]
    sizes = {action.id: len(action.exemplars) for action in actions}
    return {action.id: action for action in name_actions(actions, sizes, discretion or Discretion(()))}


def test_a_name_is_the_telling_sentence_and_not_the_pleasantry_before_it():
    found = named(ENGLISH)
    assert "order number" in found["number"].name
    assert "oodbye" in found["bye"].name or "help" in found["bye"].name
    assert found["refund"].name == "The refund for [order_number] is booked"


def test_chinese_is_named_by_the_same_rules():
    found = named(CHINESE)
    assert "订单号" in found["number"].name
    assert "再见" in found["bye"].name
    assert "照片" in found["photo"].name
    assert all(width(action.name) <= LONGEST for action in found.values())


def test_a_description_says_how_often_and_how_it_is_said_in_the_language_of_the_dialogues():
    english, chinese = named(ENGLISH)["number"].description, named(CHINESE)["number"].description
    assert english.startswith("Said 20 times in 3 wordings.")
    assert "“order number”" in english
    assert "Also said: “" in english
    assert chinese.startswith("说过 18 次，共 3 种说法。")
    assert "“订单号”" in chinese


def test_calls_keep_their_names():
    call = agent("s", {"track_parcel: ok": 7}, Speaker.SYSTEM)
    (kept,) = name_actions([call], {call.id: 1}, Discretion([["track_parcel: ok"]] * 40))
    assert (kept.name, kept.description) == ("track_parcel: ok", "Logged 7 times.")


THANKS = {"Thanks, Ivan, that was quick!": 1, "Thanks a lot, that helped!": 1}


def corpus(*rare: str) -> Discretion:
    common = ["Thanks a lot, that helped!", "that was quick", "where is the parcel", "谢谢你的帮助", "我叫"]
    return Discretion([[*common, rare[turn]] if turn < len(rare) else common for turn in range(40)])


def test_a_name_that_masking_missed_is_in_no_name():
    groups = {"thanks": THANKS, "late": {"where is the parcel": 9}}
    found = named(groups, corpus("Thanks, Ivan, that was quick!"))["thanks"]
    assert found.name == "Thanks a lot, that helped!"
    assert "Ivan" not in found.name + found.description


def test_where_no_wording_is_safe_the_rare_words_are_left_out():
    text = "Thanks, Ivan, that was quick!"
    assert named({"thanks": {text: 1}}, corpus(text))["thanks"].name == "Thanks, …, that was quick!"
    assert named({"name": {"Ivan Petrov": 1}}, corpus("Ivan Petrov"))["name"].name == "seldom said"
    told = named({"name": {"谢谢你的帮助，李伟": 1}}, corpus("谢谢你的帮助，李伟"))["name"]
    assert told.name == "谢谢你的帮助，…"


def test_a_small_corpus_is_named_in_its_own_words():
    few = Discretion([["Where is my parcel?", "It is on its way."]] * 2)
    assert named({"late": {"Where is my parcel?": 2}}, few)["late"].name == "Where is my parcel?"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ask for Dr. Ivan now", "Ask for Dr. … now"),
        ("我叫李伟", "我…"),
        ("", ""),
        ("[order_number] for Ivan", "[order_number] for …"),
    ],
)
def test_rare_words_are_hidden(text, shown):
    common = [["Ask for Dr. now", "[order_number]", "我叫"]] * 30
    assert Discretion([*common, [text]]).hide(text) == shown


def test_a_sentence_does_not_end_after_a_title():
    assert sentences("Dr. Morgan is available. Can I book it?") == ("Dr. Morgan is available.", "Can I book it?")
    assert sentences("好的。是哪个订单呢？发我一下") == ("好的。", "是哪个订单呢？", "发我一下")


def test_typical_phrases_end_where_the_wordings_part():
    action = agent("n", {"please send the order number now": 1, "which order number is it": 1, "the order number?": 1})
    other = agent("o", {"please send it now": 3, "which is it": 3, "the parcel": 3})
    assert next(typical_phrases(action, Distinctive([action, other]))) == "order number"


wordings = st.one_of(
    st.text(st.sampled_from("abc .?!,…—你好吗。，\n\t'[]1"), max_size=90),
    st.lists(st.sampled_from(["refund", "Ivan", "please", "订单号", "[order_number]", "."]), max_size=30).map(" ".join),
)


@st.composite
def groups(draw) -> list[DialogueAction]:
    spoken = draw(st.lists(wordings.filter(str.strip), unique=True, min_size=1, max_size=12))
    owners = draw(st.lists(st.integers(0, 4), min_size=len(spoken), max_size=len(spoken)))
    found = []
    for owner in sorted(set(owners)):
        texts = [text for text, other in zip(spoken, owners, strict=True) if other == owner]
        speaker = draw(st.sampled_from([Speaker.USER, Speaker.AGENT]))
        found.append(agent(f"a{owner}", {text: draw(st.integers(1, 9)) for text in texts}, speaker))
    return found


def rare(text: str, dialogues: Sequence[Sequence[str]]) -> set[tuple[str, ...]]:
    said = [frozenset().union(*map(words, texts)) for texts in dialogues]
    return {word for word in words(text) if 0 < sum(word in heard for heard in said) < 3}


@settings(max_examples=150, deadline=None)
@given(groups(), st.randoms())
def test_names_are_short_unique_safe_and_the_same_each_time(actions, random):
    texts = [said.text for action in actions for said in action.exemplars]
    dialogues = [random.sample(texts, random.randint(0, len(texts))) for _ in range(32)]
    sizes = {action.id: len(action.exemplars) for action in actions}
    found = name_actions(actions, sizes, Discretion(dialogues))
    shuffled = random.sample(actions, len(actions))
    assert found == name_actions(shuffled, sizes, Discretion(reversed(dialogues)))
    assert {action.id for action in found} == sizes.keys()
    assert len({(action.speaker, action.name) for action in found}) == len(found)
    for action in found:
        assert action.name == action.name.strip() != ""
        assert width(action.name) <= LONGEST + len("… (12)")
        assert not rare(action.name, dialogues)
        assert not rare(action.description, dialogues)


@settings(max_examples=60, deadline=None)
@given(groups())
def test_every_action_can_be_described(actions):
    distinctive = Distinctive(actions)
    for action in actions:
        told = describe(action, len(action.exemplars), distinctive, Discretion(()), language_of(actions))
        assert told.startswith(("Said ", "说过"))
