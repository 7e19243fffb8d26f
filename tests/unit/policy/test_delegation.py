"""Acting for somebody: a chain that begins with whoever is acted for and ends with whoever calls."""

from __future__ import annotations

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import Refused
from mpp.model.agents import Delegation
from mpp.model.jsontext import Json
from mpp.stages.policy import read_link, verify_delegations
from mpp.stages.policy.identity_limits import DELEGATION_SECONDS_MAX, DELEGATIONS_MAX
from mpp.testing.agents import Known, agent, link, resigned
from mpp.testing.packages import NOW

FIRST = link("planner", "user", "ada", depth=3)
SECOND = link("worker", "agent", "planner", parent=FIRST, depth=2)
THIRD = link("helper", "agent", "worker", parent=SECOND, depth=1)
FOURTH = link("last", "agent", "helper", parent=THIRD)
ALONE = link("worker", "agent", "planner")


def judge(links: tuple[bytes, ...], who: str, *, key: str = "", known: Known | None = None, now: int = NOW) -> tuple[Delegation, ...]:
    read = tuple(read_link(one, where="link") for one in links)
    return verify_delegations(read, who, agent(key or who).public_key, known or Known(), now, where="proof")


def refused(links: tuple[bytes, ...], who: str, *, key: str = "", known: Known | None = None, now: int = NOW) -> str:
    with pytest.raises(Refused) as refusal:
        judge(links, who, key=key, known=known, now=now)
    return refusal.value.code


def signed(kind: str, name: str) -> Delegation:
    return Delegation(kind=kind, name=name, level="signed")


def test_a_chain_shows_the_nearest_first() -> None:
    assert judge((), "planner") == ()
    assert judge((FIRST,), "planner") == (signed("user", "ada"),)
    assert judge((ALONE,), "worker") == (signed("agent", "planner"),)
    assert judge((FIRST, SECOND, THIRD, FOURTH), "last") == (
        signed("agent", "helper"),
        signed("agent", "worker"),
        signed("agent", "planner"),
        signed("user", "ada"),
    )


CHAINS: list[tuple[tuple[bytes, ...], str, str]] = [
    ((SECOND,), "worker", "agent.delegation"),
    ((FIRST,), "worker", "agent.delegation"),
    ((FIRST, SECOND), "planner", "agent.delegation"),
    ((SECOND, FIRST), "planner", "agent.delegation"),
    ((FIRST, THIRD), "helper", "agent.delegation"),
    ((FIRST, ALONE), "worker", "agent.delegation"),
    ((FIRST, FIRST), "planner", "agent.delegation"),
    ((link("planner", "user", "eve"),), "planner", "agent.delegation_key"),
    ((link("planner", "user", "ada", by="eve"),), "planner", "agent.delegation_key"),
    ((link("worker", "user", "planner"),), "worker", "agent.delegation_key"),
    ((link("planner", "agent", "ada"),), "planner", "agent.delegation_key"),
    ((link("planner", "user", "ada", key="stolen"),), "planner", "agent.delegation"),
    ((FIRST, resigned(SECOND, agent("eve"))), "worker", "agent.signature"),
    ((resigned(link("planner", "user", "ada"), agent("ada"), max_depth=0), resigned(SECOND, agent("planner"))), "worker", "agent.delegation"),
    ((link("planner", "user", "ada", start=NOW + 1),), "planner", "agent.early"),
    ((link("planner", "user", "ada", end=NOW - 1),), "planner", "agent.expired"),
    ((FIRST, link("worker", "agent", "planner", parent=FIRST, depth=0, end=NOW - 1)), "worker", "agent.expired"),
    ((FIRST, SECOND, THIRD, FOURTH, FOURTH), "last", "agent.delegation_depth"),
]  # fmt: skip


@pytest.mark.parametrize(("links", "who", "code"), CHAINS, ids=range(len(CHAINS)))
def test_another_chain_is_refused(links: tuple[bytes, ...], who: str, code: str) -> None:
    assert refused(links, who) == code
    assert len(CHAINS[-1][0]) == DELEGATIONS_MAX + 1


def test_nobody_goes_on_deeper_than_allowed() -> None:
    ends = link("planner", "user", "ada", depth=1)
    for depth in (1, 2):
        with pytest.raises(Refused) as refusal:
            link("worker", "agent", "planner", parent=ends, depth=depth)
        assert refusal.value.code == "agent.delegation_depth"
    last = link("planner", "user", "ada")
    forged = resigned(link("worker", "agent", "planner"), agent("planner"), parent=read_link(last, where="x").signed.digest)
    assert refused((last, forged), "worker") == "agent.delegation_depth"


def test_nobody_acts_for_himself_by_a_detour() -> None:
    back = link("planner", "agent", "worker", parent=SECOND)
    assert refused((FIRST, SECOND, back), "planner") == "agent.delegation_loop"
    renamed = link("second", "agent", "worker", parent=SECOND, key="planner")
    assert refused((FIRST, SECOND, renamed), "second", key="planner") == "agent.delegation_loop"
    oneself = link("planner", "agent", "planner")
    assert refused((oneself,), "planner") == "agent.delegation_loop"


def test_an_agent_between_that_this_host_knows_has_its_present_key() -> None:
    assert judge((FIRST, SECOND), "worker", known=Known(agent_planner=("planner", "older"))) != ()
    for keys in ((), ("another",)):
        assert refused((FIRST, SECOND), "worker", known=Known(agent_planner=keys)) == "agent.delegation_key"


def test_a_signature_under_a_known_name_must_verify() -> None:
    assert refused((resigned(FIRST, _Liar()),), "planner") == "agent.signature"


class _Liar(SeedSigner):
    """Claims the key of ada and signs with its own."""

    def __init__(self) -> None:
        super().__init__(bytes(32))

    @property
    def public_key(self) -> bytes:
        return agent("ada").public_key


WRONG: list[tuple[dict[str, Json], str]] = [
    ({"of": "Planner"}, "agent.form"), ({"of_key": base64text.encode(bytes(32))}, "agent.base64"), ({"for": {"kind": "group", "name": "ada"}}, "agent.choice"),
    ({"for": {"kind": "user", "name": "ada", "more": 1}}, "agent.unknown_key"), ({"for": "ada"}, "agent.type"), ({"for": None}, "agent.missing"),
    ({"max_depth": 4}, "agent.range"), ({"max_depth": -1}, "agent.range"), ({"parent": "x"}, "agent.form"), ({"parent": "0" * 65}, "agent.length"),
    ({"not_after": NOW + DELEGATION_SECONDS_MAX}, "agent.range"), ({"mpp_delegation": 2}, "agent.range"), ({"rights": ["all"]}, "agent.unknown_key"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), WRONG, ids=range(len(WRONG)))
def test_another_form_is_refused(changes: dict[str, Json], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_link(resigned(FIRST, agent("ada"), **changes), where="link")
    assert refusal.value.code == code


def test_what_is_made_can_be_read() -> None:
    for name, kind in (("Ada", "user"), ("ada", "group")):
        with pytest.raises(Refused):
            link("planner", kind, name)
    with pytest.raises(Refused) as refusal:
        link("other", "agent", "worker", parent=FIRST)
    assert refusal.value.code == "agent.delegation"
