"""T57, false callers: a proof, token or statement that is replayed, taken elsewhere, forged, or says more than its maker may say."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.crypto.context_token import sign_context, verify_context
from mpp.crypto.ed25519 import key_id
from mpp.crypto.jws import encode_part
from mpp.errors import MppError, Refused
from mpp.host.agent_identity import IdentityRequest, identify
from mpp.host.agent_store import BearerToken, KnownAgent, KnownAgents, new_token, token_digest
from mpp.host.oidc import Issuer
from mpp.host.stores.approvals import ApprovalsStore
from mpp.host.system import SystemRandom
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json, canonical
from mpp.ports import Once
from mpp.stages.policy import CallFacts, Organisation, make_statement
from mpp.testing.agents import FACTS, HOST, JTI, agent, link, proof, resigned
from mpp.testing.packages import NOW
from tests.unit.host.id_tokens import AUDIENCE, ISSUER_URL, claims_of, compact, id_token, keys

TOKEN = new_token(SystemRandom())
KNOWN = KnownAgents(
    agents={
        "planner": KnownAgent(
            name="planner", keys=(agent("planner").public_key,), tokens=(BearerToken(sha256=token_digest(TOKEN), until=NOW + 10, label=""),)
        ),
        "worker": KnownAgent(name="worker", keys=(agent("worker").public_key,)),
        "ada": KnownAgent(name="ada", keys=(agent("ada").public_key,), is_user=True),
    },
    organisations={key_id(agent("acme").public_key): Organisation(name="Acme", key=agent("acme").public_key, may_name="acme/*")},
    issuers={ISSUER_URL: Issuer(issuer=ISSUER_URL, audience=AUDIENCE, keys=tuple(keys().values()), name_claim="sub", may_name="acme/*")},
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ApprovalsStore]:
    made = ApprovalsStore(str(tmp_path / "approvals" / "approvals.sqlite"))
    yield made
    made.close()


def call(once: Once, facts: CallFacts = FACTS, now: int = NOW, **said: object) -> AgentIdentity:
    return identify(IdentityRequest(**said), KNOWN, facts, once, now)  # type: ignore[arg-type]


def refused(once: Once, facts: CallFacts = FACTS, now: int = NOW, **said: object) -> str:
    with pytest.raises(Refused) as refusal:
        call(once, facts, now, **said)
    assert refusal.value.exit_code == 25
    return refusal.value.code


# --- replay


def test_a_proof_is_used_once_on_the_same_host(store: ApprovalsStore) -> None:
    assert call(store, proof=proof()).level == "signed"
    for later in (0, 1, 29):
        assert refused(store, now=NOW + later, proof=proof()) == "agent.replay"


def test_nor_after_a_restart(store: ApprovalsStore) -> None:
    call(store, proof=proof())
    store.close()
    again = ApprovalsStore(store.path)
    assert refused(again, proof=proof()) == "agent.replay"
    again.close()


SPEND = """
import sys
from mpp.host.agent_identity import IdentityRequest, identify
from mpp.host.stores.approvals import ApprovalsStore
from mpp.errors import Refused
from tests.attack.test_t57_agent_proofs import FACTS, KNOWN, NOW, proof
try:
    identify(IdentityRequest(proof=proof()), KNOWN, FACTS, ApprovalsStore(sys.argv[1]), NOW)
    print("taken")
except Refused as fault:
    print(fault.code)
