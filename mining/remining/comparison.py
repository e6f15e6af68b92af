"""What a new run would change in a reviewed draft. The draft's structure stays; its counts become the run's."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from mining.config import MiningConfig
from mining.remining.aligning import Alignment, Found, align
from mining.remining.branches import Grown, Planting, each_once, grow
from mining.remining.gain import GainMeter, Turns
from mining.remining.matching import Translator, fresh_actions, match_actions, match_flows, unused, with_ids
from mining.remining.new_wordings import Speech
from mining.remining.unused import unused_subtrees
from taskflow.edits import AddAction, AddFlow, AddNode, Edit, RemoveNode
from taskflow.model import (
    ActionId,
    Assistant,
    Dialogue,
    DialogueAction,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    TaskFlow,
)
from taskflow.proposals import Kind, Proposal, digest_of
from taskflow.store.reviews import Reviewed
from taskflow.texts import normalise

_LEAST_SHARE = 0.01  # of a flow's dialogues, below which nothing is proposed


@dataclass(frozen=True, slots=True)
class Comparison:
    """The draft with the run's counts, the run's turns with the draft's action ids, and what the run adds."""

    assistant: Assistant
    turns: Sequence[Turns]
    proposals: tuple[Proposal, ...]


def compare(
    reviewed: Reviewed, mined: Assistant, dialogues: Sequence[Dialogue], turns: Sequence[Turns], config: MiningConfig
) -> Comparison:
    """`turns` are the run's actions of every turn of every dialogue."""
    comparing = _Comparing(reviewed, mined, dialogues, turns, config)
    meter = GainMeter(comparing.draft, {d.id: (d, t) for d, t in zip(dialogues, comparing.turns, strict=True)})
    declined = {proposal.digest for proposal in reviewed.rejected}
    # Two jumps of the run may be one and the same in the draft: the first says it.
    proposals = {
        proposal.digest: proposal for proposal in reversed([*comparing.proposals()]) if proposal.digest not in declined
    }
    return Comparison(
        comparing.draft,
        comparing.turns,
        tuple(
            replace(proposal, gain=meter.of(proposal.edits, proposal.evidence))
            if proposal.kind in (Kind.BRANCH, Kind.FLOW, Kind.UNUSED)
            else proposal
            for proposal in reversed(proposals.values())
        ),
    )


