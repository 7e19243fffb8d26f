"""A web server as a target: lines of JSON, or OTLP. It answers, so what it says it has taken counts. Spec: audit L-83, L-87."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, UTC
from email.utils import parsedate_to_datetime

from mpp.errors import Refused
from mpp.host.audit.forwarding.addresses import Address
from mpp.host.audit.forwarding.answers import Answer, LATER, Piece, REFUSED, YES
from mpp.host.audit.forwarding.tls import tls_context
from mpp.host.outside import ended_after, words_of
from mpp.host.audit.forwarding.limits import ANSWER_BYTES_MAX, RETRY_AFTER_SECONDS_MAX, SECONDS_MAX, SILENCE_SECONDS_MAX
from mpp.host.audit.forwarding.targets import Target
from mpp.model.jsontext import read, shown
from mpp.ports import Clock
from mpp.stages.audit.forward import Calls, ForwardRecord, otlp_logs, otlp_spans

_THESE_RECORDS = frozenset((400, 413, 422))
"""Answers that are about what was sent; every other refusal is about us, or about now."""

_NOW = frozenset((429, 503))


class Web:
    """One request, with all its limits."""

    def __init__(self, target: Target, headers: Mapping[str, str], clock: Clock, *, seconds: float = SECONDS_MAX, silence: float = SILENCE_SECONDS_MAX) -> None:
        self._address, self._headers, self._clock = target.address, headers, clock
        self._context = tls_context(target) if self._address.secure else None
        self._seconds, self._silence = seconds, silence

    def post(self, path: str, body: bytes, media: str) -> tuple[Answer, bytes]:
        connection = _connection(self._address, self._context, self._silence)
        try:
            connection.connect()
            with ended_after(connection.sock, self._seconds) as end:
                connection.request("POST", path, body, {"Content-Type": media, "User-Agent": "mpp", "Accept-Encoding": "identity", **self._headers})
                with connection.getresponse() as found:
                    said = found.read(ANSWER_BYTES_MAX)
                if end.over:
                    raise TimeoutError
                return self._judge(found, said), said
        except (OSError, http.client.HTTPException, ValueError) as fault:
            return Answer(kind=LATER, why=words_of(fault)), b""
        finally:
            connection.close()

    def _judge(self, found: http.client.HTTPResponse, said: bytes) -> Answer:
        status = found.status
        if 200 <= status < 300:
            return YES
        words = f"it answers {status} {shown(said.decode('utf-8', 'replace'), 120)}".rstrip()
        if status in _THESE_RECORDS:
            return Answer(kind=REFUSED, why=words)
        if 300 <= status < 400:
            # Attack: a redirect to a server that collects records.
            words += "; no redirect is followed"
        return Answer(kind=LATER, why=words, after=self._after(found.getheader("Retry-After")) if status in _NOW else 0)

    def _after(self, text: str | None) -> float:
        """Seconds, or a date."""
        if not text:
            return 0
        if text.isascii() and text.isdecimal():
            return min(int(text[:9]), RETRY_AFTER_SECONDS_MAX)
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return 0
        moment = until if until.tzinfo else until.replace(tzinfo=UTC)
        wait = (moment - datetime.fromtimestamp(self._clock.now(), tz=UTC)).total_seconds()
        return min(max(wait, 0), RETRY_AFTER_SECONDS_MAX)


class ToLines:
    """Lines of JSON, in one request."""

    def __init__(self, web: Web, path: str) -> None:
        self._web, self._path = web, path or "/"

    def send(self, pieces: Sequence[Piece]) -> Answer:
        answer, _ = self._web.post(self._path, b"".join(piece.data + b"\n" for piece in pieces), "application/x-ndjson")
        return answer


class ToOtlp:
    """Logs and, where they are wanted, spans."""

    def __init__(self, web: Web, path: str, *, spans: bool, earlier: Iterable[ForwardRecord] = ()) -> None:
        """``earlier``: what was taken before we began, for the calls that have not ended yet."""
        self._web, self._base, self._spans = web, path.rstrip("/"), spans
        self._calls = Calls()
        self._logged: tuple[int, int] | None = None
        for record in earlier:
            self._calls.saw(record)

    def send(self, pieces: Sequence[Piece]) -> Answer:
        records = [piece.record for piece in pieces]
        batch = (records[0].seq, records[-1].seq)
        if self._logged != batch:
            answer = self._post("/v1/logs", otlp_logs(records), "rejectedLogRecords")
            if answer.kind != YES.kind:
                return answer
            # When the spans must be sent again, the logs need not.
            self._logged = batch
        body = otlp_spans(records, self._calls) if self._spans else b""
        answer = self._post("/v1/traces", body, "rejectedSpans") if body else YES
        if answer.kind != LATER:
            self._logged = None
        if answer.kind == YES.kind:
            self._calls.forget(records)
        return answer

    def _post(self, path: str, body: bytes, rejected: str) -> Answer:
        answer, said = self._web.post(self._base + path, body, "application/json")
        return _partial(said, rejected) if answer.kind == YES.kind else answer


def _partial(said: bytes, key: str) -> Answer:
    """A server that took some and not others says how many, and not which. What it says in another form is a plain yes."""
    try:
        found = read(said, family="audit", where="answer")
    except Refused:
        return YES
    partial = found.get("partialSuccess") if isinstance(found, dict) else None
    if not isinstance(partial, dict) or str(partial.get(key) or "0") == "0":
        return YES
    return Answer(kind=REFUSED, why=shown(f"it rejects records: {partial.get('errorMessage') or 'without a reason'}", 160))


def _connection(address: Address, context: ssl.SSLContext | None, silence: float) -> http.client.HTTPConnection:
    if context is None:
        return http.client.HTTPConnection(address.host, address.port, timeout=silence)
    return http.client.HTTPSConnection(address.host, address.port, timeout=silence, context=context)
