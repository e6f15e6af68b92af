"""The Dialogue Actions of a chart: those that are declared, those that steps declare by use, and calls' outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from taskflow.calls import Outcome
from taskflow.charts.form import SPEAKERS, ActionForm, ChartError, ChartForm, ExemplarForm, Loc, StepForm
from taskflow.model import ActionId, DialogueAction, Exemplar, Speaker
from taskflow.recognisers import mask
from taskflow.texts import normalise

_NAMES = {Speaker.USER: "customer", Speaker.AGENT: "agent", Speaker.SYSTEM: "system"}


def usual_name(id_: str) -> str:
    """What an action or a flow is called where the file gives it no name."""
    return id_.replace("_", " ")


def outcome_action(call: DialogueAction, outcome: Outcome) -> DialogueAction:
    """The action that stands for an outcome where none is declared."""
    return DialogueAction(
        ActionId(f"{call.id}.{outcome}"),
        Speaker.SYSTEM,
        f"{call.name}: {outcome}",
        (Exemplar(f"{key_of(call)}: {outcome}", 1),),
        1,
        status=call.status,
    )


def key_of(action: DialogueAction) -> str:
    """What the shop's system is called by; empty where the action has no wording."""
    return action.exemplars[0].text if action.exemplars else ""


def outcome_of(call: DialogueAction, outcome: Outcome, actions: Iterable[DialogueAction]) -> DialogueAction | None:
    """The action that a call's outcome is: its own before one that has the same words."""
    key = normalise(f"{key_of(call)}: {outcome}")
    found = [
        action for action in actions if action.speaker is Speaker.SYSTEM and action is not call and _says(action, key)
    ]
    own = next((action for action in found if action.id == f"{call.id}.{outcome}"), None)
    return own or next(iter(found), None)


def _says(action: DialogueAction, key: str) -> bool:
    return normalise(key_of(action)) == key


