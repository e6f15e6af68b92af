"""Subcommands of the review: edits and their log, what they cost, what minings propose."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, BinaryIO

import click

from taskflow.burden import Judged, measure
from taskflow.edit_forms import edit_from_json, edit_name, edit_to_json
from taskflow.edits import EditError
from taskflow.options import Settings, as_json, author_option, print_json, with_settings
from taskflow.proposals import Decision
from taskflow.store.assistants import add_edit, load_base, load_draft, load_log, redo, undo
from taskflow.store.proposals import ProposalError, StoredProposal, list_proposals
from taskflow.store.proposals import accept as accept_proposals
from taskflow.store.proposals import reject as reject_proposals


@click.command()
@click.argument("assistant")
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--undo", "step", flag_value="undo", help="Take back the last edit, or the proposal that it came from.")
@click.option("--redo", "step", flag_value="redo", help="Make again what was undone last.")
@author_option
@as_json
@with_settings
def edit(
    settings: Settings, assistant: str, file: BinaryIO | None, step: str | None, author: str, as_json: bool
) -> None:
    """Apply edits to an assistant's draft, one JSON object a line; it stops at the first that does not fit.

    Edits can be undone one after the other, as far back as the last mining.

    \b
    Example: echo '{"edit": "rename_flow", "flow_id": "f-…", "name": "Returns"}' | taskflow edit support -
             taskflow edit support --undo
    """
    if (file is None) == (step is None):
        raise click.UsageError("give a FILE of edits ('-' for stdin), or --undo, or --redo")
    if file is None:
        moved = (undo if step == "undo" else redo)(settings.database, assistant)
        done = "undone" if step == "undo" else "redone"
        if as_json:
            print_json({"assistant": assistant, done: [edit_to_json(one) for one in moved]})
        else:
            click.echo(f"{done} in the draft of {assistant}: {', '.join(edit_name(one) for one in moved)}")
        return
    applied = _apply_lines(settings, assistant, file, author)
    if as_json:
        print_json({"assistant": assistant, "applied": applied})
    else:
        click.echo(f"{applied} edits applied to the draft of {assistant}")


def _apply_lines(settings: Settings, assistant: str, file: BinaryIO, author: str) -> int:
    applied = 0
    for number, line in enumerate(file, start=1):
        if line.strip():
            try:
                add_edit(settings.database, assistant, edit_from_json(json.loads(line)), author)
            except (ValueError, RecursionError) as error:
                raise EditError(f"{file.name}, line {number}: no JSON in UTF-8: write one edit a line") from error
            except EditError as error:
                raise EditError(f"{file.name}, line {number}: {error}; the {applied} before it are kept") from error
            applied += 1
    return applied


@click.command()
@click.argument("assistant")
@as_json
@with_settings
def edits(settings: Settings, assistant: str, as_json: bool) -> None:
    """List the edits that were made of an assistant, the oldest first: who, when, what.

    \b
    hand      a person made it            undone    it was taken back
    proposal  a mining run proposed it    carried   made before the last mining: in the draft for good

    Example: taskflow edits support
    """
    for stored in load_log(settings.database, assistant):
        form = edit_to_json(stored.edit)
        marks = [name for name, is_so in (("carried", stored.carried), ("undone", stored.undone_at)) if is_so]
        if as_json:
            told = {"at": stored.at.isoformat(), "author": stored.author, "origin": stored.origin.value}
            flags = {"carried": stored.carried, "undone": stored.undone_at is not None}
            print_json({"id": stored.id} | told | flags | {"edit": form})
        else:
            what = json.dumps(form, ensure_ascii=False)
            when = stored.at.isoformat(sep=" ", timespec="minutes")
            click.echo("  ".join((when, stored.author, " ".join((stored.origin, *marks)), _shortened(what))))


@click.command()
@click.argument("assistant")
@as_json
@with_settings
def burden(settings: Settings, assistant: str, as_json: bool) -> None:
    """Say what the review of an assistant cost: operations and minutes, and what became of what was mined.

    Every edit is an operation; so is accepting or rejecting a proposal, however many edits it makes. A person's
    operations with no gap of more than five minutes between two of them are a session; it lasts from the first to the
    last, and one minute at least. An undone edit stays an operation. Nothing is counted again after a new mining.

    Example: taskflow burden support
    """
    draft = load_draft(settings.database, assistant).assistant
    log = load_log(settings.database, assistant)
    found = measure(log, list_proposals(settings.database, assistant), load_base(settings.database, assistant), draft)
    if as_json:
        print_json({"assistant": assistant, "total": found.total} | asdict(found))
        return
    click.echo(
        f"{found.total} operations ({found.undone} undone) in {found.sessions} sessions, {found.minutes:g} minutes"
    )
    for author, kinds in found.operations.items():
        click.echo(f"  {author}: " + ", ".join(f"{kind} {count}" for kind, count in kinds.items()))
    per = (("approved action", found.per_approved_action), ("TaskFlow", found.per_flow))
    for what, share in per:
        if share is not None:
            click.echo(f"{share:g} operations per {what}")
    click.echo(f"actions as mined: {_told(found.actions)}\nnodes as mined: {_told(found.nodes)}")


@click.command()
@click.argument("assistant")
@click.option("--all", "every", is_flag=True, help="Those that were decided, too.")
@as_json
@with_settings
def proposals(settings: Settings, assistant: str, every: bool, as_json: bool) -> None:
    """List what the newest mining proposes for a reviewed draft, the most supported first.

    Example: taskflow proposals support
    """
    found = list_proposals(settings.database, assistant)
    if not every:
        found = [stored for stored in found if stored.status is Decision.PENDING]
    if as_json:
        print_json([_proposal_json(stored) for stored in found])
        return
    for stored in found:
        click.echo(f"{stored.id:5}  {stored.status:8}  {stored.proposal.why}{_gain(stored)}")
    if not found:
        click.echo(f"nothing is proposed for {assistant}")


@click.command()
@click.argument("assistant")
@click.argument("ids", type=int, nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All that are pending.")
@author_option
@as_json
@with_settings
def accept(settings: Settings, assistant: str, ids: tuple[int, ...], every: bool, author: str, as_json: bool) -> None:
    """Make the edits of proposals; one that no longer fits the draft is told and left.

    Example: taskflow accept support 12 15
    """
    if bool(ids) == every:
        raise click.UsageError("name the proposals to accept, or give --all")
    accepted, refused = accept_proposals(settings.database, assistant, None if every else ids, author)
    if as_json:
        print_json({"assistant": assistant, "accepted": accepted, "refused": [asdict(one) for one in refused]})
    else:
        click.echo(f"{len(accepted)} proposals accepted into the draft of {assistant}")
    if refused:
        first = refused[0]
        raise ProposalError(f"{len(refused)} proposals no longer fit the draft; proposal {first.id}: {first.why}")


@click.command()
@click.argument("assistant")
@click.argument("ids", type=int, nargs=-1, required=True, metavar="ID...")
@author_option
@as_json
@with_settings
def reject(settings: Settings, assistant: str, ids: tuple[int, ...], author: str, as_json: bool) -> None:
    """Reject proposals: later minings do not make them again.

    Example: taskflow reject support 13
    """
    rejected = reject_proposals(settings.database, assistant, ids, author)
    if as_json:
        print_json({"assistant": assistant, "rejected": rejected})
    else:
        click.echo(f"{len(rejected)} proposals for {assistant} rejected")


def _proposal_json(stored: StoredProposal) -> dict[str, Any]:
    proposal = stored.proposal
    return {
        "id": stored.id,
        "run": stored.run,
        "status": stored.status.value,
        "kind": proposal.kind.value,
        "why": proposal.why,
        "support": proposal.support,
        "evidence": [asdict(seen) for seen in proposal.evidence],
        "gain": None if proposal.gain is None else asdict(proposal.gain),
        "edits": [edit_to_json(one) for one in proposal.edits],
    }


def _gain(stored: StoredProposal) -> str:
    gain = stored.proposal.gain
    if gain is None:
        return ""
    return f" Replay of {gain.dialogues} dialogues: hit@1 {gain.hit_1:+.1%}, steps on the flows {gain.steps:+.1%}."


def _told(judged: Judged) -> str:
    return ", ".join(f"{count} {name}" for name, count in asdict(judged).items())


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else text[:159] + "…"
