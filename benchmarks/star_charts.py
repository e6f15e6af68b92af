"""`python -m benchmarks.star_charts`: STAR's charts as TaskFlows, and what the agent does next in real dialogues."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.encoding import DEFAULT_VECTORS, Encoding, open_encoding
from benchmarks.options import chosen_methods
from benchmarks.sequence_models import ours
from benchmarks.sets import SETS, VARIABLE, flow_file, read_slices
from benchmarks.tables import Row, percent, say_licences, table, write_json
from benchmarks.tasks import Task
from taskflow.calls import system_keys
from taskflow.charts.building import build
from taskflow.charts.form import ChartForm
from taskflow.errors import TaskFlowError
from taskflow.model import ActionId, Assistant, Dialogue, Speaker
from taskflow.replay import START, Belief, Position, Replay
from taskflow.retrieval import ExemplarIndex, exemplar_texts

_STAR = replace(SETS["star"], per_domain=None, fewest=1)
_HELD = 0.3
_SEED = 0
_LEAST = 2  # training dialogues that go a way which is not drawn, for it to count
_EXEMPLARS = 40  # of each way on, the commonest
_BEGIN = "[begin]"

Chart = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A labelled turn of an agent with what came before it.

    `before` holds labels and calls, `said` is the customer's since the agent's last turn, `calls` are those since the
    last label, and `context` is the last three turns' text.
    """

    label: str
    before: tuple[str, ...]
    last: str
    said: str
    calls: tuple[str, ...]
    context: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a method learns from, and is asked; the charts are those of the tasks that may come."""

    charts: Mapping[str, Chart]
    trained: Sequence[Dialogue]
    held: Sequence[Dialogue]

    def of(self, task: str) -> Part:
        own = ([d for d in side if d.need == task] for side in (self.trained, self.held))
        return Part({task: self.charts[task]}, *own)


Ranked = list[Sequence[str]]
"""The likeliest labels at each labelled turn of the held dialogues, in their order."""


def turns_of(dialogue: Dialogue) -> list[Turn]:
    found: list[Turn] = []
    before: list[str] = []
    last, said, calls, texts = _BEGIN, "", list[str](), list[str]()
    for utterance in dialogue.utterances:
        if utterance.speaker is Speaker.USER:
            said = f"{said} {utterance.text}".strip()
        elif utterance.speaker is Speaker.SYSTEM:
            key = system_keys(utterance)[-1]
            if calls[-1:] != [key]:
                calls.append(key)
                before.append(key)
        elif utterance.label is None:
            said = ""
        else:
            context = " ".join(texts[-3:])
            found.append(Turn(utterance.label, tuple(before), last, said, tuple(calls), context))
            before.append(utterance.label)
            last, said, calls = utterance.label, "", []
        texts.append(utterance.text)
    return found


# The charts as flows


def chart_as_drawn(part: Part, encoding: Encoding) -> Ranked:
    return _replayed(_compiled(part, beyond=False), part, encoding)


def chart_and_ways(part: Part, encoding: Encoding) -> Ranked:
    return _replayed(_compiled(part, beyond=True), part, encoding)


def _compiled(part: Part, beyond: bool) -> Assistant:
    """The charts through the form that people write, with shares counted on the training part.

    A customer's answer to an agent's action is as many actions as there are agent's actions that come after it; what
    customers said there are the exemplars. `beyond` adds what agents do that is not drawn.
    """
    actions: dict[str, Any] = {}
    flows = []
    for task, chart in part.charts.items():
        dialogues = [turns_of(dialogue) for dialogue in part.trained if dialogue.need == task]
        flows.append(_Flow(task, chart, dialogues, beyond, actions).form())
    form = {"assistant": "star", "language": "en", "actions": actions, "flows": flows}
    return build(ChartForm.model_validate(form))


class _Flow:
    def __init__(
        self, task: str, chart: Chart, dialogues: Sequence[Sequence[Turn]], beyond: bool, actions: dict[str, Any]
    ) -> None:
        self._task = task
        self._dialogues = len(dialogues)
        self._beyond = beyond
        self._actions = actions
        self._placed: set[str] = set()
        self._texts = {node["id"]: node["text"] for node in chart["nodes"] if node["kind"] == "agent"}
        self._drawn = drawn(chart)
        seen = Counter(turn.label for turns in dialogues for turn in turns)
        known = self._texts.keys() | ({label for label, n in seen.items() if n >= _LEAST} if beyond else set())
        self._ways: dict[str, Counter[tuple[bool, str, tuple[str, ...]]]] = defaultdict(Counter)
        self._said: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._visits: Counter[str] = Counter()
        for turns in dialogues:
            last = _BEGIN
            for turn in turns:
                if turn.label in known:
                    self._ways[last][bool(turn.said), turn.label, turn.calls] += 1
                    self._said[last, turn.label][turn.said] += bool(turn.said)
                    self._visits[turn.label] += 1
                    last = turn.label

    def form(self) -> dict[str, Any]:
        return {"id": self._task, "root": {"support": self._dialogues}, **self._after(_BEGIN)}

    def _after(self, last: str) -> dict[str, Any]:
        drawn_next = self._drawn.get(last, set())
        ways: Counter[tuple[bool, str, tuple[str, ...]]] = Counter()
        for (said, label, calls), count in self._ways[last].items():
            if label in drawn_next or (self._beyond and count >= _LEAST):
                ways[said, label, calls] = count
        for label in sorted(drawn_next - {label for _, label, _ in ways}):
            ways[False, label, ()] = 1  # drawn, and never gone in training
        total = sum(ways.values())
        steps = self._called(
            Counter({(label, calls): n for (said, label, calls), n in ways.items() if not said}), total
        )
        for label in dict.fromkeys(label for (said, label, _), _ in ways.most_common() if said):
            own = Counter({(label, calls): n for (said, other, calls), n in ways.items() if said and other == label})
            steps.append(self._answer(last, label, own, total))
        return {"branches": steps}

    def _answer(self, last: str, label: str, ways: Counter[tuple[str, tuple[str, ...]]], total: int) -> dict[str, Any]:
        """What a customer says after `last` that the agent answers with `label`."""
        key, count = f"{self._task}: {last} > {label}", sum(ways.values())
        said = [
            {"text": text, "count": n} for text, n in self._said[last, label].most_common(_EXEMPLARS) if text.strip()
        ]
        self._actions[key] = {"speaker": "customer", "exemplars": said, "support": count}
        return {"customer": key, "share": count / total, "support": count, "branches": self._called(ways, count)}

    def _called(self, ways: Counter[tuple[str, tuple[str, ...]]], total: int) -> list[dict[str, Any]]:
        """The agent's actions, and the calls on the way to them with their outcomes."""
        steps = []
        calls: dict[str, dict[str, Counter[tuple[str, tuple[str, ...]]]]] = defaultdict(lambda: defaultdict(Counter))
        for (label, made), count in ways.most_common():
            if made:
                name, _, outcome = made[0].partition(": ")
                calls[name][outcome or "ok"][label, made[1:]] += count
            else:
                steps.append(self._spoken(label, count, total))
        for name, outcomes in calls.items():
            count = sum(sum(own.values()) for own in outcomes.values())
            step: dict[str, Any] = {"call": name, "share": count / total, "support": count}
            for outcome, own in outcomes.items():
                n = sum(own.values())
                step[outcome] = {"share": n / count, "support": n, "branches": self._called(own, n)}
            steps.append(step)
        return steps

    def _spoken(self, label: str, count: int, total: int) -> dict[str, Any]:
        node = {"share": count / total, "support": count}
        if label in self._placed:
            return {"jump": f"{self._task}/{label}", **node}
        self._placed.add(label)
        text = self._texts.get(label, label)
        known = self._actions.setdefault(label, {"speaker": "agent", "responses": [text], "support": 0})
        known["support"] += self._visits[label]
        node["support"] = max(1, self._visits[label])
        return {"agent": label, "id": f"{self._task}/{label}", **node, **self._after(label)}


