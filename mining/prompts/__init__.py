"""Prompts are numbered template files beside this one: a change of words is a new number."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_environment = Environment(
    loader=PackageLoader("mining", "prompts"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - prompts are plain text, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    return _environment.get_template(template).render(values).strip()
