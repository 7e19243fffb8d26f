"""Who calls: one identity out of all that was said, or a refusal; never a lower level in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.host.agent_identity import SPENT_KIND, IdentityRequest, identify, identify_fully, read_behalf, user_behind
from mpp.host.agent_store import BearerToken, KnownAgent, KnownAgents, new_token, token_digest
from mpp.host.oidc import Issuer, IssuerKey
from mpp.model.agents import ANONYMOUS, AgentIdentity, Delegation
from mpp.stages.policy import CallFacts, Organisation, make_statement
from mpp.stages.policy.identity_limits import DELEGATIONS_MAX
from mpp.testing.agents import FACTS, JTI, agent, link, proof
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.tokens import SpentOnce
from tests.unit.host.id_tokens import AUDIENCE, ISSUER_URL, id_token

TOKEN = new_token(TestRandom())
HELD = BearerToken(sha256=token_digest(TOKEN), until=NOW + 10, label="")
PLANNER_KEY, BOT_KEY = agent("planner").public_key, agent("acme/bot").public_key
ACME = Organisation(name="Acme", key=agent("acme").public_key, may_name="*")
ISSUER = Issuer(
    issuer=ISSUER_URL, audience=AUDIENCE, keys=(IssuerKey(kid="ed", kind="OKP", parts=(agent("issuer").public_key,)),), name_claim="sub", may_name="acme/*"
)  # fmt: skip
KNOWN = KnownAgents(
    agents={
        "planner": KnownAgent(name="planner", keys=(PLANNER_KEY,), tokens=(HELD,)),
        "ended": KnownAgent(name="ended", keys=(agent("ended").public_key,), tokens=(), until=NOW - 1),
        "ada": KnownAgent(name="ada", keys=(agent("ada").public_key,), is_user=True),
    },
    organisations={key_id(ACME.key): ACME},
    issuers={ISSUER.issuer: ISSUER},
)
ADA_SAID = Delegation(kind="user", name="ada", level="launched")
ADA_SIGNED = replace(ADA_SAID, level="signed")
ADA_LINK = link("planner", "user", "ada")


def ask(once: SpentOnce | None = None, facts: CallFacts | None = FACTS, now: int = NOW, **said: object) -> AgentIdentity:
    return identify(IdentityRequest(**said), KNOWN, facts, once or SpentOnce(), now)  # type: ignore[arg-type]


def refused(once: SpentOnce | None = None, facts: CallFacts | None = FACTS, now: int = NOW, **said: object) -> str:
    with pytest.raises(Refused) as refusal:
        ask(once, facts, now, **said)
    assert refusal.value.faults[0].hint
    return refusal.value.code


def statement(name: str = "acme/bot", key: str = "acme/bot", *, by: str = "acme", end: int = NOW + 10, roles: tuple[str, ...] = ()) -> bytes:
    return make_statement(agent(by), agent=name, public=agent(key).public_key, not_before=NOW - 10, not_after=end, jti=JTI, roles=roles)


def test_the_four_levels() -> None:
    assert ask() == ANONYMOUS
    assert ask(launched="planner") == AgentIdentity(name="planner", level="launched")
    assert ask(launched="stranger").name == "stranger"
    assert ask(token=TOKEN) == AgentIdentity(name="planner", level="token")
    assert ask(proof=proof()) == AgentIdentity(name="planner", level="signed", key=key_id(PLANNER_KEY))
    assert ask(launched="planner", token=TOKEN, proof=proof()).level == "signed"
    assert ask(facts=None, launched="planner", token=TOKEN).level == "token"


def test_what_does_not_hold_is_never_passed_over() -> None:
    assert refused(launched="planner", token="mppa_" + "A" * 43) == "agent.token"
    assert refused(launched="planner", token=TOKEN, now=NOW + 11) == "agent.expired"
    assert refused(launched="planner", token=TOKEN, proof=proof(by="worker")) == "agent.key"
    assert refused(launched="planner", proof=b"{}") == "agent.envelope"
    assert refused(launched="Planner") == "agent.name"
    assert refused(facts=None, proof=proof()) == "agent.proof"
    assert refused(launched="ended") == "agent.expired"
    assert refused(proof=proof("ended")) == "agent.expired"
    assert refused(launched="ada") == "agent.user"
    assert refused(proof=proof("ada")) == "agent.user"


@pytest.mark.parametrize(
    "said",
    [
        {"launched": "worker", "token": TOKEN},
        {"launched": "worker", "proof": proof()},
        {"token": TOKEN, "proof": proof("acme/bot"), "statement": statement()},
        {"proof": proof(), "statement": statement()},
    ],
    ids=range(4),
)
def test_claims_that_name_two_agents_are_refused(said: dict[str, object]) -> None:
    assert refused(**said) == "agent.contradiction"


def test_a_proof_is_spent_once_and_only_when_all_else_holds() -> None:
    once = SpentOnce()
    assert refused(once, launched="worker", proof=proof()) == "agent.contradiction"
    assert ask(once, proof=proof()).level == "signed"
    assert refused(once, proof=proof()) == "agent.replay"
    assert ask(once, proof=proof(jti="f" * 32)).level == "signed"
    assert not once.spend(SPENT_KIND, key_id(PLANNER_KEY) + JTI, NOW, NOW)


def test_an_organisation_vouches_for_its_agents() -> None:
    found = identify_fully(IdentityRequest(proof=proof("acme/bot"), statement=statement(roles=("reader",))), KNOWN, FACTS, SpentOnce(), NOW)
    assert found.identity == AgentIdentity(name="acme/bot", level="signed", key=key_id(BOT_KEY), issuer=key_id(ACME.key))
    assert (found.roles, found.proof_jti) == (("reader",), JTI)
    assert refused(proof=proof("acme/bot")) == "agent.key"
    assert refused(proof=proof("acme/bot", by="thief"), statement=statement()) == "agent.key"
    assert refused(proof=proof("acme/bot"), statement=statement(by="nobody")) == "agent.organisation"
    assert refused(proof=proof("acme/bot"), statement=statement(end=NOW - 1)) == "agent.expired"


def test_a_statement_alone_says_nothing() -> None:
    assert refused(statement=statement()) == "agent.statement"
    assert refused(id_token="x") == "agent.statement"
    assert refused(token=TOKEN, statement=statement("planner", "planner")) == "agent.statement"
    assert refused(proof=proof("acme/bot"), statement=statement(), id_token="x") == "agent.statement"


def test_nobody_vouches_for_a_name_that_this_host_knows() -> None:
    assert refused(proof=proof("planner", by="thief"), statement=statement("planner", "thief")) == "agent.key"
    own = identify_fully(IdentityRequest(proof=proof(), statement=statement("planner", "planner", roles=("r",))), KNOWN, FACTS, SpentOnce(), NOW)
    assert (own.identity.issuer, own.roles) == ("", ())


def test_an_issuer_vouches_for_the_key_in_its_token() -> None:
    found = ask(proof=proof("acme/bot", with_key=True), id_token=id_token("acme/bot", BOT_KEY))
    assert found == AgentIdentity(name="acme/bot", level="signed", key=key_id(BOT_KEY), issuer=ISSUER_URL)
    assert refused(proof=proof("acme/bot"), id_token=id_token("acme/bot", BOT_KEY)) == "agent.confirmation"
    assert refused(proof=proof("acme/bot", by="thief", with_key=True), id_token=id_token("acme/bot", BOT_KEY)) == "agent.confirmation"
    assert refused(proof=proof("acme/other", by="acme/bot", with_key=True), id_token=id_token("acme/bot", BOT_KEY)) == "agent.key"


def test_for_whom_an_agent_acts() -> None:
    assert ask(launched="planner", behalf=(ADA_SAID,)).behind == (ADA_SAID,)
    assert ask(token=TOKEN, behalf=(ADA_SAID,)).behind == (ADA_SAID,)
    assert ask(proof=proof(), behalf=(ADA_SAID,)).behind == (ADA_SAID,)
    assert ask(proof=proof(links=(ADA_LINK,))).behind == (ADA_SIGNED,)
    assert ask(proof=proof(links=(ADA_LINK,)), behalf=(ADA_SAID,)).behind == (ADA_SIGNED,)
    assert ask(proof=proof(links=(ADA_LINK,), user="ada")).behind == (ADA_SIGNED,)
    assert ask(proof=proof(user="ada"), behalf=(ADA_SAID,)).behind == (ADA_SAID,)
    assert refused(behalf=(ADA_SAID,)) == "agent.behalf"
    eve = replace(ADA_SAID, name="eve")
    assert refused(proof=proof(links=(ADA_LINK,)), behalf=(eve,)) == "agent.contradiction"
    assert refused(proof=proof(links=(ADA_LINK,)), behalf=(replace(ADA_SAID, kind="agent"),)) == "agent.contradiction"
    assert refused(proof=proof(user="ada"), behalf=(eve,)) == "agent.contradiction"


@pytest.mark.parametrize("count", [DELEGATIONS_MAX + 1, 40, 500])
def test_a_crowd_behind_an_agent_is_refused(count: int) -> None:
    """Attack: a chain that no question shows whole and no proof can hold."""
    crowd = tuple(Delegation(kind="agent", name=f"a{i}", level="launched") for i in range(count))
    for said in ({"launched": "planner"}, {"token": TOKEN}, {"proof": proof()}):
        assert refused(**said, behalf=crowd) == "agent.behalf"
    assert ask(launched="planner", behalf=crowd[:DELEGATIONS_MAX]).behind == crowd[:DELEGATIONS_MAX]


def test_the_word_of_the_agent_alone_is_shown_and_does_not_count() -> None:
    claimed = replace(ADA_SAID, level="anonymous")
    assert ask(proof=proof(user="ada")).behind == (claimed,)
    boss = Delegation(kind="agent", name="boss", level="launched")
    assert ask(proof=proof(user="ada"), behalf=(boss,)).behind == (boss, claimed)
    assert user_behind(ask(proof=proof(user="ada"))) == ""
    assert user_behind(ask(proof=proof(user="ada"), behalf=(ADA_SAID,))) == "ada"
    assert user_behind(ask(proof=proof(links=(ADA_LINK,)))) == "ada"
    assert user_behind(ask(launched="planner", behalf=(boss,))) == ""
    assert user_behind(ANONYMOUS) == ""


def test_who_is_between_ends_with_his_own_entry() -> None:
    ends = link("worker", "agent", "ended")
    assert refused(proof=proof("worker", links=(ends,)), statement=statement("worker", "worker")) == "agent.delegation_key"
    through = link("worker", "agent", "planner", parent=link("planner", "user", "ada", depth=1))
    found = ask(proof=proof("worker", links=(link("planner", "user", "ada", depth=1), through)), statement=statement("worker", "worker"))
    assert found.behind == (Delegation(kind="agent", name="planner", level="signed"), ADA_SIGNED)


@pytest.mark.parametrize(("text", "code"), [
    ("user:ada", ""), ("agent:acme/bot", ""), ("ada", "agent.behalf"), ("group:ada", "agent.behalf"), ("user:", "agent.name"), ("user:Ada", "agent.name"), ("", "agent.behalf"),
])  # fmt: skip
def test_a_start_option_names_a_user_or_an_agent(text: str, code: str) -> None:
    if code:
        with pytest.raises(Refused) as refusal:
            read_behalf(text)
        assert refusal.value.code == code
    else:
        kind, _, name = text.partition(":")
        assert read_behalf(text) == Delegation(kind=kind, name=name, level="launched")
