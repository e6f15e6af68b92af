"""A scripted customer: she has a goal and a temper, hears what the assistant says, and answers in her own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from runtime.walk import CONSENTS, REFUSES
from webui.simulation import hearing
from webui.simulation.goals import End, Goal
from webui.simulation.gold import ANYTHING_ELSE, GIVE, GOODBYE, HAND_OVER, Gold
from webui.simulation.hearing import Ear
from webui.simulation.speaking import NOISES, Noise, Temper, Voice

YES, NO, PERSON, GIVES_UP = "says yes", "says no", "asks for a person", "give_up"
NUMBER = f"{GIVE}order_number"
PHOTO = "photo_sent"
MOST_TURNS = 24
_REPEATS = 0.5  # of those who do not press a button: they write what is on it


class Left(StrEnum):
    """Why she stopped."""

    SERVED = "the assistant was done"
    CONTENT = "she had what she came for"
    PERSON = "a person took over"
    GAVE_UP = "she gave up"
    TURNS = "it went on for too long"


@dataclass(frozen=True, slots=True)
class Said:
    """`means` is the corpus' action, or one of those above; `choice` the payload of the button that she presses."""

    text: str
    means: str
    choice: str | None = None
    photo: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """Of the assistant: `choices` are buttons, as label and payload."""

    text: str
    choices: tuple[tuple[str, str], ...] = ()
    handoff: bool = False


