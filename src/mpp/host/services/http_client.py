"""One hop: a judged request goes to a judged address, and an answer without secrets comes back. Runs in the service."""

from __future__ import annotations

import ssl
import time

from mpp.host.services.http_addresses import Resolve, judge, system_resolve
from mpp.host.services.http_content import guest_headers, open_body
from mpp.host.services.http_limits import IDLE_SECONDS_MAX, IDLE_UNSAFE_SECONDS_MAX
from mpp.host.services.http_line import Line, Patience, Resolver, connect, tls_context
from mpp.host.services.http_pool import Place, Pool
from mpp.host.services.http_secrets import Needles, clean_answer, injected
from mpp.host.services.http_types import Hop, HopAnswer, HttpConfig, HttpRefusal, Stopped
from mpp.host.services.http_wire import Answer, StaleError, read_answer, request_bytes

_REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))


class _Touched:
    """How far a hop came, for the record."""

    def __init__(self) -> None:
        self.contacted = self.sent = False


class Client:
    """Carries out hops. One for the whole service, used from many threads."""

    def __init__(self, config: HttpConfig, resolve: Resolve = system_resolve) -> None:
        self._config, self._resolver = config, Resolver(resolve)
        self.pool = Pool(time.monotonic)
        self._context: ssl.SSLContext | None = None

    def exchange(self, hop: Hop, patience: Patience) -> HopAnswer | HttpRefusal:
        """The answer of the server, or why there is none."""
        touched = _Touched()
        try:
            return self._exchange(hop, patience, touched)
        except Stopped as fault:
            code, message = fault.code, fault.message
        except MemoryError:
            code, message = "unavailable", "the host has no memory for the answer"
        sent = tuple(one.secret.name for one in hop.secrets) if touched.sent else ()
        return HttpRefusal(code=code, message=message, observed=(hop.target.place,) if touched.contacted else (), secrets=sent)

    def _exchange(self, hop: Hop, patience: Patience, touched: _Touched) -> HopAnswer:
        needles = tuple(Needles(one) for one in hop.secrets)
        data = request_bytes(hop, injected(hop.secrets))
        answer = self._ask(hop, data, patience, touched)
        body = open_body(answer.headers, answer.body, self._config.body_max)
        headers, body, echoed = clean_answer(needles, guest_headers(answer.headers), body)
        return HopAnswer(status=answer.status, headers=headers, body=body, echoed=echoed)

    def _ask(self, hop: Hop, data: bytes, patience: Patience, touched: _Touched) -> Answer:
        place = Place(hop.key, hop.target.scheme, hop.target.host, hop.target.port)
        may_repeat = hop.method in _REPEATABLE
        line = self.pool.take(place, IDLE_SECONDS_MAX if may_repeat else IDLE_UNSAFE_SECONDS_MAX)
        if line is not None:
            touched.contacted = touched.sent = True
            try:
                return self._talk(line, place, hop, data, patience)
            except StaleError:
                # The server closed it at the same moment; what must not be sent twice is not sent again.
                if not may_repeat:
                    raise Stopped("protocol", "the server closed the connection without an answer") from None
        line = self._open(hop, patience, touched)
        touched.sent = True
        try:
            return self._talk(line, place, hop, data, patience)
        except StaleError:
            raise Stopped("protocol", "the server closed the connection without an answer") from None

    def _open(self, hop: Hop, patience: Patience, touched: _Touched) -> Line:
        """A new line. The name is resolved here once, and nowhere again before the next new line."""
        context = self._tls() if hop.target.scheme == "https" else None
        addresses = judge(hop.target, self._resolver.answer(hop.target, patience, private=hop.private, key=hop.key), private=hop.private)
        touched.contacted = True
        line = connect(addresses, patience)
        try:
            if context is not None:
                line.encrypt(context, hop.target.host, patience)
        except Stopped:
            line.close()
            raise
        return line

    def _talk(self, line: Line, place: Place, hop: Hop, data: bytes, patience: Patience) -> Answer:
        keep = False
        try:
            sent = _send(line, data, patience)
            answer = read_answer(line, hop.method, self._config.body_max, patience)
            keep = sent and answer.reusable
            if keep:
                self.pool.put(place, line)
            return answer
        finally:
            if not keep:
                line.close()

    def _tls(self) -> ssl.SSLContext:
        try:
            self._context = self._context or tls_context(self._config.extra_ca_file)
        except OSError:
            raise Stopped("unavailable", "the certificate authorities of this host cannot be read") from None
        return self._context


def _send(line: Line, data: bytes, patience: Patience) -> bool:
    """Whether all was sent. A server may answer and close before it has read a long request; its answer counts."""
    try:
        line.send(data, patience)
    except OSError:
        return False
    return True
