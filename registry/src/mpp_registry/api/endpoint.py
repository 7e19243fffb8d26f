"""One row of the table of endpoints, and how a request passes through it: form, who asks, body, work, answer."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Literal, TypeAlias

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mpp.errors import MppError, Refused
from mpp.model.jsonquick import compact
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.registry.requests import read_request
from mpp.serve.http_rates import Rates
from mpp_registry.api.answering import Answer, for_asker, response_of, Sending
from mpp_registry.api.asking import Ask, Parameter, read_path, read_query
from mpp_registry.api.limits import BODY_BYTES_MAX, DOWNLOAD_THREADS, PUBLISHES_MAX, OUTSIDE_THREADS, RATE_WRITE, THREADS, UPLOADS_MAX
from mpp_registry.api.problems import MEDIA, problem_bytes, problem_of, status_of
from mpp_registry.api.receiving import Body
from mpp_registry.publishing.actor import Actor
from mpp_registry.publishing.authenticating import authenticate, authenticate_new
from mpp_registry.services import Services

Auth: TypeAlias = Literal["open", "reader", "signed", "new", "admin"]
"""``open``: everybody. ``reader``: everybody in a public registry, else who is registered; who signs may see more. ``signed``: a publisher.
``new``: the key stands in the body. ``admin``: also who has the administrator's token."""

Handle: TypeAlias = Callable[[Ask], Answer]
REQUEST_ID = "mpp.request_id"
EMPTY_SHA256 = sha256(b"").hexdigest()
BEARER = "Bearer "


ASKS_OTHERS = frozenset(("claim", "exchange"))
"""Endpoints, beside those of federation, that wait for servers elsewhere."""


@value
class Reply:
    """One answer that an endpoint gives, for the OpenAPI document."""

    status: int
    words: str
    schema: str = ""
    """The name of its document; empty: none, or bytes of ``media``."""
    media: str = "application/json"


@value
class Endpoint:
    method: str
    path: str
    name: str
    words: str
    tag: str
    handle: Handle
    replies: tuple[Reply, ...]
    auth: Auth = "reader"
    places: tuple[Parameter, ...] = ()
    """The parameters of its path, in order."""
    query: tuple[Parameter, ...] = ()
    passes_over: bool = False
    """May a query have parameters that are not known here?"""
    body: str = ""
    """The name of the document that it takes; empty: none, or bytes of ``body_media``."""
    body_media: str = ""
    body_max: int = BODY_BYTES_MAX
    is_upload: bool = False
    is_oci: bool = False
    """Does it speak the OCI protocol? Its refusals have another form, and its clients send passwords."""


class Shared:
    """What all endpoints of one process share. It lives in the event loop."""

    def __init__(self, services: Services, counted: Callable[[str], None], *, spool: str, accel: str = "") -> None:
        self.services, self.counted, self.spool = services, counted, spool
        self.sending = Sending(blobs=services.blobs, pool=anyio.CapacityLimiter(DOWNLOAD_THREADS), accel=accel)
        self.threads = anyio.CapacityLimiter(THREADS)
        self.publishes = anyio.CapacityLimiter(PUBLISHES_MAX)
        self.outside = anyio.CapacityLimiter(OUTSIDE_THREADS)
        self.rates = Rates()
        self.uploads = 0

    def pool_of(self, row: Endpoint) -> anyio.CapacityLimiter:
        """Attack: questions to slow servers elsewhere, or large packages, that keep back the answers to everybody else."""
        if row.is_upload:
            return self.publishes
        return self.outside if row.tag == "federation" or row.name in ASKS_OTHERS else self.threads


