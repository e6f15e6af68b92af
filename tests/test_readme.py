"""What README says is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from taskflow.cli import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PATHS = re.findall(r"`((?:taskflow|mining|runtime|webui|tests|data|docs)/[\w./-]*)`", README)
LINKS = re.findall(r"\]\(([\w./-]+)\)", README)
COMMANDS = re.findall(r"(?:^|`|bin/)taskflow ([a-z-]+(?: (?:check|upgrade)(?=[` ]))?)", README, re.MULTILINE)


@pytest.mark.parametrize("path", sorted({*PATHS, *LINKS}))
def test_a_path_that_it_names_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_that_it_names_exists(command):
    name, *rest = command.split()
    found = cli.get_command(None, name)
    assert found is not None
    assert all(part in found.commands for part in rest)


def test_it_names_every_command():
    assert set(cli.list_commands(None)) <= {command.split()[0] for command in COMMANDS}


def test_the_two_commands_install_from_the_same_pins():
    installs = [line for line in README.splitlines() if "pip install" in line and "venv" in line]
    assert len(installs) == 2
    assert all("-c constraints.txt -e '.[test]'" in line for line in installs)
    assert installs[0].endswith("taskflow demo")
    assert installs[1].endswith(".venv/bin/pytest")
