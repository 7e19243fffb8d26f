"""Which addresses are of this very machine. Pure."""

from __future__ import annotations

import ipaddress


def is_here(host: str) -> bool:
    """Is it this machine? A name other than localhost is not: who answers for it may change."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
