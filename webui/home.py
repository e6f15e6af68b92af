"""The overview: what there is, and what to do next where there is nothing."""

from __future__ import annotations

from flask import Blueprint, render_template

from taskflow.store import assistants, corpora
from taskflow.store.jobs import list_jobs
from taskflow.store.runs import list_runs
from webui.parts import parts

home = Blueprint("home", __name__)

_NEWEST = 10


@home.get("/")
def index() -> str:
    database = parts().database
    return render_template(
        "home.html",
        assistants=assistants.summarise(database),
        corpora=corpora.summarise(database),
        runs=list_runs(database)[:_NEWEST],
        jobs=list_jobs(database)[:_NEWEST],
    )
