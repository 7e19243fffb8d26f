"""An older server over streamable HTTP: each message is a POST, the answer is JSON or a stream of events. Spec: legacy, section 2."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus

from mpp.errors import HostFailed, MppError, RemoteFailed, ToolFailed
from mpp.host.legacy.limits import CALLS_AT_ONCE_MAX, HTTP_BODY_BYTES_MAX, PROXY_CONNECT_SECONDS, START_SECONDS_MAX
from mpp.host.legacy.requests import again, Begun, Requests
from mpp.host.legacy.types import Server
from mpp.host.legacy.values import filled_address, values_of
from mpp.host.legacy.waiting import Waiting
from mpp.host.outside import is_here
from mpp.host.policy_http import check_address
from mpp.host.secret_store import SecretStore
from mpp.host.services.http_addresses import judge, system_resolve
from mpp.host.services.http_line import in_turn, tls_context
from mpp.host.services.http_secrets import Haystack, Needles
from mpp.host.services.http_types import Stopped, Target
from mpp.host.services.secrets import resolve_secrets
from mpp.model.capabilities import PLACEHOLDER, Secret
from mpp.model.hosts import WEB_PORTS
from mpp.model.jsontext import shown
from mpp.model.secretvalue import SecretValue
from mpp.protocol.mcp_client.messages import Message, read_messages
from mpp.protocol.mcp_client.events import Asked, Changed, Done, Greeted, Log, Progress, Reply
from mpp.protocol.mcp_client.session import UNREADABLE

LIST_SECONDS = 60.0
"""Seconds after which a server is listed again before a call. Reason: no line is kept open on which it could tell that its tools changed."""

SILENCE_SECONDS_MAX = 330.0
"""Seconds in which a server must send something. Reason: longer than its question waits for an answer; a call ends before."""

Bearer = Callable[[str], str]
"""The token of a login: the one that holds, or, given one that the server refused, a new one. Raises what keeps it from being had."""

_CLIENT_VERSION = "1"
_SESSION = "Mcp-Session-Id"


class HttpConnection(Requests):
    """Safe to use from many threads: each call has a connection of its own. It speaks the older era alone."""

    def __init__(self, url: str, headers: Mapping[str, str], private: tuple[str, ...], bearer: Bearer | None = None) -> None:
        self._parts = check_address(url)
        self._headers, self._private = dict(headers), private
        super().__init__(_CLIENT_VERSION)
        self._bearer, self._token = bearer, ""
        self._needles: tuple[str, tuple[Needles, ...]] = ("", self._looked_for(""))
        self._session_id = ""
        self._lock = threading.Lock()
        self._open = 0
        self._fault: MppError | None = None
        self._begun_at = time.monotonic()
        self._told = 0

    @classmethod
    def opened(
        cls, server: Server, secrets: SecretStore, environment: Mapping[str, str], private: tuple[str, ...], bearer: Bearer | None = None
    ) -> HttpConnection:  # fmt: skip
        """Raises what keeps the server from being called."""
        parts = check_address(server.url)
        host = parts.hostname or ""
        host = host if parts.port in {None, WEB_PORTS["https"]} else f"{host}:{parts.port}"
        wanted = tuple(Secret(name=one.secret, host=host, header=one.name, format=PLACEHOLDER) for one in server.headers)
        headers = {one.secret.header: one.value for one in resolve_secrets(wanted, server.package_id, secrets, environment)}
        url = filled_address(server.url, values_of(server, secrets, environment))
        found = cls(url, headers, private, bearer)
        found.open()
        return found

    def open(self, seconds: float = START_SECONDS_MAX) -> None:
        until = time.monotonic() + seconds
        done = self._ask(self._session.initialize, until)
        self.greeted, after = self._session.greeted(done)
        self._post(after, lambda _message: None)

    @property
    def is_alive(self) -> bool:
        return self._fault is None

    @property
    def changes(self) -> int:  # type: ignore[override]
        return self._told + int((time.monotonic() - self._begun_at) // LIST_SECONDS)

    def watch(self, uri: str) -> None:
        """Nothing: no line is kept open on which the server could tell of it. Spec: legacy V-63."""

    def hosts(self) -> tuple[str, ...]:
        return (f"{self._parts.hostname}:{self._port}",)

    def counts(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._session.counts)

    def close(self) -> None:
        """Say that the session is over, if the server keeps one."""
        self._parking.close()
        with self._lock:
            known, self._session_id = self._session_id, ""
            self._fault = self._fault or HostFailed("host.closed", "the connection is closed", where="server", hint="call again")
        if known:
            with suppress(MppError, OSError, http.client.HTTPException):
                line = self._line()
                with line:
                    self._send(line, "DELETE", b"", {_SESSION: known}).close()

    # -- one exchange

    def _begin(self, make: Callable[[], tuple[int, bytes]], *, is_heard: bool = True) -> Begun:
        with self._lock:
            if self._fault is not None:
                raise again(self._fault)
            if self._open >= CALLS_AT_ONCE_MAX:
                raise HostFailed("host.busy", f"the server has {CALLS_AT_ONCE_MAX} calls at once already", where="server", hint="call again in a moment")
            self._open += 1
            identity, data = make()
        before, _, last = data.rstrip(b"\n").rpartition(b"\n")
        if before:
            self._tell(before)
        waiting, sent = Waiting(is_heard=is_heard), _Sent()
        threading.Thread(target=self._exchange, args=(identity, last, waiting, sent), name="mpp-legacy-http", daemon=True).start()
        return Begun(identity, waiting, sent)

    def _finish(self, begun: Begun) -> None:
        """Nobody waits any more: the line is cut, so that its thread ends."""
        if isinstance(begun.extra, _Sent):
            begun.extra.cut()
        begun.waiting.close()
        with self._lock:
            self._open -= 1

    def _exchange(self, identity: int, data: bytes, waiting: Waiting, sent: _Sent) -> None:
        answered = False

        def take(message: Message) -> None:
            nonlocal answered
            with self._lock:
                happened = self._session.receive(message)
            if isinstance(happened, Done):
                answered = answered or happened.id == identity
                # An answer to another call does not come on the line of this one.
                if happened.id == identity:
                    waiting.put(happened)
            elif isinstance(happened, Progress | Log | Asked):
                waiting.put(happened)
            elif isinstance(happened, Reply):
                self._tell(happened.data)
            elif isinstance(happened, Changed):
                self._told += 1
                self.heard("changed", happened.what)

        try:
            self._post(data, take, sent)
        except MppError as fault:
            waiting.put(fault)
        else:
            if not answered:
                waiting.put(ToolFailed("tool.reply", "the server ended its answer without a result", where="answer", hint="look at the server"))

    def _tell(self, data: bytes) -> None:
        """What is said beside a call: an answer, a word of farewell."""
        threading.Thread(target=self._quietly, args=(data,), name="mpp-legacy-aside", daemon=True).start()

    def _quietly(self, data: bytes) -> None:
        with suppress(MppError):
            self._post(data, lambda _message: None)

    def _give_up(self, identity: int, why: str) -> None:
        with self._lock:
            data = self._session.cancel(identity, why)
        self._tell(data)

    def _post(self, data: bytes, take: Callable[[Message], None], sent: _Sent | None = None) -> None:
        """Spec: legacy V-75. What was refused for its token was not done: it is sent once more, with a new one."""
        if self._bearer is not None:
            self._token = self._bearer("")
        used = self._token
        if not self._carried(data, take, sent) and self._bearer is not None:
            self._token = self._bearer(used)
            if not self._carried(data, take, sent):
                raise RemoteFailed("remote.answer", "the server takes no token of this login", where=self._place, hint="log in anew: mpp legacy login NAME")

    def _carried(self, data: bytes, take: Callable[[Message], None], sent: _Sent | None) -> bool:
        """Was it taken? Not where the server refuses the token of the login."""
        try:
            line = self._line()
        except Stopped as fault:
            raise RemoteFailed("remote.connection", f"the server cannot be reached: {fault.message}", where=self._place, hint="look at its address") from None
        except OSError as fault:
            raise RemoteFailed("remote.connection", f"the server cannot be reached: {fault}", where=self._place, hint="see whether it runs") from None
        if sent is not None:
            sent.keep(line)
        with line:
            try:
                with self._send(line, "POST", data.rstrip(b"\n"), {_SESSION: self._session_id} if self._session_id else {}) as response:
                    if response.status == HTTPStatus.UNAUTHORIZED and self._bearer is not None:
                        return False
                    self._read(response, take)
            except (OSError, http.client.HTTPException, ValueError) as fault:
                raise RemoteFailed("remote.connection", f"the connection broke: {type(fault).__name__}", where=self._place, hint="call again") from None
        return True

    @property
    def _port(self) -> int:
        return self._parts.port or WEB_PORTS[self._parts.scheme]

    @property
    def _place(self) -> str:
        return f"{self._parts.hostname}:{self._port}"

    def _line(self) -> socket.socket:
        """Attack: a public name that leads into this network. Only this very machine, named as such, and what a policy names, may be private."""
        host = self._parts.hostname or ""
        target = Target(scheme=self._parts.scheme, host=host, port=self._port, path="/")
        addresses = judge(target, system_resolve(host, self._port), private=is_here(host) or self._place in self._private)
        fault: OSError = OSError("no address answers")
        for address in in_turn(addresses)[:4]:
            line = socket.socket(socket.AF_INET if len(address) == 2 else socket.AF_INET6, socket.SOCK_STREAM)
            try:
                line.settimeout(PROXY_CONNECT_SECONDS)
                line.connect(address)
                if self._parts.scheme == "https":
                    line = tls_context("").wrap_socket(line, server_hostname=host)
                line.settimeout(SILENCE_SECONDS_MAX)
            except OSError as found:
                fault = found
                line.close()
                continue
            return line
        raise fault

    def _send(self, line: socket.socket, method: str, data: bytes, more: Mapping[str, str]) -> http.client.HTTPResponse:
        path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        fixed = {"Accept": "application/json, text/event-stream", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "mpp"}
        if method == "POST":
            fixed |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
        if self._token:
            fixed["Authorization"] = f"Bearer {self._token}"
        if self._session.version:
            fixed["MCP-Protocol-Version"] = self._session.version
        named = f"[{self._parts.hostname}]" if ":" in (self._parts.hostname or "") else self._parts.hostname
        head = [f"{method} {path} HTTP/1.1", f"Host: {named}:{self._port}", *(f"{name}: {text}" for name, text in {**fixed, **self._headers, **more}.items())]
        line.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + data)
        response = http.client.HTTPResponse(line, method=method)
        try:
            response.begin()
        except (OSError, http.client.HTTPException, ValueError):
            response.close()
            raise
        return response

    def _read(self, response: http.client.HTTPResponse, take: Callable[[Message], None]) -> None:
        if response.status == 404 and self._session_id:
            with self._lock:
                self._fault = self._fault or ToolFailed("tool.crashed", "the server has forgotten the session", where=self._place, hint="call again")
            raise ToolFailed("tool.crashed", "the server has forgotten the session", where=self._place, hint="call again")
        if not 200 <= response.status < 300:
            raise RemoteFailed("remote.answer", f"the server answered with status {response.status}", where=self._place, hint="look at its address and secret")
        found = response.headers.get(_SESSION, "")
        if found and not self._session_id and len(found) < 1000 and found.isascii() and found.isprintable():
            self._session_id = found
        kind = response.headers.get_content_type()
        pieces = _events(response) if kind == "text/event-stream" else iter([_whole(response)])
        for data in map(self._cleaned, pieces):
            messages = read_messages(data) if data.strip() else ()
            if data.strip() and not messages:
                with self._lock:
                    self._session.counts[UNREADABLE] += 1
            for message in messages:
                take(message)

    def _cleaned(self, piece: bytes) -> bytes:
        """Spec: legacy V-9. Attack: a server that says what it was sent, so that an agent goes there by itself, around this host."""
        token, text = self._token, Haystack(piece)
        if self._needles[0] != token:
            self._needles = (token, self._looked_for(token))
        for one in self._needles[1]:
            text = one.redact(text)
        return text.data

    def _looked_for(self, token: str) -> tuple[Needles, ...]:
        """The last word of each value: what comes before it is the name of a scheme."""
        values = {**{name: text.rpartition(" ")[2] for name, text in self._headers.items()}, **({"login": token} if token else {})}
        return tuple(Needles(SecretValue(secret=Secret(name=name, host="", header=name, format=PLACEHOLDER), value=text)) for name, text in values.items())


class _Sent:
    """The line of one call, to be cut from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._is_cut = False

    def keep(self, line: socket.socket) -> None:
        with self._lock:
            self._line = line
            if self._is_cut:
                _shut(line)

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            if self._line is not None:
                _shut(self._line)


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        # The plain shutdown, also of a line with TLS: its own would wait for the other side.
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _whole(response: http.client.HTTPResponse) -> bytes:
    data = response.read(HTTP_BODY_BYTES_MAX + 1)
    if len(data) > HTTP_BODY_BYTES_MAX:
        raise ToolFailed("tool.protocol", f"the server answered with more than {HTTP_BODY_BYTES_MAX} bytes", where="answer", hint="look at the server")
    return data


def _events(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The data of each event. Attack: an event, or a stream of them, without end."""
    data, total = b"", 0
    while True:
        line = response.readline(HTTP_BODY_BYTES_MAX + 1)
        total += len(line)
        if total > 4 * HTTP_BODY_BYTES_MAX or len(data) + len(line) > HTTP_BODY_BYTES_MAX:
            raise ToolFailed(
                "tool.protocol", f"the server answered with an event of more than {HTTP_BODY_BYTES_MAX} bytes", where="answer", hint="look at the server"
            )
        text = line.rstrip(b"\r\n")
        if text.startswith(b"data:"):
            data += text[5:].removeprefix(b" ") + b"\n"
        elif not text and data:
            yield data
            data = b""
        if not line:
            return


def what_it_says(greeted: Greeted) -> str:
    """A line about a server, as it calls itself."""
    return shown(f"{greeted.name} {greeted.server_version}".strip() or "no name", 120)
