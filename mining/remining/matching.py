"""Which of a new run's Dialogue Actions and TaskFlows are those that a team knows already."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count

from taskflow.model import ActionId, Assistant, Dialogue, DialogueAction, FlowId, FlowNode, Speaker, TaskFlow
from taskflow.texts import normalise

_ALIKE = 0.5  # of one's wordings are the other's
_GROWN = 0.2  # of a mined action's wordings at least are known where it has all of a known one's
_Wordings = Mapping[str, float]


def match_actions(mined: Sequence[DialogueAction], known: Sequence[DialogueAction]) -> dict[ActionId, ActionId]:
    """The id that each mined action is to bear: that of the known action with its wordings, or a fresh one.

    First one to one, the most alike first. Of the others, one whose wordings are mostly known is part of the action
    that has the most of them, as after a merge by hand.
    """
    found: dict[ActionId, ActionId] = {}
    for speaker in Speaker:
        found |= _match_speaker(
            [action for action in mined if action.speaker is speaker],
            [action for action in known if action.speaker is speaker],
        )
    taken = {action.id for action in known}
    for action in mined:
        if action.id not in found:
            found[action.id] = ActionId(unused(action.id, taken))
            taken.add(found[action.id])
    return found


def _match_speaker(mined: Sequence[DialogueAction], known: Sequence[DialogueAction]) -> dict[ActionId, ActionId]:
    ours = {action.id: _shares(action) for action in mined}
    theirs = {action.id: _shares(action) for action in known}
    said = {text for wordings in theirs.values() for text in wordings}
    shared = _shared(ours, theirs)
    found = _one_to_one(
        (min(own, other), one, two)
        for (one, two), (own, other) in shared.items()
        if own >= _ALIKE or (own >= _GROWN and other >= _ALIKE)
    )
    having = _holders(shared)
    for one, wordings in ours.items():
        if one in having and sum(share for text, share in wordings.items() if text in said) > _ALIKE:
            found.setdefault(one, having[one])
    return found


def _holders(shared: Mapping[tuple[ActionId, ActionId], tuple[float, float]]) -> dict[ActionId, ActionId]:
    """The known action that has the most of each mined one's wordings."""
    most = sorted(shared.items(), key=lambda item: (item[1][0], item[0]))
    return {one: two for (one, two), _ in most}


def _shares(action: DialogueAction) -> _Wordings:
    """How much of what is said of an action each wording is."""
    counts: Counter[str] = Counter()
    for exemplar in action.exemplars:
        counts[normalise(exemplar.text)] += exemplar.count
    total = counts.total() or 1
    return {text: number / total for text, number in counts.items()}


