"""The endpoints that calls may reach: their addresses, their secrets, and which addresses are refused."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import urllib3
from pydantic import BaseModel, ConfigDict, model_validator

from taskflow.errors import TaskFlowError

_TRIED_AGAIN = (429, 502, 503, 504)
_LONGEST_ANSWER = 1_000_000  # bytes
_MOST_SECONDS = 45.0  # a turn is claimed for a minute
_BACKOFF = 0.2  # seconds before the second try, doubled for each further one


class EndpointError(TaskFlowError):
    """An endpoint that must not be, or could not be, reached; `is_certain` where nothing can have come of it."""

    def __init__(self, message: str, *, is_certain: bool) -> None:
        super().__init__(message)
        self.is_certain = is_certain


class EndpointConfig(BaseModel):
    """[runtime.endpoints.NAME]: an address, or a registered function; a binding names it and can reach no other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = None
    """Such as https://orders.example.com/api: the path of a binding comes behind it."""

    url_env: str | None = None
    """The environment variable with the address, where that is another in each place; if it is set, it counts."""

    token_env: str | None = None
    """The environment variable with the bearer token."""

    private: bool = False
    """Whether the address may lie in this machine's own or a private network; else such are refused."""

    function: str | None = None
    """A Python function in place of an address, as module:function."""

    @property
    def address(self) -> str:
        given = "" if self.url_env is None else os.environ.get(self.url_env, "")
        return given or self.url or ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.url is None) == (self.function is None):
            raise ValueError("an endpoint has either a url or a function")
        if self.url is not None:
            parts = urlsplit(self.address)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
                raise ValueError(
                    f"{self.address!r} is no address: write it as https://host/path, without a user or a query"
                )
        return self


@dataclass(frozen=True, slots=True)
class Sending:
    """`body` is sent as JSON, by GET as a query; `key` lets a repeated write be told from a new one."""

    method: str
    path: str
    body: Mapping[str, str]
    key: str
    timeout: float
    retries: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is the parsed JSON."""

    status: int
    body: Any
    tries: int


class Endpoint:
    """One address. It is looked up and checked before each call, and the call goes to just what was checked.

    So a name that is looked up again, and then leads into the private network, does not get there; nor does a
    redirection, since none is followed.
    """

    def __init__(self, name: str, config: EndpointConfig) -> None:
        self._name = name
        self._private = config.private
        self._parts: SplitResult = urlsplit(config.address)
        self._token = None if config.token_env is None else os.environ.get(config.token_env)
        if config.token_env is not None and not self._token:
            raise EndpointError(
                f"endpoint {name!r} takes its token from the environment: set {config.token_env} there",
                is_certain=True,
            )

    def send(self, sending: Sending) -> Answer:
        """Raises EndpointError where no answer came."""
        retry = urllib3.Retry(
            sending.retries,
            redirect=False,
            status_forcelist=_TRIED_AGAIN,
            allowed_methods=None,
            backoff_factor=_BACKOFF,
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        seconds = min(sending.timeout, _MOST_SECONDS / (sending.retries + 1))
        query = sending.body if sending.method == "GET" else None
        try:
            with self._pool() as pool:
                response = pool.request(
                    sending.method,
                    self._parts.path.rstrip("/") + sending.path,
                    fields=None if query is None else dict(query),
                    body=None if query is not None else json.dumps(dict(sending.body), ensure_ascii=False).encode(),
                    headers=self._headers(sending.key),
                    retries=retry,
                    timeout=urllib3.Timeout(total=seconds),
                    preload_content=False,
                )
                text = response.read(_LONGEST_ANSWER + 1, decode_content=True)
        except urllib3.exceptions.HTTPError as error:
            raise EndpointError(f"endpoint {self._name!r}: {_reason(error)}", is_certain=_never_sent(error)) from error
        if len(text) > _LONGEST_ANSWER:
            raise EndpointError(f"endpoint {self._name!r} answered with more than a megabyte", is_certain=False)
        tries = 1 + (len(response.retries.history) if response.retries is not None else 0)
        return Answer(response.status, self._parsed(text, response.status), tries)

    def _pool(self) -> urllib3.HTTPConnectionPool:
        host, address = str(self._parts.hostname), self._address()
        if self._parts.scheme == "https":
            return urllib3.HTTPSConnectionPool(
                address, self._parts.port, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED"
            )
        return urllib3.HTTPConnectionPool(address, self._parts.port)

    def _address(self) -> str:
        host = str(self._parts.hostname)
        try:
            found = socket.getaddrinfo(host, self._parts.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise EndpointError(f"endpoint {self._name!r}: {host} is not known: {error}", is_certain=True) from error
        addresses = [str(one[4][0]) for one in found]
        for address in addresses:
            if not self._private and not ipaddress.ip_address(address.partition("%")[0]).is_global:
                raise EndpointError(
                    f"endpoint {self._name!r}: {host} is {address}, in a private network: "
                    f"set private = true under [runtime.endpoints.{self._name}] if that is meant",
                    is_certain=True,
                )
        return addresses[0]

    def _headers(self, key: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Host": self._parts.netloc}
        headers |= {"Idempotency-Key": key} if key else {}
        return headers | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _parsed(self, text: bytes, status: int) -> Any:
        if not text.strip():
            return None
        try:
            return json.loads(text)
        except ValueError as error:
            if status >= 400:
                return None
            raise EndpointError(f"endpoint {self._name!r} answered with what is no JSON", is_certain=False) from error


def _never_sent(error: urllib3.exceptions.HTTPError) -> bool:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    return isinstance(cause, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    match cause:
        case urllib3.exceptions.NewConnectionError():
            return "refuses connections"
        case urllib3.exceptions.TimeoutError():
            return "no answer in time"
        case _:
            return f"broke off ({type(cause).__name__})"
