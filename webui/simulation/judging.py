"""Whether a customer got what she came for: told by the order book, and by what she was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taskflow.model import Speaker
from taskflow.texts import normalise
from webui.orders.calls import CALLS
from webui.orders.judging import Write
from webui.simulation import hearing
from webui.simulation.customers import PERSON, YES
from webui.simulation.goals import End, Goal, Wish
from webui.simulation.gold import ANYTHING_ELSE, GOODBYE, Gold
from webui.simulation.talking import Talk, Turn

_HARMLESS = frozenset(
    {ANYTHING_ELSE, GOODBYE, "offer_help", "wait", hearing.CONSENT, f"{hearing.OWN}resume", f"{hearing.OWN}correction"}
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` says in words why a goal was missed, `where` after which words it went astray; both empty if reached.

    `wrong` are writes that were made and that she did not come for, `unconfirmed` those made without a yes of hers,
    `forbidden` those that the rules do not allow, `promised` what she was told is done and is not.
    """

    reached: bool
    reason: str
    where: str
    wrong: tuple[str, ...]
    unconfirmed: tuple[str, ...]
    forbidden: tuple[str, ...]
    promised: tuple[str, ...]
    handed_over: bool
    handed_over_rightly: bool
    turns: int


def judge(
    gold: Gold, goal: Goal, talk: Talk, writes: Sequence[Write], forbidden: Sequence[str], hindered: bool
) -> Verdict:
    """`writes` are those on her orders, `forbidden` the calls that the rules forbade her at first.

    `hindered`: whether a system was out of order for her; then a person is the right one, too.
    """
    done = [write for write in writes if write.is_done]
    wrong = tuple(write.call for write in done if not any(_grants(write, wish, goal) for wish in goal.writes))
    missing = [wish for wish in goal.writes if not any(_grants(write, wish, goal) for write in done)]
    promised = _promised(gold, goal, talk, done)
    rightly = talk.is_handed_over and (goal.end is End.PERSON or hindered)
    reason = _reason(goal, talk, wrong, missing, promised, rightly)
    return Verdict(
        not reason,
        reason,
        _astray(gold, goal, talk) if reason else "",
        wrong,
        tuple(write.call for write in done if not _is_confirmed(gold, goal, talk, write)),
        tuple(write.call for write in done if write.call in forbidden and not _is_wished(write, goal)),
        promised,
        talk.is_handed_over,
        rightly,
        len(talk.turns),
    )


def _reason(
    goal: Goal, talk: Talk, wrong: Sequence[str], missing: Sequence[Wish], promised: Sequence[str], rightly: bool
) -> str:
    """Why it is no success, in words; empty where it is one."""
    if wrong:
        return f"the wrong thing was done: {wrong[0]}"
    if promised:
        return f"told that it is done, and it is not: {promised[0]}"
    return "" if rightly else _lack(goal, talk, missing)


def _lack(goal: Goal, talk: Talk, missing: Sequence[Wish]) -> str:
    """What she was left without; empty where it is nothing."""
    if talk.is_handed_over:
        asked = talk.turns[-1].said.means == PERSON
        return "a person took over: she asked for one" if asked else "a person took over who was not needed"
    if goal.end is End.PERSON:
        return "no person took over"
    if missing:
        return f"{missing[0].call} was not done: {talk.left}"
    if goal.end is End.TOLD and goal.told not in talk.known:
        return f"not told ({goal.told}): {talk.left}"
    return ""


def _grants(write: Write, wish: Wish, goal: Goal) -> bool:
    """Whether a write is what she wished for, with the values that matter."""
    same = (write.call, write.order_number) == (wish.call, wish.order_number)
    return same and all(_alike(write.inputs.get(kind, goal.values[kind]), value) for kind, value in wish.values.items())


def _is_wished(write: Write, goal: Goal) -> bool:
    return any(_grants(write, wish, goal) for wish in goal.writes)


def _alike(one: str, other: str) -> bool:
    return normalise(one).strip(".。") == normalise(other).strip(".。")


def _is_confirmed(gold: Gold, goal: Goal, talk: Talk, write: Write) -> bool:
    """Whether her last words before the write were a yes: to the assistant's question, or as in the corpus' trees."""
    said = [turn.said for turn in talk.turns if turn.at <= write.at]
    if not said:
        return False
    agreed = gold.needs[goal.need].agreeing.get(write.call, set())
    return said[-1].means == YES or said[-1].means in agreed


def _promised(gold: Gold, goal: Goal, talk: Talk, done: Sequence[Write]) -> tuple[str, ...]:
    """What she was told in the words of agents who have made a write, where it was not made."""
    tells: dict[str, set[str]] = {}
    for need in gold.needs.values():
        for node in need.nodes.values():
            call, _, outcome = node.action.partition(":")
            if outcome == "ok" and node.speaker is Speaker.SYSTEM:
                for child in need.children(node):
                    if child.speaker is Speaker.AGENT and CALLS[call].is_write and not _asks(child.action):
                        tells.setdefault(child.action, set()).add(call)
    made = {write.call for write in done}
    told = [action for turn in talk.turns for action in turn.heard if action in tells]
    return tuple(action for action in dict.fromkeys(told) if not tells[action] & made)


def _astray(gold: Gold, goal: Goal, talk: Talk) -> str:
    """The first words of hers to which the assistant did not say what agents of the corpus would."""
    need = gold.needs[goal.need]
    own = {node.action for node in need.nodes.values() if node.speaker is Speaker.AGENT}
    for turn in talk.turns:
        strange = [action for action in turn.heard if action not in own and action not in _HARMLESS]
        if strange or not turn.heard:
            return f"{turn.said.means} → {strange[0] if strange else _short(turn)}"
    last = talk.turns[-1]
    return f"{last.said.means} → {last.heard[-1] if last.heard else _short(last)}"


def _asks(action: str) -> bool:
    return action.startswith(("ask_", "offer_"))


def _short(turn: Turn) -> str:
    return f"“{turn.reply[-1].text[:60]}”" if turn.reply else "silence"
