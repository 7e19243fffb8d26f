"""Other HTTP clients over ``http.fetch``: urllib.request, requests, httpx. Loaded only by whoever asks for one."""

from __future__ import annotations

import io
import sys
from typing import Any

from mpp_sdk import _host
from mpp_sdk.errors import HostError
from mpp_sdk.http import fetch, Response

# The host writes these itself, and refuses a request that brings them.
_HOST_SETS = frozenset(("host", "content-length", "connection", "accept-encoding", "transfer-encoding", "te", "upgrade", "expect", "keep-alive"))
# The body was inflated by the host: these would make a client do it again.
_DONE = frozenset(("content-encoding", "content-length", "transfer-encoding"))


def sendable(headers: Any) -> list[tuple[str, str]]:
    """The headers of a client that a host takes."""
    return [(str(name), str(value)) for name, value in headers if str(name).lower() not in _HOST_SETS]


def given(response: Response) -> list[tuple[str, str]]:
    """The headers of an answer, for a client."""
    return [(name, value) for name, value in response.headers if name.lower() not in _DONE]


def install() -> None:
    """Make the clients that were imported go through the host, where there is one. Once; a client that is imported later is not touched."""
    for name, change in (("urllib.request", _install_urllib), ("requests.adapters", _install_requests), ("httpx", _install_httpx)):
        module = sys.modules.get(name)
        if module is not None and not hasattr(module, "__mpp__"):
            change(module)
            module.__mpp__ = True  # type: ignore[attr-defined]


def _install_urllib(module: Any) -> None:
    module.install_opener(_opener(module.build_opener))


def _install_requests(module: Any) -> None:
    ours, theirs = requests_adapter(), module.HTTPAdapter.send

    def send(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        return ours.send(request, *args, **options) if _host.is_there() else theirs(self, request, *args, **options)

    module.HTTPAdapter.send = send


def _install_httpx(module: Any) -> None:
    for client, is_async in ((module.Client, False), (module.AsyncClient, True)):
        _replace_transport(client, "_init_transport", is_async=is_async)
        _replace_transport(client, "_init_proxy_transport", is_async=is_async)


def _replace_transport(client: Any, name: str, *, is_async: bool) -> None:
    theirs = getattr(client, name)

    def made(self: Any, *args: Any, **options: Any) -> Any:
        if options.get("transport") is None and _host.is_there():
            return httpx_transport(is_async=is_async)
        return theirs(self, *args, **options)

    setattr(client, name, made)


def opener() -> Any:
    import urllib.request  # noqa: PLC0415 - this function's own need

    def build(*handlers: Any) -> Any:
        made = urllib.request.OpenerDirector()
        for part in (
            *handlers,
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.DataHandler(),
        ):
            made.add_handler(part)
        return made

    return _opener(build)


def _opener(build: Any) -> Any:
    import email.message  # noqa: PLC0415 - this function's own needs
    import http.client  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415
    import urllib.response  # noqa: PLC0415
    from urllib.error import URLError  # noqa: PLC0415

    class _Handler(urllib.request.BaseHandler):
        handler_order = 0  # before the handlers that open sockets

        def default_open(self, request: urllib.request.Request) -> Any:
            if request.type not in {"http", "https"} or not _host.is_there():
                return None
            body: Any = request.data
            if hasattr(body, "read"):
                body = body.read()
            if body is not None and not request.has_header("Content-type"):
                request.add_unredirected_header("Content-type", "application/x-www-form-urlencoded")
            try:
                found = fetch(
                    request.get_method(), request.full_url, headers=sendable(request.header_items()), body=body, timeout=_seconds(request), follow=False
                )
            except HostError as fault:
                raise URLError(fault) from fault
            headers = email.message.Message()
            for name, value in given(found):
                headers[name] = value
            made: Any = urllib.response.addinfourl(io.BytesIO(found.body), headers, found.url, found.status)
            made.msg = http.client.responses.get(found.status, "")
            return made

    made = build(_Handler())
    made.addheaders = []
    return made


def _seconds(request: Any) -> float | None:
    found = getattr(request, "timeout", None)
    return float(found) if isinstance(found, (int, float)) else None


def requests_adapter() -> Any:
    import requests  # type: ignore[import-untyped]  # noqa: PLC0415 - of the tool, if it has it
    from requests.adapters import BaseAdapter  # type: ignore[import-untyped]  # noqa: PLC0415
    from requests.structures import CaseInsensitiveDict  # type: ignore[import-untyped]  # noqa: PLC0415

    class Adapter(BaseAdapter):  # type: ignore[misc]
        """Sends what requests has prepared. ``verify``, ``cert`` and ``proxies`` are the host's affair."""

        def send(self, request: Any, stream: bool = False, timeout: Any = None, verify: Any = True, cert: Any = None, proxies: Any = None) -> Any:  # noqa: ARG002 - its signature
            seconds = timeout[1] if isinstance(timeout, tuple) else timeout
            body = request.body.read() if hasattr(request.body, "read") else request.body
            try:
                found = fetch(request.method, request.url, headers=sendable(request.headers.items()), body=body, timeout=seconds, follow=False)
            except HostError as fault:
                kind = requests.exceptions.Timeout if fault.code in {"timeout", "deadline"} else requests.exceptions.ConnectionError
                raise kind(str(fault), request=request) from fault
            made = requests.Response()
            made.status_code, made.url, made.request, made.raw = found.status, found.url, request, io.BytesIO(found.body)
            made.headers = CaseInsensitiveDict(given(found))
            made.encoding = requests.utils.get_encoding_from_headers(made.headers)
            return made

        def close(self) -> None:
            """Nothing is held."""

    return Adapter()


def httpx_transport(*, is_async: bool) -> Any:
    import httpx  # type: ignore[import-not-found]  # noqa: PLC0415 - of the tool, if it has it

    def send(request: Any, body: bytes) -> Any:
        seconds = (request.extensions.get("timeout") or {}).get("read")
        try:
            found = fetch(request.method, str(request.url), headers=sendable(request.headers.multi_items()), body=body or None, timeout=seconds, follow=False)
        except HostError as fault:
            kind = httpx.ReadTimeout if fault.code in {"timeout", "deadline"} else httpx.ConnectError
            raise kind(str(fault), request=request) from fault
        return httpx.Response(found.status, headers=given(found), content=found.body, request=request)

    class Transport(httpx.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            return send(request, request.read())

    class AsyncTransport(httpx.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            return send(request, await request.aread())

    return AsyncTransport() if is_async else Transport()
