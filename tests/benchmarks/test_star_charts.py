"""STAR's charts compiled and replayed, on a few dialogues of the same form that are made here."""

from __future__ import annotations

import gzip
import json

import pytest
from click.testing import CliRunner

from benchmarks.star_charts import METHODS, star_charts
from benchmarks.star_dialogues import drawn

RESULT = {"Message": "The parcel comes tomorrow."}
LOST = {"Message": "Sorry, the parcel was not found."}


def spoken(key, text):
    return {"id": key, "kind": "agent", "text": text}


CHARTS = {
    "parcel": {
        "start": "hello",
        "nodes": [
            spoken("hello", "Hello!"),
            spoken("ask_number", "Which parcel?"),
            spoken("tell_day", "It comes tomorrow."),
            spoken("tell_lost", "I cannot find it."),
            spoken("bye", "Goodbye."),
            {"id": "query", "kind": "query", "text": "Query"},
            {"id": "found", "kind": "condition", "text": "Found"},
            {"id": "lost", "kind": "condition", "text": "Lost"},
        ],
        "edges": [
            {"from": one, "to": other}
            for one, other in [
                ("hello", "ask_number"),
                ("ask_number", "query"),
                ("query", "found"),
                ("query", "lost"),
                ("found", "tell_day"),
                ("lost", "tell_lost"),
                ("tell_day", "bye"),
            ]
        ],
    },
    "hours": {
        "start": "hello",
        "nodes": [spoken("hello", "Hello!"), spoken("tell_hours", "From nine to five."), spoken("bye", "Goodbye.")],
        "edges": [{"from": "hello", "to": "tell_hours"}, {"from": "tell_hours", "to": "bye"}],
    },
}


def dialogue(number, task, *turns):
    texts = {node["id"]: node["text"] for node in CHARTS[task]["nodes"]}
    said = []
    for turn in turns:
        match turn:
            case ("agent", label):
                said.append({"speaker": "agent", "text": texts.get(label, "Well."), "action": label})
            case ("query", result):
                said.append({"speaker": "system", "text": task, "action": "query", "result": result})
            case text:
                said.append({"speaker": "user", "text": text, "action": None})
    return {"dialogue_id": f"d{number}", "domain": task, "multi_task": False, "happy": True, "turns": said}


def made(number):
    """Customers who give the number at once are not asked for it, which no chart draws."""
    match number % 4:
        case 0:
            asked = ("where is my parcel", ("agent", "ask_number"), "it is TF-123456", ("query", RESULT))
            return dialogue(number, "parcel", "hi", ("agent", "hello"), *asked, ("agent", "tell_day"), ("agent", "bye"))
        case 1:
            told = ("my parcel TF-123456 is late", ("query", RESULT), ("agent", "tell_day"), ("agent", "bye"))
            return dialogue(number, "parcel", "hi", ("agent", "hello"), *told)
        case 2:
            told = ("my parcel TF-999999 is late", ("query", LOST), ("agent", "tell_lost"), "oh", ("agent", "custom"))
            return dialogue(number, "parcel", "hi", ("agent", "hello"), *told)
        case _:
            told = ("when are you open", ("agent", "tell_hours"), "thanks", ("agent", "bye"))
            return dialogue(number, "hours", "hello", ("agent", "hello"), *told)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "star.flow.json").write_text(json.dumps(CHARTS), encoding="utf-8")
    with gzip.open(tmp_path / "star.jsonl.gz", "wt", encoding="utf-8") as lines:
        for number in range(60):
            lines.write(json.dumps(made(number)) + "\n")
        unhappy = made(0) | {"dialogue_id": "sad", "happy": False}
        lines.write(json.dumps(unhappy) + "\n")
    return tmp_path


def run(folder, *arguments):
    vectors = ("--vectors", str(folder / "vectors.db"))
    return CliRunner(env={"TASKFLOW_BENCHMARK_DATA": None}).invoke(star_charts, [*vectors, *arguments])


def test_every_method_foretells_the_same_turns(folder):
    finished = run(folder, "--data", str(folder), "--json", str(folder / "out.json"))
    assert finished.exit_code == 0, finished.output
    rows = {row["method"]: row for row in json.loads((folder / "out.json").read_text(encoding="utf-8"))}
    assert list(rows) == list(METHODS)
    assert len({row[key] for row in rows.values() for key in ("turns", "given_turns")}) == 1
    for row in rows.values():
        assert 0 <= row["hit_1"] <= row["hit_3"] <= 1
        assert 0 <= row["given_hit_1"] <= row["given_hit_3"] <= 1
    whole = rows["chart and ways of the training part, replayed"]
    assert whole["hit_1"] == whole["given_hit_1"] == 1.0
    assert rows["strict walk of the chart"]["hit_1"] < rows["walk that begins again anywhere"]["hit_1"] < 1
    assert rows["chart as drawn, replayed"]["hit_1"] > rows["strict walk of the chart"]["hit_1"]
    assert "42 dialogues to learn from, 18 held; seed 0." in finished.output
    assert "May be published: star." in finished.output


def test_what_is_drawn_next_passes_calls_and_conditions():
    assert drawn(CHARTS["parcel"]) == {
        "[begin]": {"hello"},
        "hello": {"ask_number"},
        "ask_number": {"tell_day", "tell_lost"},
        "tell_day": {"bye"},
        "tell_lost": set(),
        "bye": set(),
    }


def test_without_the_set_one_sentence_says_so(folder):
    finished = run(folder)
    assert finished.exit_code == 1
    assert "the set 'star' is not part of the project" in finished.output
    assert "no method is called 'magic'" in run(folder, "--methods", "magic").output
