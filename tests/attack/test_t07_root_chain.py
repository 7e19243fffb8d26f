"""T07, a forged root chain: a document that makes a key eligible which the publisher never named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.crypto.envelope import signed_bytes
from mpp.crypto.roots import ROOT_TYPE, Revoked, read_chain, root_body
from mpp.errors import Refused
from mpp.limits import SIGNERS_MAX
from mpp.model.jsontext import canonical
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import fixed_signer, publisher, rotated
from mpp.testing.packages import NOW, signed, trusting

Entry: TypeAlias = "dict[str, object]"

VICTIM = publisher("Victim")
NEXT = rotated(VICTIM, "2", new_root=True)
THIRD = rotated(NEXT, "3")
THREE = publisher("Three", roots=3, root_threshold=2)
THIEF, HELPER = fixed_signer("thief"), fixed_signer("thief's helper")
ROOT, NEW_ROOT = VICTIM.root[0], NEXT.root[0]


def entries(of: object) -> list[Entry]:
    return json.loads(of.chain.data)["roots"]  # type: ignore[attr-defined,no-any-return]


def entry(body: bytes, *signers: SeedSigner, kind: str = ROOT_TYPE, claim: dict[str, str] | None = None) -> Entry:
    """One version, signed by whoever is given; ``claim`` puts a signature under another key's id."""
    made = {key_id(one.public_key): one.sign(signed_bytes(kind, body)) for one in signers}
    named = {(claim or {}).get(key, key): sig for key, sig in made.items()}
    return {"signed": json.loads(body), "signatures": [{"key": key, "sig": base64text.encode(named[key])} for key in sorted(named)]}


def body(version: int, root: tuple[SeedSigner, ...], release: tuple[SeedSigner, ...], *, thresholds: tuple[int, int] = (1, 1), name: str = "Victim") -> bytes:
    public = [tuple(one.public_key for one in role) for role in (root, release)]
    return root_body(version, name, {"root": (public[0], thresholds[0]), "release": (public[1], thresholds[1])})


def code_of(roots: list[Entry]) -> str:
    try:
        read_chain(canonical({"roots": roots}), where="chain")  # type: ignore[dict-item]
    except Refused as fault:
        return fault.code.removeprefix("signature.")
    return ""


TAKEOVER = body(2, (THIEF,), (HELPER,))
ADDED = body(2, (ROOT,), (THIEF,))
FIRST = entries(VICTIM)
OTHER_ID = key_id(fixed_signer("nobody").public_key)

FORGERIES: dict[str, tuple[list[Entry], str]] = {
    "honest": (entries(THIRD), ""),
    "taken over without the old root": ([*FIRST, entry(TAKEOVER, THIEF)], "root_threshold"),
    "taken over by the old release key": ([*FIRST, entry(TAKEOVER, THIEF, VICTIM.release[0])], "root_threshold"),
    "a release key added without the root": ([*FIRST, entry(ADDED, THIEF)], "root_threshold"),
    "a release key added, signed by the release key": ([*FIRST, entry(ADDED, VICTIM.release[0])], "root_threshold"),
    "a release key added, not signed": ([*FIRST, entry(ADDED)], "root_threshold"),
    "a signature under the root's id": ([*FIRST, entry(ADDED, THIEF, claim={key_id(THIEF.public_key): key_id(ROOT.public_key)})], "invalid"),
    "the root's signature over another type": ([*FIRST, entry(ADDED, ROOT, kind="application/vnd.in-toto+json")], "invalid"),
    "a new root that never signed": ([*FIRST, entry(TAKEOVER, ROOT)], "root_threshold"),
    "an additional signature by a stranger": ([*FIRST, entry(ADDED, ROOT, THIEF)], "root_signer"),
    "signed again by a root that is two versions old": ([*entries(NEXT), entry(body(3, (NEW_ROOT,), (THIEF,)), ROOT)], "root_threshold"),
    "a version left out": ([FIRST[0], entries(THIRD)[2]], "root_versions"),
    "the first version left out": (entries(THIRD)[1:], "root_versions"),
    "a version twice": ([FIRST[0], FIRST[0]], "root_versions"),
    "versions swapped": ([entries(NEXT)[1], FIRST[0]], "root_versions"),
    "a second version 1": ([FIRST[0], entry(body(1, (THIEF,), (HELPER,)), THIEF)], "root_versions"),
    "the second version of another": ([FIRST[0], entries(rotated(publisher("Other"), "2"))[1]], "root_threshold"),
    "below the threshold": ([entry(body(1, THREE.root, THREE.release, thresholds=(2, 1)), THREE.root[0])], "root_threshold"),
    "the threshold lowered by one of two": ([*entries(THREE), entry(body(2, THREE.root, THREE.release, name="Three"), THREE.root[0])], "root_threshold"),
    "one root key under two ids": (
        [entry(body(1, THREE.root, THREE.release, thresholds=(2, 1)), THREE.root[0], THREE.root[1], claim={key_id(THREE.root[1].public_key): OTHER_ID})],
        "root_threshold",
    ),
    "the root key is no release key": ([entry(body(1, (ROOT,), (THIEF,)), ROOT, THIEF)], "root_signer"),
}


