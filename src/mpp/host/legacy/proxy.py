"""The way out of a sandboxed server: CONNECT to hosts that its owner named, and to nothing else. Spec: legacy, section 5."""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from mpp.host.legacy.limits import PROXY_CONNECT_SECONDS, PROXY_HEAD_BYTES_MAX, PROXY_LINES_MAX, PROXY_SECONDS_MAX
from mpp.host.legacy.types import HostRule
from mpp.host.services.http_addresses import judge, Resolve, system_resolve
from mpp.host.services.http_line import in_turn
from mpp.host.services.http_types import Stopped, Target
from mpp.model.hosts import covers

_CONNECT = re.compile(rb"CONNECT ([A-Za-z0-9.-]{1,253}):([0-9]{1,5}) HTTP/1\.[01]\r\n")
_PLAIN = re.compile(rb"([A-Z]{3,7}) http://([A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?(/[!-~]*)? (HTTP/1\.[01])\r\n")
_PIECE = 64 * 1024

SEEN_MAX = 64
"""Hosts of one server that are remembered. Reason: as many as it may reach."""


class Proxy:
    """For one process of one server. It forgets nothing that was reached: the record is told."""

    def __init__(self, rules: tuple[HostRule, ...], private: Callable[[], tuple[str, ...]], resolve: Resolve = system_resolve) -> None:
        """``private``: ``host:port`` that a policy of this host lets have an address that is not public."""
        self._rules, self._private, self._resolve = rules, private, resolve
        self._lock = threading.Lock()
        self._lines = 0
        self._seen: dict[str, None] = {}
        self.refused = 0
        """Connections that were refused."""

    def serve(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(listener,), name="mpp-legacy-proxy", daemon=True).start()

    def seen(self) -> tuple[str, ...]:
        """The hosts that were reached since the last look."""
        with self._lock:
            found = tuple(self._seen)
            self._seen.clear()
        return found

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                has_room = self._lines < PROXY_LINES_MAX
                self._lines += has_room
            if not has_room:
                client.close()
                continue
            try:
                threading.Thread(target=self._line, args=(client,), daemon=True).start()
            except RuntimeError:
                client.close()
                self._done()

    def _done(self) -> None:
        with self._lock:
            self._lines -= 1

    def _line(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError):
                client.settimeout(PROXY_CONNECT_SECONDS)
                head = self._head(client)
                try:
                    server, first, answer = self._open(head)
                except Stopped as fault:
                    with self._lock:
                        self.refused += 1
                    client.sendall(f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(fault.message) + 1}\r\nConnection: close\r\n\r\n{fault.message}\n".encode())
                    return
                with server:
                    client.sendall(answer)
                    server.sendall(first)
                    _pass_on(client, server)
        finally:
            self._done()

    def _head(self, client: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = client.recv(4096)
            if not piece or len(data) > PROXY_HEAD_BYTES_MAX:
                raise ConnectionError
            data += piece
        return data

    def _open(self, head: bytes) -> tuple[socket.socket, bytes, bytes]:
        """The connection, what goes there first, and what the client is told."""
        found = _CONNECT.match(head)
        if found is not None:
            rest = head.partition(b"\r\n\r\n")[2]
            return self._reach(found[1].decode().lower(), int(found[2])), rest, b"HTTP/1.1 200 Connection established\r\n\r\n"
        plain = _PLAIN.match(head)
        if plain is None:
            raise Stopped("bad_request", "this proxy takes CONNECT host:port, and plain requests for http addresses")
        method, host, port, path, version = plain.groups()
        line = self._reach(host.decode().lower(), int(port or b"80"))
        # One request for each connection: a second one could name another host.
        first = b"%b %b %b\r\nConnection: close\r\n%b" % (method, path or b"/", version, head[plain.end() :])
        return line, first, b""

    def _reach(self, host: str, port: int) -> socket.socket:
        if not any(port == rule.port and covers(rule.host, host, wildcard=rule.wildcard) for rule in self._rules):
            raise Stopped("not_granted", f"{host}:{port} is not among the hosts that this server may reach")
        place = f"{host}:{port}"
        try:
            answer = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Stopped("unresolvable", f"{host} does not resolve") from None
        # Attack: a name that leads to this machine, to its network, or to the service that hands out credentials of a cloud.
        target = Target(scheme="https", host=host, port=port, path="/")
        addresses = judge(target, answer, private=place in self._private())
        until = time.monotonic() + PROXY_CONNECT_SECONDS
        for address in in_turn(addresses)[:4]:
            family = socket.AF_INET if len(address) == 2 else socket.AF_INET6
            line = socket.socket(family, socket.SOCK_STREAM)
            try:
                line.settimeout(max(0.1, (until - time.monotonic()) / 2))
                line.connect(address)
            except OSError:
                line.close()
                continue
            with self._lock:
                if len(self._seen) < SEEN_MAX:
                    self._seen[place] = None
            return line
        raise Stopped("connect", f"no connection to {place} could be made")


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Bytes in both directions, until one side ends or both stand still."""
    ends = {one.fileno(): (one, other), other.fileno(): (other, one)}
    poll = select.poll()
    for fd in ends:
        poll.register(fd, select.POLLIN)
    for line in (one, other):
        line.settimeout(PROXY_SECONDS_MAX)
    while ends:
        ready = poll.poll(PROXY_SECONDS_MAX * 1000)
        if not ready:
            return
        for fd, _ in ready:
            source, target = ends[fd]
            data = source.recv(_PIECE)
            if data:
                target.sendall(data)
                continue
            poll.unregister(fd)
            del ends[fd]
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
