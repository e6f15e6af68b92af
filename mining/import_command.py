"""The subcommand that adds logged dialogues to a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import click

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
@click.argument("file", type=click.Path(path_type=Path))
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
@as_json
@with_settings
def import_(
    settings: Settings, file: Path, corpus: str, columns: tuple[str, ...], speakers: tuple[str, ...], as_json: bool
) -> None:
    """Add logged dialogues to a corpus, personal and order data masked.

    FILE is JSON Lines (one dialogue a line) or CSV/TSV (one utterance a row), plain or gzipped, UTF-8 or GB18030.
    Importing the same file again adds nothing; an import that was interrupted goes on where it stopped.

    \b
    Examples: taskflow import logs.jsonl.gz --corpus support
              taskflow import chats.csv --corpus support --column text=Message --speaker robot=agent
    """
    options = LogOptions(dict(map(_pair, columns)), {name: _speaker(who) for name, who in map(_pair, speakers)})
    imported = _import(settings, checked_name(corpus), read_log(file, options))
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