@pytest.mark.parametrize(("roots", "code"), FORGERIES.values(), ids=FORGERIES.keys())
def test_forgeries(roots: list[Entry], code: str) -> None:
    assert code_of(roots) == code


def test_one_key_does_not_count_twice() -> None:
    doubled = entry(body(1, THREE.root, THREE.release, thresholds=(2, 1)), THREE.root[0])
    doubled["signatures"] = [*doubled["signatures"], *doubled["signatures"]]  # type: ignore[misc]
    assert code_of([doubled]) == "order"


EDITS: dict[str, Callable[[Entry], None]] = {
    "name": lambda one: one.update(name="Eve"),
    "threshold": lambda one: one["roles"]["release"].update(threshold=1) or one["roles"]["root"].update(threshold=1) or one.update(name="x"),  # type: ignore[index]
    "revoked": lambda one: one.update(revoked=[{"key": "0" * 64, "reason": "x"}]),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("at", range(3))
def test_no_version_can_be_edited(edit: Callable[[Entry], None], at: int) -> None:
    roots = entries(THIRD)
    edit(roots[at]["signed"])  # type: ignore[arg-type]
    assert code_of(roots) in {"invalid", "root_threshold"}


def test_every_byte_of_a_chain_is_held() -> None:
    data = bytearray(NEXT.chain.data)
    for at in range(len(data)):
        data[at] ^= 1
        with pytest.raises(Refused):
            read_chain(bytes(data), where="chain")
        data[at] ^= 1


def test_an_identity_cannot_be_taken_by_a_new_first_version() -> None:
    """Whatever stands in version 1 gives another id."""
    made = read_chain(canonical({"roots": [entry(body(1, (THIEF,), (HELPER,)), THIEF)]}), where="x")  # type: ignore[dict-item]
    assert made.publisher_id != VICTIM.id


@pytest.mark.parametrize("known", [VICTIM, NEXT, THIRD])
def test_a_fork_by_a_stolen_root_key_is_refused_where_the_truth_is_known(known: object) -> None:
    """Who has the root key can make a second version 2. A host that knows the first one refuses both kinds of mixture."""
    fork = rotated(VICTIM, "thief", new_root=True)
    data = signed(fork)
    if known is VICTIM:
        assert verify(data, trusting(VICTIM), NOW).chain.newest.version == 2
        return
    with pytest.raises(Refused) as refusal:
        verify(data, trusting(known), NOW)  # type: ignore[arg-type]
    assert refusal.value.code == "publisher.fork"


def test_a_chain_is_bounded() -> None:
    many = [entry(body(1, tuple(fixed_signer(f"r{i}") for i in range(SIGNERS_MAX + 1)), (THIEF,)))]
    assert code_of(many) == "length"
    assert code_of(FIRST * 101) == "length"


def test_a_revoked_key_cannot_stay() -> None:
    public = {"root": ((ROOT.public_key,), 1), "release": ((THIEF.public_key,), 1)}
    made = root_body(2, "Victim", public, (Revoked(key=key_id(THIEF.public_key), reason="stolen"),))  # type: ignore[arg-type]
    assert code_of([*FIRST, entry(made, ROOT)]) == "root_role"


def test_a_revoked_key_never_comes_back() -> None:
    """The root key's thief, or a slip, would make the stolen key good again for all who refuse it. It is gone for every role and version."""
    gone = rotated(VICTIM, "2", revoke=True)
    third = body(3, (ROOT,), VICTIM.release)
    assert code_of([*entries(gone), entry(third, ROOT)]) == "root_revoked"
    fourth = body(4, (ROOT,), VICTIM.release)
    without_list = body(3, (ROOT,), (HELPER,))
    assert code_of([*entries(gone), entry(without_list, ROOT), entry(fourth, ROOT)]) == "root_revoked"
    as_root = body(3, (ROOT, VICTIM.release[0]), (HELPER,))
    assert code_of([*entries(gone), entry(as_root, ROOT)]) == "root_revoked"
    removed = rotated(VICTIM, "2")
    assert code_of([*entries(removed), entry(third, ROOT)]) == "", "a key that was only taken out may return"


def test_the_daily_key_is_never_a_root_key() -> None:
    assert code_of([entry(body(1, (THIEF,), (THIEF,)), THIEF)]) == "root_role"
    assert code_of([entry(body(1, (ROOT, THIEF), (THIEF, HELPER)), ROOT)]) == "root_role"
