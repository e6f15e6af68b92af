"""The [server] section of the configuration file."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _origin(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is no origin, such as https://shop.example.com")
    return f"{parts.scheme}://{parts.netloc}".lower()


class ShopAssistants(BaseModel):
    """The assistants that the demo shop's pages talk to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str = "after-sale-en"
    zh: str = "after-sale-zh"


class ServerConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    """The sites, other than the server's own, whose pages may hold the chat widget."""

    shop_assistants: ShopAssistants = ShopAssistants()

    conversation_limit: int = Field(default=60, ge=1)
    """Chat requests a minute in one conversation; each worker process counts for itself."""

    address_limit: int = Field(default=600, ge=1)
    """Chat requests a minute from one network address; each worker process counts for itself."""

    streams: int = Field(default=1_000, ge=1, le=10_000)
    """Event streams that are open at a time; each worker process counts for itself."""

    heartbeat: float = Field(default=15, gt=0, le=3_600)
    """Seconds after which a silent event stream says that it is alive: less than proxies wait."""

    proxies: int = Field(default=0, ge=0, le=8)
    """How many reverse proxies stand before the server: so many entries of X-Forwarded-For are believed."""