class _Comparing:
    def __init__(
        self,
        reviewed: Reviewed,
        mined: Assistant,
        dialogues: Sequence[Dialogue],
        turns: Sequence[Turns],
        config: MiningConfig,
    ) -> None:
        self._reviewed = reviewed
        self._config = config
        self._dialogues = dialogues
        draft = reviewed.draft
        actions, flows = _remembered(reviewed)
        self._of_mined = match_actions(mined.actions, (*draft.actions, *actions))
        self._fresh = fresh_actions(mined, self._of_mined, draft)
        translator = Translator(draft.actions, self._of_mined)
        self.turns = [translator.translate(d, t) for d, t in zip(dialogues, turns, strict=True)]
        self._sources = self._flow_sources(mined, (*draft.flows, *flows))
        self._alignments = [
            align(flow, grown, reviewed.left)
            for flow in draft.flows
            if (grown := self._sources.get(flow.id)) is not None and grown.root.action_id == flow.root.action_id
        ]
        self.draft = self._refreshed(mined)
        self._speech = Speech(self.draft, mined, self._of_mined, reviewed.rejected)

    def proposals(self) -> Iterator[Proposal]:
        grown = [*self._new_flows(), *chain.from_iterable(map(self._new_branches, self._alignments))]
        yield from grown
        bringing = (*grown, *self._reviewed.rejected)
        brought = {edit.action.id for proposal in bringing for edit in proposal.edits if isinstance(edit, AddAction)}
        yield from self._new_actions(brought)
        yield from self._speech.new_wordings(self._least(len(self._dialogues)))
        for alignment in self._alignments:
            least = self._least(alignment.grown.root.support)
            yield from self._speech.new_responses(alignment, least)
            yield from self._unused(alignment)

    def _flow_sources(self, mined: Assistant, known: Sequence[TaskFlow]) -> dict[FlowId, Grown]:
        """The run's trees of each flow that is known, or was proposed, or is new under its own id."""
        relabelled = [with_ids(flow, self._of_mined) for flow in mined.flows]
        matched = match_flows(relabelled, known)
        parts: dict[FlowId, list[TaskFlow]] = {}
        for flow in mined.flows:
            parts.setdefault(matched.get(flow.id, flow.id), []).append(flow)
        return {id_: grow(flows, self._of_mined) for id_, flows in parts.items()}

    def _refreshed(self, mined: Assistant) -> Assistant:
        """The draft with the run's counts of what the run found again."""
        said: dict[ActionId, int] = {}
        for actions in chain.from_iterable(self.turns):
            for action in actions:
                said[action] = said.get(action, 0) + 1
        counts = {
            (action.speaker, normalise(exemplar.text)): exemplar.count
            for action in mined.actions
            for exemplar in action.exemplars
        }
        flows = {a.flow.id: a.refreshed(self._config.most_evidence) for a in self._alignments}
        draft = self._reviewed.draft
        return replace(
            draft,
            actions=tuple(
                replace(
                    action,
                    support=said.get(action.id, action.support),
                    exemplars=tuple(
                        Exemplar(one.text, counts.get((action.speaker, normalise(one.text)), one.count))
                        for one in action.exemplars
                    ),
                )
                for action in draft.actions
            ),
            flows=tuple(flows.get(flow.id, flow) for flow in draft.flows),
        )

    def _least(self, dialogues: int) -> int:
        """As induction has it: what fewer dialogues show is not worth a reviewer's look."""
        return max(2 if dialogues >= 10 else 1, math.ceil(_LEAST_SHARE * dialogues))

    def _planting(self, grown: Grown, alignment: Alignment | None, least: int) -> Planting:
        taken = frozenset(node.id for flow in self.draft.flows for node in flow.nodes)
        placed = {} if alignment is None else alignment.placed
        return Planting(grown, placed, taken, least, self._config.most_evidence)

    def _new_flows(self) -> Iterator[Proposal]:
        names = {flow.name for flow in self.draft.flows}
        for id_, grown in self._sources.items():
            least = self._least(len(self._dialogues))
            if id_ in self.draft.flow_by_id or grown.root.support < least:
                continue
            planting = self._planting(grown, None, self._least(grown.root.support))
            nodes = planting.nodes(grown.root, None, None, planting.ids(grown.root, None))
            opening = next((node.action_id for node in nodes if node.action_id is not None), None)
            if opening is None:
                continue
            name = unused(self._name(opening), names, " ")
            names.add(name)
            flow = TaskFlow(id_, name, tuple(nodes))
            yield Proposal(
                Kind.FLOW,
                digest_of(Kind.FLOW, id_),
                (*self._bringing(nodes), AddFlow(flow)),
                f"{flow.support} dialogues come with a need that no TaskFlow serves: {name!r}.",
                flow.support,
                flow.root.evidence,
            )

    def _new_branches(self, alignment: Alignment) -> Iterator[Proposal]:
        least = self._least(alignment.grown.root.support)
        planting = self._planting(alignment.grown, alignment, least)
        for found in alignment.new:
            edits = self._planted(alignment, planting, found) if found.branch.support >= least else []
            top = edits[0].node if edits else None
            if top is None or top.action_id is None:
                continue
            nodes = [edit.node for edit in edits]
            yield Proposal(
                Kind.BRANCH,
                digest_of(Kind.BRANCH, alignment.flow.id, found.under.id, top.action_id, top.jump_to or ""),
                (*self._bringing(nodes), *edits),
                f"In {top.support} dialogues of {alignment.flow.name!r}, {self._name(top.action_id)!r} follows "
                f"{self._place(alignment.flow, found.under)}, which has no such branch.",
                top.support,
                top.evidence,
            )

    def _planted(self, alignment: Alignment, planting: Planting, found: Found) -> list[AddNode]:
        """The additions in an order in which each has its parent, and each jump its target.

        Jumps from elsewhere to what is new here come along.
        """
        flow, under = alignment.flow, found.under.id
        if found.jump is not None:
            jump = planting.jump(found.parent, found.jump, under, {})
            return [] if jump is None else [AddNode(flow.id, jump, len(flow.children(under)))]
        ids = planting.ids(found.branch, found.parent)
        nodes = planting.nodes(found.branch, found.parent, under, ids)
        elsewhere = each_once(
            jump
            for other in alignment.new
            if other.jump is not None and planting.grown.of_node.get(other.jump[1]) in ids
            if (jump := planting.jump(other.parent, other.jump, other.under.id, ids)) is not None
        )
        places: dict[NodeId | None, int] = {}
        edits = []
        for node in (*sorted(nodes, key=lambda node: node.jump_to is not None), *elsewhere):
            place = places.get(node.parent_id, sum(other.parent_id == node.parent_id for other in flow.nodes))
            edits.append(AddNode(flow.id, node, place))
            places[node.parent_id] = place + 1
        return edits

    def _bringing(self, nodes: Sequence[FlowNode]) -> tuple[Edit, ...]:
        """The actions that nodes need and the draft lacks."""
        needed = dict.fromkeys(node.action_id for node in nodes if node.action_id in self._fresh)
        return tuple(AddAction(self._fresh[action]) for action in needed if action is not None)

    def _new_actions(self, brought: Collection[ActionId]) -> Iterator[Proposal]:
        least = self._least(len(self._dialogues))
        for action in self._fresh.values():
            if action.id not in brought and action.support >= least:
                yield Proposal(
                    Kind.ACTION,
                    digest_of(Kind.ACTION, action.id),
                    (AddAction(action),),
                    f"{action.support} turns of the {action.speaker} are of no Dialogue Action: {action.name!r}.",
                    action.support,
                    (),
                )

    def _unused(self, alignment: Alignment) -> Iterator[Proposal]:
        flow = alignment.flow
        for nodes in unused_subtrees(alignment, self._reviewed.touched, self.turns):
            node = nodes[-1]
            yield Proposal(
                Kind.UNUSED,
                digest_of(Kind.UNUSED, flow.id, node.id),
                tuple(RemoveNode(flow.id, one.id) for one in nodes),
                f"In {flow.name!r}, no dialogue passes {self._place(flow, node)} any more; {node.support} did.",
                node.support,
                node.evidence,
            )

    def _place(self, flow: TaskFlow, node: FlowNode) -> str:
        if node.action_id is None:
            return f"the beginning of {flow.name!r}"
        above = None if node.parent_id is None else flow.by_id[node.parent_id].action_id
        after = "" if above is None else f" after {self._name(above)!r}"
        return f"{self._name(node.action_id)!r}{after}"

    def _name(self, action: ActionId) -> str:
        found = self.draft.action_by_id.get(action) or self._fresh[action]
        return found.name


def _remembered(reviewed: Reviewed) -> tuple[list[DialogueAction], list[TaskFlow]]:
    """The actions and flows that earlier runs proposed and the draft lacks: the same ones keep their ids."""
    draft = reviewed.draft
    actions: dict[ActionId, DialogueAction] = {}
    flows: dict[FlowId, TaskFlow] = {}
    for edit in (edit for proposal in (*reviewed.rejected, *reviewed.undecided) for edit in proposal.edits):
        if isinstance(edit, AddAction) and edit.action.id not in draft.action_by_id:
            actions.setdefault(edit.action.id, edit.action)
        elif isinstance(edit, AddFlow) and edit.flow.id not in draft.flow_by_id:
            flows.setdefault(edit.flow.id, edit.flow)
    return list(actions.values()), list(flows.values())
