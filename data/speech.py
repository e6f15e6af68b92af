"""How one dialogue's people speak: their values, their choice of wordings, their slips."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from material import Language

# Days before (-) or after the dialogue within which each kind of date lies.
DAYS = {
    "ordered_on": (-20, -8),
    "delivered_on": (-60, -35),
    "paid_on": (-6, -2),
    "last_seen_on": (-7, -4),
    "shipped_on": (-1, 0),
    "expected_on": (2, 6),
    "return_by": (10, 14),
}
# The date that an agent speaks of; in other actions it is `expected_on`, and a customer's is `ordered_on`.
SPOKEN_DATE = {
    "offer_exchange_or_refund": "return_by",
    "confirm_return": "return_by",
    "explain_window_closed": "delivered_on",
    "tell_refund_paid": "paid_on",
    "explain_already_shipped": "shipped_on",
    "offer_pickup": "shipped_on",
}
# What people type when they are quick: a like-sounding character, or a particle left out.
SLIPS_ZH = {
    "已经": "以经",
    "收到": "受到",
    "订单": "定单",
    "退款": "推款",
    "取消": "取销",
    "发货": "发火",
    "麻烦": "麻凡",
    "账": "帐",
    "在": "再",
    "的": "得",
    "吗": "嘛",
    "了": "",
    "呢": "",
}


@dataclass(slots=True)
class Speech:
    """The voices of one dialogue: a customer who may be casual, an agent with habits."""

    rng: Random
    language: Language
    need: str
    held: bool
    started: datetime
    values: dict[str, str] = field(init=False)
    dates: dict[str, datetime] = field(init=False)
    agent: int = field(init=False)
    casual: bool = field(init=False)

    def __post_init__(self) -> None:
        material, rng = self.language.values, self.rng
        items = material["items"]
        self.dates = {name: self.started + timedelta(days=rng.randint(*days)) for name, days in DAYS.items()}
        name, mailbox = rng.choice(material["people"])
        money = f"{rng.randint(12, 240)}.{rng.choice(('00', '50', '90'))}"
        self.values = {
            "name": name,
            "email": f"{mailbox}@example.com",
            "item": rng.choice(items.get(self.need, items["other"])),
            "amount": material["amount"].format(money=money),
            "phone": material["phone"].format(two=rng.randint(10, 99), four=rng.randint(1000, 9999)),
            "order_number": f"TF-2{rng.randint(0, 9_999_999):07d}",
            "address": self._some_address(),
        }
        self.agent = rng.randrange(len(material["agents"]))
        self.casual = self.chance(0.3)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _some_address(self) -> str:
        material, rng = self.language.values, self.rng
        address: str = material["address"].format(
            number=rng.randint(2, 180),
            street=rng.choice(material["streets"]),
            town=rng.choice(material["towns"]),
            room=rng.randint(101, 909),
            zip=rng.randint(45001, 45999),
        )
        return address

    def correct(self, name: str) -> None:
        """Put one digit of a value right, as a customer does who was told that it is wrong."""
        value = self.values[name]
        place = self.rng.choice([match.end() - 1 for match in re.finditer(r"\d+", value)])
        digit = self.rng.choice([digit for digit in "123456789" if digit != value[place]])
        self.values[name] = f"{value[:place]}{digit}{value[place + 1 :]}"

    def fact(self, name: str) -> str:
        """A value as the order system gives it: dates as ISO."""
        return self.dates[name].date().isoformat() if name in self.dates else self.values[name]

    @property
    def habit(self) -> dict[str, Any]:
        habit: dict[str, Any] = self.language.values["agents"][self.agent]
        return habit

    def aside(self) -> str:
        aside: str = self.rng.choice(self.language.values["asides"])
        return aside

    def customer_wording(self, action: str) -> str:
        return self.rng.choice(self.language.reserved(action) if self.held else self.language.open(action))

    def agent_wording(self, action: str) -> str:
        """Half the time the agent's favourite."""
        wordings = self.language.wordings[action]
        if self.chance(0.5):
            return wordings[(self.agent * 7 + len(action)) % len(wordings)]
        return self.rng.choice(wordings)

    def join(self, first: str, second: str) -> str:
        stop = "" if first[-1] in ".!?。！？…" else self.language.values["stop"]
        return f"{first}{stop}{self.language.values['gap']}{second}"

    def customer_text(self, template: str) -> str:
        if self.casual:
            template = template.lower().rstrip(".。")
        return self._filled(self._mistyped(template, 0.06), "ordered_on")

    def agent_text(self, template: str, action: str) -> str:
        return self._filled(self._mistyped(template, 0.01), SPOKEN_DATE.get(action, "expected_on"))

    def _filled(self, template: str, date: str) -> str:
        material, day = self.language.values, self.dates[date]
        spoken = material["date"].format(month=material["months"][day.month - 1], day=day.day)
        return template.format(**self.values, date=spoken)

    def _mistyped(self, template: str, share: float) -> str:
        if not self.chance(share):
            return template
        return self._slip_zh(template) if self.language.code == "zh" else self._swap_en(template)

    def _slip_zh(self, template: str) -> str:
        found = [right for right in SLIPS_ZH if right in template]
        if not found:
            return template
        right = self.rng.choice(found)
        return template.replace(right, SLIPS_ZH[right], 1)

    def _swap_en(self, template: str) -> str:
        """Swap two inner letters of a longer word, never of a field's name."""
        plain = re.sub(r"{\w+}", lambda match: "#" * len(match.group()), template)
        starts = [match.start() for match in re.finditer(r"[A-Za-z]{5,}", plain)]
        if not starts:
            return template
        place = self.rng.choice(starts) + self.rng.randint(1, 3)
        return template[:place] + template[place + 1] + template[place] + template[place + 2 :]