class Endpoints:
    """The endpoints of one path as an ASGI application."""

    def __init__(self, shared: Shared, rows: Mapping[str, Endpoint]) -> None:
        self._shared, self._rows = shared, rows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        row = self._rows["GET" if scope["method"] == "HEAD" else scope["method"]]
        headers = Headers(scope=scope)
        try:
            response = await self._answer(row, scope, headers, receive)
            await response(scope, receive, send)
        except MppError as fault:
            response = oci_problem(fault, scope) if row.is_oci else problem_response(fault, scope)
            await response(scope, receive, send)
        except ClientDisconnect:
            return

    async def _answer(self, row: Endpoint, scope: Scope, headers: Headers, receive: Receive) -> Response:
        shared = self._shared
        path = read_path(scope["path_params"], row.places)
        query = read_query(scope["query_string"].decode("latin-1"), row.query, passes_over=row.passes_over)
        target = _target(scope)
        if row.body_media and not row.is_oci:
            _judge_media(row, headers)
        actor, is_admin = await self._who(row, headers, scope["method"], target)
        body = await self._body(row, headers, receive, actor)
        if row.auth == "new":
            actor = await self._in_thread(lambda: authenticate_new(shared.services, headers.get("authorization", ""), row.method, target, body))
        ask = Ask(
            services=shared.services, path=path, query=query, headers=headers, target=target, address=scope["mpp.address"], body=body, actor=actor,
            is_admin=is_admin, counted=shared.counted,
        )  # fmt: skip
        is_own = actor is not None or is_admin or not shared.services.settings.is_public

        def work() -> Response:
            answer = row.handle(ask)
            return response_of(for_asker(answer) if is_own else answer, headers, scope["method"], shared.sending)

        return await anyio.to_thread.run_sync(work, limiter=shared.pool_of(row))

    async def _in_thread(self, work: Callable[[], Actor]) -> Actor:
        return await anyio.to_thread.run_sync(work, limiter=self._shared.threads)

    async def _who(self, row: Endpoint, headers: Headers, method: str, target: str) -> tuple[Actor | None, bool]:
        """Who asks, before anything is read of the body: what a stranger sends is not even taken."""
        services = self._shared.services
        written = headers.get("authorization")
        if row.is_oci and written is not None:
            written = _password(written)
        if row.auth in {"open", "new"}:
            return None, False
        if written is None:
            if row.auth != "reader" or not services.settings.is_public:
                raise Refused("registry.unauthenticated", "who asks is not known", hint="sign the request, as `mpp` does by itself")
            return None, False
        if _is_admin(written, services.settings.admin_token_sha256):
            return None, True
        digest = EMPTY_SHA256 if not row.body_media else "" if written.startswith(BEARER) else read_request(written).body_sha256
        actor = await self._in_thread(lambda: authenticate(services, written, method, target, digest))
        self._judge_rate(row, actor)
        return actor, False

    def _judge_rate(self, row: Endpoint, actor: Actor) -> None:
        wait = self._shared.rates.wait(((f"key {actor.key_id}", RATE_WRITE if row.method != "GET" else 0),), anyio.current_time())
        if wait:
            raise Refused("registry.rate", f"this key changes too much at once; again in {wait} s", hint="ask again later")

    async def _body(self, row: Endpoint, headers: Headers, receive: Receive, actor: Actor | None) -> bytes:
        if not row.body_media:
            return b""
        shared = self._shared
        if row.is_upload and shared.uploads >= UPLOADS_MAX:
            raise Refused("registry.busy", "too many packages are being received", hint="try again in a minute")
        shared.uploads += row.is_upload
        try:
            body = Body(receive, headers.get("content-length"), row.body_max, spool=shared.spool)
            data = await body.whole()
        finally:
            shared.uploads -= row.is_upload
        written = headers.get("authorization", "")
        if actor is not None and actor.how == "signed" and read_request(written).body_sha256 != body.sha256:
            # Attack: the head of one request with the body of another.
            raise Refused("registry.unauthenticated", "the body is not the one that was signed", hint="send it as it was signed, byte for byte")
        return data


def _target(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (raw.partition(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")


def _is_admin(written: str, digest: str) -> bool:
    return bool(digest) and written.startswith(BEARER) and compare_digest(sha256(written.removeprefix(BEARER).encode()).hexdigest(), digest)


def _password(written: str) -> str:
    """Clients of container registries send a token as the password of anybody."""
    scheme, _, text = written.partition(" ")
    if scheme.lower() != "basic":
        return written
    try:
        _, _, password = b64decode(text.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        raise Refused("registry.unauthenticated", "this is no user and password", where="authorization", hint="give the token as password") from None
    return BEARER + password


def _judge_media(row: Endpoint, headers: Headers) -> None:
    """Attack: a form of a web page, which needs no leave to be sent, has another type."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != row.body_media:
        raise Refused("registry.media", f"a body here is {row.body_media}", where="content-type", hint=f"send it as {row.body_media}")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused("registry.media", "a body is not compressed", where="content-encoding", hint="send it as it is")


def problem_response(fault: MppError, scope: Scope) -> Response:
    status = status_of(fault)
    headers = {"cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = "MPP-Signed"
    if status in {429, 503}:
        headers["retry-after"] = "30"
    return Response(problem_bytes(problem_of(fault, scope.get(REQUEST_ID, ""))), status, headers, MEDIA)


def oci_problem(fault: MppError, scope: Scope) -> Response:
    """The same refusal in the words of the OCI distribution protocol."""
    problem = problem_of(fault, scope.get(REQUEST_ID, ""))
    status = 404 if problem.status == 410 else problem.status
    code = OCI_CODES.get(fault.code) or OCI_STATUSES.get(status, "UNSUPPORTED")
    if code == "NAME_UNKNOWN" and "reference" in scope["path_params"]:
        code = "MANIFEST_UNKNOWN"
    elif code == "NAME_UNKNOWN" and "digest" in scope["path_params"]:
        code = "BLOB_UNKNOWN"
    detail: Json = {"code": problem.code, "hint": problem.hint, "where": problem.where, "request_id": problem.request_id}
    headers = {"cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="mpp"'
    if status in {429, 503}:
        headers["retry-after"] = "30"
    return Response(compact({"errors": [{"code": code, "message": problem.detail, "detail": detail}]}, decimals=False), status, headers, "application/json")


OCI_CODES = {"registry.digest": "DIGEST_INVALID", "registry.manifest": "MANIFEST_INVALID", "registry.large": "SIZE_INVALID"}
OCI_STATUSES = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN", 416: "BLOB_UPLOAD_INVALID", 422: "MANIFEST_INVALID", 429: "TOOMANYREQUESTS"}