def drawn(chart: Chart) -> dict[str, set[str]]:
    """The agent's actions that come next by the chart, through its calls and conditions."""
    spoken = {node["id"] for node in chart["nodes"] if node["kind"] == "agent"}
    after: dict[str, list[str]] = defaultdict(list)
    for edge in chart["edges"]:
        after[edge["from"]].append(edge["to"])
    found: dict[str, set[str]] = {_BEGIN: {chart["start"]}}
    for node in spoken:
        front, seen = list(after[node]), set[str]()
        while front:
            reached = front.pop()
            if reached not in seen:
                seen.add(reached)
                front += [] if reached in spoken else after[reached]
        found[node] = seen & spoken
    return found


def _replayed(assistant: Assistant, part: Part, encoding: Encoding) -> Ranked:
    """P(position | message) ∝ P(position | where it stood) x P(message | the position's action), then the calls."""
    replay = Replay(assistant)
    index = ExemplarIndex(assistant, Speaker.USER, encoding(exemplar_texts(assistant, Speaker.USER)))
    held = [turns_of(dialogue) for dialogue in part.held]
    texts = list({turn.said for turns in held for turn in turns if turn.said})
    matches = index.nearest(texts, encoding(texts), len(assistant.actions))
    likelihoods = {text: {m.action_id: m.likelihood for m in near} for text, near in zip(texts, matches, strict=True)}
    keys = {a.exemplars[0].text: a.id for a in assistant.actions if a.speaker is Speaker.SYSTEM}
    ranked: Ranked = []
    for turns in held:
        stood = START
        for turn in turns:
            belief = _heard(replay, stood, likelihoods.get(turn.said, {}))
            for call in turn.calls:
                for key in dict.fromkeys((call.partition(": ")[0], call)):
                    belief = replay.observe(belief, keys[key]) if key in keys else belief
            ranked.append([action for action, _ in replay.next_agent_actions(belief)[:3]])
            if turn.label in assistant.action_by_id:
                stood = replay.observe(belief, ActionId(turn.label))
    return ranked


