"""Whom this host believes: a frozen value, judged against, never changed by a check.

Spec: spec/keys.md section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical
from mpp.model.value import value


@value
class TrustedPublisher:
    """A publisher that a person or an administrator has accepted, at the highest root ever seen."""

    chain: RootChain
    any_package: bool = False
    """True for keys made in this home: their owner may use any package id here."""
    until: int | None = None
    """Seconds since 1970 after which the trust ends, or None."""


@value
class TrustState:
    """Everything besides the bytes and the time that a verdict depends on."""

    publishers: Mapping[str, TrustedPublisher]
    pins: Mapping[str, str]
    """Exact package id -> publisher id."""
    prefixes: Mapping[str, str]
    """Package id prefix ending in '.' -> publisher id; only an administrator writes these."""
    revoked_publishers: frozenset[str]
    revoked_content: frozenset[str]
    """Content hashes, in hex, that nothing makes acceptable."""
    installed: frozenset[str]
    """Content hashes, in hex, that this host accepted before."""
    first_use: bool
    """May a person be asked about an unknown publisher? False in fleet mode."""

    @property
    def digest(self) -> str:
        """What cached verdicts are keyed by."""
        publishers: dict[str, Json] = {
            name: {"roots": [root.digest for root in one.chain.roots], "any": one.any_package, "until": one.until} for name, one in self.publishers.items()
        }
        document: dict[str, Json] = {
            "publishers": publishers,
            "pins": dict(self.pins),
            "prefixes": dict(self.prefixes),
            "revoked_publishers": [*sorted(self.revoked_publishers)],
            "revoked_content": [*sorted(self.revoked_content)],
            "installed": [*sorted(self.installed)],
            "first_use": self.first_use,
        }
        return sha256(canonical(document)).hexdigest()

    def owner(self, package_id: str) -> str | None:
        """The publisher to whom ``package_id`` is bound: an exact pin, else the longest prefix."""
        if package_id in self.pins:
            return self.pins[package_id]
        fitting = [prefix for prefix in self.prefixes if package_id.startswith(prefix)]
        return self.prefixes[max(fitting, key=len)] if fitting else None


NO_TRUST = TrustState(publishers={}, pins={}, prefixes={}, revoked_publishers=frozenset(), revoked_content=frozenset(), installed=frozenset(), first_use=True)


def newest_chain(shown: RootChain, trust: TrustState) -> RootChain:
    """The longer of the chain a package shows and the one this host knows. Spec: keys K-42.

    Attack: a stolen old key signs with the old root beside it; the host's memory of the newer root wins.
    """
    known = trust.publishers.get(shown.publisher_id)
    if known is None or shown.begins_with(known.chain):
        return shown
    if known.chain.begins_with(shown):
        return known.chain
    raise Refused(
        "publisher.fork",
        "the publisher's root documents contradict the ones this host has seen",
        where=f"publisher {shown.publisher_id[:16]}",
        hint="two versions of one root exist: ask the publisher out of band which one is real",
    )


def pin_mismatch(package_id: str, owner: str, publisher: str) -> Refused:
    """The refusal of an id that belongs to somebody else; the check and the store of pins share it."""
    return Refused(
        "publisher.pin_mismatch",
        f"{package_id} is pinned to another publisher",
        where=f"publisher {publisher[:16]}",
        hint=f"it belongs to publisher {owner[:16]}: get the package from there, or re-pin it with `mpp trust pin` if ownership really moved",
    )


def _revoked(where: str) -> Refused:
    return Refused("publisher.revoked", "this host has revoked the publisher", where=where, hint="see `mpp trust list`; remove the package")


def _not_listed(where: str) -> Refused:
    return Refused("publisher.not_listed", "only listed publishers are accepted here", where=where, hint="ask the administrator of this fleet")


def judge_first_use(chain: RootChain, trust: TrustState) -> None:
    """May a person be asked about this publisher at all? Spec: keys K-50, K-53, K-57."""
    where = f"publisher {chain.publisher_id[:16]}"
    if chain.publisher_id in trust.revoked_publishers:
        raise _revoked(where)
    if not trust.first_use:
        raise _not_listed(where)


def judge_publisher(chain: RootChain, package_id: str, trust: TrustState, now: int) -> str:
    """Is this publisher believed for this package id? Returns the reason. Spec: keys K-50 to K-56."""
    publisher, where = chain.publisher_id, f"publisher {chain.publisher_id[:16]}"
    if publisher in trust.revoked_publishers:
        raise _revoked(where)
    owner = trust.owner(package_id)
    # Attack: dependency confusion. An id that belongs to one publisher is never served by another.
    if owner is not None and owner != publisher:
        raise pin_mismatch(package_id, owner, publisher)
    known = trust.publishers.get(publisher)
    if known is None:
        if trust.first_use:
            raise Refused("publisher.unknown", "this host does not know the publisher", where=where, hint="compare the fingerprint, then `mpp trust add FILE`")
        raise _not_listed(where)
    if known.until is not None and now > known.until:
        raise Refused("publisher.expired", "the trust in this publisher has ended", where=where, hint="renew it with `mpp trust add --until DATE`")
    if owner == publisher:
        return "pinned"
    if known.any_package:
        return "own key"
    # Without first use nobody may be asked, about a known publisher's next package neither.
    if not trust.first_use:
        raise Refused("publisher.not_listed", f"{package_id} is not listed here", where=where, hint="ask the administrator of this fleet")
    raise Refused(
        "publisher.package_unpinned",
        f"the publisher is known, but not for {package_id}",
        where=where,
        hint="confirm this package once with `mpp trust add FILE`",
    )
