"""A web hook as a way to a person: questions are posted to it, signed answers come back or are asked for. Spec: spec/4-approval.md section 10.

The receiver knows by an HMAC that the question is ours; we know by the approver's signature that the answer is. Neither trusts the other's
server: what comes is bounded in size and time, no redirect is followed, and nothing but a signed answer counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from mpp.errors import Refused, RemoteFailed
from mpp.host.channels.limits import WEBHOOK_FAILURES_MAX, WEBHOOK_POLL_MS, WEBHOOK_SECONDS_MAX, WEBHOOK_URL_CHARS_MAX
from mpp.host.services.http_limits import RESPONSE_HEAD_MAX
from mpp.host.services.http_line import Patience, tls_context
from mpp.host.services.http_types import Stopped
from mpp.host.services.http_wire import read_answer as read_response
from mpp.host.services.http_wire import StaleError
from mpp.model.jsontext import shown
from mpp.ports import Clock
from mpp.stages.approval import Answer, Approvers, Question, read_answer, write_question
from mpp.stages.approval.limits import ANSWER_BYTES_MAX
from mpp.host.outside import is_here

QUESTION_MEDIA = "application/vnd.mpp.question+json"
_WHOLE_MAX = RESPONSE_HEAD_MAX + 2 * ANSWER_BYTES_MAX


class _Target(NamedTuple):
    secure: bool
    host: str
    port: int
    authority: str
    path: str


class _Response(NamedTuple):
    status: int
    body: bytes


class _Whole:
    """An answer that was read to its end, as a source."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def receive(self, patience: Patience) -> bytes:  # noqa: ARG002 - nothing is waited for here
        data, self._data = self._data, b""
        return data


class Webhook:
    """Posts the question and asks every two seconds whether somebody has answered."""

    def __init__(
        self, url: str, secret: bytes, approvers: Callable[[], Approvers], clock: Clock, *, context: ssl.SSLContext | None = None,
        seconds: float = WEBHOOK_SECONDS_MAX, poll_ms: int = WEBHOOK_POLL_MS,
    ) -> None:  # fmt: skip
        self._target = read_target(url)
        self._secret, self._approvers, self._clock = secret, approvers, clock
        self._context, self._seconds, self._poll_ms = context, seconds, poll_ms

    async def ask(self, question: Question) -> Answer | None:
        """The answer, or None when the question has run out."""
        body = write_question(question)
        failures = 0
        posted = False
        while self._clock.now() <= question.expires:
            try:
                found = await (self._get(question) if posted else self._post(body))
                answer = self._judge(found, question)
                failures, posted = 0, True
                if answer is not None:
                    return answer
            except RemoteFailed as fault:
                failures += 1
                if fault.code != "remote.webhook" or failures > WEBHOOK_FAILURES_MAX:
                    raise
            await asyncio.sleep(self._poll_ms / 1000)
        return None

    def _judge(self, found: _Response, question: Question) -> Answer | None:
        if found.status == 200 and found.body:
            answer = read_answer(found.body, self._approvers(), where=self._target.authority)
            if (answer.question, answer.binding, answer.text_sha256) != (question.id, question.binding, question.text_sha256):
                raise Refused("approval.mismatch", "the answer is to another question", where=self._target.authority, hint="see what the web hook answers")
            return answer
        if found.status in {200, 202, 204, 404}:
            return None
        where = self._target.authority
        if found.status >= 500:
            raise RemoteFailed("remote.webhook", f"the web hook answered {found.status}", where=where, hint="see what is wrong with it")
        # Attack: a redirect to a service of this machine, or to a server that collects questions.
        raise RemoteFailed("remote.webhook_refused", f"the web hook answered {found.status}; no redirect is followed", where=where, hint="check its address")

    async def _post(self, body: bytes) -> _Response:
        headers = {"Content-Type": QUESTION_MEDIA, "Content-Length": str(len(body)), **self._signed(body)}
        return await self._request("POST", self._target.path, headers, body)

    async def _get(self, question: Question) -> _Response:
        joined = "&" if "?" in self._target.path else "?"
        return await self._request("GET", f"{self._target.path}{joined}question={question.id}", self._signed(question.id.encode("ascii")), b"")

    def _signed(self, content: bytes) -> dict[str, str]:
        """Whoever has the secret knows that we sent it, and when. Spec: attestation N-51."""
        at = str(self._clock.now())
        mac = hmac.new(self._secret, at.encode("ascii") + b"." + content, hashlib.sha256).hexdigest()
        return {"MPP-Timestamp": at, "MPP-Signature": f"v1={mac}"}

    async def _request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> _Response:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._target.authority}", "User-Agent: mpp", "Accept-Encoding: identity", "Connection: close"]
        head = "\r\n".join([*lines, *(f"{name}: {text}" for name, text in headers.items())]) + "\r\n\r\n"
        where = self._target.authority
        try:
            async with asyncio.timeout(self._seconds):
                data = await self._exchange(head.encode("ascii") + body)
            found = read_response(_Whole(data), method, ANSWER_BYTES_MAX, Patience(0.0))
        except (OSError, UnicodeError, StaleError, Stopped) as fault:
            words = fault.message if isinstance(fault, Stopped) else "the web hook cannot be reached, or is too slow"
            raise RemoteFailed("remote.webhook", words, where=where, hint="see whether it runs, and whether its address is right") from None
        return _Response(found.status, found.body)

    async def _exchange(self, request: bytes) -> bytes:
        target = self._target
        context = (self._context or tls_context("")) if target.secure else None
        reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
        try:
            writer.write(request)
            await writer.drain()
            found = bytearray()
            # Attack: an answer without an end. Its time is bounded around us, its size here.
            while len(found) <= _WHOLE_MAX and (piece := await reader.read(_WHOLE_MAX)):
                found += piece
            return bytes(found)
        finally:
            writer.transport.abort()


def read_target(url: str) -> _Target:
    """An https address, or plain http to this machine. Attack: questions name places, people and amounts; the wire must not be read."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unusable(url, "this is no address") from None
    if not host or len(url) > WEBHOOK_URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url or parts.fragment:
        raise _unusable(url, "this is no address")
    if parts.username is not None or parts.password is not None:
        raise Refused("usage.webhook", "an address with a name or a password in it is not taken", where=host, hint="the web hook knows us by its secret")
    if parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not is_here(host)):
        raise _unusable(url, "plain http is taken from this machine only")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(secure, host, port or (443 if secure else 80), parts.netloc, path)


def _unusable(url: str, why: str) -> Refused:
    return Refused("usage.webhook", why, where=shown(url), hint="give an address that begins with https://")
