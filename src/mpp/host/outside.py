"""What all our clients of other servers have in common: which address is this machine, an end to what a server draws out, and plain words."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator


def is_here(host: str) -> bool:
    """Is it this machine? A name other than localhost is not: who answers for it may change."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Ended:
    """Did time run out?"""

    def __init__(self) -> None:
        self.over = False


@contextlib.contextmanager
def ended_after(connected: socket.socket, seconds: float) -> Iterator[Ended]:
    """Attack: a server that sends one byte every few seconds never lets the time limit of a single read pass.

    What is cut off can look like a whole answer: whoever reads asks ``over`` before it believes it.
    """
    found = Ended()

    def end() -> None:
        found.over = True
        # Not close: the number could be another file's by the time the reader comes back to it.
        with contextlib.suppress(OSError):
            # The plain shutdown, also of a connection with TLS: its own would wait for the other side.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield found
    except (OSError, http.client.HTTPException):
        # What breaks because we broke it off has taken too long.
        if found.over:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        timer.join()


def words_of(fault: Exception) -> str:
    """What went wrong, without what the other side chose to say."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"no safe connection: {fault.verify_message}"
    if isinstance(fault, ssl.SSLError):
        return f"no safe connection: {fault.reason or 'it broke'}"
    if isinstance(fault, TimeoutError):
        return "it takes too long"
    if isinstance(fault, OSError):
        return fault.strerror or "the connection broke"
    return "its answer breaks off or is no HTTP"
