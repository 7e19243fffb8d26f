"""An organisation vouches for its agents, and only for those that it may name."""

from __future__ import annotations

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.policy import Organisation, make_statement, verify_statement
from mpp.stages.policy.identity_limits import ROLES_MAX, STATEMENT_BYTES_MAX, STATEMENT_SECONDS_MAX
from mpp.testing.agents import JTI, agent, resigned
from mpp.testing.packages import NOW

ACME, OTHER = agent("acme"), agent("other")
BOT = agent("acme/bot").public_key
KNOWN = {key_id(ACME.public_key): Organisation(name="Acme", key=ACME.public_key, may_name="acme/*")}


def made(**changes: Json) -> bytes:
    sound = make_statement(ACME, agent="acme/bot", public=BOT, not_before=NOW - 10, not_after=NOW + 10, jti=JTI, roles=("reader",))
    return resigned(sound, ACME, **changes) if changes else sound


def refused(data: bytes, now: int = NOW) -> str:
    with pytest.raises(Refused) as refusal:
        verify_statement(data, KNOWN, now)
    assert refusal.value.faults[0].hint
    return refusal.value.code


def test_a_sound_statement_names_the_key_of_an_agent() -> None:
    found = verify_statement(made(), KNOWN, NOW)
    assert (found.agent, found.public, found.roles, found.issuer, found.organisation, found.jti, found.not_after) == (
        "acme/bot", BOT, ("reader",), key_id(ACME.public_key), "Acme", JTI, NOW + 10,
    )  # fmt: skip
    assert verify_statement(made(roles=None), KNOWN, NOW).roles == ()


@pytest.mark.parametrize(("now", "code"), [(NOW - 11, "agent.early"), (NOW - 10, ""), (NOW + 10, ""), (NOW + 11, "agent.expired")])
def test_it_holds_for_its_time(now: int, code: str) -> None:
    if code:
        assert refused(made(), now) == code
    else:
        assert verify_statement(made(), KNOWN, now).agent == "acme/bot"


WRONG: list[tuple[dict[str, Json], str]] = [
    ({"agent": "evil/bot"}, "agent.may_name"), ({"agent": "acme"}, "agent.may_name"), ({"agent": "Acme/bot"}, "agent.form"), ({"agent": None}, "agent.missing"),
    ({"key": base64text.encode(bytes(32))}, "agent.base64"), ({"key": base64text.encode(BOT)[:-1]}, "agent.base64"), ({"key": None}, "agent.missing"),
    ({"not_after": NOW - 11}, "agent.range"), ({"not_after": NOW - 10 + STATEMENT_SECONDS_MAX + 1}, "agent.range"), ({"not_before": True}, "agent.type"),
    ({"jti": "1"}, "agent.form"), ({"jti": None}, "agent.missing"), ({"roles": []}, "agent.length"), ({"roles": ["a"] * 2}, "agent.duplicate"),
    ({"roles": ["Reader"]}, "agent.form"), ({"roles": [f"r{i}" for i in range(ROLES_MAX + 1)]}, "agent.length"), ({"mpp_agent_statement": 2}, "agent.range"),
    ({"mpp_agent_statement": None}, "agent.missing"), ({"admin": True}, "agent.unknown_key"), ({"agent": "acme/bot\u200b"}, "agent.form"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), WRONG, ids=range(len(WRONG)))
def test_another_statement_is_refused(changes: dict[str, Json], code: str) -> None:
    assert refused(made(**changes)) == code


def test_only_known_organisations_count_and_their_signatures_hold() -> None:
    assert refused(resigned(made(), OTHER)) == "agent.organisation"
    mine = Organisation(name="Acme", key=OTHER.public_key, may_name="acme/*")
    with pytest.raises(Refused) as refusal:
        verify_statement(made(), {key_id(ACME.public_key): mine}, NOW)
    assert refusal.value.code == "agent.signature"
    spoilt = made().replace(b'"sig":"', b'"sig":"AA')
    assert refused(spoilt) == "agent.envelope"


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * (2 * STATEMENT_BYTES_MAX + 1), b'{"payload":"","payloadType":"x","signatures":[]}'])
def test_what_is_no_statement_is_refused(data: bytes) -> None:
    assert refused(data) == "agent.envelope"
