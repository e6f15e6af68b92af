"""The subcommand that adds logged dialogues, or conversations that have ended, to a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click

from mining.finished import import_finished
from mining.logs import LoggedDialogue, LogOptions, Refusal, read_log
from taskflow.model import Speaker
from taskflow.options import Settings, as_json, print_json, say, with_settings
from taskflow.store.corpora import CorpusError, add_dialogues
from taskflow.store.names import checked_name

_BATCH = 500


@dataclass(slots=True)
class _Imported:
    dialogues: int = 0
    utterances: int = 0
    there: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--corpus", required=True, metavar="NAME", help="The corpus to add to; made if it is not there.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help="CSV: the column that holds a field, such as text=Message (for columns of unusual names).",
)
@click.option(
    "--speaker",
    "speakers",
    multiple=True,
    metavar="NAME=WHO",
    help="What the log calls a speaker, such as robot=agent; WHO is user, agent or system.",
)
@click.option("--conversations", is_flag=True, help="Instead of a FILE: the live conversations that have ended.")
@click.option("--assistant", metavar="NAME", help="Only this assistant's conversations.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE",
    help="Only conversations with a turn at or after this moment, in UTC, such as 2026-11-01.",
)
@as_json
@with_settings
def import_(  # noqa: PLR0913, PLR0917 - one parameter an option
    settings: Settings,
    file: Path | None,
    corpus: str,
    columns: tuple[str, ...],
    speakers: tuple[str, ...],
    conversations: bool,
    assistant: str | None,
    since: datetime | None,
    as_json: bool,
) -> None:
    """Add logged dialogues to a corpus, personal and order data masked.

    FILE is JSON Lines (one dialogue a line) or CSV/TSV (one utterance a row), plain or gzipped, UTF-8 or GB18030.
    Importing the same file again adds nothing; an import that was interrupted goes on where it stopped.

    With --conversations the dialogues are the live conversations of this database that have ended: those that are
    closed, and those that were handed off to a person and have been silent for a day. The words of human agents are
    among them. Importing again adds what has ended since, and brings up to date what has gone on and ended anew.

    \b
    Examples: taskflow import logs.jsonl.gz --corpus support
              taskflow import chats.csv --corpus support --column text=Message --speaker robot=agent
              taskflow import --conversations --assistant support --since 2026-11-01 --corpus support
    """
    if conversations:
        if file is not None or columns or speakers:
            raise click.UsageError("--conversations reads this database: leave FILE, --column and --speaker out")
        _tell_finished(settings, checked_name(corpus), assistant, since, as_json)
        return
    if file is None or assistant is not None or since is not None:
        raise click.UsageError("give a FILE, or --conversations, to which alone --assistant and --since belong")
    options = LogOptions(dict(map(_pair, columns)), {name: _speaker(who) for name, who in map(_pair, speakers)})
    _tell(settings, checked_name(corpus), file, options, as_json)


def _tell_finished(
    settings: Settings, corpus: str, assistant: str | None, since: datetime | None, as_json: bool
) -> None:
    moment = None if since is None else since.replace(tzinfo=UTC)
    imported = import_finished(settings.database, corpus, assistant, moment, say)
    for refused in imported.refusals:
        say(f"conversation {refused.conversation}: {refused.reason}")
    if as_json:
        print_json(asdict(imported) | {"refused": len(imported.refusals)})
        return
    click.echo(
        f"{imported.dialogues} conversations went into {corpus}, {imported.changed} were brought up to date; "
        f"{imported.there} were there already, {len(imported.refusals)} were refused"
    )


def _tell(settings: Settings, corpus: str, file: Path, options: LogOptions, as_json: bool) -> None:
    imported = _import(settings, corpus, read_log(file, options))
    for refusal in imported.refusals:
        say(f"{file}, line {refusal.line}: {refusal.reason}")
    if as_json:
        print_json(
            {
                "dialogues": imported.dialogues,
                "utterances": imported.utterances,
                "refused": len(imported.refusals),
                "refusals": [{"line": r.line, "reason": r.reason} for r in imported.refusals],
            }
        )
    else:
        click.echo(
            f"{imported.dialogues} dialogues with {imported.utterances} utterances went into {corpus}; "
            f"{imported.there} were there already, {len(imported.refusals)} were refused"
        )
    if not imported.dialogues and not imported.there:
        raise CorpusError(f"{file}: no dialogue could be imported; see the reasons above")


def _import(settings: Settings, corpus: str, entries: Iterator[LoggedDialogue | Refusal]) -> _Imported:
    imported = _Imported()
    while batch := list(islice(entries, _BATCH)):
        imported.refusals += [entry for entry in batch if isinstance(entry, Refusal)]
        offered = [entry for entry in batch if isinstance(entry, LoggedDialogue)]
        if not offered:
            continue
        additions = add_dialogues(settings.database, corpus, [(e.dialogue, e.digest) for e in offered])
        for entry, addition in zip(offered, additions, strict=True):
            if addition.conflict:
                told = f"dialogue {addition.dialogue_id!r} is in {corpus} already with other content"
                imported.refusals.append(Refusal(entry.line, f"{told}: give it another id"))
            elif addition.added:
                imported.dialogues += 1
                imported.utterances += len(entry.dialogue.utterances)
            else:
                imported.there += 1
        say(f"{imported.dialogues + imported.there:,} dialogues read")
    return imported


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _speaker(who: str) -> Speaker:
    if who not in tuple(Speaker):
        raise click.UsageError(f"{who!r} is no speaker: use user, agent or system")
    return Speaker(who)
