"""Why the shop refuses or fails, in one sentence each, by the reason that its answers name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RULES: Mapping[str, str] = MappingProxyType(
    {
        "adjustment_window_closed": "A price is adjusted within 14 days of the order.",
        "already_adjusted": "The price of an order is adjusted once.",
        "already_cancelled": "A cancelled order is closed: only its invoice is left, and the way of its money.",
        "already_delivered": "A parcel that has arrived is not tracked any more.",
        "already_exchanged": "An exchanged order is not returned, paid back, replaced or exchanged again.",
        "already_refunded": "Money is paid back once, and never more than was paid.",
        "already_replaced": "A replaced order is not returned, paid back, exchanged or replaced again.",
        "already_reported": "A lost parcel or a wrong item is reported once.",
        "already_returned": "An order is returned once.",
        "already_shipped": "An order is cancelled, and its address changed, only before it ships.",
        "in_repair": "While an item is being repaired, nothing else is done about it.",
        "item_not_received": "The money for a return is paid once the item is in.",
        "not_delivered": "An exchange, a warranty, a repair and a report of a wrong item need an order that arrived.",
        "not_late": "A parcel that is within its promised time is not lost, paid back or sent again.",
        "not_shipped": "An order that has not shipped is cancelled instead.",
        "not_sold": "An exchange is for an item that the shop sells.",
        "nothing_returned": "No return was set up for this order, and nothing was paid back.",
        "other_price": "An exchange is for an item of the same price.",
        "out_of_stock": "A new item is sent while there is one in stock.",
        "parcel_lost": "What never arrived is not sent back: it is replaced or paid back.",
        "price_not_lower": "A price is adjusted when the item costs less now than was paid.",
        "report_window_closed": "A parcel that counts as delivered is reported lost within 14 days of delivery.",
        "warranty_over": "The warranty lasts 24 months from delivery.",
        "window_closed": "An order is returned, exchanged, replaced or paid back within 30 days of delivery.",
    }
)

FAILURES: Mapping[str, str] = MappingProxyType(
    {
        "no_trace": "The carrier has lost track of the parcel.",
        "payment_declined": "The bank declines the payment.",
        "returned_by_bank": "The bank sent the money back.",
        "system_error": "The order is on hold: the warehouse refuses changes.",
    }
)
