"""The world as the operator describes it: own resolvers, and hosts of the own network, in the table of settings."""

from __future__ import annotations

import re
from ipaddress import ip_address

from mpp.errors import Refused
from mpp.model.jsontext import shown
from mpp_registry.namespaces.dns import DnsTxt
from mpp_registry.namespaces.limits import FETCH_BYTES_MAX, PRIVATE_HOSTS_MAX
from mpp_registry.namespaces.web import SafeFetch
from mpp_registry.namespaces.world import World
from mpp_registry.services import Services

NAMESERVERS, PRIVATE_HOSTS, CA_FILE = "world.nameservers", "world.private_hosts", "world.ca_file"
NAMES = (NAMESERVERS, PRIVATE_HOSTS, CA_FILE)
PORT_MAX = 65_535
DNS_PORT, HTTPS_PORT = 53, 443
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def world_of(services: Services, *, most: int = FETCH_BYTES_MAX) -> World:
    """``most``: bytes of a document that is fetched."""
    with services.database.read() as rows:
        found = {str(name): str(text) for name, text in rows.all("SELECT name, text FROM settings WHERE name IN (?, ?, ?)", *NAMES)}
    private = read_hosts(found.get(PRIVATE_HOSTS, ""))
    fetch = SafeFetch(private=private, extra_ca_file=found.get(CA_FILE, ""), most=most)
    return World(txt=DnsTxt(read_nameservers(found.get(NAMESERVERS, ""))), fetch=fetch)


def set_world(services: Services, name: str, text: str) -> None:
    """What does not read is not kept: a registry that asks nobody would let every proof lapse."""
    if name not in NAMES:
        raise Refused("registry.choice", f"{shown(name)!r} is no such setting", where="name", hint=f"take one of {', '.join(NAMES)}")
    if name == NAMESERVERS:
        read_nameservers(text)
    elif name == PRIVATE_HOSTS:
        read_hosts(text)
    with services.database.write() as rows:
        rows.run("INSERT INTO settings (name, text) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", name, text)


def read_nameservers(text: str) -> tuple[tuple[str, int], ...]:
    """``192.0.2.1, 192.0.2.2#5353``. An address of version 6 has colons, so the port stands behind a number sign."""
    found: list[tuple[str, int]] = []
    for one in _listed(text):
        address, _, port = one.partition("#")
        try:
            found.append((str(ip_address(address)), _port(port or str(DNS_PORT))))
        except ValueError:
            raise Refused("registry.form", f"{shown(one)!r} is no name server", where=NAMESERVERS, hint="write addresses such as 192.0.2.1#53") from None
    return tuple(found)


def read_hosts(text: str) -> dict[str, int]:
    """``tools.example.com:8443, intra.example.com``."""
    found: dict[str, int] = {}
    for one in _listed(text):
        host, _, port = one.partition(":")
        try:
            number = _port(port or str(HTTPS_PORT))
        except ValueError:
            number = 0
        if not number or _HOST.fullmatch(host) is None:
            raise Refused(
                "registry.form", f"{shown(one)!r} is no host", where=PRIVATE_HOSTS, hint="write hosts such as intra.example.com or intra.example.com:8443"
            )
        found[host] = number
    return found


def _listed(text: str) -> list[str]:
    found = [one.strip() for one in text.split(",") if one.strip()]
    if len(found) > PRIVATE_HOSTS_MAX:
        raise Refused("registry.length", f"a list has at most {PRIVATE_HOSTS_MAX} places", where="settings", hint="name fewer")
    return found


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:6]) <= PORT_MAX:
        raise ValueError(text)
    return int(text)