"""


def test_of_many_processes_one_takes_it(store: ApprovalsStore, root: Path) -> None:
    started = [subprocess.Popen([sys.executable, "-c", SPEND, store.path], stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(4)]
    said = sorted(process.communicate(timeout=120)[0].strip() for process in started)
    assert said == ["agent.replay"] * 3 + ["taken"]


def test_of_many_threads_one_takes_it(store: ApprovalsStore) -> None:
    def one(_: int) -> str:
        try:
            return call(store, proof=proof()).level
        except MppError as fault:
            return fault.code

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(one, range(64)))
    assert sorted(said) == ["agent.replay"] * 63 + ["signed"]


def test_a_clock_that_is_set_back_revives_none(store: ApprovalsStore) -> None:
    call(store, proof=proof())
    call(store, now=NOW + 3000, proof=proof(jti="f" * 32, now=NOW + 3000))
    assert refused(store, proof=proof()) == "agent.replay"


@pytest.mark.parametrize(("elsewhere", "code"), [
    (replace(FACTS, audience="1" * 64), "agent.audience"),
    (replace(FACTS, tool="delete"), "agent.tool"),
    (replace(FACTS, argument_sha256="1" * 64), "agent.arguments"),
    (replace(FACTS, package_id="com.example.other"), "agent.package"),
    (replace(FACTS, publisher_id="1" * 64), "agent.package"),
])  # fmt: skip
def test_nor_for_anything_else_and_then_it_is_not_burnt(store: ApprovalsStore, elsewhere: CallFacts, code: str) -> None:
    assert refused(store, elsewhere, proof=proof()) == code
    assert call(store, proof=proof()).level == "signed"


@pytest.mark.parametrize(("now", "code"), [(NOW + 31, "agent.expired"), (NOW + 10**8, "agent.expired"), (NOW - 6, "agent.early"), (NOW - 10**8, "agent.early")])
def test_a_proof_of_another_time(store: ApprovalsStore, now: int, code: str) -> None:
    assert refused(store, now=now, proof=proof()) == code


# --- somebody else's name


def test_a_proof_by_the_key_of_another_agent(store: ApprovalsStore) -> None:
    assert refused(store, proof=proof("planner", by="worker")) == "agent.key"
    claims = json.loads(proof("planner"))
    claims["signatures"] = json.loads(proof("worker"))["signatures"]
    assert refused(store, proof=canonical(claims)) == "agent.key"
    renamed = json.loads(proof("planner", by="worker"))
    renamed["signatures"][0]["keyid"] = key_id(agent("planner").public_key)
    assert refused(store, proof=canonical(renamed)) == "agent.signature"


@pytest.mark.parametrize("change", [{"agent": "worker"}, {"aud": "1" * 64}, {"tool": "delete"}, {"jti": "1" * 32}, {"iat": NOW + 1}])
def test_a_changed_proof_under_the_old_signature(store: ApprovalsStore, change: dict[str, Json]) -> None:
    old, new = json.loads(proof()), json.loads(resigned(proof(), agent("planner"), **change))
    facts = replace(FACTS, audience=change.get("aud", FACTS.audience), tool=change.get("tool", FACTS.tool))  # type: ignore[arg-type]
    assert refused(store, facts, proof=canonical({**new, "signatures": old["signatures"]})) in {"agent.signature", "agent.key"}


def test_signatures_over_other_documents_are_no_proofs(store: ApprovalsStore) -> None:
    document = json.loads(link("worker", "agent", "planner"))
    for kind in ("application/vnd.mpp.agent-proof+json", document["payloadType"]):
        assert refused(store, proof=canonical({**document, "payloadType": kind})) in {"agent.envelope", "agent.missing"}
    sound = json.loads(proof())
    assert refused(store, proof=canonical({**sound, "payloadType": "application/vnd.in-toto+json"})) == "agent.envelope"


def test_no_lower_level_in_silence(store: ApprovalsStore) -> None:
    for said in (
        {"proof": b"x"}, {"proof": proof(by="worker")}, {"token": TOKEN + "x"}, {"token": TOKEN, "proof": b"{}"}, {"launched": "worker", "token": TOKEN},
        {"launched": "ada"},
    ):  # fmt: skip
        assert refused(store, **{"launched": "planner", **said}).startswith("agent.")


def test_two_names_in_one_call(store: ApprovalsStore) -> None:
    assert refused(store, token=TOKEN, proof=proof("worker")) == "agent.contradiction"


# --- who vouches for whom


def statement(name: str, key: str, *, by: str = "acme", start: int = NOW - 1, end: int = NOW + 1) -> bytes:
    return make_statement(agent(by), agent=name, public=agent(key).public_key, not_before=start, not_after=end, jti=JTI)


@pytest.mark.parametrize(("name", "signed", "code"), [
    ("other/bot", statement("other/bot", "other/bot"), "agent.may_name"),
    ("acme", statement("acme", "acme"), "agent.may_name"),
    ("planner", statement("planner", "thief"), "agent.may_name"),
    ("acme/bot", statement("acme/bot", "acme/bot", end=NOW - 1), "agent.expired"),
    ("acme/bot", statement("acme/bot", "acme/bot", start=NOW + 1), "agent.early"),
    ("acme/bot", statement("acme/bot", "acme/bot", by="planner"), "agent.organisation"),
    ("acme/bot", statement("acme/other", "acme/bot"), "agent.key"),
])  # fmt: skip
def test_an_organisation_says_no_more_than_it_may(store: ApprovalsStore, name: str, signed: bytes, code: str) -> None:
    assert refused(store, proof=proof(name), statement=signed) == code


def test_the_statement_of_somebody_else_does_not_help(store: ApprovalsStore) -> None:
    assert refused(store, proof=proof("acme/bot", by="thief"), statement=statement("acme/bot", "acme/bot")) == "agent.key"
    assert refused(store, launched="acme/bot", statement=statement("acme/bot", "acme/bot")) == "agent.statement"


BOT = agent("acme/bot").public_key


@pytest.mark.parametrize("token", [
    f"{encode_part(json.dumps({'alg': 'none', 'kid': 'ed'}).encode())}.{encode_part(json.dumps(claims_of('acme/bot', BOT)).encode())}.",
    compact({"alg": "none", "kid": "ed"}, claims_of("acme/bot", BOT), lambda message: b"x"),
    compact({"alg": "HS256", "kid": "rsa"}, claims_of("acme/bot", BOT), lambda message: hmac.digest(keys()["rsa"].parts[0], message, "sha256")),
    compact({"alg": "HS256", "kid": "ed"}, claims_of("acme/bot", BOT), lambda message: hmac.digest(keys()["ed"].parts[0], message, "sha256")),
    compact({"alg": "EdDSA", "kid": "thief"}, claims_of("acme/bot", BOT), agent("thief").sign),
    compact({"alg": "EdDSA", "kid": "ed"}, claims_of("acme/bot", BOT), agent("thief").sign),
    compact(
        {"alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode_part(agent("thief").public_key)}}, claims_of("acme/bot", BOT), agent("thief").sign
    ),
    id_token("acme/bot", BOT, by="ec", header={"kid": "rsa"}),
    id_token("acme/bot", agent("thief").public_key),
    id_token("acme/bot", BOT, cnf=None),
    id_token("acme/bot", BOT, aud="another host"),
    id_token("planner", BOT),
], ids=range(12))  # fmt: skip
def test_id_tokens_that_are_none(store: ApprovalsStore, token: str) -> None:
    assert refused(store, proof=proof("acme/bot", with_key=True), id_token=token).startswith("agent.")


def test_the_id_token_of_somebody_else_with_ones_own_key(store: ApprovalsStore) -> None:
    stolen = id_token("acme/bot", BOT)
    assert refused(store, proof=proof("acme/bot", by="thief", with_key=True), id_token=stolen) == "agent.confirmation"
    assert call(store, proof=proof("acme/bot", with_key=True), id_token=stolen).issuer == ISSUER_URL


# --- acting for somebody


def test_delegations_that_do_not_hold(store: ApprovalsStore) -> None:
    ada = link("planner", "user", "ada", depth=1)
    down = link("worker", "agent", "planner", parent=ada)
    cases: list[tuple[str, tuple[bytes, ...], str]] = [
        ("worker", (ada,), "agent.delegation"),
        ("worker", (down,), "agent.delegation"),
        ("worker", (down, ada), "agent.delegation"),
        ("planner", (link("planner", "user", "ada", by="planner"),), "agent.delegation_key"),
        ("planner", (link("planner", "user", "eve"),), "agent.delegation_key"),
        ("planner", (link("planner", "agent", "planner"),), "agent.delegation_loop"),
        ("planner", (ada, link("worker", "agent", "planner", parent=ada), resigned(ada, agent("worker"))), "agent.delegation"),
        ("worker", (link("planner", "user", "ada"), resigned(down, agent("planner"))), "agent.delegation"),
        ("planner", (link("planner", "user", "ada", end=NOW - 1),), "agent.expired"),
        ("planner", (ada,) * 5, "agent.length"),
    ]
    for who, links, code in cases:
        assert refused(store, proof=proof(who, links=links)) == code, code
    assert [one.name for one in call(store, proof=proof("worker", links=(ada, down))).behind] == ["planner", "ada"]


# --- the context at a back end


def test_a_context_is_for_one_back_end_and_one_minute() -> None:
    context: dict[str, Json] = {"agent": {"name": "planner", "proof": "signed"}}
    token = sign_context(HOST, context, audience="https://crm.example.com", agent="planner", now=NOW, jti=JTI)
    for audience, public, now, code in (
        ("https://other.example.com", HOST.public_key, NOW, "agent.audience"),
        ("https://crm.example.com", agent("thief").public_key, NOW, "agent.jws_key"),
        ("https://crm.example.com", HOST.public_key, NOW + 66, "agent.expired"),
        ("https://crm.example.com", HOST.public_key, NOW - 6, "agent.early"),
    ):
        with pytest.raises(Refused) as refusal:
            verify_context(token, audience, public, now)
        assert refusal.value.code == code
