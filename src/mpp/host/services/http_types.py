"""The values of ``http.fetch``: what a guest asks, one hop on the wire, and the answers.

Spec: spec/call-contract.md.
"""

from __future__ import annotations

from typing import TypeAlias

from mpp.host.services.http_limits import AT_ONCE_EACH_MAX, AT_ONCE_MAX, RESPONSE_BODY_MAX, TIMEOUT_DEFAULT_MAX
from mpp.model.hosts import WEB_PORTS
from mpp.model.secretvalue import SecretValue
from mpp.model.value import value

Headers: TypeAlias = tuple[tuple[str, str], ...]

REFUSALS = frozenset((
    "bad_request", "not_declared", "not_granted", "too_large", "timeout", "deadline", "unresolvable", "blocked_address", "connect", "tls", "protocol", "redirect",
    "unavailable",
))  # fmt: skip
"""The codes that ``http.fetch`` answers a guest with."""


class Stopped(Exception):
    """A request ends here. It becomes an ``HttpRefusal`` before it leaves the service or the host side."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@value
class HttpConfig:
    """What the owner of the host decides. No package and no call changes it."""

    extra_ca_file: str = ""
    """A PEM file of certificate authorities that are trusted besides those of the system."""
    body_max: int = RESPONSE_BODY_MAX
    at_once: int = AT_ONCE_MAX
    at_once_each: int = AT_ONCE_EACH_MAX


@value
class HttpRequest:
    """What a guest asks for, not judged yet but for its types and sizes."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    timeout_ms: int = TIMEOUT_DEFAULT_MAX
    follow: bool = True


@value
class HttpResponse:
    status: int
    headers: Headers
    body: bytes
    url: str
    """The address that answered, after redirects."""
    observed: tuple[str, ...]
    """Each ``host:port`` that was contacted, in order."""
    secrets: tuple[str, ...]
    """The names of the secrets that were sent."""
    echoed: tuple[str, ...]
    """The names of the secrets that stood in an answer and were taken out."""


@value
class HttpRefusal:
    code: str
    message: str
    """Words for the author of the tool; no address, no path of this machine, no secret."""
    observed: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    echoed: tuple[str, ...] = ()


@value
class Target:
    """An address in its one form."""

    scheme: str
    host: str
    """In lower case; an IPv6 address without brackets."""
    port: int
    path: str
    """With the query; never with a fragment."""

    @property
    def name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def place(self) -> str:
        return f"{self.name}:{self.port}"

    @property
    def authority(self) -> str:
        return self.name if self.port == WEB_PORTS[self.scheme] else self.place

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        return self.origin + self.path


@value
class Hop:
    """One request to one judged address: all that the service learns of a fetch."""

    key: str
    """The digest of the rights. A connection is never used under another one."""
    target: Target
    method: str
    headers: Headers
    body: bytes
    private: bool
    """Whether the policy of the host lets this place have an address that is not public."""
    secrets: tuple[SecretValue, ...]
    """Those that belong to this origin, and no others."""
    remaining_ms: int


@value
class HopAnswer:
    status: int
    headers: Headers
    body: bytes
    echoed: tuple[str, ...]
