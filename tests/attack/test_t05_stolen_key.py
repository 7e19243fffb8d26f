"""T05, a stolen old key: a publisher rotated its release key, and the thief of the old one signs a package.

| the host knows           | the thief's package shows | outcome                                      |
|--------------------------|---------------------------|----------------------------------------------|
| the new root             | the old root              | refused: the host's memory of the new root wins |
| the new root             | the new root              | refused: the key is in no release role of it |
| the old root             | the old root              | ACCEPTED: nothing it has seen says otherwise |
| neither (first use)      | the old root              | refused until a person trusts it, then as above |
| the old root, then once  | a package with the new    | refused from then on                         |
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.host.trust_store import with_publisher
from mpp.stages.gatekeeper import NO_TRUST, TrustState, verify
from mpp.testing.keys import TestPublisher, publisher, rotated
from mpp.testing.packages import NOW, signed, trusting, unsigned
from tests.forge import forged, statement_of

OLD = publisher("Victim")
NEW = rotated(OLD, "2")
REVOKED = rotated(OLD, "2", revoke=True)
NEWEST = rotated(NEW, "3", new_root=True)
EVIL = {"version": "6.6.6"}
STOLEN = signed(OLD, EVIL)
"""What the thief signs: the old key, the old root beside it."""
WITH_NEW_ROOT = forged(unsigned(EVIL), OLD, statement=statement_of(unsigned(EVIL), OLD), publisher=NEW.chain.data)


def thief_shows(chain_of: TestPublisher) -> bytes:
    """The old key's signature beside a newer, genuine root that everybody can copy."""
    plain = unsigned(EVIL)
    return forged(
        plain,
        TestPublisher(chain=chain_of.chain, root=OLD.root, release=OLD.release),
        statement=replace(statement_of(plain, chain_of), signers=OLD.release_ids),
    )


def code_of(data: bytes, trust: TrustState) -> str:
    try:
        verify(data, trust, NOW)
    except Refused as fault:
        return fault.code
    return ""


@pytest.mark.parametrize(
    ("data", "trust", "code"),
    [
        (STOLEN, trusting(NEW), "signature.not_eligible"),
        (STOLEN, trusting(REVOKED), "signature.key_revoked"),
        (STOLEN, trusting(NEWEST), "signature.not_eligible"),
        (thief_shows(NEW), trusting(NEW), "signature.not_eligible"),
        (thief_shows(NEW), trusting(OLD), "signature.not_eligible"),
        (thief_shows(REVOKED), trusting(OLD), "signature.key_revoked"),
        (thief_shows(NEW), trusting(NEWEST), "signature.not_eligible"),
        (thief_shows(NEWEST), trusting(NEW), "signature.not_eligible"),
        (thief_shows(NEW), NO_TRUST, "signature.not_eligible"),
        (WITH_NEW_ROOT, trusting(OLD), "signature.publisher_changed"),
        (STOLEN, NO_TRUST, "publisher.unknown"),
        # The limit of the scheme, as spec/keys.md says: this host has seen neither the new root nor a log.
        (STOLEN, trusting(OLD), ""),
    ],
)
def test_what_each_host_says(data: bytes, trust: TrustState, code: str) -> None:
    assert code_of(data, trust) == code


def test_a_host_learns_from_one_honest_package() -> None:
    trust = trusting(OLD)
    assert code_of(STOLEN, trust) == ""
    honest = verify(signed(NEW), trust, NOW)
    assert code_of(STOLEN, with_publisher(trust, honest.chain)) == "signature.not_eligible"


def test_an_old_root_never_replaces_a_newer_one() -> None:
    trust = with_publisher(trusting(NEW), OLD.chain)
    assert trust.publishers[OLD.id].chain.newest.version == 2
    assert code_of(STOLEN, trust) == "signature.not_eligible"


def test_installed_packages_go_on_and_only_they() -> None:
    old = signed(OLD)
    content = verify(old, trusting(OLD), NOW).content_hash
    after = replace(trusting(REVOKED), installed=frozenset((content,)))
    assert code_of(old, after) == ""
    assert code_of(old, trusting(REVOKED)) == "signature.key_revoked"
    assert code_of(STOLEN, after) == "signature.key_revoked"
    assert code_of(old, replace(after, revoked_content=frozenset((content,)))) == "publisher.content_revoked"


def test_honest_packages_of_the_new_key_pass_everywhere() -> None:
    for known in (OLD, NEW, NEWEST):
        assert code_of(signed(NEW if known is not NEWEST else NEWEST), trusting(known)) == ""


def test_a_package_of_a_middle_key_is_refused_after_the_next_rotation() -> None:
    assert code_of(signed(NEW), trusting(NEWEST)) == "signature.not_eligible"