def _shared(
    ours: Mapping[ActionId, _Wordings], theirs: Mapping[ActionId, _Wordings]
) -> dict[tuple[ActionId, ActionId], tuple[float, float]]:
    """Pairs with a common wording: how much of the one, and of the other, is common."""
    having: dict[str, list[ActionId]] = defaultdict(list)
    for id_, wordings in theirs.items():
        for text in wordings:
            having[text].append(id_)
    found: dict[tuple[ActionId, ActionId], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for id_, wordings in ours.items():
        for text, share in wordings.items():
            for other in having.get(text, ()):
                own, its = found[id_, other]
                found[id_, other] = own + share, its + theirs[other][text]
    return found


def _one_to_one(scored: Iterable[tuple[float, ActionId, ActionId]]) -> dict[ActionId, ActionId]:
    found: dict[ActionId, ActionId] = {}
    taken: set[ActionId] = set()
    for _, one, two in sorted(scored, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if one not in found and two not in taken:
            found[one] = two
            taken.add(two)
    return found


class Translator:
    """Gives the turns of a run the action ids that the team knows.

    A wording that the team has put into an action is of that action, however the run grouped it: so merges and
    splits by hand hold for the turns, too.
    """

    def __init__(self, known: Iterable[DialogueAction], of_mined: Mapping[ActionId, ActionId]) -> None:
        self._of_mined = of_mined
        self._owners: dict[tuple[Speaker, str], set[ActionId]] = defaultdict(set)
        for action in known:
            for exemplar in action.exemplars:
                self._owners[action.speaker, normalise(exemplar.text)].add(action.id)

    def translate(self, dialogue: Dialogue, turns: Sequence[tuple[ActionId, ...]]) -> tuple[tuple[ActionId, ...], ...]:
        return tuple(
            self._turn(utterance.speaker, utterance.text, actions)
            for utterance, actions in zip(dialogue.utterances, turns, strict=True)
        )

    def _turn(self, speaker: Speaker, text: str, actions: tuple[ActionId, ...]) -> tuple[ActionId, ...]:
        translated = tuple(dict.fromkeys(self._of_mined[action] for action in actions))
        owners = self._owners.get((speaker, normalise(text)), set()) if len(actions) == 1 else set()
        if len(owners) == 1 and speaker is not Speaker.SYSTEM:
            return tuple(owners)
        return translated


def match_flows(mined: Sequence[TaskFlow], known: Sequence[TaskFlow]) -> dict[FlowId, FlowId]:
    """The known flow that each mined one is, by its openings and its evidence; none for a need that is new.

    The mined flows' actions bear known ids. Several mined flows may be parts of one known flow.
    """
    ours = {flow.id: _openings(flow) for flow in mined}
    theirs = {flow.id: _openings(flow) for flow in known}
    common = Counter(action for openings in theirs.values() for action in openings)
    scored = []
    for flow in mined:
        for other in known:
            same = _overlap(ours[flow.id], theirs[other.id], common) + _same_evidence(flow.root, other.root)
            scored.append((same + 0.1 * (flow.id == other.id), flow.id, other.id))
    found: dict[FlowId, FlowId] = {}
    taken: set[FlowId] = set()
    for exclusive in (True, False):
        for score, one, two in sorted(scored, key=lambda pair: (-pair[0], pair[1], pair[2])):
            if score >= _ALIKE and one not in found and not (exclusive and two in taken):
                found[one] = two
                taken.add(two)
    return found


def _openings(flow: TaskFlow) -> Mapping[ActionId, float]:
    """The actions that come first in a flow, with their shares."""
    counts: Counter[ActionId] = Counter()
    first = [flow.root] if flow.root.action_id is not None else flow.children(flow.root.id)
    for node in first:
        if node.action_id is not None:
            counts[node.action_id] += node.support
    total = counts.total() or 1
    return {action: number / total for action, number in counts.items()}


def _overlap(
    one: Mapping[ActionId, float], other: Mapping[ActionId, float], flows_with: Mapping[ActionId, int]
) -> float:
    """From 0 to 1; a greeting that many flows begin with says little."""
    weight = {action: 1 / max(1, flows_with.get(action, 1)) ** 2 for action in {*one, *other}}
    both = sum(weight[action] * min(one[action], other[action]) for action in one.keys() & other.keys())
    least = min(sum(weight[action] * share for action, share in flow.items()) for flow in (one, other))
    return both / least if least else 0.0


def _same_evidence(one: FlowNode, other: FlowNode) -> float:
    ours, theirs = ({seen.dialogue_id for seen in node.evidence} for node in (one, other))
    return len(ours & theirs) / min(len(ours), len(theirs)) if ours and theirs else 0.0


def unused(wanted: str, taken: Collection[str], before: str = "-") -> str:
    """The id or name, numbered where it is taken."""
    numbered = (f"{wanted}{before}{number}" for number in count(2))
    return next(free for free in chain([wanted], numbered) if free not in taken)


def fresh_actions(
    mined: Assistant, of_mined: Mapping[ActionId, ActionId], draft: Assistant
) -> dict[ActionId, DialogueAction]:
    """The mined actions that the draft lacks, under the ids that they are to bear."""
    fresh: dict[ActionId, DialogueAction] = {}
    for action in mined.actions:
        id_ = of_mined[action.id]
        first = fresh.get(id_)
        if id_ not in draft.action_by_id:
            fresh[id_] = (
                replace(action, id=id_)
                if first is None
                else replace(
                    first, exemplars=(*first.exemplars, *action.exemplars), support=first.support + action.support
                )
            )
    return fresh


def with_ids(flow: TaskFlow, of_mined: Mapping[ActionId, ActionId]) -> TaskFlow:
    nodes = (
        node if node.action_id is None else replace(node, action_id=of_mined[node.action_id]) for node in flow.nodes
    )
    return replace(flow, nodes=tuple(nodes))
