"""The contract that outside scripts rely on: the subcommands, their JSON and their exit codes."""

from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RETURNS = ["I want to return a jacket", "Can I send this back?", "I'd like to return my order", "return please"]
LATE = ["Where is my parcel?", "My package has not arrived", "the delivery is late", "parcel still not here"]


def talk(number: int) -> dict:
    """One of two needs, with a call and a branch."""
    chance = random.Random(number)  # noqa: S311 - a repeatable choice
    yes = chance.random() < 0.5
    if number % 2:
        turns = [
            ("user", chance.choice(RETURNS)),
            ("agent", "Is it still unused?"),
            ("user", "yes it is" if yes else "no it is not"),
            ("agent", "Here is your return label." if yes else "I am sorry, used items cannot be returned."),
            ("user", "thanks"),
        ]
    else:
        turns = [
            ("user", chance.choice(LATE)),
            ("agent", "What is your order number?"),
            ("user", f"TF-{chance.randrange(10**7, 10**8)}"),
            ("system", "{}", "track", {"outcome": "ok" if yes else "not_found"}),
            ("agent", "It is on its way." if yes else "I cannot find that order."),
            ("user", "thanks"),
            ("user", ""),
        ]
    keys = ("speaker", "text", "action", "result")
    return {"dialogue_id": f"d-{number}", "turns": [dict(zip(keys, turn, strict=False)) for turn in turns]}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(talk(number)) + "\n" for number in range(60)), encoding="utf-8")
    return path


