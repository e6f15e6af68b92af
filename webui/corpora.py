"""Pages of corpora: their dialogues, their mining runs, and the button that asks for one."""

from __future__ import annotations

from itertools import islice

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from taskflow.model import Dialogue
from taskflow.store import Database
from taskflow.store.corpora import CorpusError, CorpusSummary, read_corpus, read_dialogue, summarise
from taskflow.store.jobs import enqueue, list_jobs
from taskflow.store.names import NameFormError, checked_name
from taskflow.store.runs import list_runs
from webui.parts import parts
from webui.words import Words, chosen_language

corpora = Blueprint("corpora", __name__, url_prefix="/corpora")

_LISTED = 20


@corpora.get("/<name>")
def show(name: str) -> str:
    return _page(name, assistant=name)


@corpora.post("/<name>/mine")
def mine(name: str) -> ResponseReturnValue:
    """Write a job row; a worker takes it."""
    asked = request.form.get("assistant", "").strip() or name
    try:
        assistant = checked_name(asked)
    except NameFormError as error:
        return _page(name, assistant=asked, fault=str(error)), 422
    _summary(parts().database, name)
    number = enqueue(parts().database, name, assistant)
    flash(Words(chosen_language())("job_asked", number=number))
    return redirect(url_for("corpora.show", name=name), 303)


# An id is whatever the log called the dialogue: slashes are a part of it, and doubled ones too.
@corpora.get("/<name>/dialogues/<path:dialogue_id>", merge_slashes=False)
def transcript(name: str, dialogue_id: str) -> str:
    dialogue = read_dialogue(parts().database, name, dialogue_id)
    if dialogue is None:
        abort(404, f"Corpus {name!r} has no dialogue {dialogue_id!r}.")
    return render_template("dialogue.html", corpus=name, dialogue=dialogue)


def _page(name: str, assistant: str, fault: str | None = None) -> str:
    database = parts().database
    return render_template(
        "corpus.html",
        corpus=_summary(database, name),
        runs=list_runs(database, name),
        jobs=list_jobs(database, name),
        dialogues=_first_dialogues(database, name),
        assistant=assistant,
        fault=fault,
    )


def _summary(database: Database, name: str) -> CorpusSummary:
    found = next((corpus for corpus in summarise(database) if corpus.name == name), None)
    if found is None:
        raise CorpusError(f"no corpus is called {name!r}: import one with 'taskflow import'")
    return found


def _first_dialogues(database: Database, name: str) -> list[Dialogue]:
    return [dialogue for _, dialogue in islice(read_corpus(database, name), _LISTED)]
