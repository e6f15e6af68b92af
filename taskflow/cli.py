"""The `taskflow` command: its subcommands are registered by each package under one entry-point group."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import click
from sqlalchemy.exc import DBAPIError

from taskflow.errors import TaskFlowError

GROUP = "taskflow.commands"


class _Registered(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(entry.name for entry in entry_points(group=GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = list(entry_points(group=GROUP, name=cmd_name))
        return found[0].load() if found else None


@click.group(cls=_Registered, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="taskflow-dialogue")
def cli() -> None:
    """Turn logged service dialogues into a chatbot that your team can read, correct and trust.

    \b
    Try it:              taskflow demo
    With your own logs:  taskflow import logs.jsonl --corpus support
                         taskflow mine support
                         taskflow publish support
                         taskflow chat support
    """


def main() -> None:
    """Run the command; whatever people can mend is told in one sentence, with an exit code of its own kind."""
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("taskflow: interrupted; what was committed is kept, and the same command goes on", err=True)
        sys.exit(130)
    except TaskFlowError as error:
        click.echo(f"taskflow: {error}", err=True)
        sys.exit(1)
    except DBAPIError as error:
        cause = " ".join(str(error.orig).split())
        click.echo(f"taskflow: the database did not answer as it should: {cause}; nothing was half written", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (as `head` does): there is nobody left to tell.
        sys.stderr.close()
        sys.exit(141)