def test_the_whole_way_on_either_database(cli, database_url, log, tmp_path):
    def run(*arguments: str, stdin: str = "") -> str:
        done = cli(*arguments, database=database_url, stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    turns = sum(len(talk(number)["turns"]) for number in range(60))
    first = json.loads(run("import", str(log), "--corpus", "c", "--json"))
    assert first == {"dialogues": 60, "utterances": turns, "refused": 0, "refusals": []}
    again = json.loads(run("import", str(log), "--corpus", "c", "--json"))
    assert again == {"dialogues": 0, "utterances": 0, "refused": 0, "refusals": []}

    mined = json.loads(run("mine", "c", "--assistant", "a", "--json"))
    costs = {"seconds", "stage_seconds", "peak_megabytes"}
    assert mined.keys() == {"run", "assistant", "actions", "flows", "utterances", "assigned"} | costs
    assert (mined["assistant"], mined["flows"], mined["utterances"]) == ("a", 2, turns)

    rows = [json.loads(line) for line in run("assignments", "c").splitlines()]
    expected = [(f"d-{n}", place) for n in range(60) for place in range(len(talk(n)["turns"]))]
    assert [(row["dialogue_id"], row["turn"]) for row in rows] == expected
    assert all(row.keys() == {"dialogue_id", "turn", "speaker", "action_id", "action", "also"} for row in rows)
    assert sum(row["action_id"] is not None for row in rows) == mined["assigned"] == turns - 30

    flows = json.loads(run("flows", "a", "--json"))
    assert [flow.keys() for flow in flows] == [{"name", "nodes", "support"}] * 2
    tree = json.loads(run("export", "a", "--flow", flows[0]["name"], "--format", "json"))
    assert (tree["assistant"], tree["version"], len(tree["flows"])) == ("a", None, 1)
    keys = "id parent speaker action_id action support probability jump_to responses evidence status outcomes"
    assert all(node.keys() == set(keys.split()) for node in tree["flows"][0]["nodes"])
    for other in ("mermaid", "graphml", "dot"):
        assert run("export", "a", "--format", other).strip()

    published = json.loads(run("publish", "a", "--json"))
    assert (published["assistant"], published["version"]) == ("a", 1)
    assert 0 < published["calibration"]["accept"] < 1
    assert json.loads(run("publish", "a", "--json"))["version"] == 2
    assert json.loads(run("export", "a", "--version", "1"))["version"] == 1

    messages = "Can I send this back?\nyes it is\n"
    replies = [json.loads(line) for line in run("chat", "a", "--json", stdin=messages).splitlines()]
    assert [reply["text"] for reply in replies] == ["Is it still unused?", "Here is your return label."]
    assert replies[1].keys() == {"text", "flow", "node", "action", "evidence", "handoff"}
    assert replies[1]["evidence"][0].keys() == {"dialogue_id", "turn"}

    predictions = tmp_path / "predictions.jsonl"
    figures = json.loads(run("replay", "a", "--corpus", "c", "--predictions", str(predictions), "--json"))
    told = [json.loads(line) for line in predictions.read_text(encoding="utf-8").splitlines()]
    agents = [(row["dialogue_id"], row["turn"]) for row in rows if row["speaker"] == "agent"]
    assert [(row["dialogue_id"], row["turn"]) for row in told] == agents
    known = {row["action_id"] for row in rows if row["speaker"] == "agent"}
    assert all(row["predicted"] and set(row["predicted"]) <= known for row in told)
    assert figures["agent_turns"] == len(told)


def test_a_prediction_depends_on_the_turns_before_it_alone(cli, log, tmp_path):
    database = f"sqlite:///{tmp_path / 'x.db'}"
    cli("import", str(log), "--corpus", "c", database=database)
    cli("mine", "c", database=database)
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    talks = [talk(number) for number in range(60, 70)]
    for path, kept in ((whole, 9), (cut, 3)):
        lines = [json.dumps(t | {"turns": t["turns"][:kept]}) for t in talks]
        path.write_text("\n".join(lines), encoding="utf-8")
        cli("import", str(path), "--corpus", path.stem, database=database)
        out = str(tmp_path / f"{path.stem}.out")
        done = cli("replay", "c", "--corpus", path.stem, "--predictions", out, database=database)
        assert done.returncode == 0, done.stderr
    first = [json.loads(line) for line in (tmp_path / "cut.out").read_text().splitlines()]
    full = [json.loads(line) for line in (tmp_path / "whole.out").read_text().splitlines()]
    assert first == [row for row in full if row["turn"] < 3]


BAD = {
    "no JSON": (b'{"dialogue_id": "x", \n', "JSON"),
    "no turns": (b'{"dialogue_id": "x", "turns": []}\n', "turns"),
    "an unknown speaker": (b'{"dialogue_id": "x", "turns": [{"speaker": "robot", "text": "hi"}]}\n', "--speaker"),
    "an utterance of 5 MB": (
        b'{"dialogue_id": "x", "turns": [{"speaker": "user", "text": "' + b"a" * 5_000_000 + b'"}]}\n',
        "5,000,000",
    ),
    "another encoding": (
        '{"dialogue_id": "x", "turns": [{"speaker": "user", "text": "你好世界"}]}\n'.encode("gb18030"),
        "UTF-8",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_line_is_told_and_the_good_ones_go_in(cli, tmp_path, kind):
    bad, told = BAD[kind]
    good = json.dumps({"dialogue_id": "g", "turns": [{"speaker": "user", "text": "你好"}]}, ensure_ascii=False).encode()
    path = tmp_path / "log.jsonl"
    path.write_bytes(good + b"\n" + bad)
    done = cli("import", str(path), "--corpus", "c", "--json", database=f"sqlite:///{tmp_path / 'x.db'}")
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["dialogues"], summary["refused"]) == (0, 1, 1)
    assert summary["refusals"][0]["line"] == 2
    assert told in summary["refusals"][0]["reason"]
    assert f"{path}, line 2: " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_id_with_other_content_is_refused_and_the_first_stays(cli, tmp_path):
    path = tmp_path / "log.jsonl"
    lines = [{"dialogue_id": "x", "turns": [{"speaker": "user", "text": text}]} for text in ("one", "two", "one")]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = cli("import", str(path), "--corpus", "c", "--json", database=f"sqlite:///{tmp_path / 'x.db'}")
    summary = json.loads(done.stdout)
    assert (summary["dialogues"], summary["refused"], summary["refusals"][0]["line"]) == (1, 1, 2)
    assert "already with other content" in summary["refusals"][0]["reason"]


def test_a_truncated_gzip_gives_what_was_readable(cli, log, tmp_path):
    path = tmp_path / "log.jsonl.gz"
    packed = gzip.compress(b"".join(json.dumps(talk(n)).encode() + b"\n" for n in range(5_000)))
    path.write_bytes(packed[: len(packed) // 2])
    done = cli("import", str(path), "--corpus", "c", "--json", database=f"sqlite:///{tmp_path / 'x.db'}")
    summary = json.loads(done.stdout)
    assert done.returncode == 0
    assert summary["dialogues"] > 1_000
    assert "gzip" in summary["refusals"][-1]["reason"]


def test_a_killed_import_goes_on(cli, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(talk(number)) + "\n" for number in range(6_000)), encoding="utf-8")
    database = f"sqlite:///{tmp_path / 'x.db'}"
    command = [sys.executable, "-c", "from taskflow.cli import main; main()"]
    arguments = ["import", str(path), "--corpus", "c", "--database", database]
    with subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, cwd=tmp_path) as started:
        assert started.stderr is not None
        started.stderr.readline()  # the first batch is in
        started.send_signal(signal.SIGKILL)
    done = cli("import", str(path), "--corpus", "c", "--json", database=database)
    assert 0 < json.loads(done.stdout)["dialogues"] < 6_000
    again = cli("import", str(path), "--corpus", "c", "--json", database=database)
    assert json.loads(again.stdout)["dialogues"] == 0
    assert len(cli("flows", "c", database=database).stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["mine", "nothing"], "no corpus is called 'nothing'"),
        (["assignments", "nothing"], "no corpus is called 'nothing'"),
        (["flows", "nobody"], "no assistant is called 'nobody'"),
        (["publish", "nobody"], "no assistant is called 'nobody'"),
        (["chat", "nobody"], "no assistant is called 'nobody'"),
        (["replay", "nobody", "--corpus", "c"], "no assistant is called 'nobody'"),
        (["export", "nobody"], "no assistant is called 'nobody'"),
        (["import", "missing.jsonl", "--corpus", "c"], "missing.jsonl"),
        (["mine", "c", "--config", "missing.toml"], "missing.toml"),
        (["import", "x", "--corpus", "a/b"], "cannot be a name"),
        (["flows", "a", "--database", "mysql://x"], "sqlite:///FILE"),
        (["flows", "a", "--database", "sqlite:////nowhere/x.db"], "cannot be opened"),
    ],
)
def test_what_is_not_there_is_told_in_one_sentence(cli, tmp_path, arguments, told):
    done = cli(*arguments, database=f"sqlite:///{tmp_path / 'x.db'}")
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("number", [0, 1])
def test_a_corpus_too_small_to_mine_says_so(cli, tmp_path, number):
    database = f"sqlite:///{tmp_path / 'x.db'}"
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(talk(n)) + "\n" for n in range(number)) or "not json\n", encoding="utf-8")
    cli("import", str(path), "--corpus", "c", database=database)
    done = cli("mine", "c", database=database)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_single_utterances_mine_to_actions_and_a_note(cli, tmp_path):
    path = tmp_path / "questions.csv"
    rows = "\n".join(f"q-{n},customer,{text}" for n, text in enumerate([*RETURNS, *LATE]))
    path.write_text(f"conversation_id,sender,message\n{rows}\n", encoding="utf-8")
    database = f"sqlite:///{tmp_path / 'x.db'}"
    assert cli("import", str(path), "--corpus", "q", database=database).returncode == 0
    done = cli("mine", "q", "--json", database=database)
    mined = json.loads(done.stdout)
    assert (done.returncode, mined["flows"]) == (0, 0)
    assert mined["actions"] > 0
    assert mined["note"]


def test_a_worker_mines_what_the_pages_ask_for(cli, log, tmp_path):
    from taskflow.store import open_database
    from taskflow.store.jobs import enqueue, list_jobs

    url = f"sqlite:///{tmp_path / 'x.db'}"
    cli("import", str(log), "--corpus", "c", database=url)
    database = open_database(url)
    good, bad = enqueue(database, "c", "a"), enqueue(database, "missing", "b")
    assert cli("worker", "--until-empty", database=url).returncode == 0
    jobs = {job.id: job for job in list_jobs(database)}
    assert jobs[good].status == "done"
    assert (jobs[bad].status, "no corpus" in (jobs[bad].error or "")) == ("failed", True)
    database.close()
    assert json.loads(cli("flows", "a", "--json", database=url).stdout)


def test_every_command_has_help_with_an_example(cli, tmp_path):
    from taskflow.cli import cli as group

    names = group.list_commands(None)
    assert {"import", "mine", "assignments", "flows", "export", "publish", "chat", "replay", "serve"} <= set(names)
    assert {"worker", "db", "demo"} <= set(names)
    for name in names:
        command = group.get_command(None, name)
        for part in getattr(command, "commands", {name: command}).values():
            assert "Example" in (part.help or ""), f"{name}: no example"