def _heard(replay: Replay, stood: Belief, likelihoods: Mapping[ActionId, float]) -> Belief:
    """The belief after a message that may be several actions; where none comes next, it stays."""
    weights: dict[Position | None, float] = defaultdict(float)
    for position, weight in stood.weights.items():
        for reached, share in replay.step(position):
            action = replay.action(reached)
            if action in likelihoods:
                weights[reached] += weight * share * likelihoods[action]
    total = sum(weights.values())
    if not total:
        return stood
    best = max(weights, key=weights.__getitem__)
    last = None if best is None else replay.action(best)
    return Belief({position: weight / total for position, weight in weights.items()}, last=last)


def mined(part: Part, encoding: Encoding) -> Ranked:
    """Mined from the training part; an action stands for the label that it mostly has there."""
    task = Task(_STAR, "star", tuple(part.trained), tuple(part.held), {})
    model = ours(task, encoding)
    labels: dict[ActionId, Counter[str]] = defaultdict(Counter)
    for dialogue, turns in zip(part.trained, model.trained, strict=True):
        for utterance, actions in zip(dialogue.utterances, turns, strict=True):
            if utterance.speaker is Speaker.AGENT and utterance.label is not None and actions:
                labels[actions[0]][utterance.label] += 1
    usual = {action: counts.most_common(1)[0][0] for action, counts in labels.items()}
    ranked: Ranked = []
    for dialogue, turns in zip(part.held, model.held, strict=True):
        foretold = model.foretell(dialogue, turns)
        for turn, utterance in enumerate(dialogue.utterances):
            if utterance.speaker is Speaker.AGENT and utterance.label is not None:
                ranked.append([usual[action] for action in foretold.get(turn, ()) if action in usual])
    return ranked


# What they are held against


def graph_of_actions(part: Part, _encoding: Encoding) -> Ranked:
    return _counted(part, lambda turn: turn.last)


