"""The configuration file: one TOML file, a frozen section for each part, read once at the edge.

Secrets and the database's address may come from the environment; nothing else does.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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
    """The folder of a transformers checkpoint, or a GGUF file; with nothing set, no model classifies or words."""
    embedded: bool = False
    """The tiny model that comes with TaskFlow instead: it words replies in the manner of the sample shop, no more."""
    hub: str | None = None
    """A checkpoint's name on the Hugging Face hub instead, which is downloaded once."""
    revision: str | None = None
    """The commit of the `hub` checkpoint."""
    run_checkpoint_code: bool = False
    """Whether Python code of the `hub` checkpoint may be run here; `revision` must then be a whole commit id."""
    url: str | None = None
    """The address of an OpenAI-compatible server instead, such as http://localhost:8000/v1."""
    model: str | None = None
    """The server's name for the model, where it serves several."""
    tokenizer: Path | None = None
    """The folder of the served model's tokenizer, for what its server cannot do (docs/backbones.md)."""
    dialect: Literal["qwen3", "baichuan2", "chatml"] | None = None
    """The family, where the checkpoint does not tell it."""
    timeout: float = Field(30.0, gt=0)
    """The seconds that the server has for an answer, where whoever asks names no deadline."""
    concurrency: int = Field(16, ge=1)
    """How many requests the server gets at once."""

    @model_validator(mode="after")
    def _is_one_model(self) -> BackboneConfig:
        if sum(bool(given) for given in (self.checkpoint, self.hub, self.url, self.embedded)) > 1:
            raise ValueError("checkpoint, embedded, hub and url exclude each other")
        if self.run_checkpoint_code and not (self.hub and re.fullmatch("[0-9a-f]{40}", self.revision or "")):
            raise ValueError("run_checkpoint_code needs hub and, as revision, a commit id of 40 digits")
        return self


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
