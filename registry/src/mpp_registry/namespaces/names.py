"""Which domain proves a name space, and which name spaces lie above a package id. Pure."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.jsontext import shown
from mpp.model.names import PACKAGE_ID

DNS_LABEL = "_mpp"
DNS_VALUE = "mpp-publisher="
WELL_KNOWN = "/.well-known/mpp-publisher.json"


def judged_namespace(text: str) -> str:
    """A name space is written as a package id: a domain of two labels or more, the other way round."""
    # Attack: `com` or a single word would cover what belongs to everybody.
    if PACKAGE_ID.fullmatch(text) is None:
        raise Refused("registry.form", f"{shown(text)!r} is no name space", where="namespace", hint="write a domain the other way round, such as com.example")
    return text


def domain_of(namespace: str) -> str:
    """com.example is example.com."""
    return ".".join(reversed(namespace.split(".")))


def record_of(namespace: str, publisher_id: str, method: str) -> tuple[str, str]:
    """Where the proof stands and what it says, for ``dns`` and ``well-known``."""
    if method == "dns":
        return f"{DNS_LABEL}.{domain_of(namespace)}", DNS_VALUE + publisher_id
    return f"https://{domain_of(namespace)}{WELL_KNOWN}", f'{{"mpp_publishers":["{publisher_id}"]}}'


def above(package_id: str) -> tuple[str, ...]:
    """The name spaces that cover ``package_id``, the longest first. A dot ends each: com.example never covers com.examplefoo.tool."""
    labels = package_id.split(".")
    return tuple(".".join(labels[:count]) for count in range(len(labels) - 1, 1, -1))