def graph_with_calls(part: Part, _encoding: Encoding) -> Ranked:
    return _counted(part, lambda turn: turn.before[-1] if turn.before else _BEGIN)


def _counted(part: Part, key: Callable[[Turn], str]) -> Ranked:
    """What came next most often after the same; then, what is commonest."""
    after: dict[str | None, Counter[str]] = defaultdict(Counter)
    for turn in _all(part.trained):
        after[key(turn)][turn.label] += 1
        after[None][turn.label] += 1
    return [[label for k in (key(t), None) for label, _ in after[k].most_common()] for t in _all(part.held)]


def strict_walk(part: Part, _encoding: Encoding) -> Ranked:
    """On the chart of the dialogue's own task; an action that is not drawn next leaves the walk where it stands."""
    return _walked(part, again=False)


def walk_that_begins_again(part: Part, _encoding: Encoding) -> Ranked:
    """The same, but an action that stands elsewhere in the chart takes the walk there."""
    return _walked(part, again=True)


def _walked(part: Part, again: bool) -> Ranked:
    """Of several actions that are drawn next, the one that came oftener there in training is first."""
    counts = Counter((str(d.need), turn.last, turn.label) for d in part.trained for turn in turns_of(d))
    ranked: Ranked = []
    for dialogue in part.held:
        task, place = str(dialogue.need), _BEGIN
        ways = drawn(part.charts[task])
        for turn in turns_of(dialogue):
            ranked.append(_commonest(ways[place], {label: counts[task, place, label] for label in ways[place]}))
            if turn.label in ways if again else turn.label in ways[place]:
                place = turn.label
    return ranked


def _commonest(labels: set[str], counts: Mapping[str, int]) -> list[str]:
    return sorted(labels, key=lambda label: (-counts[label], label))


def retrieval(part: Part, encoding: Encoding) -> Ranked:
    """The next actions after the training contexts whose last three turns are most like these."""
    trained, held = list(_all(part.trained)), list(_all(part.held))
    labels = [turn.label for turn in trained]
    likeness = encoding([turn.context for turn in held]) @ encoding([turn.context for turn in trained]).T
    return [[labels[place] for place in np.argsort(-row, kind="stable")[:50]] for row in likeness]


def ceiling(part: Part, _encoding: Encoding) -> Ranked:
    """Logistic regression on the gold labels and calls before, and on the words of the customer's turn."""
    trained, held = list(_all(part.trained)), list(_all(part.held))
    history, words = DictVectorizer(), TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    features = hstack([history.fit_transform(map(_history, trained)), words.fit_transform(t.said for t in trained)])
    model = LogisticRegression(C=3, max_iter=300, tol=1e-3).fit(features.tocsr(), [turn.label for turn in trained])
    asked = hstack([history.transform(map(_history, held)), words.transform(turn.said for turn in held)])
    best = np.argsort(-model.predict_proba(asked.tocsr()), axis=1, kind="stable")[:, :3]
    return [[str(label) for label in model.classes_[row]] for row in best]


def _history(turn: Turn) -> dict[str, float]:
    last = (_BEGIN, *turn.before)
    return {f"has {key}": 1.0 for key in turn.before} | {f"last {last[-1]}": 1.0, f"last two {last[-2:]}": 1.0}


def _all(dialogues: Sequence[Dialogue]) -> Iterator[Turn]:
    return (turn for dialogue in dialogues for turn in turns_of(dialogue))


METHODS: dict[str, Callable[[Part, Encoding], Ranked]] = {
    "chart as drawn, replayed": chart_as_drawn,
    "chart and ways of the training part, replayed": chart_and_ways,
    "mined, replayed": mined,
    "graph of agents' actions": graph_of_actions,
    "graph with calls and outcomes": graph_with_calls,
    "strict walk of the chart": strict_walk,
    "walk that begins again anywhere": walk_that_begins_again,
    "retrieval without flow": retrieval,
    "logistic regression (ceiling)": ceiling,
}


