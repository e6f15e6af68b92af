"""Amounts as the shop says them."""

from __future__ import annotations


def money(cents: int, language: str) -> str:
    """Whole cents, or fen, as "$34.90" or "129.00元"."""
    amount = f"{cents // 100}.{cents % 100:02d}"
    return f"{amount}元" if language == "zh" else f"${amount}"
