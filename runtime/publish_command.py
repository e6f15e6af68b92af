"""The subcommands that publish a draft, and that say which versions customers talk to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from runtime.moves import Moves, moves_to
from taskflow.options import Settings, as_json, print_json, with_settings
from taskflow.publishing import publish_calibrated
from taskflow.review import without_rejected
from taskflow.store.assistants import load_draft, load_version, published_id
from taskflow.store.traffic import Outcomes, outcomes, set_shares

_SHOWN = 20  # conversations of a dry run


@click.command()
@click.argument("assistant")
@click.option("--share", default=1.0, show_default=True, help="Of the new conversations that the version shall have.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say where the live conversations would go.")
@as_json
@with_settings
def publish(settings: Settings, assistant: str, share: float, dry_run: bool, as_json: bool) -> None:
    """Freeze the draft of an assistant as its next numbered version, the one that customers talk to.

    Conversations that are under way go on in the new version: at the same node, or at the nearest ancestor that is
    left. With a share below 1 the versions that were served before keep the rest, and their conversations.

    \b
    Example: taskflow publish support --dry-run
             taskflow publish support --share 0.2
    """
    if dry_run:
        draft = without_rejected(load_draft(settings.database, assistant).assistant)
        _print_moves(moves_to(settings.database, assistant, draft), as_json)
        return
    number, calibration = publish_calibrated(settings.database, assistant, settings.encoder, share)
    if as_json:
        print_json({"assistant": assistant, "version": number, "share": share, "calibration": calibration.to_json()})
        return
    click.echo(f"{assistant} is published as version {number}" + ("" if share == 1 else f", for {share:.0%} of them"))
    if calibration.expected_error is not None:
        click.echo(
            f"of new wordings it will act on {calibration.coverage:.0%}, {calibration.expected_error:.1%} of them "
            f"wrongly, where no flow helps (measured on {calibration.held} exemplars held out)"
        )


@click.command()
@click.argument("assistant")
@click.argument("shares", nargs=-1, metavar="[NUMBER[=SHARE]]…")
@click.option("--dry-run", is_flag=True, help="Change nothing; say where the live conversations would go.")
@as_json
@with_settings
def traffic(settings: Settings, assistant: str, shares: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Say which published versions customers talk to and what became of it; or choose them.

    A version without a share gives its live conversations up to those that have one: so a version is rolled back by
    naming the one before it.

    \b
    Example: taskflow traffic support
             taskflow traffic support 3
             taskflow traffic support 3=0.8 4=0.2
    """
    wanted = _shares(shares)
    if dry_run:
        if len(wanted) != 1:
            raise click.UsageError("a dry run takes one version: the one that would take all conversations over")
        key = published_id(settings.database, assistant, next(iter(wanted)))
        _print_moves(moves_to(settings.database, assistant, load_version(settings.database, key).assistant), as_json)
        return
    if wanted:
        set_shares(settings.database, assistant, wanted)
    found = outcomes(settings.database, assistant)
    if as_json:
        versions = [asdict(one) | {"published_at": one.published_at.isoformat()} for one in found]
        print_json({"assistant": assistant, "versions": versions})
        return
    for one in found:
        click.echo(_line(one))


def _shares(given: Sequence[str]) -> dict[int, float]:
    found: dict[int, float] = {}
    for one in given:
        number, _, share = one.partition("=")
        try:
            found[int(number)] = float(share) if share else 1.0
        except ValueError as error:
            raise click.UsageError(f"{one!r} is no share: write NUMBER=SHARE, such as 4=0.2") from error
    return found


def _line(one: Outcomes) -> str:
    rated = "" if one.satisfaction is None else f", rated {one.satisfaction:.2f} by {one.rated}"
    return (
        f"version {one.number}: {one.share:.0%} of new conversations; {one.conversations} last served by it, "
        f"{one.resolved} resolved, {one.handed_off} handed over, {one.abandoned} abandoned{rated}"
    )


def _print_moves(moves: Moves, as_json: bool) -> None:
    if as_json:
        print_json(moves.as_json())
        return
    click.echo(
        f"{len(moves.moves)} live conversations: " + ", ".join(f"{n} {kind}" for kind, n in moves.counts.items())
    )
    for move in moves.losing[:_SHOWN]:
        where = f" at {move.to}" if move.to is not None else ""
        click.echo(f"  {move.conversation}  {move.flow}, {move.node}: {move.kind}{where}")
    if len(moves.losing) > _SHOWN:
        click.echo(f"  and {len(moves.losing) - _SHOWN} more: --json lists them all")