def read_part(folder: Path | None, most: int | None) -> Part:
    """Happy dialogues of one task, split 70 to 30 by dialogue with a fixed seed; free wordings have no label."""
    charts = json.loads(flow_file(_STAR, folder).read_text(encoding="utf-8"))
    with gzip.open(flow_file(_STAR, folder).with_name("star.jsonl.gz"), "rt", encoding="utf-8") as lines:
        happy = {record["dialogue_id"] for record in map(json.loads, lines) if record["happy"]}
    found = [
        _labelled(dialogue)
        for domain in read_slices(_STAR, folder, None)
        for dialogue in [d for d in domain.dialogues if d.id in happy and d.need in charts][:most]
    ]
    held = set(np.random.default_rng(_SEED).permutation(len(found))[: max(1, round(_HELD * len(found)))].tolist())
    sides: dict[bool, list[Dialogue]] = {True: [], False: []}
    for place, dialogue in enumerate(found):
        sides[place in held].append(dialogue)
    tasks = {str(dialogue.need) for dialogue in found}
    return Part({task: chart for task, chart in charts.items() if task in tasks}, sides[False], sides[True])


def _labelled(dialogue: Dialogue) -> Dialogue:
    turns = (replace(turn, label=None) if turn.label == "custom" else turn for turn in dialogue.utterances)
    return replace(dialogue, utterances=tuple(turns))


@click.command()
@click.option("--data", envvar=VARIABLE, type=click.Path(path_type=Path), help="The folder with star.jsonl.gz.")
@click.option("--methods", metavar="NAME;…", help="Which methods, as the table names them.  [default: all]")
@click.option("--dialogues", type=click.IntRange(min=4), help="At most so many of each task.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here.")
@click.option("--vectors", type=click.Path(path_type=Path), default=DEFAULT_VECTORS, help="Keeps texts' vectors.")
def star_charts(
    data: Path | None, methods: str | None, dialogues: int | None, json_file: Path | None, vectors: Path
) -> None:
    """Say how often each method has the agent's next action first, or among its first three.

    Example: python -m benchmarks.star_charts --data FOLDER
    """
    chosen = chosen_methods(methods, list(METHODS))
    try:
        part = read_part(data, dialogues)
    except TaskFlowError as error:
        raise click.ClickException(str(error)) from error
    with open_encoding(vectors) as encoding:
        rows = [_measured(name, part, encoding) for name in chosen]
    heads = ["method", "hit@1", "hit@3", "hit@1, task given", "hit@3, task given", "agent's turns"]
    keys = ("hit_1", "hit_3", "given_hit_1", "given_hit_3")
    click.echo(table(heads, [[row["method"], *(percent(row[key]) for key in keys), f"{row['turns']}"] for row in rows]))
    click.echo(f"\n{len(part.trained)} dialogues to learn from, {len(part.held)} held; seed {_SEED}.\n")
    say_licences([_STAR])
    if json_file is not None:
        write_json(json_file, rows)


def _measured(name: str, part: Part, encoding: Encoding) -> Row:
    """Once for all tasks together, and once for each alone."""
    alone = [own for task in part.charts if (own := part.of(task)).held and own.trained]
    together, given = _hits(name, [part], encoding), _hits(name, alone, encoding)
    click.echo(f"{name}: {percent(together['hit_1'])}", err=True)
    return {"method": name, **together, **{f"given_{key}": value for key, value in given.items()}}


def _hits(name: str, parts: Sequence[Part], encoding: Encoding) -> Row:
    hits: Counter[str] = Counter()
    for part in parts:
        for turn, ranked in zip(_all(part.held), METHODS[name](part, encoding), strict=True):
            first = list(dict.fromkeys(ranked))[:3]
            hits["turns"] += 1
            hits["1"] += turn.label in first[:1]
            hits["3"] += turn.label in first
    return {"turns": hits["turns"], "hit_1": hits["1"] / hits["turns"], "hit_3": hits["3"] / hits["turns"]}


if __name__ == "__main__":
    star_charts()
