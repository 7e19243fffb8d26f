"""Patterns of network hosts as policies write them, and the host that a text of a call names.

Unlike a manifest, a policy may name private hosts and addresses, but only exactly. Spec: spec/3-policy.md section 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mpp.model.capabilities import NetworkRule
from mpp.model.fields import Faults
from mpp.model.hosts import HOST, LOOPBACK_DOMAINS, PRIVATE_NAMES, WEB_PORTS
from mpp.model.jsontext import shown
from mpp.model.limits import HOST_CHARS_MAX
from mpp.model.value import value

HOST_PATTERN_MAX = HOST_CHARS_MAX + len("*.:65535")
"""Characters of a host pattern. Reason: a name of the domain name system, a wildcard and a port."""

HOST_LABELS_MAX = 16
"""Labels of a host in a policy. Reason: real names have five; each domain above a pattern has a place in the index."""

URL_CHARS_MAX = 8192
"""Characters of a text that is read as a URL. Reason: servers refuse longer ones, and not all at the same place."""

_HTTPS = WEB_PORTS["https"]
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")
_IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\]")
_LABEL = r"(?!(?!xn)[a-z0-9]{2}--)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
# A last label of digits would let another spelling of an address (127.1, 0x7f.1) pass for a name.
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?!(?:[0-9]+|0x[0-9a-f]*)\Z){_LABEL}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_URL = re.compile(r"(https?)://([^/?#]*)(?:[/?#].*)?", re.IGNORECASE)
_PRINTABLE = re.compile(r"[!-~]+")


@value
class HostPattern:
    """Hosts and ports. With ``wildcard`` the sub-domains of ``host`` only, or any host where ``host`` is empty."""

    host: str
    wildcard: bool = False
    port: int = 0
    """0: none is named. That is each port where a rule asks or denies, and 443 where it allows."""

    def written(self) -> str:
        name = ("*." if self.wildcard else "") + self.host if self.host else "*"
        return f"{name}:{self.port}" if self.port else name

    def reaching_key(self) -> str:
        """Under which key its hosts find it."""
        return (_WILD if self.wildcard else _EXACT) + self.host

    def index_keys(self) -> list[str]:
        """Under which keys it is found: by its hosts, and by declared wildcards that reach into it."""
        above = (self.host, *domains_of(self.host)) if self.wildcard and self.host else domains_of(self.host)
        return [self.reaching_key(), *(_BELOW + domain for domain in above)]


_EXACT, _WILD, _BELOW = "=", "*", "<"
ANY_HOST = _WILD


class Place(NamedTuple):
    """The host that a text names. Port 0: it names none."""

    host: str
    port: int


def place_keys(host: str) -> list[str]:
    """The keys of all patterns that reach this host. Attack: ``*.example.com`` is neither ``example.com`` nor ``badexample.com``."""
    return [_EXACT + host, *(_WILD + domain for domain in domains_of(host)), ANY_HOST]


def rule_keys(rule: NetworkRule) -> list[str]:
    """The keys of all patterns that share a host with a declared rule."""
    if not rule.wildcard:
        return place_keys(rule.host)
    return [_BELOW + rule.host, *wide_keys(rule)]


def wide_keys(rule: NetworkRule) -> list[str]:
    """The keys of all patterns that reach every host of a declared rule."""
    if not rule.wildcard:
        return place_keys(rule.host)
    return [_WILD + rule.host, *(_WILD + domain for domain in domains_of(rule.host)), ANY_HOST]


class HostSet:
    """Many patterns, found by table: the cost grows with the labels of a name and not with the number of patterns."""

    def __init__(self, patterns: Iterable[HostPattern]) -> None:
        self._ports: dict[str, set[int]] = {}
        for pattern in patterns:
            for key in pattern.index_keys():
                self._ports.setdefault(key, set()).add(pattern.port)

    def touches(self, rule: NetworkRule) -> bool:
        """Is there a request that both a pattern and the declared rule reach?"""
        return any(0 in ports or not ports.isdisjoint(rule.ports) for ports in self._found(rule_keys(rule)))

    def holds(self, rule: NetworkRule) -> bool:
        """Do the patterns reach all that the declared rule reaches?"""
        if ANY_HOST in self._ports:
            return True
        held = {port or _HTTPS for ports in self._found(wide_keys(rule)) for port in ports}
        return held.issuperset(rule.ports)

    def ports_of(self, host: str) -> set[int] | None:
        """The ports of the patterns that reach this host, 0 for one that names none; None if any host at any port fits."""
        if ANY_HOST in self._ports:
            return None
        return {port for ports in self._found(place_keys(host)) for port in ports}

    def _found(self, keys: list[str]) -> Iterator[set[int]]:
        return (self._ports[key] for key in keys if key in self._ports)


def read_host_pattern(written: str, where: str, faults: Faults, *, wildcard: bool = True) -> HostPattern | None:
    """``api.example.com``, with a port or not; ``*.example.com``; ``*``; a private name or an address. None after a fault. Spec: 3-policy P-22, P-23."""
    if wildcard and written == "*":
        return HostPattern(host="", wildcard=True)
    bare = written.removeprefix("*.")
    name, number = _split_port(bare)
    hint = _form_hint(written) or (_star_hint(name, wildcard=wildcard) if bare != written else "") or _name_hint(name)
    if hint:
        faults.add("host", where, f"{shown(written)!r} is not a host that can be named here", hint, family="policy")
    elif number is not None and not _is_port(number):
        faults.add("host", where, f"{shown(written)!r} has a port that is none", "write host:port with a port from 1 to 65535", family="policy")
    else:
        return HostPattern(host=name, wildcard=bare != written, port=int(number or 0))
    return None


def place_of(text: str) -> Place | None:
    """The host and port of a URL (http, https), of ``host`` or of ``host:port``; None where two readers could differ.

    Attack: user information, backslashes, escapes, blanks, other alphabets and odd addresses, which one program reads as
    another host than the next.
    """
    if len(text) > URL_CHARS_MAX or _PRINTABLE.fullmatch(text) is None or "\\" in text:
        return None
    found = _URL.fullmatch(text)
    if found is None and not {"/", "?", "#"}.isdisjoint(text):
        return None
    scheme, written = (found[1].lower(), found[2].lower()) if found is not None else ("", text.lower())
    name, number = _split_port(written)
    if _name_hint(name) or (number is not None and not _is_port(number)):
        return None
    return Place(name, int(number) if number is not None else WEB_PORTS.get(scheme, 0))


def domains_of(host: str) -> list[str]:
    """The domains above ``host``, the nearest first. An address has none."""
    found: list[str] = []
    if host.startswith("[") or _IPV4.fullmatch(host) is not None:
        return found
    _, dot, rest = host.partition(".")
    while dot:
        found.append(rest)
        _, dot, rest = rest.partition(".")
    return found


def _split_port(written: str) -> tuple[str, str | None]:
    if written.startswith("["):
        name, bracket, rest = written.partition("]")
        # Attack: [::1]8080, in which one reader sees a port and another does not.
        return name + bracket, None if not rest else rest[1:] if rest[0] == ":" else "none"
    name, colon, number = written.partition(":")
    return name, number if colon else None


def _is_port(number: str) -> bool:
    return _PORT.fullmatch(number) is not None and int(number) <= 65535


def _is_ipv6(name: str) -> bool:
    """One spelling of each address. Attack: a rule for ``[::1]`` and a call to ``[0:0:0:0:0:0:0:1]``."""
    if _IPV6.fullmatch(name) is None:
        return False
    from ipaddress import IPv6Address  # noqa: PLC0415 - slow to import and seldom needed

    try:
        address = IPv6Address(name[1:-1])
    except ValueError:
        return False
    # An IPv4 address in another dress: a rule for the one would not hold for the other, and libraries write it in two ways.
    return address.ipv4_mapped is None and str(address) == name[1:-1]


def _form_hint(written: str) -> str:
    """How to write it, or nothing."""
    if len(written) > HOST_PATTERN_MAX:
        return f"a host has at most {HOST_PATTERN_MAX} characters"
    if "/" in written or "@" in written:
        return "write the host only, such as api.example.com or api.example.com:8443"
    if not written.isascii():
        return "write international names in their ASCII form (xn--...)"
    return "" if written == written.lower() else f"write it in lower case: {shown(written.lower())}"


def _star_hint(name: str, *, wildcard: bool) -> str:
    is_private = name.rpartition(".")[2] in PRIVATE_NAMES or any(name == one or name.endswith("." + one) for one in LOOPBACK_DOMAINS)
    if not wildcard or is_private:
        return "private names and addresses are named one by one, without '*'"
    return "" if HOST.fullmatch(name) is not None else "a '*' may stand only as the whole first label before a domain, such as *.example.com"


def _name_hint(name: str) -> str:
    if name.endswith("."):
        return "remove the dot at the end"
    if "*" in name:
        return "a '*' may stand only as the whole first label before a domain, such as *.example.com"
    if name.count(".") >= HOST_LABELS_MAX or len(name) > HOST_CHARS_MAX:
        return f"a host has at most {HOST_LABELS_MAX} labels and {HOST_CHARS_MAX} characters"
    if _NAME.fullmatch(name) is not None or _IPV4.fullmatch(name) is not None or _is_ipv6(name):
        return ""
    return "write a name such as api.example.com, or an address such as 10.0.0.5 or [fd00::1]"
