"""The figures as one self-contained page that people read and print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mining.evaluation import chart
from mining.evaluation.chart import chart as plot
from mining.evaluation.cluster_map import Encode, cluster_map
from mining.evaluation.confusions import confusions
from mining.evaluation.coverage import coverage_curves
from mining.evaluation.figures import Evaluated
from mining.evaluation.labelled import labelled_turns
from mining.evaluation.phrases import Language, phrases
from mining.evaluation.tree_drawing import draw_tree
from taskflow.graph import label
from taskflow.model import Speaker
from taskflow.outcomes import partings
from taskflow.store.corpora import CorpusError

_environment = Environment(
    loader=PackageLoader("mining.evaluation"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_SPEAKERS = (Speaker.USER, Speaker.AGENT)


def draw(evaluated: Evaluated, encode: Encode, language: Language) -> str:
    """The page as HTML; `encode` gives the vectors of exemplars for the map."""
    assistant = evaluated.assistant
    maps = (cluster_map(assistant, speaker, encode) for speaker in _SPEAKERS)
    curves = coverage_curves(assistant.flows, evaluated.replayed)
    labelled = [turn for speaker in _SPEAKERS for turn in labelled_turns(evaluated.walks, speaker)]
    names = {action.id: action.name for action in assistant.actions}
    return _environment.get_template("report.html.jinja").render(
        language=language,
        say=_sayer(phrases(language)),
        share=_share,
        assistant=assistant,
        figures=evaluated.figures,
        dialogues=len(evaluated.walks),
        maps=[drawn for drawn in maps if drawn is not None],
        trees=[draw_tree(assistant, flow) for flow in assistant.flows],
        partings=partings(assistant.flows),
        label=partial(label, assistant),
        frame=chart,
        charts=[("coverage_all", plot(curves[:1])), *([("coverage_each", plot(curves[1:]))] if curves[1:] else [])],
        confused=confusions(labelled, names) if labelled else None,
    )


def write_report(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be written ({error.strerror}); name another file with --report") from error


def _sayer(told: Mapping[str, str]) -> Callable[..., str]:
    def say(key: str, **values: Any) -> str:
        return told[key].format(**values)

    return say


def _share(value: float) -> str:
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"