class Catalogue:
    """Reads a chart's actions once; raises ChartError where a step names what nobody declares."""

    def __init__(self, form: ChartForm) -> None:
        self._form = form
        self._responses = {
            id_: action.responses for id_, action in form.actions.items() if action.responses is not None
        }
        self._of_call: dict[str, dict[Outcome, DialogueAction]] = {}
        inline = self._read_inline()
        declared = {id_: self._declared(id_, action, inline.get(id_, [])) for id_, action in form.actions.items()}
        used = {id_: found for id_, found in inline.items() if id_ not in declared}
        speakers = self._speakers()
        added = {id_: self._used(id_, speakers[id_], texts) for id_, texts in used.items()}
        self._plain: Mapping[str, DialogueAction] = declared | added
        self.actions = self._with_outcomes()
        self._check_speakers()

    def action(self, id_: str) -> DialogueAction:
        return self._plain[id_]

    def responses(self, id_: str) -> tuple[str, ...]:
        """What the agent says at a step that has no responses of its own."""
        return self._responses.get(id_, ())

    def outcome(self, call: str, outcome: Outcome) -> ActionId:
        return self._of_call[call][outcome].id

    def _named(self) -> Iterable[tuple[Loc, str, str, StepForm | None]]:
        """The place, key and action of everything in the flows that says something."""
        for number, flow in enumerate(self._form.flows):
            if flow.root.said is not None:
                key, id_ = flow.root.said
                yield ("flows", number, "root", key), key, id_, None
        for loc, step in self._form.steps():
            if step.said is not None:
                key, id_ = step.said
                yield (*loc, key), key, id_, step

    def _read_inline(self) -> dict[str, list[ExemplarForm]]:
        """The wordings beside steps, and an entry for each action that is declared by its use."""
        inline: dict[str, list[ExemplarForm]] = {}
        for _, key, id_, step in self._named():
            texts = () if step is None or step.exemplars is None else step.exemplars
            responses = () if step is None or step.responses is None else step.responses
            if texts:
                inline.setdefault(id_, []).extend(texts)
            if key == "agent" and responses and id_ not in self._form.actions:
                self._responses.setdefault(id_, responses)
                inline.setdefault(id_, [])
            if key == "call":
                inline.setdefault(id_, [])
        return inline

    def _speakers(self) -> dict[str, Speaker]:
        """Whose an action is by its first use."""
        found: dict[str, Speaker] = {}
        for _, key, id_, _ in self._named():
            found.setdefault(id_, SPEAKERS[key])
        return found

    def _declared(self, id_: str, form: ActionForm, inline: list[ExemplarForm]) -> DialogueAction:
        speaker = SPEAKERS[form.speaker]
        if form.outcomes is not None and speaker is not Speaker.SYSTEM:
            raise ChartError("only a system's action has outcomes: leave them out", ("actions", id_, "outcomes"))
        if form.responses is not None and speaker is not Speaker.AGENT:
            raise ChartError("only an agent's action has responses: leave them out", ("actions", id_, "responses"))
        if form.binding is not None and speaker is not Speaker.SYSTEM:
            raise ChartError("only a system's action is bound: leave the binding out", ("actions", id_, "binding"))
        texts = self._usual_exemplars(id_, speaker) if form.exemplars is None else _exemplars(form.exemplars, speaker)
        name = usual_name(id_) if form.name is None else form.name
        return DialogueAction(
            ActionId(id_),
            speaker,
            name,
            _with_more(texts, _exemplars(inline, speaker)),
            form.support,
            form.description,
            form.status,
            None if form.binding is None else form.binding.bound,
        )

    def _used(self, id_: str, speaker: Speaker, inline: list[ExemplarForm]) -> DialogueAction:
        texts = _with_more(_exemplars(inline, speaker), self._usual_exemplars(id_, speaker))
        return DialogueAction(ActionId(id_), speaker, usual_name(id_), texts, 1)

    def _usual_exemplars(self, id_: str, speaker: Speaker) -> tuple[Exemplar, ...]:
        return usual_exemplars(id_, speaker, self.responses(id_))

    def _with_outcomes(self) -> tuple[DialogueAction, ...]:
        """All actions, each call's outcomes behind it where they are not declared as actions."""
        needed: dict[str, dict[Outcome, Loc]] = {
            id_: dict.fromkeys(form.outcomes or (), ("actions", id_, "outcomes"))
            for id_, form in self._form.actions.items()
        }
        for loc, step in self._form.steps():
            if step.call is not None:
                for outcome in step.outcomes:
                    self._check_declared(step.call, outcome, (*loc, outcome.value))
                    needed.setdefault(step.call, {}).setdefault(outcome, (*loc, outcome.value))
        actions: list[DialogueAction] = []
        for id_, action in self._plain.items():
            actions.append(action)
            declared = self._form.actions[id_].outcomes if id_ in self._form.actions else None
            own = self._of_call[id_] = {}
            for outcome in needed.get(id_, {}):
                known = None if declared else outcome_of(action, outcome, self._plain.values())
                if known is None:
                    known = outcome_action(action, outcome)
                    actions.append(known)
                own[outcome] = known
        twice = [id_ for id_, count in Counter(action.id for action in actions).items() if count > 1]
        if twice:
            raise ChartError("is what an outcome of a call is called: choose another id", ("actions", twice[0]))
        return tuple(actions)

    def _check_declared(self, call: str, outcome: Outcome, loc: Loc) -> None:
        form = self._form.actions.get(call)
        if form is not None and form.outcomes is not None and outcome not in form.outcomes:
            raise ChartError(f"is no outcome that {call!r} declares: add it to the outcomes of that action", loc)

    def _check_speakers(self) -> None:
        known = {str(action.id): action.speaker for action in self.actions}
        for loc, key, id_, _ in self._named():
            if id_ not in known:
                raise ChartError(self._unknown(key, id_), loc)
            if known[id_] is not SPEAKERS[key]:
                owner = _NAMES[known[id_]]
                raise ChartError(f"{id_!r} is the {owner}'s: write '{owner}:' here, or name another action", loc)

    def _unknown(self, key: str, id_: str) -> str:
        known = [other for other in self._plain if self._plain[other].speaker is SPEAKERS[key]]
        near = get_close_matches(id_, known, 1)
        if near:
            return f"{id_!r} is no action of this file: did you mean {near[0]!r}?"
        texts = {"customer": " or write its exemplars here", "agent": " or write its responses here"}.get(key, "")
        return f"{id_!r} is no action of this file: declare it under actions,{texts}".rstrip(",")


def usual_exemplars(id_: str, speaker: Speaker, responses: Iterable[str]) -> tuple[Exemplar, ...]:
    """The wordings of an action that the file gives none: what the agent says, or the name that a call has."""
    texts = [id_] if speaker is Speaker.SYSTEM else responses if speaker is Speaker.AGENT else ()
    return _exemplars([ExemplarForm(text=text) for text in texts], speaker)


def _exemplars(forms: Iterable[ExemplarForm], speaker: Speaker) -> tuple[Exemplar, ...]:
    """Masked as a log's turns are, so that they meet what customers write; the same text twice is counted on."""
    counts: Counter[str] = Counter()
    for form in forms:
        counts[form.text if speaker is Speaker.SYSTEM else mask(form.text)] += form.count
    return tuple(Exemplar(text, count) for text, count in counts.items())


def _with_more(texts: tuple[Exemplar, ...], more: tuple[Exemplar, ...]) -> tuple[Exemplar, ...]:
    known = {exemplar.text: exemplar for exemplar in texts}
    for exemplar in more:
        had = known.get(exemplar.text)
        known[exemplar.text] = exemplar if had is None else replace(had, count=had.count + exemplar.count)
    return tuple(known.values())
