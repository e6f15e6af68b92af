"""What a simulation comes to: shares, reasons in groups, conversations to read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from webui.simulation.running import Played

_MOST_REASONS = 12
_MOST_PLACES = 3  # where goals of one reason went astray


def figures(played: Sequence[Played], times: int) -> dict[str, Any]:
    """Shares of conversations; `pass_k` is the share of customers who reached their goal each of the `times`."""
    verdicts = [one.verdict for one in played]
    by_customer: dict[int, list[bool]] = defaultdict(list)
    for one in played:
        by_customer[one.place].append(one.verdict.reached)
    whole = [reached for reached in by_customer.values() if len(reached) == times]
    handed_wrongly = sum(one.handed_over and not one.handed_over_rightly for one in verdicts)
    return {
        "customers": len(by_customer),
        "conversations": len(played),
        "reached": _share(sum(one.reached for one in verdicts), len(verdicts)),
        f"pass^{times}": _share(sum(all(reached) for reached in whole), len(whole)),
        "wrong_writes": sum(len(one.wrong) for one in verdicts),
        "unconfirmed_writes": sum(len(one.unconfirmed) for one in verdicts),
        "forbidden_writes": sum(len(one.forbidden) for one in verdicts),
        "promised_in_vain": sum(len(one.promised) for one in verdicts),
        "handed_over_rightly": sum(one.handed_over_rightly for one in verdicts),
        "handed_over_wrongly": handed_wrongly,
        "wrong_handoffs": _share(handed_wrongly, len(verdicts)),
        "turns": round(sum(one.turns for one in verdicts) / len(verdicts), 2) if verdicts else 0.0,
        "by_need": _by(played, lambda one: one.goal.need),
        "by_end": _by(played, lambda one: one.goal.end.value),
        "by_temper": _by(played, lambda one: one.temper),
    }


def reasons(played: Sequence[Played]) -> list[dict[str, Any]]:
    """Why goals were missed, the commonest first, each with where it went astray."""
    grouped: dict[str, Counter[str]] = defaultdict(Counter)
    for one in played:
        if not one.verdict.reached:
            grouped[one.verdict.reason][one.verdict.where] += 1
    ranked = sorted(grouped.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        {"reason": reason, "count": where.total(), "where": [list(pair) for pair in where.most_common(_MOST_PLACES)]}
        for reason, where in ranked
    ]


def as_json(one: Played) -> dict[str, Any]:
    goal = one.goal
    return {
        "customer": goal.customer.email,
        "time": one.time,
        "temper": one.temper,
        "need": goal.need,
        "order_number": goal.order_number,
        "end": goal.end.value,
        "writes": [asdict(wish) for wish in goal.writes],
        "left": one.talk.left.value,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(one.verdict).items()},
        "turns": [
            {
                "said": turn.said.text,
                "means": turn.said.means,
                "reply": [message.text for message in turn.reply],
                "heard": list(turn.heard),
            }
            for turn in one.talk.turns
        ],
    }


def table(told: dict[str, Any], times: int) -> Iterator[str]:
    """For people."""
    yield f"{told['conversations']:,} conversations of {told['customers']:,} customers, {told['turns']} turns each"
    yield f"  goals reached   {told['reached']:.1%}"
    if times > 1:
        yield f"  each of {times} times {told[f'pass^{times}']:.1%}"
    wrong, forced, forbidden = (told[f"{kind}_writes"] for kind in ("wrong", "unconfirmed", "forbidden"))
    yield f"  writes          {wrong} wrong, {forced} without a yes, {forbidden} forbidden"
    yield f"  promised        {told['promised_in_vain']} in vain"
    rightly, wrongly = told["handed_over_rightly"], told["handed_over_wrongly"]
    yield f"  handed over     {rightly} rightly, {wrongly} wrongly ({told['wrong_handoffs']:.1%})"
    for name in ("by_need", "by_end", "by_temper"):
        parts = (f"{key} {share:.0%} of {count}" for key, (share, count) in told[name].items())
        yield f"  {name.replace('_', ' ')}: {', '.join(parts)}"


def explained(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    for group in found[:_MOST_REASONS]:
        yield f"  {group['count']:>4}  {group['reason']}"
        for where, count in group["where"]:
            yield f"        {count:>4}  {where}"


def conversation(one: Played) -> Iterator[str]:
    """A conversation as it was, with what went wrong on top."""
    yield f"{one.goal.customer.email}, {one.goal.need}, {one.temper}: {one.verdict.reason or 'reached'}"
    for turn in one.talk.turns:
        yield f"  > {turn.said.text}   [{turn.said.means}]"
        for message in turn.reply:
            buttons = "".join(f" ({label})" for label, _ in message.choices)
            yield f"  < {message.text}{buttons}"
        yield f"    heard: {', '.join(turn.heard) or 'nothing known'}"


def _by(played: Sequence[Played], key: Any) -> dict[str, tuple[float, int]]:
    grouped: dict[str, list[bool]] = defaultdict(list)
    for one in played:
        grouped[key(one)].append(one.verdict.reached)
    return {name: (_share(sum(found), len(found)), len(found)) for name, found in sorted(grouped.items())}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
