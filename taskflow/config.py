"""The configuration file: one TOML file, a frozen section for each part, read once at the edge.

Secrets and the database's address may come from the environment; nothing else does.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from taskflow.encoders import bundled
from taskflow.errors import TaskFlowError

DEFAULT_FILE = Path("taskflow.toml")
SECTIONS = ("database", "encoder", "mining", "backbone", "runtime", "server")

Section = TypeVar("Section", bound=BaseModel)


class ConfigError(TaskFlowError):
    """A configuration file that cannot be used: names the file, the section and the key."""


class DatabaseConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = None


class EncoderConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = bundled.NAME
    url: str | None = None
    """The address of the embeddings server, for an `openai:` encoder."""


class BackboneConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: Path | None = None
    """The folder of a transformers checkpoint; without one nothing is classified or worded by a model."""


class Configuration:
    """The sections of one file, each read into its own type."""

    def __init__(self, path: Path | None, sections: dict[str, Any]) -> None:
        self._path = path
        self._sections = sections

    def section(self, name: str, kind: type[Section]) -> Section:
        """The section as its type; a key that the type does not know is an error."""
        try:
            return kind.model_validate(self._sections.get(name, {}))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{self._path}: [{name}] {key}: {first['msg']}; correct or remove it") from error


def read_configuration(path: Path | None) -> Configuration:
    """The file at `path`, or taskflow.toml where there is one here, or nothing but defaults."""
    if path is None and not DEFAULT_FILE.is_file():
        return Configuration(None, {})
    chosen = path or DEFAULT_FILE
    try:
        sections = tomllib.loads(chosen.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{chosen}: cannot be read ({error.strerror}): check --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{chosen}: is no TOML ({error}): correct it") from error
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise ConfigError(f"{chosen}: {name} stands outside any section: put it below one such as [{SECTIONS[0]}]")
        if name not in SECTIONS:
            raise ConfigError(f"{chosen}: [{name}] is no section that TaskFlow knows: use {', '.join(SECTIONS)}")
    return Configuration(chosen, sections)
