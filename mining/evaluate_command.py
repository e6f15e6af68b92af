"""The subcommand that scores a mined draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mining.evaluation.figures import Evaluated, walk_all
from mining.evaluation.figures import evaluate as score
from mining.evaluation.gold import read_gold
from mining.evaluation.phrases import LANGUAGES, Language
from mining.evaluation.report import draw, write_report
from mining.held_out import Assigner, ReplayedDialogue, replay_dialogues
from taskflow.model import Assistant, AssistantVersion
from taskflow.options import Settings, as_json, print_json, say, with_settings
from taskflow.review import without_rejected
from taskflow.store.assistants import AssistantError, load_draft
from taskflow.store.corpora import CorpusError, read_corpus
from taskflow.store.runs import TurnActions, read_assignments
from taskflow.store.vectors import vectors_of

_SHOWN = ("clusters", "labels", "ACC", "NMI", "ARI", "V", "P", "R", "F1", "example_coverage", "left_out")
_SHOWN_OF_FLOWS = ("precision", "recall", "F1", "F1_of_visited", "path_recall", "branch_accuracy")


@click.command()
@click.argument("assistant")
@click.option("--corpus", required=True, metavar="NAME", help="The corpus it was mined from.")
@click.option("--gold", type=click.Path(path_type=Path), metavar="FILE", help="Gold trees or charts, by need.")
@click.option("--held", metavar="NAME", help="A corpus that was not mined, to replay.  [default: --corpus]")
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page of figures and drawings.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the report.")
@as_json
@with_settings
def evaluate(  # noqa: PLR0913, PLR0917 - one parameter an option
    settings: Settings,
    assistant: str,
    corpus: str,
    gold: Path | None,
    held: str | None,
    report: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Score a mined draft: against the labels and needs of its corpus, against gold trees, and by replay.

    Left-out turns count as one cluster of their own in every score. Without --held the replay is of the very dialogues
    that were mined, which says how well the flows sum them up, and not how well they foretell others.

    A gold file is {NEED: {"nodes": [{"id", "action", "speaker"}], "edges": [{"from", "to"}]}}. Edges may loop; a node
    whose action is null stands for no turn; without an action a node's id is its label.

    Example: taskflow evaluate after-sale-en --corpus after-sale-en --gold data/after-sale.flow.json --report page.html
    """
    trees = None if gold is None else read_gold(gold)
    draft = load_draft(settings.database, assistant)
    draft = replace(draft, assistant=without_rejected(draft.assistant))
    dialogues = [dialogue for _, dialogue in read_corpus(settings.database, corpus)]
    say(f"replaying {len(dialogues):,} dialogues of {corpus!r}")
    walks = walk_all(draft.assistant, dialogues, _assigned(settings, draft.assistant, corpus))
    evaluated = score(draft.assistant, walks, trees, None if held is None else _held(settings, draft, held))
    if report is not None:
        say("drawing the report")
        page = draw(evaluated, lambda texts: vectors_of(settings.database, settings.encoder, texts), language)
        write_report(report, page)
    if as_json:
        print_json(evaluated.figures)
    else:
        _print(evaluated)


def _assigned(settings: Settings, assistant: Assistant, corpus: str) -> list[TurnActions]:
    rows = read_assignments(settings.database, corpus)
    if rows is None:
        raise CorpusError(f"corpus {corpus!r} is not mined yet: run 'taskflow mine {corpus}'")
    found = list(rows)
    given = {row.action_id for row in found if row.action_id is not None}
    if given and not given & assistant.action_by_id.keys():
        raise AssistantError(
            f"assistant {assistant.name!r} has none of the actions that corpus {corpus!r} was last mined to: "
            "name the corpus that it comes from, or mine that one again"
        )
    return found


def _held(settings: Settings, draft: AssistantVersion, corpus: str) -> Sequence[ReplayedDialogue]:
    dialogues = [dialogue for _, dialogue in read_corpus(settings.database, corpus)]
    say(f"replaying {len(dialogues):,} dialogues of {corpus!r}")
    return list(replay_dialogues(draft, Assigner(settings.database, draft, settings.encoder), dialogues))


def _print(evaluated: Evaluated) -> None:
    figures = evaluated.figures
    for speaker, scores in figures["actions"].items():
        click.echo(f"actions of the {speaker}: {_listed(scores, _SHOWN)}")
    if "needs" in figures:
        click.echo(f"needs: {_listed(figures['needs'], _SHOWN)}")
    if figures["actions"] or "needs" in figures:
        click.echo("  (left-out turns and dialogues are one cluster of their own in every score)")
    for need, scores in figures.get("flows", {}).items():
        click.echo(f"{need!r} beside its gold flow:")
        for form in ("one_to_one", "majority"):
            click.echo(f"  actions aligned {_FORMS[form]}: {_listed(scores[form], _SHOWN_OF_FLOWS)}")
    for form, scores in figures.get("flows_mean", {}).items():
        click.echo(f"mean over gold flows, aligned {_FORMS[form]}: {_listed(scores, _SHOWN_OF_FLOWS)}")
    replayed = figures["replay"]
    click.echo(f"{'held-out' if replayed['held_out'] else 'own'} dialogues replayed: {_listed(replayed['all'])}")
    for outcome, scores in replayed["by_outcome"].items():
        click.echo(f"  {outcome}: {_listed(scores)}")
    click.echo(f"size: {_listed(figures['compactness']['all'])}")
    click.echo(f"hollow, for comparison with others only: {_listed(figures['hollow'])}")


_FORMS = {"one_to_one": "one to one", "majority": "by majority"}


def _listed(scores: Mapping[str, Any], names: Sequence[str] | None = None) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {scores[name]:g}" for name in names or scores)
