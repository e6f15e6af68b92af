"""What a new run heard said that a reviewed draft has no words for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from mining.remining.aligning import Alignment
from taskflow.edits import AddExemplars, AddResponses
from taskflow.model import ActionId, Assistant, Exemplar, NodeId, Speaker, Status
from taskflow.proposals import Kind, Proposal, digest_of
from taskflow.texts import normalise

_MOST_RESPONSES = 5


class Speech:
    """The wordings of a run, beside those of a draft and those that reviewers declined."""

    def __init__(
        self,
        draft: Assistant,
        mined: Assistant,
        of_mined: Mapping[ActionId, ActionId],
        rejected: Sequence[Proposal],
    ) -> None:
        self._draft = draft
        self._declined = set(_declined(rejected))
        known = {(a.speaker, normalise(said.text)) for a in draft.actions for said in a.exemplars}
        self._fresh: dict[ActionId, list[Exemplar]] = defaultdict(list)
        self._count: dict[str, int] = {}  # of what agents say that no action of the draft has
        for action in mined.actions:
            for said in action.exemplars:
                key = normalise(said.text)
                if (action.speaker, key) not in known and action.speaker is not Speaker.SYSTEM:
                    self._fresh[of_mined[action.id]].append(said)
                    if action.speaker is Speaker.AGENT:
                        self._count[key] = said.count

    def new_wordings(self, least: int) -> Iterator[Proposal]:
        """For each action of the draft, if they are said often enough together."""
        for action in self._draft.actions:
            fresh = [e for e in self._fresh[action.id] if (action.id, normalise(e.text)) not in self._declined]
            support = sum(said.count for said in fresh)
            if fresh and support >= least and action.status is not Status.REJECTED:
                example = max(fresh, key=lambda said: said.count)
                yield Proposal(
                    Kind.WORDINGS,
                    digest_of(Kind.WORDINGS, action.id, *sorted(normalise(said.text) for said in fresh)),
                    (AddExemplars(action.id, tuple(fresh)),),
                    f"{support} turns say {action.name!r} in {len(fresh)} wordings that it does not have, "
                    f"such as {example.text!r}.",
                    support,
                    (),
                )

    def new_responses(self, alignment: Alignment, least: int) -> Iterator[Proposal]:
        """For each agent node that the run found again: wordings said there that are new and common."""
        for node in alignment.flow.nodes:
            branch = alignment.branch_of.get(node.id)
            if branch is None or node.status is Status.REJECTED or node.action_id is None or node.jump_to is not None:
                continue
            told = {normalise(text) for text in node.responses}
            counts = {text: self._count.get(normalise(text), 0) for text in branch.responses}
            fresh = [
                text
                for text, count in counts.items()
                if count >= least and normalise(text) not in told and (node.id, normalise(text)) not in self._declined
            ][:_MOST_RESPONSES]
            if fresh:
                support = sum(counts[text] for text in fresh)
                yield Proposal(
                    Kind.RESPONSES,
                    digest_of(Kind.RESPONSES, alignment.flow.id, node.id, *sorted(normalise(text) for text in fresh)),
                    (AddResponses(alignment.flow.id, node.id, tuple(fresh)),),
                    f"In {alignment.flow.name!r}, agents say {self._draft.action_by_id[node.action_id].name!r} "
                    f"in words that are no response yet, such as {fresh[0]!r} ({counts[fresh[0]]} times).",
                    support,
                    branch.on(node, None, len(branch.evidence)).evidence,
                )


def _declined(rejected: Sequence[Proposal]) -> Iterator[tuple[ActionId | NodeId, str]]:
    for edit in (edit for proposal in rejected for edit in proposal.edits):
        if isinstance(edit, AddExemplars):
            yield from ((edit.action_id, normalise(said.text)) for said in edit.exemplars)
        elif isinstance(edit, AddResponses):
            yield from ((edit.node_id, normalise(text)) for text in edit.responses)
