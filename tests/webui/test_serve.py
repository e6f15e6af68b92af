"""`taskflow serve` as a process, its key and its configuration."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from taskflow.config import ConfigError, Configuration
from taskflow.store import Database
from webui.config import ServerConfig
from webui.keys import SecretKeyError, secret_key

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Serving = Callable[..., AbstractContextManager[tuple[str, Any]]]
VARIABLES = ("TASKFLOW_SECRET_KEY", "TASKFLOW_DEVELOPER_TOKEN", "TASKFLOW_DATABASE_URL")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def ask(address: str, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text) if text.startswith("{") else text


def test_it_serves_and_a_conversation_outlives_it(site: Database, serving: Serving, tmp_path: Path) -> None:
    url = str(site.engine.url)
    (tmp_path / "taskflow.toml").write_text('[runtime]\ncalls = "webui.shop:order_book"\n')
    with serving(url, tmp_path) as (address, process):
        assert ask(address, "GET", "/")[0] == 200
        status, begun = ask(address, "POST", "/api/v1/conversations", {"assistant": "after-sale-en"})
        assert status == 201
        said = {"client_message_id": "m-1", "text": "It arrived broken, the secret number is TF-20410296"}
        path, token = f"/api/v1/conversations/{begun['conversation']}", begun["token"]
        assert ask(address, "POST", f"{path}/messages?q=hidden", said, token)[0] == 200
        process.send_signal(signal.SIGINT)
        out, log = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert f"POST {path}/messages 200" in log
    assert "hidden" not in log
    assert "TF-20410296" not in log
    assert "Traceback" not in log
    with serving(url, tmp_path, "--workers", "2", "--threads", "2") as (address, _):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: ask(address, "GET", f"{path}/events", token=token), range(24)))
        assert {status for status, _ in answers} == {200}
        assert answers[0][1]["events"][0]["text"] == said["text"]


def test_a_path_writes_no_line_into_the_log(site: Database, serving: Serving, tmp_path: Path) -> None:
    with serving(str(site.engine.url), tmp_path) as (address, process):
        assert ask(address, "GET", "/x%0aforged%1b%5b31m")[0] == 404
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert "GET /x%0Aforged%1B%5B31m 404" in log


def test_a_port_in_use_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        finished = cli("serve", "--port", port, database=f"sqlite:///{tmp_path / 'taskflow.db'}")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.startswith(f"taskflow: 127.0.0.1 port {port} cannot be served")
    assert finished.stderr.count("\n") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com"])  # noqa: S104
def test_other_machines_are_let_in_only_with_a_token(cli: Cli, tmp_path: Path, host: str) -> None:
    finished = cli("serve", "--host", host, database=f"sqlite:///{tmp_path / 'taskflow.db'}")
    assert finished.returncode == 1
    assert "TASKFLOW_DEVELOPER_TOKEN" in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_with_a_token_it_listens_for_other_machines(site: Database, serving: Serving, tmp_path: Path) -> None:
    options = ("--host", "0.0.0.0")  # noqa: S104
    with serving(str(site.engine.url), tmp_path, *options, TASKFLOW_DEVELOPER_TOKEN="long") as (address, _):
        local = address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        assert ask(local, "GET", "/")[0] == 302
        assert ask(local, "GET", "/shop")[0] == 200


def test_an_encoder_that_cannot_be_loaded_ends_the_server_in_one_sentence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "taskflow.toml").write_text('[encoder]\nname = "sentence-transformers:/no/such/folder"\n')
    finished = cli("serve", "--port", "0", database=f"sqlite:///{tmp_path / 'taskflow.db'}")
    assert finished.returncode != 0
    assert finished.stdout == ""
    assert "taskflow: " in finished.stderr
    assert "Traceback" not in finished.stderr


def test_its_help_ends_with_an_example(cli: Cli) -> None:
    assert "Example: taskflow serve --port 8080" in cli("serve", "--help", database="sqlite://").stdout


def test_a_key_is_made_once_beside_the_database_for_its_owner_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'taskflow.db'}"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(secret_key, [url] * 8))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    (kept,) = tmp_path.iterdir()
    assert kept.name == "taskflow.db.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_environments_key_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFLOW_SECRET_KEY", "k" * 32)
    assert secret_key(f"sqlite:///{tmp_path / 'taskflow.db'}") == "k" * 32
    assert not list(tmp_path.iterdir())


def test_a_key_that_is_too_short_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taskflow.db.key").write_text("")
    with pytest.raises(SecretKeyError, match="too short"):
        secret_key(f"sqlite:///{tmp_path / 'taskflow.db'}")
    monkeypatch.setenv("TASKFLOW_SECRET_KEY", "short")
    with pytest.raises(SecretKeyError, match="32 at least"):
        secret_key("sqlite://")


def test_postgresql_needs_the_key_of_the_environment() -> None:
    with pytest.raises(SecretKeyError, match="set TASKFLOW_SECRET_KEY"):
        secret_key("postgresql://someone@host/name")


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"allowed_origins": ["shop.example.com"]}, "is no origin"),
        ({"allowed_origins": ["https://shop.example.com/path"]}, "is no origin"),
        ({"allowed_origins": ["*"]}, "is no origin"),
        ({"address_limit": 0}, "address_limit"),
        ({"shop_assistants": {"fr": "x"}}, "shop_assistants.fr"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_told_with_its_key(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Configuration(Path("taskflow.toml"), {"server": section}).section("server", ServerConfig)
