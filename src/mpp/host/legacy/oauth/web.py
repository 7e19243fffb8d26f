"""Requests to a server and to its issuer, under the rules for requests of tools: judged addresses, no redirects, bounded answers. Spec: legacy V-71."""

from __future__ import annotations

import time
from typing import Protocol
from urllib.parse import urlsplit

from mpp.errors import RemoteFailed
from mpp.host.legacy.oauth.limits import ANSWER_BYTES_MAX, ASK_SECONDS_MAX, TEXT_CHARS_MAX
from mpp.host.outside import is_here
from mpp.host.services.http_addresses import Resolve, system_resolve
from mpp.host.services.http_client import Client
from mpp.host.services.http_line import Patience
from mpp.host.services.http_rules import read_url
from mpp.host.services.http_types import Headers, Hop, HopAnswer, HttpConfig, HttpRefusal, Stopped, Target
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import shown


class Ask(Protocol):
    """One request. Raises RemoteFailed where there is no answer."""

    def __call__(self, method: str, url: str, headers: Headers = (), body: bytes = b"") -> HopAnswer: ...


class Web:
    """For one server. Close it."""

    def __init__(
        self, server: str, private: tuple[str, ...], *, resolve: Resolve = system_resolve, ca_file: str = "", seconds: float = ASK_SECONDS_MAX
    ) -> None:
        """``private``: ``host:port`` that a policy lets have an address that is not public."""
        self._client = Client(HttpConfig(extra_ca_file=ca_file, body_max=ANSWER_BYTES_MAX), resolve)
        self._key, self._private, self._seconds = server, private, seconds
        self._is_here = is_here(urlsplit(server).hostname or "")

    def close(self) -> None:
        self._client.pool.close()

    def judged(self, url: str) -> tuple[Target, bool]:
        """Where to go, and whether its address may be one that is not public. Raises RemoteFailed for what is never asked.

        Attack: metadata of a server far away that names a service of this machine or of this network. Only a server on this machine has its issuer here.
        """
        try:
            target = target_of(url)
        except (Stopped, ValueError) as fault:
            raise RemoteFailed("remote.answer", f"this is no address that is asked: {fault}", where=place_of(url), hint="ask who runs the server") from None
        at_home = self._is_here and is_here(target.host)
        if target.scheme != "https" and not at_home:
            raise RemoteFailed("remote.answer", "logging in goes over https only", where=place_of(url), hint="ask who runs the server")
        return target, at_home or target.place in self._private

    def ask(self, method: str, url: str, headers: Headers = (), body: bytes = b"") -> HopAnswer:
        target, private = self.judged(url)
        hop = Hop(
            key=self._key, target=target, method=method, headers=(("accept", "application/json"), *headers), body=body, private=private, secrets=(),
            remaining_ms=int(self._seconds * 1000),
        )  # fmt: skip
        try:
            found = self._client.exchange(hop, Patience(time.monotonic() + self._seconds))
        except Stopped as fault:
            raise _failed(fault.message, url) from None
        if isinstance(found, HttpRefusal):
            raise _failed(found.message, url)
        return found


def target_of(url: str) -> Target:
    """An address in its one form. Raises Stopped or ValueError."""
    if len(url) > TEXT_CHARS_MAX:
        raise ValueError("it is too long")
    host = urlsplit(url).hostname or ""
    return read_url(url, (NetworkRule(host=host, wildcard=False, schemes=(), ports=(), methods=(), paths=()),))


def place_of(url: str) -> str:
    """What may be shown of an address: no path and no query, in which a secret could stand."""
    scheme, _, rest = url[:TEXT_CHARS_MAX].partition("://")
    return shown(f"{scheme}://{rest.partition('/')[0].partition('?')[0]}", 200)


def _failed(why: str, url: str) -> RemoteFailed:
    return RemoteFailed("remote.connection", f"no answer on the way to a login: {why}", where=place_of(url), hint="see whether it runs; try again")
