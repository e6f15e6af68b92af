"""What tests of several packages stand on: real databases, the real encoder, a browser, the real command."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from sqlalchemy import URL, create_engine, make_url

from taskflow.encoders.bundled import BundledEncoder
from taskflow.store import Database, open_database

POSTGRES_VARIABLE = "TASKFLOW_TEST_POSTGRES_URL"
CHROMIUM_VARIABLE = "TASKFLOW_TEST_CHROMIUM"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# How long an example takes is the machine's matter: benchmarks measure, tests do not.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server on which databases may be made: the one that is named, or one of our own."""
    given = os.environ.get(POSTGRES_VARIABLE)
    if given:
        yield given
        return
    programs = _postgres_programs()
    if programs is None:
        pytest.skip(f"PostgreSQL is not installed: apt-get install postgresql, or set {POSTGRES_VARIABLE} to a server")
    account = _server_account()
    if account is None:
        pytest.skip(f"PostgreSQL refuses to run as root and no account 'postgres' is here: set {POSTGRES_VARIABLE}")
    # Not below pytest's own folder, which no other account may enter; and short, as a socket's path has to be.
    folder = Path(tempfile.mkdtemp(prefix="taskflow-pg-"))
    os.chown(folder, account.pw_uid, account.pw_gid)
    cluster = folder / "cluster"

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(cluster), *arguments]
        finished = subprocess.run(
            command,
            check=False,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[] if os.geteuid() == 0 else None,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, f"{program} failed: {finished.stdout}{finished.stderr}"

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
        run("pg_ctl", "start", "--wait", f"--log={folder / 'log'}", f"--options={settings}")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database of its own for each test, on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'taskflow.db'}"
        return
    server = make_url(request.getfixturevalue("postgres_url"))
    name = f"taskflow_test_{uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(open_database(database_url)) as opened:
        yield opened


@pytest.fixture(scope="session")
def encoder() -> BundledEncoder:
    return BundledEncoder()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome."""
    given = os.environ.get(CHROMIUM_VARIABLE)
    found = given or next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"Chromium is not installed: apt-get install chromium, or set {CHROMIUM_VARIABLE} to its path")
    assert Path(found).is_file(), f"{CHROMIUM_VARIABLE} is {found!r}, and no program is there"
    return found


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Runs `taskflow …` as a process in an empty folder; `database` is an address, `stdin` what it reads."""

    def run(*arguments: str, database: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from taskflow.cli import main; main()", *arguments],
            check=False,
            env=os.environ | {"TASKFLOW_DATABASE_URL": database, "NO_COLOR": "1"},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
        )

    return run


def _postgres_programs() -> Path | None:
    """The folder of initdb and pg_ctl; Debian keeps one for each version, off the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    found = [*versions, *([Path(on_path).resolve()] if on_path else [])]
    return found[-1].parent if found else None


def _server_account() -> pwd.struct_passwd | None:
    """Who runs the server: whoever runs the tests, but the account `postgres` in place of root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    return next((entry for entry in pwd.getpwall() if entry.pw_name == "postgres"), None)


def _administer(server: URL, statement: str) -> None:
    driver = server.set(drivername="postgresql+psycopg")
    engine = create_engine(driver, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
