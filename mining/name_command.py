"""The subcommand that has a backbone name Dialogue Actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from mining.backbone_names import Answer, ask, followed
from mining.discretion import Discretion
from taskflow.backbones import Backbone
from taskflow.backbones.loading import load_backbone
from taskflow.config import BackboneConfig, ConfigError
from taskflow.edits import AddAction, DescribeAction, Edit, RenameAction, SplitAction
from taskflow.model import ActionId, Assistant, DialogueAction, Speaker, Status
from taskflow.options import Settings, as_json, print_json, say, with_settings
from taskflow.proposals import Decision, Kind, Proposal, digest_of
from taskflow.store import Database
from taskflow.store.assistants import AssistantError, load_draft, load_log
from taskflow.store.corpora import StoredDialogues
from taskflow.store.edit_log import Origin
from taskflow.store.proposals import StoredProposal, list_proposals, propose
from taskflow.store.runs import corpus_of


@click.command()
@click.argument("assistant")
@click.option("--actions", "ids", multiple=True, metavar="ID", help="Only this action, whoever named it; repeatable.")
@as_json
@with_settings
def name(settings: Settings, assistant: str, ids: tuple[str, ...], as_json: bool) -> None:
    """Ask the configured backbone for names and descriptions of an assistant's actions; each is a proposal.

    It is asked about what neither it nor a person has named yet, so a run that was interrupted goes on where it
    stopped. An answer that is empty, too long or tells a value is not taken: the action keeps its name.

    \b
    Example: taskflow name support
             taskflow accept support --all
    """
    draft = load_draft(settings.database, assistant).assistant
    chosen = _chosen(draft, ids) if ids else list(_unnamed(settings.database, draft))
    backbone = _backbone(settings)
    proposed: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    for row in _ask_all(settings.database, draft, chosen, backbone):
        (kept if "why" in row else proposed).append(row)
    if as_json:
        print_json({"assistant": assistant, "backbone": backbone.name, "proposed": proposed, "kept": kept})
        return
    for row in proposed:
        click.echo(f"{row['id']:5}  {row['before']}  ->  {row['name']}")
    for row in kept:
        click.echo(f"       {row['before']}  stays: {row['why']}")
    click.echo(
        f"{len(proposed)} names proposed by {backbone.name}, {len(kept)} actions keep theirs "
        f"(see 'taskflow proposals {assistant}', take them with 'taskflow accept {assistant}')"
    )


def _ask_all(
    database: Database, draft: Assistant, chosen: Sequence[DialogueAction], backbone: Backbone
) -> Iterator[dict[str, Any]]:
    """One row an action, when its proposal is stored; one with `why` where the action keeps its name."""
    discretion = Discretion(_told(database, draft.name))
    before = followed(draft)
    pending = [stored for stored in _names(database, draft.name) if stored.status is Decision.PENDING]
    names = _borne(draft, pending)
    for number, action in enumerate(chosen, start=1):
        say(f"asking about action {number:,} of {len(chosen):,}")
        row = {"action_id": action.id, "before": action.name}
        others = (other.id for other in draft.actions if other.speaker is action.speaker and other.id != action.id)
        used = {name for other in others for name in names[other]}
        answer = ask(backbone, action, before.get(action.id), discretion, used)
        if not isinstance(answer, Answer):
            yield row | {"why": answer.why}
            continue
        proposal = _proposal(backbone, action, answer)
        earlier = [stored.id for stored in pending if _named(stored) == action.id]
        id_ = None if proposal is None else propose(database, draft.name, proposal, earlier)
        if id_ is None:
            yield row | {
                "why": f"{answer.name!r} is its name already" if proposal is None else f"{answer.name!r} was rejected"
            }
            continue
        names[action.id].add(answer.name)
        yield {"id": id_} | row | {"name": answer.name, "description": answer.description}


def _backbone(settings: Settings) -> Backbone:
    backbone = load_backbone(settings.configuration.section("backbone", BackboneConfig))
    if backbone is None:
        raise ConfigError("no backbone is configured: set checkpoint under [backbone] in taskflow.toml, or url")
    return backbone


def _chosen(draft: Assistant, ids: Sequence[str]) -> list[DialogueAction]:
    found = []
    for id_ in dict.fromkeys(ids):
        action = draft.action_by_id.get(ActionId(id_))
        if action is None or action.speaker is Speaker.SYSTEM:
            raise AssistantError(
                f"assistant {draft.name!r} has no action {id_!r} of a customer or an agent: "
                f"see the ids with 'taskflow export {draft.name}'"
            )
        found.append(action)
    return found


def _unnamed(database: Database, draft: Assistant) -> Iterator[DialogueAction]:
    """What neither a backbone nor a person has named yet; the most said first."""
    named = {_named(stored) for stored in _names(database, draft.name)}
    for stored in load_log(database, draft.name):
        if stored.undone_at is None and stored.origin is Origin.HAND:
            named.add(_renamed(stored.edit))
    for action in sorted(draft.actions, key=lambda action: (-action.support, action.id)):
        if action.speaker is not Speaker.SYSTEM and action.status is not Status.REJECTED and action.id not in named:
            yield action


def _renamed(edit: Edit) -> ActionId | None:
    match edit:
        case RenameAction():
            return edit.action_id
        case SplitAction():
            return edit.new_id
        case AddAction():
            return edit.action.id
    return None


def _names(database: Database, assistant: str) -> list[StoredProposal]:
    return [stored for stored in list_proposals(database, assistant) if stored.proposal.kind is Kind.NAME]


def _named(stored: StoredProposal) -> ActionId | None:
    """The action that a proposal of names is about."""
    return next(
        (edit.action_id for edit in stored.proposal.edits if isinstance(edit, RenameAction | DescribeAction)), None
    )


def _borne(draft: Assistant, pending: Sequence[StoredProposal]) -> dict[ActionId, set[str]]:
    """The names that each action has, or is proposed to have."""
    names = {action.id: {action.name} for action in draft.actions}
    for edit in (edit for stored in pending for edit in stored.proposal.edits):
        if isinstance(edit, RenameAction) and edit.action_id in names:
            names[edit.action_id].add(edit.name)
    return names


def _proposal(backbone: Backbone, action: DialogueAction, answer: Answer) -> Proposal | None:
    """None where the answer changes nothing."""
    edits: list[Edit] = []
    if answer.name != action.name:
        edits.append(RenameAction(action.id, answer.name))
    if answer.description is not None and answer.description != action.description:
        edits.append(DescribeAction(action.id, answer.description))
    if not edits:
        return None
    return Proposal(
        Kind.NAME,
        digest_of(Kind.NAME, action.id, answer.name),
        tuple(edits),
        f"{backbone.name} would call {action.name!r} {answer.name!r}.",
        action.support,
        (),
    )


def _told(database: Database, assistant: str) -> Iterator[list[str]]:
    """What is said in each dialogue that the assistant was mined from."""
    corpus = corpus_of(database, assistant)
    for dialogue in () if corpus is None else StoredDialogues(database, corpus):
        yield [utterance.text for utterance in dialogue.utterances]
