"""A small document of somebody else's server. What is asked for is chosen by strangers, so where it may lead is not.

The rules for addresses and the reader of answers are those of ``http.fetch``: a name is resolved once, all its addresses are judged, the
connection goes to one of the judged ones, TLS is verified, and the whole request has one end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from mpp.host.services.http_addresses import Resolve, system_resolve
from mpp.host.services.http_client import Client
from mpp.host.services.http_line import Patience
from mpp.host.services.http_rules import read_url
from mpp.host.services.http_types import Hop, HttpConfig, HttpRefusal, Stopped, Target
from mpp.model.capabilities import NetworkRule
from mpp.model.hosts import WEB_PORTS
from mpp_registry.namespaces.limits import FETCH_BYTES_MAX, FETCH_SECONDS_MAX
from mpp_registry.namespaces.world import Absent, Unreachable

OK = 200
_GONE = frozenset((404, 410))


class SafeFetch:
    """Fetches ``https`` addresses of public hosts at port 443, and of those that the operator names with their port."""

    def __init__(
        self, *, private: Mapping[str, int] | None = None, extra_ca_file: str = "", most: int = FETCH_BYTES_MAX, seconds: float = FETCH_SECONDS_MAX,
        resolve: Resolve = system_resolve,
    ) -> None:  # fmt: skip
        """``private``: hosts of the operator's own network, which may have private addresses, and the port of each."""
        self._private, self._seconds = dict(private or {}), seconds
        self._rules = tuple(
            NetworkRule(host=host, wildcard=False, schemes=("https",), ports=(port,), methods=("GET",), paths=()) for host, port in self._private.items()
        )
        self._config, self._resolve = HttpConfig(extra_ca_file=extra_ca_file, body_max=most), resolve

    def __call__(self, url: str) -> bytes:
        try:
            target = self._judged(url)
        except Stopped as fault:
            raise Unreachable(fault.message) from None
        hop = Hop(
            key="registry", target=target, method="GET", headers=(("Accept", "application/json"),), body=b"", private=target.host in self._private,
            secrets=(), remaining_ms=int(self._seconds * 1000),
        )  # fmt: skip
        # A client of its own: no connection is kept, so none is used that was judged for another question.
        client = Client(self._config, self._resolve)
        try:
            answer = client.exchange(hop, Patience(time.monotonic() + self._seconds))
        finally:
            client.pool.close()
        if isinstance(answer, HttpRefusal):
            raise Unreachable(answer.message)
        if answer.status in _GONE:
            raise Absent(f"the server answers {answer.status}")
        # Attack: a redirect to an address behind the wall, or to another host, whose owner proves nothing about this one.
        if answer.status != OK:
            raise Unreachable(f"the server answers {answer.status}; no redirect is followed")
        return answer.body

    def _judged(self, url: str) -> Target:
        target = read_url(url, self._rules)
        wanted = self._private.get(target.host, WEB_PORTS["https"])
        if target.scheme != "https":
            raise Stopped("bad_request", "only https addresses are asked")
        if target.host in self._private and target.port == WEB_PORTS["https"]:
            return Target(scheme="https", host=target.host, port=wanted, path=target.path)
        # Attack: another port is another service, perhaps one that believes whoever reaches it.
        if target.port != wanted:
            raise Stopped("bad_request", "only port 443 is asked")
        return target
