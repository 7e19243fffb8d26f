"""The head of a request, read once and strictly: under which name this server was reached, from which page, in which form. Spec: spec/mcp-front.md, J-60 to J-63."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from mpp.host.outside import is_here
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.serve.http_limits import HTTP_HEADERS_MAX

ONCE = frozenset((b"host", b"origin", b"authorization", b"content-type", b"content-length", b"transfer-encoding", b"last-event-id"))
"""Headers that may stand once. Attack: of two, a proxy in front takes one and this server the other. All that begin with ``mcp-`` are among them."""

CHARSETS = frozenset((b"", b"charset=utf-8", b'charset="utf-8"'))
EXPOSED = b"mcp-session-id, www-authenticate, retry-after"
PAGES_MAY_SEND = frozenset(
    (b"authorization", b"content-type", b"accept", b"mcp-session-id", b"mcp-protocol-version", b"mcp-method", b"mcp-name", b"last-event-id")
)
_PARAM = re.compile(rb"mcp-param-[a-z0-9-]{1,100}")
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_ORIGIN = re.compile(rb"https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")


class BadRequestError(Exception):
    """The request is turned down before its message is looked at."""

    def __init__(self, status: int, words: str, *, code: int = -32600, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(words)
        self.status, self.words, self.code, self.headers = status, words, code, headers


class Takes(NamedTuple):
    """What a client takes as an answer."""

    json: bool
    stream: bool


@value
class Head:
    """What this front reads of a head."""

    method: str
    path: str
    found: Mapping[bytes, bytes]
    texts: dict[str, str]
    """Those that begin with ``mcp-``: what the message is compared with."""

    def text(self, name: bytes) -> str | None:
        """A header as text; None where it is absent."""
        found = self.found.get(name)
        return None if found is None else found.decode("latin-1")

    @property
    def takes_stream(self) -> bool:
        """May the answer be a stream? Who says nothing takes all."""
        accept = self.found.get(b"accept")
        return accept is None or b"text/event-stream" in accept or b"*/*" in accept or b"text/*" in accept

    @property
    def takes_json(self) -> bool:
        accept = self.found.get(b"accept")
        return accept is None or b"application/json" in accept or b"*/*" in accept or b"application/*" in accept

    @property
    def takes(self) -> Takes:
        return Takes(self.takes_json, self.takes_stream)


def read_head(method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The head, or a refusal of one that can be read in two ways."""
    found: dict[bytes, bytes] = {}
    texts: dict[str, str] = {}
    count = 0
    for name, content in headers:
        count += 1
        is_ours = name.startswith(b"mcp-")
        if name in found and (is_ours or name in ONCE):
            raise BadRequestError(400, f"the header {shown(name.decode('latin-1'))} stands twice")
        found[name] = content
        if is_ours:
            texts[name.decode("latin-1")] = content.decode("latin-1")
    if count > HTTP_HEADERS_MAX:
        raise BadRequestError(431, f"a request has at most {HTTP_HEADERS_MAX} headers")
    return Head(method=method, path=path, found=found, texts=texts)


@value
class Places:
    """Under which names this front may be reached, and from which pages."""

    hosts: frozenset[str]
    origins: frozenset[str]

    def judge(self, head: Head) -> None:
        """Attack: a web page that lets its own name point at this machine (DNS rebinding) sends that name as host, and itself as origin."""
        host = _HOST.fullmatch(head.found.get(b"host", b""))
        if host is None or not self._is_ours(host[1]):
            raise BadRequestError(403, "this server is not known under that host name")
        written = head.found.get(b"origin")
        if written is None or written.decode("latin-1") in self.origins:
            return
        origin = _ORIGIN.fullmatch(written)
        if origin is None or not self._is_ours(origin[1]):
            raise BadRequestError(403, "pages of that origin may not call this server")

    def cors(self, head: Head) -> list[tuple[bytes, bytes]]:
        """What lets a page read the answer, if the owner added its origin. Cookies are never asked for, so none are allowed."""
        origin = head.found.get(b"origin")
        if origin is None or origin.decode("latin-1") not in self.origins:
            return []
        return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED), (b"vary", b"origin")]

    def _is_ours(self, name: bytes) -> bool:
        return name.decode("ascii").strip("[]").lower() in self.hosts


def preflight(head: Head) -> list[tuple[bytes, bytes]]:
    """What a page of such an origin may send."""
    wanted = [name.strip() for name in head.found.get(b"access-control-request-headers", b"").lower().split(b",")]
    names = [name for name in wanted if name in PAGES_MAY_SEND or _PARAM.fullmatch(name)]
    return [(b"access-control-allow-methods", b"POST, GET, DELETE"), (b"access-control-allow-headers", b", ".join(names)), (b"access-control-max-age", b"600")]


def places(address: str, hosts: Iterable[str], origins: Iterable[str]) -> Places:
    """Where it listens, and what its owner added. On a loopback address each name of this machine counts; on all addresses, only what was added."""
    names = {host.strip("[]").lower() for host in hosts}
    if is_here(address):
        names |= {"localhost", "127.0.0.1", "::1", address}
    elif not ip_address(address).is_unspecified:
        names.add(str(ip_address(address)))
    return Places(hosts=frozenset(names), origins=frozenset(origins))


def shown_address(address: str, port: int) -> str:
    """As it stands in a URL."""
    try:
        is_six = isinstance(ip_address(address), IPv6Address)
    except ValueError:
        is_six = False
    return f"[{address}]:{port}" if is_six else f"{address}:{port}"


def judge_form(head: Head) -> None:
    """A POST with a JSON message, for which an answer can be given. Attack: a form of a web page, which needs no leave to be sent, has another type."""
    written = head.found.get(b"content-type", b"")
    kind, _, rest = written.partition(b";")
    if written != b"application/json" and (kind.strip().lower() != b"application/json" or rest.strip().lower().replace(b" ", b"") not in CHARSETS):
        raise BadRequestError(415, "a message is application/json in UTF-8")
    if b"content-encoding" in head.found:
        raise BadRequestError(415, "a message is not compressed")
    if not (head.takes_json or head.takes_stream):
        raise BadRequestError(406, "an answer is application/json or text/event-stream")
