"""Opening, refusing and migrating a database, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from subprocess import PIPE

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url, text

from taskflow.model import DialogueAction, FlowNode, Speaker, TaskFlow
from taskflow.store import DatabaseError, open_database, upgrade_database
from taskflow.store import database as database_module
from taskflow.store.assistants import load_draft, load_log
from taskflow.store.corpora import summarise
from taskflow.store.database import schema_differences
from taskflow.store.schema import Base

MIGRATIONS = Path(database_module.__file__).parent / "migrations"
HEAD = ScriptDirectory(str(MIGRATIONS)).get_current_head()
NEXT = '''"""one column more"""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
    op.add_column("corpora", sa.Column("note", sa.Text(), nullable=True))


def downgrade():
    op.drop_column("corpora", "note")
'''


def run_sql(url, *statements):
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = create_engine(address)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
            return set(inspect(connection).get_table_names())
    finally:
        engine.dispose()


def run_alembic(url, direction, revision):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if "postgres" in url else url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            getattr(command, direction)(config, revision)
    finally:
        engine.dispose()


@pytest.fixture
def newer_taskflow(tmp_path, monkeypatch):
    """This TaskFlow as if one migration had been written since."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "next_one_column_more.py").write_text(NEXT.format(head=HEAD))
    return lambda: monkeypatch.setattr(database_module, "_MIGRATIONS", folder)


def test_a_missing_or_empty_database_is_made_and_found_again(database_url):
    with closing(open_database(database_url)) as database:
        assert summarise(database) == []
    tables = run_sql(database_url, "INSERT INTO corpora (name, created_at) VALUES ('kept', '2026-11-23')")
    assert set(Base.metadata.tables) <= tables
    with closing(open_database(database_url)) as database:
        assert [corpus.name for corpus in summarise(database)] == ["kept"]


def test_the_migrations_make_the_schema_of_the_code(database):
    assert schema_differences(database) == []


def test_a_difference_of_the_schema_is_found(database, database_url):
    run_sql(database_url, "ALTER TABLE corpora ADD COLUMN extra TEXT")
    assert len(schema_differences(database)) == 1


def test_the_way_down_leaves_nothing_and_the_way_up_works_again(database_url):
    open_database(database_url).close()
    run_alembic(database_url, "downgrade", "base")
    assert run_sql(database_url) == {"alembic_version"}
    with closing(open_database(database_url)) as database:
        assert schema_differences(database) == []


def test_an_older_schema_is_refused_and_the_upgrade_keeps_its_rows(database_url, newer_taskflow):
    open_database(database_url).close()
    run_sql(database_url, "INSERT INTO corpora (name, created_at) VALUES ('kept', '2026-11-23')")
    newer_taskflow()
    with pytest.raises(DatabaseError, match=rf"version {HEAD}, .* needs next: run 'taskflow db upgrade --database"):
        open_database(database_url)
    assert upgrade_database(database_url) == (HEAD, "next")
    assert upgrade_database(database_url) == ("next", "next")
    with closing(open_database(database_url)) as database:
        assert [corpus.name for corpus in summarise(database)] == ["kept"]


