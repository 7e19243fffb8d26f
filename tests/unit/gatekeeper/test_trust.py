"""Whom a host believes, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.stages.gatekeeper import NO_TRUST, TrustedPublisher, TrustState, judge_publisher, newest_chain
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import NOW, trusting

ADA, BOB = publisher("Ada"), publisher("Bob")
ADA2, ADA2_OTHER = rotated(ADA, "2"), rotated(ADA, "other")
ADA3 = rotated(ADA2, "3")
ID = "com.example.hello"
KNOWN = trusting(ADA, BOB, any_package=False)
OWN = trusting(ADA)


def until(moment: int) -> TrustState:
    return replace(NO_TRUST, publishers={ADA.id: TrustedPublisher(chain=ADA.chain, any_package=True, until=moment)})


CASES: dict[str, tuple[TrustState, str]] = {
    "nobody is known": (NO_TRUST, "!unknown"),
    "nobody is known in a fleet": (replace(NO_TRUST, first_use=False), "!not_listed"),
    "own key": (OWN, "own key"),
    "known, nothing pinned": (KNOWN, "!package_unpinned"),
    "known, nothing pinned, in a fleet": (replace(KNOWN, first_use=False), "!not_listed"),
    "own key in a fleet": (replace(OWN, first_use=False), "own key"),
    "pinned in a fleet": (replace(KNOWN, pins={ID: ADA.id}, first_use=False), "pinned"),
    "known, another package pinned": (replace(KNOWN, pins={"com.example.other": ADA.id}), "!package_unpinned"),
    "pinned": (replace(KNOWN, pins={ID: ADA.id}), "pinned"),
    "pinned to another": (replace(KNOWN, pins={ID: BOB.id}), "!pin_mismatch"),
    "own key, but pinned to another": (replace(OWN, pins={ID: BOB.id}), "!pin_mismatch"),
    "unknown, and pinned to another": (replace(NO_TRUST, pins={ID: BOB.id}), "!pin_mismatch"),
    "pinned, but not known": (replace(NO_TRUST, pins={ID: ADA.id}), "!unknown"),
    "by prefix": (replace(KNOWN, prefixes={"com.example.": ADA.id}), "pinned"),
    "by another's prefix": (replace(KNOWN, prefixes={"com.example.": BOB.id}), "!pin_mismatch"),
    "a prefix of a neighbour": (replace(KNOWN, prefixes={"com.example.hell.": BOB.id}), "!package_unpinned"),
    "the longer prefix wins": (replace(KNOWN, prefixes={"com.": BOB.id, "com.example.": ADA.id}), "pinned"),
    "the longer prefix wins, against": (replace(KNOWN, prefixes={"com.": ADA.id, "com.example.": BOB.id}), "!pin_mismatch"),
    "the exact pin wins over the prefix": (replace(KNOWN, pins={ID: ADA.id}, prefixes={"com.example.": BOB.id}), "pinned"),
    "revoked": (replace(OWN, revoked_publishers=frozenset((ADA.id,))), "!revoked"),
    "revoked and pinned": (replace(KNOWN, pins={ID: ADA.id}, revoked_publishers=frozenset((ADA.id,))), "!revoked"),
    "revoked and unknown": (replace(NO_TRUST, revoked_publishers=frozenset((ADA.id,))), "!revoked"),
    "another is revoked": (replace(OWN, revoked_publishers=frozenset((BOB.id,))), "own key"),
    "trusted until now": (until(NOW), "own key"),
    "trusted until a second ago": (until(NOW - 1), "!expired"),
    "trusted until 1970": (until(0), "!expired"),
}


@pytest.mark.parametrize(("trust", "outcome"), CASES.values(), ids=CASES.keys())
def test_who_is_believed(trust: TrustState, outcome: str) -> None:
    if not outcome.startswith("!"):
        assert judge_publisher(ADA.chain, ID, trust, NOW) == outcome
        return
    with pytest.raises(Refused) as refusal:
        judge_publisher(ADA.chain, ID, trust, NOW)
    assert refusal.value.code == "publisher." + outcome[1:]
    assert refusal.value.exit_code == 20


@pytest.mark.parametrize(
    ("shown", "known", "newest"),
    [
        (ADA, None, ADA),
        (ADA, BOB, ADA),
        (ADA, ADA, ADA),
        (ADA2, ADA, ADA2),
        (ADA3, ADA, ADA3),
        (ADA, ADA2, ADA2),
        (ADA, ADA3, ADA3),
        (ADA2, ADA3, ADA3),
    ],
)
def test_the_longer_chain_wins(shown: object, known: object, newest: object) -> None:
    trust = NO_TRUST if known is None else trusting(known)  # type: ignore[arg-type]
    assert newest_chain(shown.chain, trust) is newest.chain  # type: ignore[attr-defined]


@pytest.mark.parametrize(("shown", "known"), [(ADA2, ADA2_OTHER), (ADA2_OTHER, ADA3), (ADA3, ADA2_OTHER)])
def test_a_fork_is_refused(shown: object, known: object) -> None:
    with pytest.raises(Refused) as refusal:
        newest_chain(shown.chain, trusting(known))  # type: ignore[attr-defined,arg-type]
    assert refusal.value.code == "publisher.fork"


FIXED = "ab" * 32
STATES = (
    NO_TRUST,
    OWN,
    KNOWN,
    until(1),
    until(2),
    trusting(ADA2),
    trusting(BOB),
    replace(NO_TRUST, pins={ID: ADA.id}),
    replace(NO_TRUST, pins={ID: BOB.id}),
    replace(NO_TRUST, prefixes={"com.": ADA.id}),
    replace(NO_TRUST, first_use=False),
    replace(NO_TRUST, revoked_publishers=frozenset((FIXED,))),
    replace(NO_TRUST, revoked_content=frozenset((FIXED,))),
    replace(NO_TRUST, installed=frozenset((FIXED,))),
)


def test_the_digest_tells_all_states_apart() -> None:
    assert len({state.digest for state in STATES}) == len(STATES)


def test_the_digest_depends_on_nothing_else() -> None:
    one = trusting(ADA, BOB, pins={"a.b": ADA.id, "a.c": BOB.id})
    two = trusting(BOB, ADA, pins={"a.c": BOB.id, "a.b": ADA.id})
    assert one.digest == two.digest


def test_owner() -> None:
    state = replace(NO_TRUST, pins={"a.b": "1"}, prefixes={"a.": "2", "a.b.": "3"})
    assert [state.owner(name) for name in ("a.b", "a.c", "a.b.c", "b.c", "a")] == ["1", "2", "3", None, None]
