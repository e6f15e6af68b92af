"""Running conversation tests: each is one conversation on a stage, held against what its file expects."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from runtime.calls import CallResult, CallsError
from runtime.conversation_tests import Answer, ConversationTest, ReadTests, Step
from runtime.dialogue_manager import ConversationError
from runtime.expectations import Failure, unmet
from runtime.happened import Happened, happened_since
from runtime.repair import without_repairs
from runtime.stage import Stage
from taskflow.charts.reading import read_chart_file
from taskflow.model import Assistant, AssistantVersion, NodeId, Speaker


@dataclass(frozen=True, slots=True)
class Result:
    """How a conversation went; `step` (from 1) and `line` are those of the first step that failed."""

    file: str
    test: ConversationTest
    step: int = 0
    line: int = 0
    failures: tuple[Failure, ...] = ()
    why: tuple[str, ...] = ()
    visited: frozenset[str] = frozenset()

    @property
    def failed(self) -> bool:
        """Whether it went otherwise than the file says, be it better."""
        return bool(self.failures) != (self.test.fails is not None)


class Run:
    """Runs the tests of files on one stage, all with the same version of one assistant."""

    def __init__(self, stage: Stage, version: AssistantVersion) -> None:
        self._stage = stage
        self._version = version
        self._shown = version.assistant

    def file(self, read: ReadTests) -> list[Result]:
        return [self.conversation(read, number) for number in range(len(read.tests.conversations))]

    def conversation(self, read: ReadTests, number: int) -> Result:
        if self._shown is not self._version.assistant:  # the test before published another
            self._show(self._version.assistant)
        test = read.tests.conversations[number]
        script = _Script(read.answers(test))
        self._stage.calls = script
        talk = _Talk(self, self._stage.manager.start(self._version.assistant.name), read)
        visited: set[str] = set()
        result = Result(str(read.path), test)
        for place, step in enumerate(test.steps):
            happened, failures = talk.take(step)
            visited |= happened.nodes
            failures += unmet(step, happened, self._shown)
            failures += [Failure("calls", "only calls that the test answers", name) for name in script.unanswered]
            if failures:
                line = read.line(number, place)
                why = tuple(happened.why)
                result = replace(result, step=place + 1, line=line, failures=tuple(failures), why=why)
                break
        return replace(result, visited=frozenset(visited))

    @property
    def stage(self) -> Stage:
        return self._stage

    def publish(self, read: ReadTests, chart: str) -> None:
        written = read_chart_file(read.path.parent / chart).assistant
        self._show(replace(written, name=self._version.assistant.name))

    def _show(self, assistant: Assistant) -> None:
        self._stage.show(AssistantVersion(assistant, None, self._version.encoder))
        self._shown = assistant


class _Script:
    """The answers of calls: of several the next one each time, the last for good."""

    def __init__(self, answers: Mapping[str, Sequence[Answer]]) -> None:
        self._left = {name: list(given) for name, given in answers.items()}
        self.unanswered: list[str] = []

    def __call__(self, name: str, fields: Mapping[str, str]) -> CallResult:
        left = self._left.get(name)
        if not left:
            self.unanswered.append(name)
            raise CallsError(f"the test has no answer to the call {name!r}: add it under 'calls'")
        answer = left.pop(0) if len(left) > 1 else left[0]
        return CallResult(answer.outcome, answer.fields)


class _Talk:
    """One conversation under way."""

    def __init__(self, run: Run, conversation: str, read: ReadTests) -> None:
        self._run = run
        self._conversation = conversation
        self._read = read
        self._offset = 0
        self._last: tuple[str, str] | None = None
        self._before = Happened(())
        self._later = timedelta()
        run.stage.clock = lambda: datetime.now(UTC)

    def take(self, step: Step) -> tuple[Happened, list[Failure]]:
        """Do what a step says; what goes wrong in doing it is a failure too."""
        failures = []
        refused = ""
        try:
            failures += self._done(step)
        except ConversationError as error:
            refused = str(error)
        if step.refused is None and refused:
            failures.append(Failure("customer", "the message is taken", refused))
        elif step.refused is not None and step.refused not in refused:
            failures.append(Failure("refused", step.refused, refused or "the message is taken"))
        stage = self._run.stage
        happened = happened_since(stage.database, stage.manager, self._conversation, self._offset)
        self._offset += len(happened.events)
        self._before = happened
        return happened, failures

    def _done(self, step: Step) -> list[Failure]:
        manager = self._run.stage.manager
        if step.customer is not None:
            attachments = () if step.photo is None else (step.photo,)
            sent = [(str(uuid.uuid4()), text) for text in step.customer]
            with ThreadPoolExecutor(len(sent)) as pool:
                send = partial(manager.reply, self._conversation, attachments=attachments)
                list(pool.map(send, *zip(*sent, strict=True)))
            self._last = sent[-1]
        elif step.choose is not None:
            offered = {choice.label: choice.payload for choice in self._before.choices}
            if step.choose not in offered:
                return [Failure("choose", step.choose, f"offered: {', '.join(offered) or 'nothing'}")]
            manager.reply(self._conversation, str(uuid.uuid4()), step.choose, offered[step.choose])
        elif step.again and self._last is not None:
            manager.reply(self._conversation, *self._last)
        elif step.publish is not None:
            self._run.publish(self._read, step.publish)
        elif step.wait is not None:
            self._later += timedelta(minutes=step.wait)
            self._run.stage.clock = lambda: datetime.now(UTC) + self._later
            manager.close_silent()
        elif step.hand_back is not None:
            manager.hand_back(self._conversation, NodeId(step.hand_back), "test")
        return []


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which part of the real traffic the tests go through: by the dialogues that passed each node."""

    visited: int
    nodes: int
    support: int
    total: int

    @property
    def share(self) -> float:
        return self.support / self.total if self.total else 0.0


def coverage(assistant: Assistant, results: Sequence[Result]) -> Coverage:
    """Calls count with what comes after them; what jumps, and a root that says nothing, is no node of its own."""
    visited = {node for result in results for node in result.visited}
    counted: list[tuple[int, bool]] = []
    for flow in without_repairs(assistant).flows:
        there = {node.id for node in flow.nodes if node.id in visited}
        passed = {above.id for node_id in there for above in flow.ancestors(node_id)}
        for node in flow.nodes:
            if node.action_id is not None and node.jump_to is None:
                by_call = assistant.speaker(node) is Speaker.SYSTEM and node.id in passed
                counted.append((node.support, node.id in there or by_call))
    return Coverage(
        visited=sum(seen for _, seen in counted),
        nodes=len(counted),
        support=sum(support for support, seen in counted if seen),
        total=sum(support for support, _ in counted),
    )
