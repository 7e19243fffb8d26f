"""One connection to a server: resolved once, connected to the address that was judged, TLS verified.

Everything that can take time goes through ``Patience``: one moment by which the whole request is over, however a server
trickles, and the channel whose other end the host closes when nobody wants the answer any more.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import zip_longest

from mpp.host.services.http_addresses import Resolve, Sockaddr
from mpp.host.services.http_limits import ADDRESSES_MAX, AT_ONCE_EACH_MAX, RESOLVING_MAX
from mpp.host.services.http_types import Stopped, Target
from mpp.model.hosts import HOST

_PIECE = 64 * 1024
_CHANNEL_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL


class Patience:
    """How long a request may take, and whether anybody still waits for it."""

    def __init__(self, until: float, channel: int = -1) -> None:
        self.until, self._channel = until, channel

    def wait(self, fd: int, *, writing: bool = False, until: float | None = None) -> bool:
        """Wait until ``fd`` is ready. False at the earlier moment ``until``; ``Stopped`` when the time is over or nobody waits."""
        last = self.until if until is None else min(until, self.until)
        poll = select.poll()
        poll.register(fd, select.POLLOUT if writing else select.POLLIN)
        if self._channel >= 0:
            poll.register(self._channel, _CHANNEL_GONE)
        left = last - time.monotonic()
        ready = dict(poll.poll(max(0.0, left) * 1000)) if left > 0 else {}
        if self._channel in ready:
            raise Stopped("unavailable", "the call ended")
        if fd in ready:
            return True
        if last >= self.until:
            raise Stopped("timeout", "the time for this request is over")
        return False


class Line:
    """A connected socket that never blocks. The pool reads when it was made and last used."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        self._sock = sock
        self.made = self.used = now

    def close(self) -> None:
        self._sock.close()

    def is_quiet(self) -> bool:
        """Whether nothing has arrived and the other end has not closed. What arrives unasked is no answer to anything."""
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLIN | select.POLLRDHUP)
        return not poll.poll(0)

    def send(self, data: bytes, patience: Patience) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._sock.send(view[:_PIECE]) :]
            except ssl.SSLWantReadError:
                patience.wait(self._sock.fileno())
            except (ssl.SSLWantWriteError, BlockingIOError):
                patience.wait(self._sock.fileno(), writing=True)

    def receive(self, patience: Patience) -> bytes:
        """Some bytes; none at a proper end. An end in the middle of TLS is an error, so nobody can cut an answer short."""
        while True:
            if time.monotonic() >= patience.until:
                raise Stopped("timeout", "the time for this request is over")
            try:
                return self._sock.recv(_PIECE)
            except (ssl.SSLWantReadError, BlockingIOError):
                patience.wait(self._sock.fileno())
            except ssl.SSLWantWriteError:
                patience.wait(self._sock.fileno(), writing=True)

    def encrypt(self, context: ssl.SSLContext, name: str, patience: Patience) -> None:
        """Speak TLS to ``name`` from here on."""
        try:
            wrapped = context.wrap_socket(self._sock, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False)
            self._sock = wrapped
            while True:
                try:
                    wrapped.do_handshake()
                    return
                except ssl.SSLWantReadError:
                    patience.wait(wrapped.fileno())
                except ssl.SSLWantWriteError:
                    patience.wait(wrapped.fileno(), writing=True)
        except ssl.SSLCertVerificationError as fault:
            raise Stopped("tls", f"the certificate of the server is not accepted: {fault.verify_message[:100]}") from None
        except (OSError, ValueError):
            raise Stopped("tls", "no TLS connection could be made") from None


def tls_context(extra_ca_file: str) -> ssl.SSLContext:
    """Verified, named, at least TLS 1.2, HTTP/1.1 only. Sessions are never resumed, so packages share nothing."""
    context = ssl.create_default_context()
    # Attack: an answer that is cut short on the way and passes for a whole one. Some builds of Python take a torn line for its proper end.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if extra_ca_file:
        context.load_verify_locations(cafile=extra_ca_file)
    return context


class Resolver:
    """The system's resolver, in threads of its own: it cannot be interrupted, so we walk away from it when the time is over."""

    def __init__(self, resolve: Resolve, most: int = RESOLVING_MAX, each: int = AT_ONCE_EACH_MAX) -> None:
        self._resolve, self._most, self._each = resolve, most, each
        self._lock = threading.Lock()
        self._asking: Counter[str] = Counter()

    def answer(self, target: Target, patience: Patience, *, private: bool, key: str) -> list[Sockaddr]:
        """The addresses of ``target``, asked for on behalf of the package behind ``key``."""
        with self._lock:
            # Attack: one package asks for names whose servers never answer, walks away from each, and no other package finds room.
            if self._asking.total() >= self._most or self._asking[key] >= self._each:
                raise Stopped("unavailable", "too many names are being resolved")
            self._asking[key] += 1
        # Attack: a search list asks for the name below other domains first, where somebody else may answer.
        name = target.host if private or HOST.fullmatch(target.host) is None else target.host + "."
        found: list[Sockaddr] = []
        ours = self._begin(key, name, target.port, found)
        try:
            patience.wait(ours)
        finally:
            os.close(ours)
        if not found:
            raise Stopped("unresolvable", f"{target.host} does not resolve")
        return found

    def _begin(self, key: str, name: str, port: int, found: list[Sockaddr]) -> int:
        """Ask in a thread; a descriptor that becomes readable when it has ended. What cannot begin takes no room."""
        pipe: tuple[int, ...] = ()
        try:
            pipe = os.pipe()
            threading.Thread(target=self._ask, args=(key, name, port, found, pipe[1]), daemon=True).start()
        except (OSError, RuntimeError):
            for one in pipe:
                os.close(one)
            self._end(key)
            raise Stopped("unavailable", "the host has no descriptor or no thread to resolve a name with") from None
        return pipe[0]

    def _ask(self, key: str, name: str, port: int, found: list[Sockaddr], done: int) -> None:
        try:
            with suppress(OSError, UnicodeError):
                found.extend(self._resolve(name, port))
        finally:
            os.close(done)
            self._end(key)

    def _end(self, key: str) -> None:
        with self._lock:
            self._asking[key] -= 1
            if self._asking[key] <= 0:
                del self._asking[key]


def connect(addresses: tuple[Sockaddr, ...], patience: Patience) -> Line:
    """A line to the first of ``addresses`` that answers; the time is shared among those that are left."""
    tried = in_turn(addresses)[:ADDRESSES_MAX]
    for number, address in enumerate(tried):
        now = time.monotonic()
        line = _connect_one(address, patience, now + (patience.until - now) / (len(tried) - number))
        if line is not None:
            return line
    raise Stopped("connect", "no connection could be made")


def in_turn(addresses: tuple[Sockaddr, ...]) -> list[Sockaddr]:
    """The families by turns, the first one first: a network that has only one of them must not use up the tries."""
    families: dict[int, list[Sockaddr]] = {}
    for one in addresses:
        families.setdefault(len(one), []).append(one)
    return [one for row in zip_longest(*families.values()) for one in row if one is not None]


def _connect_one(address: Sockaddr, patience: Patience, until: float) -> Line | None:
    sock = socket.socket(socket.AF_INET if len(address) == 2 else socket.AF_INET6, socket.SOCK_STREAM)
    connected = False
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS and patience.wait(sock.fileno(), writing=True, until=until):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        connected = code == 0
        return Line(sock, time.monotonic()) if connected else None
    except OSError:
        return None
    finally:
        if not connected:
            sock.close()
