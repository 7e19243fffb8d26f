"""Requests to other hosts. They go through the MPP host, which lets pass what the manifest declares and a person granted.

Spec: spec/call-contract.md C-64, C-71 to C-73. Secrets are added by the host: see ``mpp_sdk.secret``.
"""

from __future__ import annotations

import json as _json
from collections.abc import Iterable, Mapping
from typing import Any

from mpp_sdk import _host
from mpp_sdk.errors import host_error, ToolError
from mpp_sdk.secrets import mentions

HeadersLike = Mapping[str, str] | Iterable[tuple[str, str]]


class StatusError(ToolError):
    """The other side answered with a status that is no success."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.url} answered {response.status}")
        self.response = response


class Response:
    """What the other side answered."""

    __slots__ = ("body", "headers", "status", "url")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes, url: str) -> None:
        self.status = status
        self.headers = headers
        """Pairs, in order; ``header`` finds one."""
        self.body = body
        self.url = url
        """The address that answered, after redirects."""

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    def header(self, name: str, default: str = "") -> str:
        """The first header of that name, whatever the case of its letters."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), default)

    @property
    def text(self) -> str:
        """The body as text: in the charset that it names, else UTF-8; what does not decode is replaced."""
        charset = self.header("content-type").lower().partition("charset=")[2].split(";")[0].strip(" \"'") or "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, read as JSON."""
        return _json.loads(self.body)

    def raise_for_status(self) -> Response:
        """The same response, or ``StatusError`` where its status is no success."""
        if not self.ok:
            raise StatusError(self)
        return self

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes, {self.url!r})"


def fetch(
    method: str,
    url: str,
    *,
    headers: HeadersLike = (),
    body: bytes | str | None = None,
    json: Any = None,
    params: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    follow: bool | None = None,
) -> Response:
    """One request.

    Args:
        method: GET, POST and so on.
        url: The address; its host is one that the manifest declares.
        headers: Names and values. One that holds a reference to a secret is left out: the host adds its own.
        body: What is sent.
        json: What is sent as JSON, instead of ``body``.
        params: Added to the address as its query.
        timeout: Seconds; the host takes 30 if left out, and never more than is left of the call.
        follow: Whether redirects are followed, each as far as the manifest allows; they are if left out.
    """
    pairs = [(str(name), str(value)) for name, value in (headers.items() if isinstance(headers, Mapping) else headers)]
    if json is not None:
        body = _json.dumps(json, ensure_ascii=False, separators=(",", ":"))
        if not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("Content-Type", "application/json"))
    data = body.encode("utf-8") if isinstance(body, str) else body
    address = _with_query(url, params) if params else url
    given: dict[str, Any] = {
        "method": method.upper(),
        "url": address,
        "headers": _without_secrets(address, pairs, data) or None,
        "body": None if data is None else _host.to_base64(bytes(data)),
        "timeout_ms": None if timeout is None else max(1, int(timeout * 1000)),
        "redirect": None if follow is None else "follow" if follow else "manual",
    }
    found = _host.call("http.fetch", {key: value for key, value in given.items() if value is not None})
    return Response(found["status"], [(name, value) for name, value in found["headers"]], _host.from_base64(found["body"]), found["url"])


def _with_query(url: str, params: Mapping[str, Any]) -> str:
    from urllib.parse import urlencode  # noqa: PLC0415 - only where there is a query

    return url + ("&" if "?" in url else "?") + urlencode({key: value for key, value in params.items() if value is not None}, doseq=True)


def _without_secrets(url: str, headers: list[tuple[str, str]], body: bytes | None) -> list[list[str]]:
    """A header with a reference is the host's to fill; anywhere else a reference would reach the other side as it stands."""
    if mentions(url) or (body is not None and mentions(body.decode("utf-8", "replace"))):
        raise host_error("bad_request", "a secret travels in the header that the manifest names, never in an address or a body")
    return [[name, value] for name, value in headers if not mentions(value)]


def get(url: str, **options: Any) -> Response:
    """``fetch`` with GET."""
    return fetch("GET", url, **options)


def head(url: str, **options: Any) -> Response:
    """``fetch`` with HEAD."""
    return fetch("HEAD", url, **options)


def post(url: str, **options: Any) -> Response:
    """``fetch`` with POST."""
    return fetch("POST", url, **options)


def put(url: str, **options: Any) -> Response:
    """``fetch`` with PUT."""
    return fetch("PUT", url, **options)


def patch(url: str, **options: Any) -> Response:
    """``fetch`` with PATCH."""
    return fetch("PATCH", url, **options)


def delete(url: str, **options: Any) -> Response:
    """``fetch`` with DELETE."""
    return fetch("DELETE", url, **options)


def opener() -> Any:
    """An opener for ``urllib.request``; ``urllib.request.install_opener(http.opener())`` makes ``urlopen`` go through the host."""
    from mpp_sdk._clients import opener as make  # noqa: PLC0415 - loads urllib.request

    return make()


def requests_adapter() -> Any:
    """An adapter for ``requests``: ``session.mount("https://", http.requests_adapter())``. Needs requests."""
    from mpp_sdk._clients import requests_adapter as make  # noqa: PLC0415 - loads requests

    return make()


def httpx_transport(*, is_async: bool = False) -> Any:
    """A transport for ``httpx``: ``httpx.Client(transport=http.httpx_transport())``; ``is_async`` for ``AsyncClient``. Needs httpx."""
    from mpp_sdk._clients import httpx_transport as make  # noqa: PLC0415 - loads httpx

    return make(is_async=is_async)
