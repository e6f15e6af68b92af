"""The run: goals for everybody, then all customers talk in parallel, as often as is wanted, and each is judged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from random import Random

from taskflow.calls import Outcome
from taskflow.encoders import Encoder
from webui.orders.book import Book
from webui.orders.calls import CALLS
from webui.orders.faults import Fault, FaultPlan, Faults, Kind
from webui.orders.judging import customers_of, writes_of
from webui.orders.opening import renew
from webui.simulation.customers import Scripted
from webui.simulation.goals import Goal, goal_of
from webui.simulation.gold import Gold
from webui.simulation.hearing import Ear
from webui.simulation.judging import Verdict, judge
from webui.simulation.speaking import TEMPERS, Noise, Temper
from webui.simulation.talking import Begin, Talk, talk


@dataclass(frozen=True, slots=True)
class Plan:
    customers: int
    seed: int
    noise: Noise = Noise.USUAL
    times: int = 1
    parallel: int = 8


@dataclass(frozen=True, slots=True)
class Played:
    """One conversation of one customer: which of the times it was, and how it went."""

    place: int
    time: int
    temper: str
    goal: Goal
    talk: Talk
    verdict: Verdict


class Witnessed(Faults):
    """Faults that remember which orders they met."""

    def __init__(self, plan: FaultPlan) -> None:
        super().__init__(plan)
        self.plan = plan
        self.met: set[str] = set()

    def draw(self, call: str, subject: str) -> Mapping[Kind, Fault]:
        met = super().draw(call, subject)
        if met:
            self.met.add(subject)
        return met

    def again(self, time: int) -> None:
        """The same plan for the next time, with other draws."""
        self.replace(self.plan.model_copy(update={"seed": self.plan.seed + time}))
        self.met = set()


class Simulation:
    """Customers of one language with one assistant and one order book, which begins anew each time."""

    def __init__(self, gold: Gold, encoder: Encoder, book: Book, faults: Witnessed, plan: Plan) -> None:
        self._gold = gold
        self._ear = Ear(gold, encoder)
        self._book = book
        self._faults = faults
        self._plan = plan
        self._ended = threading.Event()

    def run(self, begin: Begin, told: Callable[[Played], None]) -> list[Played]:
        """Everybody's conversations, by customer and time; those that were over, if it is interrupted."""
        played: list[Played] = []
        try:
            for time in range(self._plan.times):
                renew(self._book)
                self._faults.again(time)
                for one in self._once(begin, time):
                    played.append(one)
                    told(one)
        except KeyboardInterrupt:
            self._ended.set()
        return sorted(played, key=lambda one: (one.place, one.time))

    def _once(self, begin: Begin, time: int) -> Iterator[Played]:
        cast = self._cast()
        with ThreadPoolExecutor(self._plan.parallel, thread_name_prefix="customer") as pool:
            try:
                waited: list[Future[Played | None]] = [
                    pool.submit(self._play, begin, place, time, temper, goal) for place, temper, goal in cast
                ]
                for future in as_completed(waited):
                    one = future.result()
                    if one is not None:
                        yield one
            except BaseException:
                self._ended.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _cast(self) -> list[tuple[int, Temper, Goal]]:
        """Who comes, and what for: the same each time."""
        people = customers_of(self._book, self._gold.language)[-self._plan.customers :]
        addresses = [one.address for one in people]
        cast = []
        for place, customer in enumerate(people):
            rng = Random(f"{self._plan.seed} {self._gold.language} {place}")  # noqa: S311 - a simulation, no secret
            temper = rng.choices(TEMPERS, [one.share for one in TEMPERS])[0]
            others = [address for address in addresses if address != customer.address] or addresses
            goal = goal_of(self._gold, self._book, customer, others, rng)
            if goal is not None:
                cast.append((place, temper, goal))
        return cast

    def _play(self, begin: Begin, place: int, time: int, temper: Temper, goal: Goal) -> Played | None:
        if self._ended.is_set():
            return None
        rng = Random(f"{self._plan.seed} {self._gold.language} {place} {time}")  # noqa: S311
        forbidden = self._forbidden(goal)
        customer = Scripted(goal, temper, self._plan.noise, self._gold, self._ear, rng)
        had = talk(customer, begin(), self._ended)
        if had is None:
            return None
        writes = writes_of(self._book, goal.customer.email)
        hindered = goal.order_number in self._faults.met
        return Played(place, time, temper.name, goal, had, judge(self._gold, goal, had, writes, forbidden, hindered))

    def _forbidden(self, goal: Goal) -> list[str]:
        """The writes that the rules refuse her now."""
        found = []
        for name, call in CALLS.items():
            given = {kind: goal.values[kind] for kind, needed in call.inputs.items() if needed}
            answer = self._book.foresee(name, goal.order_number, given)
            if call.is_write and answer.outcome is not Outcome.OK:
                found.append(name)
        return found
