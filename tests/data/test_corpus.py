"""The after-sale corpus: what is in the repository is what its simulator makes, and it keeps its promises."""

import gzip
import json
import re
import string
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
LANGUAGES = ("en", "zh")
OUTCOMES = {"ok", "not_found", "refused", "failed"}
FIELDS = {"order_number", "date", "amount", "phone", "email", "address", "name", "item"}
SMALL_TALK = {"greet", "ack", "give_up", "ask_how_long", "ask_opening_hours", "ask_invoice"}
MADE = ["after-sale.flow.json", *(f"after-sale.{code}{part}.jsonl.gz" for code in LANGUAGES for part in ("", ".held"))]


def read(name):
    return json.loads((DATA / "after_sale" / name).read_text(encoding="utf-8"))


@cache
def dialogues(name):
    lines = gzip.decompress((DATA / f"after-sale.{name}.jsonl.gz").read_bytes()).decode().splitlines()
    return [json.loads(line) for line in lines]


def flows():
    return {flow["name"]: flow["nodes"] for flow in read("flows.json")}


def customer_actions():
    spoken = {node["action"] for nodes in flows().values() for node in nodes if node["speaker"] == "user"}
    return spoken | SMALL_TALK


def reserved(code):
    return {
        action: texts[3::4] for action, texts in read(f"wordings.{code}.json").items() if action in customer_actions()
    }


def plain(text):
    """As it is compared: without case and end marks, which a casual customer drops."""
    return text.casefold().rstrip(".。!！?？ ")


def as_pattern(wording):
    parts = re.split(r"{\w+}", plain(wording))
    words = ".+?".join(re.escape(part) for part in parts)
    return re.compile(rf"(?:^|(?<=[\s.,!?。，！？])){words}(?=$|[\s.,!?。，！？])")


