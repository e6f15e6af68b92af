"""The subcommand that forgets a customer."""

from __future__ import annotations

from dataclasses import asdict

import click

from taskflow.options import Settings, as_json, author_option, print_json, say, with_settings
from taskflow.store.forgetting import Forgotten, Traces, find_traces, overwrite_deleted
from taskflow.store.forgetting import forget as forget_customer


@click.command()
@click.argument("customer")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@author_option
@as_json
@with_settings
def forget(settings: Settings, customer: str, yes: bool, author: str, as_json: bool) -> None:
    """Forget a customer: their conversations, the dialogues that these became, and what was counted of them.

    CUSTOMER is the shop's name for them; where the shop gave none, the id of their conversation. It is one
    transaction and cannot be undone. Servers that run have read the old version: start them again.

    Example: taskflow forget customer-4711
    """
    if not yes:
        click.confirm(_asked(find_traces(settings.database, customer)), abort=True, err=True)
    forgotten = forget_customer(settings.database, customer, author)
    overwritten = overwrite_deleted(settings.database)
    if as_json:
        kept = [{"assistant": assistant, "wording": wording} for assistant, wording in forgotten.kept]
        print_json(asdict(forgotten.removed) | {"kept": kept, "overwritten": overwritten})
    else:
        _tell(forgotten)
    if not overwritten:
        say(
            "the database's file may hold bytes of deleted rows, since somebody uses it: "
            "stop them and run VACUUM in it with sqlite3"
        )


def _asked(traces: Traces) -> str:
    where = f" in {', '.join(traces.corpora)}" if traces.corpora else ""
    return (
        f"{traces.conversations} conversations with {traces.events} events and {traces.dialogues} dialogues{where} "
        "go for good. Forget this customer?"
    )


def _tell(forgotten: Forgotten) -> None:
    removed = forgotten.removed
    click.echo(
        f"forgotten: {removed.conversations} conversations with {removed.events} events and "
        f"{removed.attachments} photos, {removed.dialogues} dialogues with {removed.utterances} utterances; "
        f"{removed.evidence} pieces of evidence and {removed.wordings} wordings left the versions and drafts"
    )
    for assistant, wording in forgotten.kept:
        click.echo(f"still in {assistant}, as the last wording of its action: {wording}")
