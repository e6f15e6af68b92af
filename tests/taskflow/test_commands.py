"""The `taskflow` command as scripts and people meet it: JSON alone on stdout, one sentence where it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from importlib.metadata import entry_points

import pytest
from sqlalchemy import text

from taskflow.cli import GROUP
from taskflow.store import open_database
from taskflow.store.assistants import load_draft, save_mined


@pytest.fixture
def mined(tmp_path, assistant):
    """The address of a database that holds the assistant."""
    return filled(f"sqlite:///{tmp_path / 'taskflow.db'}", assistant)


def filled(url, assistant):
    with closing(open_database(url)) as database, database.write() as session:
        save_mined(session, assistant, "use-multilingual-v3")
    return url


def told(finished):
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def sentence(finished, code=1):
    """The one line that a refused command says."""
    assert (finished.returncode, finished.stdout) == (code, "")
    assert finished.stderr.count("\n") == 1
    return finished.stderr


def test_flows_and_versions_are_told_as_json(cli, database_url, assistant):
    mined = filled(database_url, assistant)
    assert told(cli("flows", "support", "--json", database=mined)) == [
        {"name": "damaged item", "nodes": 12, "support": 20},
        {"name": "late parcel", "nodes": 5, "support": 10},
    ]
    edit = '{"edit": "rename_flow", "flow_id": "late", "name": "迟到的包裹"}\n\n'
    published = told(cli("publish", "support", "--json", database=mined))
    assert (published["assistant"], published["version"], published["share"]) == ("support", 1, 1.0)
    assert 0 <= published["calibration"]["coverage"] <= 1
    assert told(cli("edit", "support", "-", "--json", database=mined, stdin=edit)) == {
        "assistant": "support",
        "applied": 1,
    }
    draft = told(cli("export", "support", database=mined))
    first = told(cli("export", "support", "--version", "1", database=mined))
    assert (draft["version"], first["version"]) == (None, 1)
    assert [flow["name"] for flow in draft["flows"]] == ["damaged item", "迟到的包裹"]
    assert [flow["name"] for flow in first["flows"]] == ["damaged item", "late parcel"]


@pytest.mark.parametrize(
    ("format_", "start"), [("mermaid", "flowchart TD\n"), ("dot", "digraph "), ("graphml", "<?xml "), ("json", "{")]
)
def test_every_format_is_exported(cli, mined, format_, start):
    finished = cli("export", "support", "--flow", "late parcel", "--format", format_, database=mined)
    assert finished.returncode == 0
    assert finished.stdout.startswith(start)
    assert "damaged item" not in finished.stdout


def test_without_json_people_are_told(cli, mined):
    assert "20 dialogues     12 nodes  damaged item" in cli("flows", "support", database=mined).stdout
    published, expected = cli("publish", "support", database=mined).stdout.splitlines()
    assert published == "support is published as version 1"
    assert expected.startswith("of new wordings it will act on ")
    assert cli("db", "check", database=mined).stdout == "the schema is as it should be\n"


def test_edits_stop_at_the_first_that_does_not_fit(cli, mined):
    lines = ['{"edit": "rename_flow", "flow_id": "late", "name": "kept"}', '{"edit": "explode"}', "{}"]
    finished = cli("edit", "support", "-", database=mined, stdin="\n".join(lines))
    assert "line 2: no edit is called 'explode'" in sentence(finished)
    assert "the 1 before it are kept" in finished.stderr
    with closing(open_database(mined)) as database:
        assert load_draft(database, "support").assistant.flow_by_id["late"].name == "kept"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{'edit'}\n", "line 1: no JSON in UTF-8: write one edit a line"),
        (b"[" * 100_000, "line 1: no JSON"),
        (b'{"edit": ' + b"9" * 5000 + b"}", "line 1: no JSON"),
        (b"[1, 2]\n", "line 1: an edit is an object such as"),
        ("改名\n".encode("gb18030"), "line 1: no JSON in UTF-8"),
    ],
)
def test_a_file_that_holds_no_edits_is_told_with_its_line(cli, mined, tmp_path, content, words):
    (tmp_path / "edits.jsonl").write_bytes(content)
    finished = cli("edit", "support", "edits.jsonl", database=mined)
    assert words in sentence(finished)
    assert finished.stderr.startswith("taskflow: edits.jsonl")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["flows", "suport"], "no assistant is called 'suport' (there are: support)"),
        (["export", "support", "--flow", "retours"], "has no TaskFlow 'retours': list them with 'taskflow flows"),
        (["export", "support", "--version", "3"], "is not published yet: run 'taskflow publish support'"),
        (["publish", "suport"], "no assistant is called 'suport'"),
        (["assignments", "logs"], "no corpus is called 'logs' (there are: none yet): import one"),
        (["mine", "logs"], "no corpus is called 'logs'"),
        (["replay", "support", "--corpus", "logs"], "no corpus is called 'logs'"),
        (["import", "not-there.jsonl", "--corpus", "logs"], "not-there.jsonl"),
        (["import", "not-there.jsonl", "--corpus", "a/b"], "'a/b' cannot be a name"),
        (["flows", "support", "--config", "not-there.toml"], "not-there.toml: cannot be read"),
    ],
)
def test_what_is_not_there_is_one_sentence(cli, mined, arguments, words):
    assert words in sentence(cli(*arguments, database=mined))


def test_a_database_that_cannot_be_used_is_one_sentence(cli, tmp_path):
    (tmp_path / "letter.db").write_text("Dear customer, " * 100)
    for url in ("mysql://me:secret@host/db", f"sqlite:///{tmp_path}/not/there.db", f"sqlite:///{tmp_path}/letter.db"):
        assert "secret" not in sentence(cli("flows", "support", database=url))


def test_a_schema_of_another_version_is_one_sentence(cli, mined):
    with closing(open_database(mined)) as database, database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "holds schema version 9999" in sentence(cli("flows", "support", database=mined))
    assert "use the TaskFlow that made it" in sentence(cli("db", "upgrade", database=mined))


def test_db_upgrade_makes_the_schema_and_db_check_finds_what_differs(cli, database_url):
    head = told(cli("db", "upgrade", "--json", database=database_url))["after"]
    assert told(cli("db", "upgrade", "--json", database=database_url)) == {"before": head, "after": head}
    assert told(cli("db", "check", "--json", database=database_url)) == {"differences": []}
    with closing(open_database(database_url)) as database, database.write() as session:
        session.execute(text("ALTER TABLE corpora ADD COLUMN extra TEXT"))
    finished = cli("db", "check", database=database_url)
    assert "the schema differs in 1 places" in sentence(finished)


def test_the_configuration_file_here_names_the_database(tmp_path, assistant):
    filled(f"sqlite:///{tmp_path}/mine.db", assistant)
    (tmp_path / "taskflow.toml").write_text('[database]\nurl = "sqlite:///mine.db"\n')
    command = [sys.executable, "-c", "from taskflow.cli import main; main()", "flows", "support", "--json"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert len(json.loads(finished.stdout)) == 2


def test_a_reader_that_goes_away_is_no_error(mined):
    command = [sys.executable, "-c", "from taskflow.cli import main; main()"]
    with subprocess.Popen(
        [*command, "export", "support", "--database", mined], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_usage_that_is_wrong_says_what_there_is(cli, mined):
    finished = cli("export", "support", "--format", "png", database=mined)
    assert finished.returncode == 2
    assert "'json', 'mermaid', 'graphml', 'dot'" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert cli("no-such-command", database=mined).returncode == 2


def test_the_help_lists_every_command(cli):
    names = {entry.name for entry in entry_points(group=GROUP)}
    assert names >= {"import", "mine", "assignments", "flows", "export", "publish", "replay", "worker", "db"}
    listed = cli("--help", database="").stdout
    assert all(f"\n  {name} " in listed for name in names)


@pytest.mark.parametrize("command", entry_points(group=GROUP), ids=lambda entry: entry.name)
def test_the_help_of_a_command_shows_an_example(command):
    loaded = command.load()
    for name, shown in getattr(loaded, "commands", {command.name: loaded}).items():
        assert f"taskflow {command.name}" in shown.help or f"{command.name} {name}" in shown.help
        assert "Example" in shown.help
