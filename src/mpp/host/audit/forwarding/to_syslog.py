"""A syslog server over TCP or TLS as a target. Spec: audit L-82, L-87.

Syslog has no answer. What we can know: that the system of the server has our bytes (``sent``); or, and that is what is asked for if nobody
says otherwise, that the server itself read all of them: we end our side, and wait until it has ended its own in good order. A server that
dies with unread bytes ends in disorder, and the batch is sent again. What it does with what it has read, nobody tells us.
"""

from __future__ import annotations

import fcntl
import select
import socket
import ssl
import struct
import sys
import time
from collections.abc import Sequence

from mpp.host.audit.forwarding.answers import Answer, LATER, Piece, YES
from mpp.host.audit.forwarding.tls import tls_context
from mpp.host.outside import ended_after, words_of
from mpp.host.audit.forwarding.limits import ANSWER_BYTES_MAX, SECONDS_MAX, SILENCE_SECONDS_MAX
from mpp.host.audit.forwarding.targets import Target
from mpp.stages.audit.forward import framed

_UNACKED = 0x5411
"""SIOCOUTQ: bytes that the other side's system has not confirmed."""
_LOOK_SECONDS = 0.01


class ToSyslog:
    """One connection for each batch."""

    def __init__(self, target: Target, *, seconds: float = SECONDS_MAX, silence: float = SILENCE_SECONDS_MAX) -> None:
        self._address, self._ack = target.address, target.ack
        self._context = tls_context(target) if self._address.secure else None
        self._seconds, self._silence = seconds, silence

    def send(self, pieces: Sequence[Piece]) -> Answer:
        data = b"".join(framed(piece.data) for piece in pieces)
        try:
            with socket.create_connection((self._address.host, self._address.port), self._silence) as plain, ended_after(plain, self._seconds) as end:
                why = self._deliver(plain, data)
                if end.over:
                    why = "it takes too long"
        except (OSError, ValueError) as fault:
            return Answer(kind=LATER, why=words_of(fault))
        return Answer(kind=LATER, why=why) if why else YES

    def _deliver(self, plain: socket.socket, data: bytes) -> str:
        """Empty, or why nobody knows whether it arrived."""
        if self._context is None:
            plain.sendall(data)
            return self._finish(plain)
        # Not closed by its own end: the socket below is ours.
        with self._context.wrap_socket(plain.dup(), server_hostname=self._address.host) as safe:
            safe.sendall(data)
            return self._finish(safe)

    def _finish(self, connected: socket.socket) -> str:
        if self._ack == "sent":
            return _await_kernel(connected, self._silence)
        if isinstance(connected, ssl.SSLSocket):
            return _await_end_of_tls(connected)
        connected.shutdown(socket.SHUT_WR)
        return _await_end(connected)


def _await_end(connected: socket.socket) -> str:
    """Until the other side has read all and closed. Closed with bytes unread, its system would reset the connection."""
    left = ANSWER_BYTES_MAX
    while left > 0 and (piece := connected.recv(min(left, 4096))):
        left -= len(piece)
    return "" if left > 0 else "it talks, which a syslog server does not"


def _await_end_of_tls(safe: ssl.SSLSocket) -> str:
    """Ours is said inside of the encryption; so must theirs be, or an end of the connection in good order follow it."""
    try:
        plain = safe.unwrap()
    except ssl.SSLEOFError:
        return ""
    except ssl.SSLError as fault:
        return words_of(fault)
    with plain:
        return ""


def _await_kernel(connected: socket.socket, seconds: float) -> str:
    """Until the other side's system has confirmed every byte, and has not reset the connection since."""
    until = time.monotonic() + seconds
    while _unacked(connected):
        if time.monotonic() > until:
            return "it does not take what was sent"
        time.sleep(_LOOK_SECONDS)
    ready, _, _ = select.select([connected], [], [], 0)
    return "it closed the connection" if ready and not isinstance(connected, ssl.SSLSocket) and not connected.recv(1) else ""


def _unacked(connected: socket.socket) -> int:
    if not sys.platform.startswith("linux"):
        return 0
    found: int = struct.unpack("i", fcntl.ioctl(connected.fileno(), _UNACKED, b"\0\0\0\0"))[0]
    return found
