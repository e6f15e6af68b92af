"""What STAR's compiled charts are held against: graphs, walks of the chart, retrieval, and a supervised ceiling."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.encoding import Encoding
from benchmarks.star_dialogues import BEGIN, Part, Ranked, Turn, drawn, turns_in, turns_of

_SCALE = 2.0  # of a unit vector beside words and labels, for the regression's penalty


def graph_of_actions(part: Part, _encoding: Encoding) -> Ranked:
    return _counted(part, lambda turn: turn.last)


def graph_with_calls(part: Part, _encoding: Encoding) -> Ranked:
    return _counted(part, lambda turn: turn.before[-1] if turn.before else BEGIN)


def _counted(part: Part, key: Callable[[Turn], str]) -> Ranked:
    """What came next most often after the same; then, what is commonest."""
    after: dict[str | None, Counter[str]] = defaultdict(Counter)
    for turn in turns_in(part.trained):
        after[key(turn)][turn.label] += 1
        after[None][turn.label] += 1
    return [[label for k in (key(t), None) for label, _ in after[k].most_common()] for t in turns_in(part.held)]


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
        task, place = str(dialogue.need), BEGIN
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
    return _retrieved(part, encoding, lambda turn: turn.context)


def retrieval_of_messages(part: Part, encoding: Encoding) -> Ranked:
    """The same by what the customer said alone."""
    return _retrieved(part, encoding, lambda turn: turn.said)


def _retrieved(part: Part, encoding: Encoding, text: Callable[[Turn], str]) -> Ranked:
    trained, held = list(turns_in(part.trained)), list(turns_in(part.held))
    likeness = encoding([text(turn) for turn in held]) @ encoding([text(turn) for turn in trained]).T
    return [[trained[place].label for place in np.argsort(-row, kind="stable")[:50]] for row in likeness]


def ceiling(part: Part, encoding: Encoding) -> Ranked:
    """Logistic regression on the gold labels and calls before, and on the words and vector of the customer's turn."""
    trained, held = list(turns_in(part.trained)), list(turns_in(part.held))
    history = DictVectorizer().fit(map(_history, trained))
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(turn.said for turn in trained)

    def features(turns: Sequence[Turn]) -> csr_matrix:
        said = [turn.said for turn in turns]
        return hstack([history.transform(map(_history, turns)), words.transform(said), _SCALE * encoding(said)]).tocsr()

    model = LogisticRegression(C=3, max_iter=300, tol=1e-3).fit(features(trained), [turn.label for turn in trained])
    best = np.argsort(-model.predict_proba(features(held)), axis=1, kind="stable")[:, :3]
    return [[str(label) for label in model.classes_[row]] for row in best]


def _history(turn: Turn) -> dict[str, float]:
    last = (BEGIN, *turn.before)
    return {f"has {key}": 1.0 for key in turn.before} | {f"last {last[-1]}": 1.0, f"last two {last[-2:]}": 1.0}
