"""What the subcommands share: the database, the configuration, JSON output, progress on stderr."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

import click

from taskflow.config import Configuration, DatabaseConfig, EncoderConfig, read_configuration
from taskflow.encoders import Encoder
from taskflow.encoders.loading import load_encoder
from taskflow.store import DEFAULT_URL, Database, open_database

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON alone on stdout; progress goes to stderr.")


def author_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--author", metavar="NAME", default=_account, help="Who does this, for the log.  [default: your account's name]"
    )(command)


def _account() -> str:
    """Who runs the command; a machine without accounts for people may know no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


@dataclass(frozen=True)
class Settings:
    """The opened database and the configuration of one command."""

    database: Database
    configuration: Configuration
    url: str

    @cached_property
    def encoder(self) -> Encoder:
        chosen = self.configuration.section("encoder", EncoderConfig)
        return load_encoder(chosen.name, chosen.url)


def database_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--database",
        "url",
        envvar="TASKFLOW_DATABASE_URL",
        metavar="URL",
        help=f"sqlite:///FILE or postgresql://…; or TASKFLOW_DATABASE_URL  [default: {DEFAULT_URL}]",
    )(command)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--config", type=click.Path(path_type=Path), metavar="FILE", help="[default: taskflow.toml, if it is here]"
    )(command)


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --database and --config, and hand the command its Settings first."""

    @database_option
    @config_option
    @wraps(command)
    def opened(*args: Any, url: str | None, config: Path | None, **kwargs: Any) -> Any:
        configuration = read_configuration(config)
        address = chosen_url(url, configuration)
        with closing(open_database(address)) as database:
            return command(Settings(database, configuration, address), *args, **kwargs)

    return opened


def chosen_url(url: str | None, configuration: Configuration) -> str:
    """The option or environment first, then the file, then a database in this folder."""
    return url or configuration.section("database", DatabaseConfig).url or DEFAULT_URL


def say(text: str) -> None:
    """Progress, for people, on stderr."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