def test_the_simulator_makes_the_files_of_the_repository(tmp_path):
    subprocess.run([sys.executable, DATA / "simulator.py", "--out", tmp_path], check=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(MADE)
    for name in MADE:
        made, kept = (tmp_path / name).read_bytes(), (DATA / name).read_bytes()
        if name.endswith(".gz"):
            assert gzip.decompress(made) == gzip.decompress(kept), name
        # zlib-ng packs the same text into other bytes.
        if "ng" not in zlib.ZLIB_RUNTIME_VERSION:
            assert made == kept, name


def test_another_seed_makes_other_dialogues(tmp_path):
    options = ["--seed", "7", "--dialogues", "10", "--out", tmp_path]
    subprocess.run([sys.executable, DATA / "simulator.py", *options], check=True)

    lines = gzip.decompress((tmp_path / "after-sale.en.jsonl.gz").read_bytes()).decode().splitlines()
    assert len(lines) == 8
    assert [json.loads(line) for line in lines] != dialogues("en")[:8]


def test_the_packed_files_stay_small():
    assert sum(path.stat().st_size for path in DATA.glob("*.gz")) < 1_000_000


@pytest.mark.parametrize("name", flows())
def test_a_gold_tree_is_well_formed(name):
    nodes = flows()[name]
    by_id = {node["id"]: node for node in nodes}
    parents = {node["parent"] for node in nodes}

    assert len(by_id) == len(nodes)
    assert 15 <= len(nodes) <= 35
    assert [node["action"] for node in nodes if node["parent"] is None] == [f"open_{name}"]
    seen = set()
    for node in nodes:
        assert node["parent"] in seen or node is nodes[0]
        seen.add(node["id"])
        if "jump_to" in node:
            target = by_id[node["jump_to"]]
            assert "jump_to" not in target
            assert (target["speaker"], target["action"]) == (node["speaker"], node["action"])
            assert node["id"] not in parents


@pytest.mark.parametrize("name", flows())
def test_siblings_share_out_their_parent(name):
    for parent in flows()[name]:
        shares = [node.get("share", 1) for node in flows()[name] if node["parent"] == parent["id"]]
        assert not shares or sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("name", flows())
def test_every_call_has_its_typed_outcomes(name):
    calls = read("calls.json")
    for node in flows()[name]:
        if node["speaker"] != "system" or ":" in node["action"] or "jump_to" in node:
            continue
        children = {child["action"] for child in flows()[name] if child["parent"] == node["id"]}
        assert children == {f"{node['action']}:{outcome}" for outcome in calls[node["action"]]["outcomes"]}
        assert set(calls[node["action"]]["outcomes"]) <= OUTCOMES


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_action_has_wordings_with_known_fields(code):
    wordings = read(f"wordings.{code}.json")
    spoken = {node["action"] for nodes in flows().values() for node in nodes if node["speaker"] != "system"}

    assert spoken <= wordings.keys()
    for action, texts in wordings.items():
        fields = [{field for _, field, _, _ in string.Formatter().parse(text) if field} for text in texts]
        assert set().union(*fields) <= FIELDS, action
        assert len({plain(text) for text in texts}) == len(texts), action
        if action in customer_actions():
            assert len(texts) >= (14 if action.startswith("open_") else 10), action
        else:
            assert len(texts) >= 4, action
            assert sum(not found & {"date", "amount", "name"} for found in fields) >= 2, action


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_reserved_wording_is_nobodys_open_wording(code):
    wordings, kept = read(f"wordings.{code}.json"), reserved(code)
    free = {plain(text) for action in kept for place, text in enumerate(wordings[action]) if place % 4 != 3}

    assert not free & {plain(text) for texts in kept.values() for text in texts}


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_reserved_wording_is_mined(code):
    patterns = {action: [as_pattern(text) for text in texts] for action, texts in reserved(code).items()}
    for dialogue in dialogues(code):
        assert dialogue["split"] == "mined"
        for turn in dialogue["turns"]:
            if turn["speaker"] == "user" and turn["action"] is not None:
                hits = [p.pattern for p in patterns[turn["action"]] if p.search(plain(turn["text"]))]
                assert not hits, (dialogue["dialogue_id"], turn["text"])


@pytest.mark.parametrize("code", LANGUAGES)
def test_held_customers_speak_in_reserved_wordings(code):
    patterns = {action: [as_pattern(text) for text in texts] for action, texts in reserved(code).items()}
    turns = [
        turn
        for dialogue in dialogues(f"{code}.held")
        for turn in dialogue["turns"]
        if turn["speaker"] == "user" and turn["action"] is not None
    ]
    known = [any(p.match(plain(turn["text"])) for p in patterns[turn["action"]]) for turn in turns]

    # What is left is mistyped.
    assert sum(known) / len(turns) > 0.9
    assert {dialogue["split"] for dialogue in dialogues(f"{code}.held")} == {"held"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_mined_part_passes_every_action_and_outcome_of_every_tree(code):
    for name, nodes in flows().items():
        turns = [turn for d in dialogues(code) if d["need"] == name for turn in d["turns"]]
        passed = {turn["action"] for turn in turns}
        passed |= {f"{turn['action']}:{turn['result']['outcome']}" for turn in turns if turn["speaker"] == "system"}
        assert {node["action"] for node in nodes} <= passed, name


@pytest.mark.parametrize("name", ["en", "en.held", "zh", "zh.held"])
def test_a_line_has_the_documented_form(name):
    keys = {"dialogue_id", "need", "outcome", "satisfaction", "started_at", "split", "turns"}
    assert len({dialogue["dialogue_id"] for dialogue in dialogues(name)}) == len(dialogues(name))
    for dialogue in dialogues(name):
        assert dialogue.keys() == keys
        assert dialogue["outcome"] in {"resolved", "unresolved", "handed_off"}
        assert dialogue["satisfaction"] in {None, 1, 2, 3, 4, 5}
        for turn in dialogue["turns"]:
            assert turn["text"]
            assert not re.search(r"{\w+}", turn["text"]) or turn["speaker"] == "system"
            if turn["speaker"] == "system":
                assert json.loads(turn["text"])
                assert turn["result"]["outcome"] in OUTCOMES


def test_the_order_book_answers_every_call():
    calls, book = read("calls.json"), read("orders.json")

    for number, order in book.items():
        assert re.fullmatch(r"TF-\d{8}", number)
        assert order["answers"].keys() == calls.keys()
        for call, answer in order["answers"].items():
            typed = calls[call]["outcomes"][answer["outcome"]]
            assert answer.get("reason") == typed.get("reason")
            assert answer.keys() - {"outcome", "reason"} == set(typed["facts"])


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_order_book_shows_every_outcome_that_a_known_order_can_have(code):
    orders = [order for order in read("orders.json").values() if order["language"] == code]
    for call, spec in read("calls.json").items():
        assert {order["answers"][call]["outcome"] for order in orders} == spec["outcomes"].keys() - {"not_found"}


def test_the_readme_counts_what_is_there():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for name in ("en", "en.held", "zh", "zh.held"):
        counts = dict.fromkeys(("user", "agent", "system"), 0)
        for dialogue in dialogues(name):
            for turn in dialogue["turns"]:
                counts[turn["speaker"]] += 1
        figures = " | ".join(f"{count:,}" for count in (len(dialogues(name)), *counts.values()))
        assert f"| `after-sale.{name}.jsonl.gz` | {figures} |" in readme