@dataclass(slots=True)
class Scripted:
    """`heard` is what she understood of the last reply, in the corpus' actions."""

    goal: Goal
    temper: Temper
    noise: Noise
    gold: Gold
    ear: Ear
    rng: Random
    heard: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    left: Left | None = None
    _voice: Voice = field(init=False)
    _asked: Counter[str] = field(default_factory=Counter)
    _last: Said = field(default_factory=lambda: Said("", ""))
    _meant: str = ""
    _pending: str | None = None
    _stuck: int = 0
    _turns: int = 0
    _wrong: str | None = None
    _digressed: bool = False
    _wants_person: bool = False

    def __post_init__(self) -> None:
        self._voice = Voice(self.gold, self.temper, self.noise, self.goal.values, self.rng)
        if self._chance(NOISES[self.noise].wrong_number):
            self._wrong = self._mistaken(self.goal.values["order_number"])

    def opens(self) -> Said:
        """Her first message, and again what she came for."""
        action = self.gold.needs[self.goal.need].root.action
        text, tells_number = self._voice.opens(action)
        if not tells_number and self._chance(self.temper.at_once):
            text = self._voice.joined(text, self._number())
        return self._says(Said(self._voice.with_aside(text), action))

    def answers(self, reply: Sequence[Message]) -> Said | None:
        """What she says to a reply; None where she leaves, and `left` tells why."""
        self.heard = [action for one in reply for action in self.ear.understand(one.text, self.goal.need)]
        self.known.update(self.heard)
        self._turns += 1
        if any(message.handoff for message in reply):
            return self._leaves(Left.PERSON)
        if hearing.ENDINGS & set(self.heard):
            return self._leaves(Left.SERVED)
        if self._last.means == GIVES_UP:
            return self._leaves(Left.GAVE_UP)
        if self._turns >= MOST_TURNS:
            return self._leaves(Left.TURNS)
        said = self._to(reply)
        return None if said is None else self._says(said)

    def _to(self, reply: Sequence[Message]) -> Said | None:
        choices = reply[-1].choices if reply else ()
        payloads = {payload for _, payload in choices}
        if CONSENTS in payloads or hearing.CONSENT in self.heard:
            return self._consents(reply[-1])
        if choices:
            return self._chooses(choices)
        if hearing.NOT_UNDERSTOOD in self.heard and self._is_served():
            return self._leaves(Left.CONTENT)
        if {hearing.NOT_UNDERSTOOD, hearing.CANCELLED} & set(self.heard):
            self._stuck += 1
            if self._stuck >= self.temper.patience:
                return self._desperate()
        return self._goes_on()

    def _goes_on(self) -> Said | None:
        """Her answer to the last question that she understood."""
        question = next((action for action in reversed(self.heard) if self._can_answer(action)), None)
        if question is not None:
            return self._answer(question)
        if self._digressed and self._pending is not None:
            return self._answer(self._pending)
        return self._lost()

    def _consents(self, asked: Message) -> Said:
        """A yes to what she wants, with the right number and values; else a no, or the right number."""
        text = asked.text.casefold()
        other = next((call for call in self._calls() if call.replace("_", " ") in text), None)
        wanted = other is None or other in self.goal.asked_for
        named = self.goal.values["order_number"].casefold() in text or "tf-" not in text
        buttons = {payload: label for label, payload in asked.choices}
        presses = bool(buttons) and self._chance(self.temper.buttons)
        if wanted and not named:
            self._wrong = None
            return Said(self._voice.phrase("correction", value=self.goal.values["order_number"]), NUMBER)
        if wanted:
            return Said(buttons[CONSENTS], YES, CONSENTS) if presses else Said(self._voice.phrase("yes"), YES)
        self._stuck += 1
        return Said(buttons[REFUSES], NO, REFUSES) if presses else Said(self._voice.phrase("no"), NO)

    def _chooses(self, choices: Sequence[tuple[str, str]]) -> Said:
        """The button that says what she meant, or that in other words."""
        self._stuck += 1
        meant = (self._last.means, self._meant, self.gold.needs[self.goal.need].root.action)
        says = {self.ear.reads(label): (label, payload) for label, payload in reversed(choices)}
        fitting = next(((*says[action], action) for action in meant if action in says), None)
        if fitting is None:
            return self._again()
        if self._chance(self.temper.buttons):
            return Said(fitting[0], fitting[2], fitting[1])
        return Said(fitting[0], self._meant) if self._chance(_REPEATS) else self._again()

    def _can_answer(self, action: str) -> bool:
        return action in (ANYTHING_ELSE, GOODBYE, HAND_OVER, "offer_help") or bool(self._replies(action))

    def _replies(self, action: str) -> list[str]:
        """What customers of her need say to it; of another need, only the values that she has."""
        own = list(self.goal.answers.get(action, ())) or self.gold.needs[self.goal.need].answers(action)
        if own:
            return own
        found = [given for need in self.gold.needs.values() for given in need.answers(action)]
        return list(dict.fromkeys(given for given in found if given.startswith(GIVE)))

    def _answer(self, action: str) -> Said | None:
        if action == "offer_help":
            return self.opens()
        if action == ANYTHING_ELSE:
            return self._closes()
        if action in (GOODBYE, HAND_OVER):
            return self._leaves(Left.SERVED if action == GOODBYE else Left.PERSON)
        return self._tells(action)

    def _tells(self, action: str) -> Said:
        replies = self._replies(action)
        planned = action in self.goal.answers
        given = [one for one in replies if one.startswith(GIVE)]
        means = replies[min(self._asked[action], len(replies) - 1)] if planned else (given or replies)[0]
        if self._asks_beside(means):
            self._pending = action
            return self._digression()
        self._asked[action] += 1
        if self._asked[action] > self.temper.patience:
            return self._desperate()
        self._pending = None
        return self._puts(means)

    def _puts(self, means: str) -> Said:
        if means == NUMBER:
            return Said(self._voice.with_aside(self._number()), means)
        text = self._voice.says(means)
        ahead = self._ahead(means) if self._chance(self.temper.ahead) else None
        if ahead is not None:
            text = self._voice.joined(text, ahead)
        return Said(self._voice.with_aside(text), means, photo=means == PHOTO)

    def _number(self) -> str:
        """The order's number: wrong at first, where she mistakes it, or put right in the same breath."""
        right = self.goal.values["order_number"]
        wrong, self._wrong = self._wrong, None
        if wrong is None:
            return self._voice.says(NUMBER)
        if self._chance(0.4):
            return self._voice.phrase("slip", wrong=wrong, value=right)
        return self._voice.says(NUMBER, order_number=wrong)

    def _ahead(self, means: str) -> str | None:
        """Her answer to the question that comes next on her way."""
        asked = list(self.goal.answers.values())
        place = next((place for place, given in enumerate(asked) if means in given), None)
        if place is None or place + 1 >= len(asked) or means == NUMBER:
            return None
        following = asked[place + 1][0]
        return self._voice.full(following) if self._asked[list(self.goal.answers)[place + 1]] == 0 else None

    def _asks_beside(self, means: str) -> bool:
        rate = NOISES[self.noise].digression * self.temper.digresses
        return not self._digressed and bool(means) and self._chance(rate)

    def _digression(self) -> Said:
        self._digressed = True
        action = self.rng.choice(sorted(self.gold.digressions))
        return Said(self._voice.says(action), action)

    def _closes(self) -> Said | None:
        """Nothing else, once she has what she came for; if not, that again."""
        if self._is_served():
            return self._once(Said(self._voice.says("no_thanks"), "no_thanks"), Left.CONTENT)
        self._stuck += 1
        if self.goal.end is End.PERSON or self._stuck >= self.temper.patience:
            return self._desperate()
        return self.opens()

    def _is_served(self) -> bool:
        """Whether she was told what she came to hear, or else that something which she wished for is done."""
        if self.goal.told in self.known:
            return True
        need = self.gold.needs[self.goal.need]
        done = {f"{wish.call}:ok" for wish in self.goal.writes}
        told = {child.action for node in need.nodes.values() if node.action in done for child in need.children(node)}
        return bool(told & self.known)

    def _once(self, said: Said, why: Left) -> Said | None:
        return self._leaves(why) if self._last.means == said.means else said

    def _lost(self) -> Said | None:
        """Nothing was asked that she understands."""
        if self._is_served():
            return self._once(Said(self._voice.says("thanks"), "thanks"), Left.CONTENT)
        self._stuck += 1
        if self._stuck >= self.temper.patience:
            return self._desperate()
        return self._again() if self._stuck % 2 else self.opens()

    def _again(self) -> Said:
        """What she said last, in other words."""
        if self._stuck >= self.temper.patience:
            return self._desperate()
        if self._meant == self.gold.needs[self.goal.need].root.action:
            return self.opens()
        return self._puts(self._meant)

    def _desperate(self) -> Said:
        if not self._wants_person and (self.goal.end is End.PERSON or self._chance(self.temper.asks_for_person)):
            self._wants_person = True
            return Said(self._voice.phrase("person"), PERSON)
        return Said(self._voice.says(GIVES_UP), GIVES_UP)

    def _leaves(self, why: Left) -> Said | None:
        self.left = why
        return None

    def _says(self, said: Said) -> Said:
        self._last = said
        self._meant = said.means if said.means in self.gold.wordings else self._meant
        return said

    def _calls(self) -> list[str]:
        return sorted(self.gold.calls, key=len, reverse=True)

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _mistaken(self, number: str) -> str:
        """Such as no order has: seeded numbers begin with another digit."""
        return f"{number[:3]}{self.rng.choice('19')}{number[4:-1]}{self.rng.randrange(10)}"
