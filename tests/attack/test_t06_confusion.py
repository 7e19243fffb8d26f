"""T06, dependency confusion: another publisher offers a package under an id that is not theirs, or one that looks like it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.host.trust_store import with_pin, with_publisher
from mpp.stages.gatekeeper import NO_TRUST, TrustState, lookalikes, verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting

VICTIM, MALLORY = publisher("Victim"), publisher("Mallory")
ID = "com.example.hello"
PINNED = with_pin(trusting(VICTIM, MALLORY, any_package=False), ID, VICTIM.id)


def code_of(data: bytes, trust: TrustState) -> str:
    try:
        verify(data, trust, NOW)
    except Refused as fault:
        return fault.code
    return ""


@pytest.mark.parametrize(
    ("by", "package_id", "trust", "code"),
    [
        (VICTIM, ID, PINNED, ""),
        (MALLORY, ID, PINNED, "publisher.pin_mismatch"),
        # Neither a higher version, nor trust in the other publisher, nor its being this host's own key changes that.
        (MALLORY, ID, with_publisher(PINNED, MALLORY.chain, any_package=True), "publisher.pin_mismatch"),
        (MALLORY, ID, with_pin(PINNED, "com.example.other", MALLORY.id), "publisher.pin_mismatch"),
        (MALLORY, ID, with_pin(PINNED, "com.example.", MALLORY.id), "publisher.pin_mismatch"),
        (MALLORY, ID, replace(NO_TRUST, pins={ID: VICTIM.id}), "publisher.pin_mismatch"),
        (MALLORY, ID, replace(PINNED, first_use=False), "publisher.pin_mismatch"),
        # A pin is for one id. Another id of the same publisher is asked about again.
        (VICTIM, "com.example.other", PINNED, "publisher.package_unpinned"),
        (VICTIM, "com.example.hello-world", PINNED, "publisher.package_unpinned"),
        (VICTIM, "com.example.hello.extra", PINNED, "publisher.package_unpinned"),
        # A prefix holds all ids below it, and only those.
        (VICTIM, "com.example.any", with_pin(PINNED, "com.example.", VICTIM.id), ""),
        (MALLORY, "com.example.any", with_pin(PINNED, "com.example.", VICTIM.id), "publisher.pin_mismatch"),
        (MALLORY, "com.example-evil.any", with_pin(PINNED, "com.example.", VICTIM.id), "publisher.package_unpinned"),
        (VICTIM, "com.exampleevil.any", with_pin(PINNED, "com.example.", VICTIM.id), "publisher.package_unpinned"),
    ],
)
def test_an_id_belongs_to_one_publisher(by: object, package_id: str, trust: TrustState, code: str) -> None:
    assert code_of(signed(by, {"package_id": package_id, "version": "99.0.0"}), trust) == code  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Victim", "victim", "V ictim"])
def test_a_name_is_no_identity(name: str) -> None:
    """Mallory calls itself as the victim does; its keys are its own."""
    from mpp.crypto.roots import extend, root_body

    body = root_body(1, name, {"root": ((MALLORY.root[0].public_key,), 1), "release": ((MALLORY.release[0].public_key,), 1)})
    twin = replace(MALLORY, chain=extend(None, body, MALLORY.root))
    assert twin.id != VICTIM.id
    assert code_of(signed(twin), PINNED) == "publisher.pin_mismatch"
    assert code_of(signed(twin), trusting(VICTIM)) == "publisher.unknown"


@pytest.mark.parametrize(
    "other",
    [
        "com.example.he11o",
        "com.example.hel1o",
        "com.example.helo",
        "com.example.helllo",
        "com.example.hello1",
        "com.exarnple.hello",
        "com.example.hell0",
        "example.com.hello",
        "com.example.h-e-l-l-o",
    ],
)
def test_a_look_alike_is_pointed_out(other: str) -> None:
    assert lookalikes(other, PINNED.pins) == (ID,)


def test_the_real_one_is_not() -> None:
    assert lookalikes(ID, PINNED.pins) == ()
