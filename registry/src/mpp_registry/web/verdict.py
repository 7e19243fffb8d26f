"""The first line of a package's page: what is proven about it, by whom, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.model.value import value
from mpp_registry.catalog.types import NamespaceRow, PublisherRow, VersionRow
from mpp_registry.web.logrows import Cosigned, Head
from mpp.pages.texts import day, many, part, short_print, when


@value
class Fact:
    tone: str
    """good, careful or bad: never colour alone, each has a sign and a word."""
    label: str
    words: str
    href: str = ""


@value
class Verdict:
    tone: str
    line: str
    facts: tuple[Fact, ...]


SIGNS = {"good": "\u2713", "careful": "!", "bad": "\u2715"}
TONES = ("good", "careful", "bad")

STATUS: dict[str, tuple[str, str, str]] = {
    "active": ("good", "Active", "Nothing is known against this version."),
    "deprecated": ("careful", "Deprecated", "The publisher advises against it for new uses; it still installs."),
    "yanked": ("careful", "Yanked", "The publisher took it back: it installs only where somebody names exactly this version."),
    "quarantined": ("bad", "Quarantined", "The registry holds it back while it is looked at; it does not install."),
    "revoked": ("bad", "Revoked", "It must not be used. Hosts that have it stop its calls. This cannot be undone."),
}
LINES = {
    "active": "Signed, logged and in good standing",
    "deprecated": "Signed and logged, but its publisher advises against it",
    "yanked": "Signed and logged, but taken back by its publisher",
    "quarantined": "Held back: do not use this version for now",
    "revoked": "Revoked: do not use this version",
}
METHODS = {"dns": "by a DNS record", "well-known": "by a file on its web server", "admin": "by the word of the registry's operator"}


@value
class Evidence:
    """What the verdict is made of."""

    version: VersionRow
    publisher: PublisherRow | None
    namespace: NamespaceRow | None
    head: Head | None
    witnesses: Sequence[Cosigned]


def verdict(found: Evidence) -> Verdict:
    facts = (_signer(found), _domain(found), _log(found), _witnesses(found), _status(found.version))
    worst = max((fact.tone for fact in facts), key=TONES.index)
    line = LINES.get(found.version.status, LINES["quarantined"])
    # What is missing is said in the facts; only what speaks against the version changes the line.
    if found.version.status == "active" and worst == "bad":
        line = "Signed, but something speaks against its publisher" if facts[0].tone == "bad" else "Signed, but no proof of the log holds it"
    return Verdict(tone="bad" if worst == "bad" else facts[-1].tone, line=line, facts=facts)


def _signer(found: Evidence) -> Fact:
    who = found.publisher
    href = f"/publishers/{part(found.version.publisher_id)}"
    if who is None:
        return Fact(tone="bad", label="Signed by", words="a publisher that this registry does not know", href="")
    named = f"\u201c{who.name}\u201d, {short_print(who.publisher_id)}"
    if who.status != "active":
        return Fact(tone="bad", label="Signed by", words=f"{named}, which is {who.status} here", href=href)
    return Fact(tone="good", label="Signed by", words=named, href=href)


def _domain(found: Evidence) -> Fact:
    space = found.namespace
    if space is None:
        return Fact(tone="careful", label="Domain", words="nobody has proven the domain in this name")
    domain, href = ".".join(reversed(space.namespace.split("."))), f"/namespaces/{part(space.namespace)}"
    if space.publisher_id != found.version.publisher_id:
        return Fact(tone="careful", label="Domain", words=f"{domain} was proven by another publisher", href=href)
    if space.state != "proven":
        return Fact(tone="careful", label="Domain", words=f"{domain} was proven once, and is not any more", href=href)
    return Fact(tone="good", label="Domain", words=f"{domain}, proven {METHODS.get(space.method, '')} since {day(space.proven_at)}", href=href)


def _log(found: Evidence) -> Fact:
    index, head = found.version.log_index, found.head
    if head is None or head.size <= index:
        return Fact(tone="bad", label="In the log", words="no signed head of the log holds it")
    return Fact(tone="good", label="In the log", words=f"entry {index:,} of {head.size:,}, head signed {when(head.at)}", href=f"/log/{index}")


def _witnesses(found: Evidence) -> Fact:
    if not found.witnesses:
        return Fact(tone="careful", label="Witnesses", words="none has countersigned a head that holds it", href="/status")
    names = ", ".join(one.witness for one in found.witnesses[:3])
    more = f" and {len(found.witnesses) - 3} more" if len(found.witnesses) > 3 else ""
    return Fact(tone="good", label="Witnesses", words=f"{many(len(found.witnesses), 'witness', 'witnesses')}: {names}{more}", href="/status")


def _status(version: VersionRow) -> Fact:
    tone, name, words = STATUS.get(version.status, STATUS["quarantined"])
    return Fact(tone=tone, label="Status", words=f"{name}. {words}" + (f" Reason: {version.reason}" if version.reason else ""))
