"""What follows what in the dialogues of one need: a prefix tree whose alike states are merged.

Bayesian model merging (Stolcke and Omohundro 1994) in the order of the "blue fringe" (Lang, Pearlmutter and Price
1998): a state is the action that led to it, in one context. Two states of the same action are one where that
describes what follows them shorter (Dirichlet-multinomial), so the same sub-dialogue is not copied under every
branch, and an action after which something else follows in another context stays apart.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from taskflow.model import ActionId

ROOT = 0
_END = ActionId("")
_CONCENTRATION = 0.3  # dialogues' worth of belief, before any is seen, that anything may follow

Sequences = Sequence[Sequence[ActionId]]


class Automaton:
    """States are numbers, the root is 0; `following[state][action]` is the state that the action leads to.

    `passed[state][action]` counts how often it did. Only states that can be reached are left. The order in which
    the sequences come changes nothing.
    """

    def __init__(self, sequences: Sequences) -> None:
        self.following: list[dict[ActionId, int]] = [{}]
        self.passed: list[Counter[ActionId]] = [Counter()]
        self.action: list[ActionId | None] = [None]
        for sequence in sorted(sequences, key=tuple):  # ties are settled alike in whatever order they come
            self._add(sequence)
        self._likelihood = _Likelihood(len(set(self.action)), len(sequences) + sum(map(len, sequences)))
        self._merge()

    @property
    def states(self) -> list[int]:
        """From the root on, each once."""
        found, ahead = {ROOT: None}, [ROOT]
        while ahead:
            for state in self.following[ahead.pop()].values():
                if state not in found:
                    found[state] = None
                    ahead.append(state)
        return list(found)

    def _add(self, sequence: Sequence[ActionId]) -> None:
        state = ROOT
        for action in sequence:
            self.passed[state][action] += 1
            if action not in self.following[state]:
                self.following[state][action] = len(self.action)
                self.following.append({})
                self.passed.append(Counter())
                self.action.append(action)
            state = self.following[state][action]
        self.passed[state][_END] += 1

    def _merge(self) -> None:
        """Settle states, the most travelled first: each joins a settled one of its action, or is settled itself."""
        settled: dict[ActionId, list[int]] = defaultdict(list)
        done = {ROOT}
        waiting = self._ahead(ROOT)
        heapq.heapify(waiting)
        while waiting:
            count, state, action = heapq.heappop(waiting)
            fresh = self.following[state][action]
            if fresh in done:
                continue
            if -count != self.passed[state][action]:  # other states were folded in meanwhile
                heapq.heappush(waiting, (-self.passed[state][action], state, action))
                continue
            gain, best = max(((self._gain(other, fresh), -other) for other in settled[action]), default=(0.0, 0))
            if gain > 0:
                self.following[state][action] = -best
                for touched in self._fold(-best, fresh):
                    if touched in done:
                        for ahead in self._ahead(touched):
                            heapq.heappush(waiting, ahead)
            else:
                settled[action].append(fresh)
                done.add(fresh)
                for ahead in self._ahead(fresh):
                    heapq.heappush(waiting, ahead)

    def _ahead(self, state: int) -> list[tuple[int, int, ActionId]]:
        return [(-self.passed[state][action], state, action) for action in self.following[state]]

    def _gain(self, kept: int, folded: int) -> float:
        """Nats that the dialogues' description becomes shorter when `folded`, a tree's root, joins `kept`."""
        together: dict[int, Counter[ActionId]] = {}
        added: dict[tuple[int, ActionId], int] = {}  # steps that a state has once this is done
        pairs, gain = [(kept, folded)], 0.0
        while pairs:
            one, other = pairs.pop()
            before = together.get(one, self.passed[one])
            together[one] = before + self.passed[other]
            gain += self._likelihood.of(together[one])
            gain -= self._likelihood.of(before) + self._likelihood.of(self.passed[other])
            ahead = self.following[one]
            for action, state in self.following[other].items():
                reached = ahead.get(action, added.get((one, action)))
                if reached is None:
                    added[one, action] = state
                else:
                    pairs.append((kept if reached == folded else reached, state))
        return gain

    def _fold(self, kept: int, folded: int) -> list[int]:
        """Make two states one, and those that follow both by the same action; returns the states that grew."""
        pairs, touched = [(kept, folded)], []
        while pairs:
            one, other = pairs.pop()
            touched.append(one)
            self.passed[one].update(self.passed[other])
            for action, state in self.following[other].items():
                if action in self.following[one]:
                    pairs.append((self.following[one][action], state))
                else:
                    self.following[one][action] = state
        return touched


class _Likelihood:
    """The log marginal likelihood of counts under a symmetric Dirichlet prior, from tables."""

    def __init__(self, kinds: int, most: int) -> None:
        share = _CONCENTRATION / max(kinds, 1)
        self._each = [math.lgamma(share + count) - math.lgamma(share) for count in range(most + 1)]
        start = math.lgamma(_CONCENTRATION)
        self._total = [start - math.lgamma(_CONCENTRATION + count) for count in range(most + 1)]

    def of(self, counts: Counter[ActionId]) -> float:
        each = self._each
        return self._total[counts.total()] + sum(each[count] for count in counts.values())
