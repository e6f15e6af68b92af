"""One TOML file: what is in it is read into its types, what is wrong is told with file, section and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskflow.config import (
    BackboneConfig,
    ConfigError,
    DatabaseConfig,
    EncoderConfig,
    read_configuration,
)
from taskflow.options import chosen_url


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "settings.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_without_a_file_there_are_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configuration = read_configuration(None)
    assert configuration.section("database", DatabaseConfig) == DatabaseConfig()
    assert configuration.section("encoder", EncoderConfig).name == "use-multilingual-v3"
    assert chosen_url(None, configuration) == "sqlite:///taskflow.db"


def test_a_file_here_is_read_without_being_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("taskflow.toml").write_text('[database]\nurl = "sqlite:///here.db"\n')
    configuration = read_configuration(None)
    assert chosen_url(None, configuration) == "sqlite:///here.db"
    assert chosen_url("sqlite:///asked.db", configuration) == "sqlite:///asked.db"


def test_a_section_is_read_into_its_type(written):
    path = written('[backbone]\ncheckpoint = "models/我的"\n[encoder]\nname = "openai:tiny"\nurl = "http://host/v1"\n')
    configuration = read_configuration(path)
    assert configuration.section("backbone", BackboneConfig).checkpoint == Path("models/我的")
    assert configuration.section("encoder", EncoderConfig) == EncoderConfig(name="openai:tiny", url="http://host/v1")


def test_a_file_that_begins_with_a_byte_order_mark_is_read(written):
    configuration = read_configuration(written(b'\xef\xbb\xbf[database]\nurl = "sqlite:///marked.db"\n'))
    assert chosen_url(None, configuration) == "sqlite:///marked.db"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[colours]\nred = 1\n", r"settings\.toml: \[colours\] is no section that TaskFlow knows: use database, "),
        ('url = "sqlite:///x.db"\n', r"settings\.toml: url stands outside any section: put it below one"),
        ('database = "sqlite:///x.db"\n', r"settings\.toml: database stands outside any section"),
        ("[database\n", r"settings\.toml: is no TOML \(.*line 1.*\): correct it"),
        ("[database]\nurl = 1\nurl = 2\n", r"settings\.toml: is no TOML"),
        ("[database]\nurl = 'x'\n".encode("utf-16"), r"settings\.toml: is no TOML"),
    ],
)
def test_a_file_that_cannot_be_read_names_itself(written, content, told):
    with pytest.raises(ConfigError, match=told):
        read_configuration(written(content))


@pytest.mark.parametrize(
    ("content", "section", "kind", "told"),
    [
        ("[database]\nurll = 'x'\n", "database", DatabaseConfig, r"\[database\] urll: .*; correct or remove it"),
        ("[database]\nurl = 7\n", "database", DatabaseConfig, r"\[database\] url: .*valid string"),
        ("[encoder]\nname = ['a']\n", "encoder", EncoderConfig, r"\[encoder\] name: .*valid string"),
        ("[encoder.deep]\nx = 1\n", "encoder", EncoderConfig, r"\[encoder\] deep: "),
        ("[[backbone]]\nx = 1\n", "backbone", BackboneConfig, "backbone stands outside any section"),
    ],
)
def test_a_wrong_value_names_file_section_and_key(written, content, section, kind, told):
    with pytest.raises(ConfigError, match=rf"settings\.toml: {told}"):
        read_configuration(written(content)).section(section, kind)


@pytest.mark.parametrize("place", [".", "not-there.toml"])
def test_a_file_that_is_not_there_is_told_with_the_option(tmp_path, place):
    with pytest.raises(ConfigError, match=r"cannot be read \(.*\): check --config"):
        read_configuration(tmp_path / place)
