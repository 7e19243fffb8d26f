"""Which network addresses a guest may reach: public ones, and what the policy of the host names besides.

Judged from own tables: what a standard library calls private or global changes with its version. An answer with one address
that is refused is refused whole, so that no order of trying and no later answer decides where a request goes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from mpp.host.services.http_limits import ANSWERS_MAX
from mpp.host.services.http_types import Stopped, Target

Sockaddr: TypeAlias = "tuple[str, int] | tuple[str, int, int, int]"
Resolve: TypeAlias = Callable[[str, int], "list[Sockaddr]"]

PUBLIC, PRIVATE, NEVER = "public", "private", "never"

# Attack: the metadata services of clouds hand out credentials of the machine. They are refused even where private addresses are allowed.
_NEVER_4 = tuple(map(IPv4Network, (
    "0.0.0.0/8",            # this host: a connection to it reaches loopback
    "169.254.0.0/16",       # link-local, with the metadata services of most clouds
    "100.100.100.200/32",   # metadata
    "168.63.129.16/32",     # metadata, in public space
    "192.0.0.192/32",       # metadata
    "224.0.0.0/4",          # multicast
    "240.0.0.0/4",          # reserved, with broadcast
)))  # fmt: skip
_PRIVATE_4 = tuple(map(IPv4Network, (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",        # private use
    "100.64.0.0/10",                                        # shared by the customers of a carrier
    "127.0.0.0/8",                                          # loopback
    "192.0.0.0/24",                                         # protocol assignments
    "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",    # documentation
    "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "192.88.99.0/24",  # anycast services and old relays
    "198.18.0.0/15",                                        # benchmarks
)))  # fmt: skip
_NEVER_6 = tuple(map(IPv6Network, (
    "::/128",               # unspecified: a connection to it reaches loopback
    "fe80::/10",            # link-local
    "fec0::/10",            # site-local
    "ff00::/8",             # multicast
    "fd00:ec2::/32",        # metadata
    "fd20:ce::254/128",     # metadata
    "fd00:42::42/128",      # metadata
)))  # fmt: skip
_PRIVATE_6 = tuple(map(IPv6Network, (
    "2001::/23",            # protocol assignments, with Teredo, ORCHID and benchmarks
    "2001:db8::/32",        # documentation
    "2002::/16",            # 6to4
    "2620:4f:8000::/48",    # anycast service
    "3fff::/20",            # documentation
)))  # fmt: skip
_GLOBAL_6 = IPv6Network("2000::/3")

# Attack: an IPv4 address inside an IPv6 one reaches the same machine past a check of the outer address. Prefix and the bit where it begins.
_EMBEDDED = tuple((IPv6Network(prefix), start) for prefix, start in (
    ("::/96", 96),          # compatible
    ("::ffff:0:0/96", 96),  # mapped
    ("::ffff:0:0:0/96", 96),  # translated
    ("64:ff9b::/96", 96),   # NAT64
    ("64:ff9b:1::/48", 96),  # NAT64 of one network
    ("2002::/16", 16),      # 6to4
))  # fmt: skip
_TEREDO = IPv6Network("2001::/32")


def kind(address: str) -> str:
    """``public``, ``private`` (reached only if the policy names the place) or ``never``."""
    try:
        return _kind_6(IPv6Address(address)) if ":" in address else _kind_4(IPv4Address(address))
    except ValueError:
        return NEVER  # with a zone too: it names a link of this machine


def _kind_4(address: IPv4Address) -> str:
    if any(address in one for one in _NEVER_4):
        return NEVER
    return PRIVATE if any(address in one for one in _PRIVATE_4) else PUBLIC


def _kind_6(address: IPv6Address) -> str:
    if address.scope_id is not None or any(address in one for one in _NEVER_6) or any(_kind_4(inner) == NEVER for inner in _inside(address)):
        return NEVER
    return PUBLIC if address in _GLOBAL_6 and not any(address in one for one in _PRIVATE_6) else PRIVATE


def _inside(address: IPv6Address) -> list[IPv4Address]:
    number = int(address)
    found = [IPv4Address(number >> (96 - start) & 0xFFFFFFFF) for prefix, start in _EMBEDDED if address in prefix and number > 1]
    if address in _TEREDO:
        found += [IPv4Address(number >> 64 & 0xFFFFFFFF), IPv4Address(~number & 0xFFFFFFFF)]
    return found


def judge(target: Target, answer: Iterable[Sockaddr], *, private: bool) -> tuple[Sockaddr, ...]:
    """The addresses of ``answer``, all of which may be connected to; else ``Stopped``."""
    found = tuple(dict.fromkeys(answer))
    if not found:
        raise Stopped("unresolvable", f"{target.host} has no address")
    for one in found[: ANSWERS_MAX + 1]:
        verdict = kind(one[0])
        scoped = len(one) == 4 and one[3] != 0
        if scoped or verdict == NEVER or (verdict == PRIVATE and not private) or one[1] != target.port:
            raise Stopped("blocked_address", f"{target.host} has an address that is not public, and this host does not allow it")
    if len(found) > ANSWERS_MAX:
        raise Stopped("blocked_address", f"{target.host} has more than {ANSWERS_MAX} addresses")
    return found


def system_resolve(host: str, port: int) -> list[Sockaddr]:
    """The addresses of ``host`` as this machine knows them."""
    found: list[Sockaddr] = []
    for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP):
        if family == socket.AF_INET6 and len(address) == 4:
            found.append((str(address[0]), int(address[1]), int(address[2]), int(address[3])))
        elif family == socket.AF_INET:
            found.append((str(address[0]), int(address[1])))
    return found
