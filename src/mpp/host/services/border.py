"""Where a call's requests leave this host: each is searched for what must not go out. Spec: 6-privacy F-40.

The search comes before the service puts in the headers that the host itself fills: those are bound to their host, and nothing of them is in here.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpp.crypto import base64text
from mpp.host.services.http_rules import read_request
from mpp.host.services.http_types import HttpResponse, Stopped
from mpp.limits import MIB
from mpp.model.hostpattern import place_of
from mpp.model.jsontext import Json
from mpp.stages.privacy import Filter, Leak, Leaving, outgoing_request

SAID_BYTES_MAX = MIB
"""Bytes of what hosts said that are kept while a call runs. Reason: an answer with a token has some kilobytes; of more, the newest is kept."""


class Border:
    """The border of one call. ``leaks`` has what was found, for the report of the call."""

    def __init__(self, by: Filter, leaks: tuple[Leak, ...] = (), granted: tuple[str, ...] = ()) -> None:
        """``leaks``: what was found in the arguments. ``granted``: values that the host itself gave to this call of the package."""
        self._by, self._granted = by, granted
        self.leaks: list[Leak] = [*leaks]
        self._said: list[tuple[str, bytes]] = []

    def leave(self, params: Mapping[str, Json]) -> Mapping[str, Json]:
        """The parameters as they may leave. What is no request at all is left to the service, which refuses it in its own words."""
        try:
            asked = read_request(dict(params))
        except Stopped:
            return params
        request = Leaving(url=asked.url, headers=asked.headers, body=asked.body)
        host = _host(asked.url)
        judged = outgoing_request(request, self._by, lambda text: self._is_granted(text, host))
        self.leaks += judged.found
        if judged.fault is not None:
            raise judged.fault
        after = judged.request
        if after is None or after is request:
            return params
        headers: list[Json] = [[name, text] for name, text in after.headers]
        body: dict[str, Json] = {"body": base64text.encode(after.body)} if after.body else {}
        return {**params, "url": after.url, "headers": headers, **body}

    def returned(self, url: str, data: bytes) -> None:
        """Spec: 6-privacy F-40. A token that a service handed out goes back to it with the next request; to another one it does not."""
        self._said.append((_host(url), data[:SAID_BYTES_MAX]))
        while sum(len(one) for _, one in self._said) > SAID_BYTES_MAX:
            self._said.pop(0)

    def _is_granted(self, text: str, host: str) -> bool:
        # A part of a value that was given says nothing beyond it.
        if any(text in one for one in self._granted):
            return True
        data = text.encode("utf-8", "replace")
        return bool(host) and any(host == place and data in one for place, one in self._said)


def said(response: HttpResponse) -> bytes:
    """All that a host said, in one."""
    return b"\n".join((*(text.encode("utf-8", "replace") for _, text in response.headers), response.body))


def _host(url: str) -> str:
    """Scheme, host and port; empty where two readers could differ, and then nothing is granted."""
    found = place_of(url)
    return "" if found is None else f"{url.partition(':')[0].lower()}://{found.host}:{found.port}"
