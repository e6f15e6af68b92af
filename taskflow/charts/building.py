"""From the form of a chart to an assistant: names looked up, ids and shares filled in, the tree laid out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from taskflow.charts.catalogue import Catalogue, usual_name
from taskflow.charts.form import ChartError, ChartForm, FlowForm, Loc, OutcomeForm, RootForm, StepForm
from taskflow.model import ActionId, Assistant, Evidence, FlowId, FlowNode, ModelError, NodeId, TaskFlow

_Node = RootForm | StepForm | OutcomeForm


def build(form: ChartForm) -> Assistant:
    """Raises ChartError, with the place in the form, where it describes no assistant."""
    return build_with_places(form)[0]


def build_with_places(form: ChartForm) -> tuple[Assistant, Mapping[NodeId, Loc]]:
    """The same, and where in the form each node stands."""
    catalogue = Catalogue(form)
    for number, flow in enumerate(form.flows):
        _check_new(flow.id, flow.name or usual_name(flow.id), form.flows[:number], ("flows", number))
    ids = {flow.root.id or flow.id for flow in form.flows} | {step.id for _, step in form.steps() if step.id}
    places: dict[NodeId, Loc] = {}
    trees = [_Tree(catalogue, flow, ("flows", number), ids, places) for number, flow in enumerate(form.flows)]
    flows = tuple(tree.flow() for tree in trees)
    try:
        return Assistant(form.assistant, catalogue.actions, flows), places
    except ModelError as error:
        raise ChartError(str(error)) from error


def derived_id(flow: str, parent: str, said: str, earlier: int) -> NodeId:
    """The id of a node that is given none: it hangs on its parent's id, on what it says and on how many `earlier`
    siblings say the same, so that it stays while these do, whatever else is added.
    """
    place = "\0".join((parent, said, str(earlier)))
    return NodeId(f"{flow}-{blake2b(place.encode(), digest_size=5).hexdigest()}")


def shares(given: Sequence[float | None]) -> list[float]:
    """Of siblings, those without a share have what is left of 1, in equal parts."""
    left = max(0.0, 1.0 - sum(share for share in given if share is not None))
    silent = sum(share is None for share in given)
    return [left / silent if share is None else share for share in given]


@dataclass(slots=True)
class _Jump:
    loc: Loc
    place: int
    target: str
    action: str | None


@dataclass
class _Tree:
    """One flow while its nodes are laid out; `ids` are those written in the chart, `places` has all nodes so far."""

    catalogue: Catalogue
    form: FlowForm
    loc: Loc
    ids: set[str]
    places: dict[NodeId, Loc]
    nodes: list[FlowNode] = field(default_factory=list)
    jumps: list[_Jump] = field(default_factory=list)

    def flow(self) -> TaskFlow:
        root, key = self.form.root, "steps" if self.form.steps else "branches"
        said = None if root.said is None else ActionId(root.said[1])
        share = 1.0 if root.share is None else root.share
        self._add(root, NodeId(root.id or self.form.id), None, said, share, (*self.loc, "root"))
        following = self.form.steps or self.form.branches
        self._follow(self.nodes[0].id, following, key == "steps", (*self.loc, key))
        nodes = self._with_targets()
        try:
            return TaskFlow(FlowId(self.form.id), self.form.name or usual_name(self.form.id), nodes)
        except ModelError as error:
            raise ChartError(str(error), self.loc) from error

    def _follow(self, parent: NodeId, steps: Sequence[StepForm], in_turn: bool, loc: Loc) -> None:
        """Lay out a list: each step below the one before it, or all side by side."""
        if in_turn:
            for number, step in enumerate(steps):
                if number + 1 < len(steps) and (step.goes_on or step.jump is not None):
                    raise ChartError(
                        "has its own way on, so no step can come after it: put that step inside, or below 'branches'",
                        (*loc, number),
                    )
                share = 1.0 if step.share is None else step.share
                parent = self._step(step, parent, 0, share, (*loc, number))
            return
        said: Counter[str] = Counter()
        for number, (step, share) in enumerate(zip(steps, shares([step.share for step in steps]), strict=True)):
            self._step(step, parent, said[_said(step)], share, (*loc, number))
            said[_said(step)] += 1

    def _step(self, step: StepForm, parent: NodeId, earlier: int, share: float, loc: Loc) -> NodeId:
        node_id = NodeId(step.id) if step.id else derived_id(self.form.id, parent, _said(step), earlier)
        if step.jump is not None:
            self.jumps.append(_Jump((*loc, "jump"), len(self.nodes), step.jump, step.action))
            self._add(step, node_id, parent, None, share, loc)
            return node_id
        action = ActionId(step.said[1]) if step.said else None
        self._add(step, node_id, parent, action, share, loc)
        self._children(node_id, step, loc)
        return node_id

    def _children(self, parent: NodeId, form: StepForm | OutcomeForm, loc: Loc) -> None:
        if isinstance(form, StepForm) and form.call is not None:
            given = shares([following.share for following in form.outcomes.values()])
            for (outcome, following), share in zip(form.outcomes.items(), given, strict=True):
                action, here = self.catalogue.outcome(form.call, outcome), (*loc, outcome.value)
                node_id = NodeId(following.id) if following.id else derived_id(self.form.id, parent, action, 0)
                self._add(following, node_id, parent, action, share, here)
                self._children(node_id, following, here)
        self._follow(parent, form.then, True, (*loc, "then"))
        self._follow(parent, form.branches, False, (*loc, "branches"))

    def _add(
        self, form: _Node, node_id: NodeId, parent: NodeId | None, action: ActionId | None, share: float, loc: Loc
    ) -> None:
        if node_id in self.places:
            raise ChartError(f"the node id {node_id!r} is used twice: choose another", (*loc, "id"))
        self.places[node_id] = loc
        self.nodes.append(
            FlowNode(
                id=node_id,
                parent_id=parent,
                action_id=action,
                support=form.support,
                probability=share,
                responses=self._responses(form, action),
                evidence=tuple(Evidence(dialogue, turn) for dialogue, turn in form.evidence),
                status=form.status,
                outcomes=tuple(form.ended.items()),
                cost=form.cost,
            )
        )

    def _responses(self, form: _Node, action: ActionId | None) -> tuple[str, ...]:
        if form.responses is not None:
            return form.responses
        spoken = isinstance(form, RootForm) and form.said is not None and form.said[0] == "agent"
        return self.catalogue.responses(action) if spoken and action is not None else ()

    def _with_targets(self) -> tuple[FlowNode, ...]:
        own: Mapping[str, FlowNode] = {node.id: node for node in self.nodes}
        jumping = {self.nodes[jump.place].id for jump in self.jumps}
        for jump in self.jumps:
            target = own.get(jump.target)
            if target is None:
                raise ChartError(self._astray(jump.target), jump.loc)
            if target.id in jumping:
                raise ChartError(f"{jump.target!r} jumps itself: name the node that it leads to", jump.loc)
            action = jump.action or target.action_id
            if action is None:
                raise ChartError(f"{jump.target!r} is the root, which says nothing: jump to a step below it", jump.loc)
            if action not in {known.id for known in self.catalogue.actions}:
                raise ChartError(f"{action!r} is no action of this file: leave it out", (*jump.loc[:-1], "action"))
            was = self.nodes[jump.place]
            self.nodes[jump.place] = replace(was, action_id=ActionId(action), jump_to=target.id)
        return tuple(self.nodes)

    def _astray(self, target: str) -> str:
        if target in self.ids:
            return f"{target!r} is a node of another flow: a jump stays in its own, so repeat the steps here"
        return f"{target!r} is no node of this flow: give the step that is meant 'id: {target}', or jump to another"


def _said(step: StepForm) -> str:
    return f"jump {step.jump}" if step.said is None else step.said[1]


def _check_new(id_: str, name: str, before: Sequence[FlowForm], loc: Loc) -> None:
    for other in before:
        if other.id == id_:
            raise ChartError(f"the flow id {id_!r} is used twice: choose another", (*loc, "id"))
        if (other.name or usual_name(other.id)) == name:
            raise ChartError(f"another flow is called {name!r} too: choose another name", (*loc, "name"))
