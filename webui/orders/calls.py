"""The calls that the order system answers: their routes, and what each is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taskflow.errors import TaskFlowError

LONGEST_INPUT = 200


class InputError(TaskFlowError):
    """A request that cannot be meant as it is; the message names the input and what would be right."""


@dataclass(frozen=True, slots=True)
class Call:
    """`path` as routes write it; `inputs` beside the order's number: True where one has to be there."""

    name: str
    method: str
    path: str
    inputs: Mapping[str, bool]

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    def check(self, inputs: Mapping[str, object]) -> dict[str, str]:
        """The inputs, trimmed; raises InputError for one that is missing, unknown or no short text."""
        for name in inputs:
            if name not in self.inputs:
                known = ", ".join(self.inputs) or "none"
                raise InputError(f"{self.name} has no input {name!r}: it knows {known}")
        given = {name: _text(self.name, name, value) for name, value in inputs.items() if value is not None}
        missing = [name for name, needed in self.inputs.items() if needed and not given.get(name)]
        if missing:
            raise InputError(
                f"{self.name} needs {missing[0]!r}: send it as a text of at most {LONGEST_INPUT} characters"
            )
        return {name: value for name, value in given.items() if value}


_ORDER = "/orders/<number>"

CALLS: Mapping[str, Call] = {
    call.name: call
    for call in (
        Call("lookup_order", "GET", _ORDER, {}),
        Call("check_return", "GET", f"{_ORDER}/return", {}),
        Call("create_return", "POST", f"{_ORDER}/returns", {}),
        Call("refund_status", "GET", f"{_ORDER}/refund", {}),
        Call("track_parcel", "GET", f"{_ORDER}/parcel", {}),
        Call("create_refund", "POST", f"{_ORDER}/refunds", {}),
        Call("create_replacement", "POST", f"{_ORDER}/replacements", {}),
        Call("create_exchange", "POST", f"{_ORDER}/exchanges", {"item": False, "size": False, "color": False}),
        Call("cancel_order", "POST", f"{_ORDER}/cancellation", {}),
        Call("update_address", "PUT", f"{_ORDER}/address", {"address": True}),
        Call("report_lost_parcel", "POST", f"{_ORDER}/lost-parcel", {}),
        Call("report_wrong_item", "POST", f"{_ORDER}/wrong-item", {}),
        Call("check_warranty", "GET", f"{_ORDER}/warranty", {}),
        Call("create_repair", "POST", f"{_ORDER}/repairs", {}),
        Call("send_invoice", "POST", f"{_ORDER}/invoices", {"email": False, "company": False, "tax_number": False}),
        Call("adjust_price", "POST", f"{_ORDER}/price-adjustments", {}),
    )
}


def _text(call: str, name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_INPUT or "\0" in value:
        raise InputError(f"{call} has an input {name!r} that is no text of at most {LONGEST_INPUT} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{call} has an input {name!r} with half a character: send whole ones") from error
    return value.strip()