def test_a_draft_of_the_first_schema_is_the_same_draft_after_the_upgrade(database_url):
    run_alembic(database_url, "upgrade", "0001")
    told = "'2026-11-23'"
    edit = '{{"edit": "rename_action", "action_id": "a", "name": "{}"}}'
    run_sql(
        database_url,
        f"INSERT INTO assistants (id, name, created_at) VALUES (1, 'shop', {told})",
        *(
            "INSERT INTO versions (id, assistant_id, number, encoder, created_at) "
            f"VALUES ({key}, 1, {number}, 'e', {told})"
            for key, number in ((1, "NULL"), (2, 1))
        ),
        *(
            "INSERT INTO actions (version_id, action_id, position, speaker, name, support) "
            f"VALUES ({key}, 'a', 0, 'user', 'hello', 3)"
            for key in (1, 2)
        ),
        "INSERT INTO flows (version_id, flow_id, position, name) VALUES (1, 'f', 0, 'greeting')",
        "INSERT INTO nodes (version_id, flow_id, node_id, position, action_id, support, probability, responses, "
        "evidence) VALUES (1, 'f', 'n', 0, 'a', 3, 1, '[]', '[]')",
        *(
            "INSERT INTO edits (version_id, position, edit, created_at) "
            f"VALUES ({key}, {place}, '{edit.format(name)}', {told})".replace(":", "\\:")
            for key, place, name in ((1, 0, "first"), (1, 1, "published"), (2, 0, "last"))
        ),
    )
    assert upgrade_database(database_url) == ("0001", HEAD)
    with closing(open_database(database_url)) as database:
        assert schema_differences(database) == []
        draft = load_draft(database, "shop").assistant
        log = load_log(database, "shop")
    assert draft.action_by_id["a"] == DialogueAction("a", Speaker.USER, "last", (), 3)
    assert draft.flows == (TaskFlow("f", "greeting", (FlowNode("n", None, "a", 3),)),)
    assert [(stored.edit.name, stored.author, stored.carried) for stored in log] == [
        ("first", "unknown", False),
        ("published", "unknown", False),
        ("last", "unknown", False),
    ]
    run_alembic(database_url, "downgrade", "0001")
    assert "proposals" not in run_sql(database_url)


def test_a_schema_of_the_future_is_refused_by_both_and_left_alone(database_url):
    open_database(database_url).close()
    run_sql(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="holds schema version 9999"):
        open_database(database_url)
    with pytest.raises(DatabaseError, match=r"9999.*use the TaskFlow that made it"):
        upgrade_database(database_url)
    run_sql(database_url, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    open_database(database_url).close()


@pytest.mark.parametrize("opening", [open_database, upgrade_database])
def test_a_database_of_other_tables_is_refused_and_left_alone(database_url, opening):
    run_sql(database_url, "CREATE TABLE orders (id INTEGER)")
    with pytest.raises(DatabaseError, match="tables that are not TaskFlow's: name an empty database"):
        opening(database_url)
    assert run_sql(database_url) == {"orders"}


def test_several_processes_may_open_a_new_database_at_once(database_url):
    opening = f"from taskflow.store import open_database as o; print(); input(); o({database_url!r}).close()"
    processes = [
        subprocess.Popen([sys.executable, "-uc", opening], text=True, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        for _ in range(4)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, told
    with closing(open_database(database_url)) as database:
        assert schema_differences(database) == []


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "letter.db"
    path.write_text("Dear customer, " * 500)
    with pytest.raises(DatabaseError, match=r"letter\.db is a file of another kind, .* name another file"):
        open_database(f"sqlite:///{path}")
    assert path.read_text() == "Dear customer, " * 500


@pytest.mark.parametrize("place", ["not/there/taskflow.db", "file/taskflow.db", "."])
def test_a_folder_that_cannot_be_written_is_told_with_the_remedy(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="cannot be opened for writing: check that its folder exists"):
        open_database(f"sqlite:///{tmp_path / place}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "taskflow.db",
        "mysql://me:secret@host/db",
        "oracle://me:secret@host",
        "nonsense://me:secret@host",
        "postgresql+psycopg2://me:secret@host/db",
        "postgresql://me:secret@host:port/db",
        "postgresql://me:the:secret@word@host:port/db",
        "sqlite+aiosqlite:///taskflow.db",
    ],
)
def test_a_wrong_address_is_told_without_its_password(url):
    with pytest.raises(DatabaseError, match="use sqlite:///FILE or postgresql://") as told:
        open_database(url)
    assert "secret" not in str(told.value)


def test_a_server_that_does_not_answer_is_told_without_its_password():
    with pytest.raises(DatabaseError, match="cannot be used") as told:
        open_database("postgresql://me:secret@127.0.0.1:1/db")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_failed_block_leaves_nothing(database, database_url):
    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.execute(text("INSERT INTO corpora (name, created_at) VALUES ('half', '2026-11-23')"))
        1 / 0  # noqa: B018
    assert summarise(database) == []
