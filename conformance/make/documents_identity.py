"""Who calls: proofs of agents, statements of organisations, delegations. Spec: identity.md sections 4 to 6."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from conformance.make import curve
from conformance.make.build import NOW, compact
from conformance.make.documents import (
    DAY,
    HOST,
    JTI,
    OTHER_HOST,
    STRANGER,
    Change,
    Document,
    Sign,
    by_stranger,
    changed,
    public,
    sealed,
    signer_id,
    sound,
    spoilt,
)
from mpp.crypto.base64text import encode
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.testing.agents import agent

# One case a line, however long.
# fmt: off

PROOF_TYPE = "application/vnd.mpp.agent-proof+json"
STATEMENT_TYPE = "application/vnd.mpp.agent-statement+json"
LINK_TYPE = "application/vnd.mpp.delegation+json"
PUBLISHER, ARGUMENTS = "a" * 64, "b" * 64
PLANNER, SECOND, BOT, HELPER, ADA, EVE, ACME = (agent(name) for name in ("planner", "planner 2", "acme/bot", "helper", "ada", "eve", "acme"))


def _entry(name: str, *keys: SeedSigner, **more: Json) -> Json:
    return {"name": name, "keys": [public(one) for one in keys], "tokens": [], **more}


AGENTS: dict[str, Json] = {
    "mpp_agents": 1,
    "agents": [
        _entry("ada", ADA, user=True),
        _entry("former", agent("former"), until=NOW - 1),
        _entry("planner", PLANNER, SECOND),
        _entry("reviewer", agent("reviewer"), until=NOW),
    ],
    "organisations": [{"name": "Acme", "key": public(ACME), "may_name": "acme/*"}],
    "issuers": [],
}
CALL: dict[str, Json] = {"tool": "lookup", "publisher": PUBLISHER, "package": "com.example.crm", "argument_sha256": ARGUMENTS}
CONTEXT: dict[str, Json] = {"now": NOW, "host": signer_id(HOST), "call": CALL, "agents": AGENTS}
SHARED: Mapping[str, Mapping[str, Json]] = {"agent": CONTEXT}

PROOF: dict[str, Json] = {
    "mpp_agent_proof": 1, "agent": "planner", "aud": signer_id(HOST), "tool": "lookup", "package": f"{PUBLISHER}/com.example.crm", "argument_sha256": ARGUMENTS, "jti": JTI, "iat": NOW,
}
STATEMENT: dict[str, Json] = {"mpp_agent_statement": 1, "agent": "acme/bot", "key": public(BOT), "not_before": NOW - 10, "not_after": NOW + 1000, "jti": JTI}
SAID: Json = json.loads(sealed(STATEMENT_TYPE, STATEMENT, ACME))
BOT_PROOF: Change = {"agent": "acme/bot"}


@dataclass(frozen=True, kw_only=True)
class Link:
    """``of`` acts for somebody, who signs it."""

    body: Mapping[str, Json]
    by: SeedSigner
    sign: Sign = sound

    @property
    def json(self) -> Json:
        found: Json = json.loads(sealed(LINK_TYPE, self.body, self.by, sign=self.sign))
        return found

    @property
    def digest(self) -> str:
        return sha256(compact({**self.body})).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A chain of links and what is wrong with it."""

    name: str
    title: str
    clauses: str
    links: tuple[Link, ...]
    code: str = ""
    behalf: tuple[tuple[str, str], ...] = ()
    """Kind and name of each for whom the agent acts, the nearest first."""
    proof: Change = field(default_factory=dict)
    by: SeedSigner = PLANNER


def link(of: SeedSigner, name: str, for_: tuple[str, str], by: SeedSigner, *, after: Link | None = None, depth: int = 0, **more: Json) -> Link:
    """The owner of ``of``, called ``name``, acts for ``for_``: its kind and its name."""
    kind, whom = for_
    body: dict[str, Json] = {
        "mpp_delegation": 1, "of": name, "of_key": public(of), "for": {"kind": kind, "name": whom}, "not_before": NOW - 10, "not_after": NOW + 1000,
        "max_depth": depth, "parent": after.digest if after is not None else "",
    }
    return Link(body={**body, **more}, by=by)


def proofs() -> Iterator[Document]:
    """Proofs that hold, with what the host then knows."""
    planner: dict[str, Json] = {"name": "planner", "proof": "signed", "key": signer_id(PLANNER)}
    bot: dict[str, Json] = {"name": "acme/bot", "proof": "signed", "key": signer_id(BOT), "issuer": signer_id(ACME)}
    for_ada: Json = [{"kind": "user", "name": "ada", "proof": "anonymous"}]
    with_roles: Json = json.loads(sealed(STATEMENT_TYPE, {**STATEMENT, "roles": ["reader", "crm.editor"]}, ACME))
    rows: tuple[tuple[str, str, str, SeedSigner, Change, Change, dict[str, Json], list[Json]], ...] = (
        ("sound", "A proof of this call on this host", "I-3 I-30 I-31 I-32", PLANNER, {}, {}, planner, []),
        ("second-key", "Signed with the second key of the agent", "I-30", SECOND, {}, {}, {**planner, "key": signer_id(SECOND)}, []),
        ("oldest", "Made 30 seconds ago", "I-32", PLANNER, {"iat": NOW - 30}, {}, planner, []),
        ("newest", "Made 5 seconds from now, by the clock of this host", "I-32", PLANNER, {"iat": NOW + 5}, {}, planner, []),
        ("last-second", "The entry of the agent ends in this very second", "I-6", agent("reviewer"), {"agent": "reviewer"}, {}, {"name": "reviewer", "proof": "signed", "key": signer_id(agent("reviewer"))}, []),
        ("key-along", "The key that signs goes along", "I-30", PLANNER, {"key": public(PLANNER)}, {}, planner, []),
        ("user-said", "The agent says for whom it calls; nobody else does", "I-34", PLANNER, {"user": "ada"}, {}, {**planner, "behalf": for_ada}, []),
        ("launched-same", "The start options name the same agent", "I-5", PLANNER, {}, {"launched": "planner"}, planner, []),
        ("spent-other", "Another proof of the same key was used before", "I-33", PLANNER, {}, {"spent": [[signer_id(PLANNER), "f" * 32]]}, planner, []),
        ("spent-by-other", "The same jti was used by another key", "I-33", PLANNER, {}, {"spent": [[signer_id(SECOND), JTI]]}, planner, []),
        ("statement", "An organisation says whose key it is", "I-30 I-40", BOT, BOT_PROOF, {"statement": SAID}, bot, []),
        ("statement-roles", "An organisation says whose key it is, with roles", "I-40", BOT, BOT_PROOF, {"statement": with_roles}, bot, ["reader", "crm.editor"]),
    )
    for name, title, clauses, by, change, around, found, roles in rows:
        result: Json = {"agent": found, "user": "", "jti": JTI, "roles": roles}
        yield Document(kind="agent-proof", name=name, title=title, clauses=clauses, data=sealed(PROOF_TYPE, changed(PROOF, change), by), context={**CONTEXT, **around} if around else "agent", result=result)


# Proofs that do not hold: name, title, clauses, code, who signs, changes of the proof, changes of the context.
BAD_PROOFS: tuple[tuple[str, str, str, str, SeedSigner, Change, Change], ...] = (
    ("audience-other", "For another host", "I-31", "audience", PLANNER, {"aud": signer_id(OTHER_HOST)}, {}),
    ("tool-other", "For another tool", "I-31", "tool", PLANNER, {"tool": "delete"}, {}),
    ("tool-case", "For a tool of the same name in upper case", "I-31", "tool", PLANNER, {"tool": "Lookup"}, {}),
    ("package-other", "For another package of the publisher", "I-31", "package", PLANNER, {"package": f"{PUBLISHER}/com.example.crm2"}, {}),
    ("publisher-other", "For a package of the same name by another publisher", "I-31", "package", PLANNER, {"package": f"{'c' * 64}/com.example.crm"}, {}),
    ("arguments-other", "For other arguments", "I-31", "arguments", PLANNER, {"argument_sha256": "0" * 64}, {}),
    ("too-old", "Made 31 seconds ago", "I-32", "expired", PLANNER, {"iat": NOW - 31}, {}),
    ("too-early", "Made 6 seconds from now", "I-32", "early", PLANNER, {"iat": NOW + 6}, {}),
    ("replayed", "Used before", "I-33", "replay", PLANNER, {}, {"spent": [[signer_id(PLANNER), JTI]]}),
    ("key-stranger", "Signed by a key that nobody here knows", "I-30", "key", STRANGER, {}, {}),
    ("key-of-user", "Signed with the key of a user", "I-30", "key", ADA, {}, {}),
    ("agent-unknown", "The agent is not known here", "I-30", "key", agent("nobody"), {"agent": "nobody"}, {}),
    ("agent-is-user", "A user of this host as agent", "I-6", "user", ADA, {"agent": "ada"}, {}),
    ("agent-ended", "The entry of the agent has ended", "I-6", "expired", agent("former"), {"agent": "former"}, {}),
    ("agent-upper-case", "The name of the agent in upper case", "I-1", "form", PLANNER, {"agent": "Planner"}, {}),
    ("agent-look-alike", "A Cyrillic letter in the name of the agent", "I-1", "form", PLANNER, {"agent": "pl\u0430nner"}, {}),
    ("launched-other", "The start options name another agent", "I-5", "contradiction", PLANNER, {}, {"launched": "helper"}),
    ("key-along-other", "Another key goes along than the one that signs", "I-30", "form", PLANNER, {"key": public(STRANGER)}, {}),
    ("key-along-small-order", "A key of small order goes along", "I-27 K-2", "base64", PLANNER, {"key": encode(curve.EIGHT)}, {}),
    ("version-2", "A later version of the proof", "I-26", "range", PLANNER, {"mpp_agent_proof": 2}, {}),
    ("jti-missing", "No jti", "I-26 I-27", "missing", PLANNER, {"jti": None}, {}),
    ("jti-short", "A jti of 31 digits", "I-27", "form", PLANNER, {"jti": JTI[1:]}, {}),
    ("jti-upper-case", "A jti in upper case", "I-27", "form", PLANNER, {"jti": JTI.upper()}, {}),
    ("iat-text", "A text as time", "I-26", "type", PLANNER, {"iat": str(NOW)}, {}),
    ("iat-true", "True as time", "I-26", "type", PLANNER, {"iat": True}, {}),
    ("iat-decimal", "A decimal number as time", "I-26 K-10", "json", PLANNER, {"iat": NOW + 0.5}, {}),
    ("iat-beyond", "A time after the year 9999", "I-27", "range", PLANNER, {"iat": 253402300800}, {}),
    ("key-unknown", "A key that nobody knows", "I-26", "unknown_key", PLANNER, {"level": "signed"}, {}),
    ("user-upper-case", "The name of the user in upper case", "I-1", "form", PLANNER, {"user": "Ada"}, {}),
    ("statement-other-agent", "A statement about another agent comes along", "I-5", "contradiction", PLANNER, {}, {"statement": SAID}),
    ("statement-other-key", "The statement names another key than the one that signs", "I-30", "key", STRANGER, BOT_PROOF, {"statement": SAID}),
    ("statement-absent", "A name that only a statement could vouch for", "I-30", "key", BOT, BOT_PROOF, {}),
)


def bad_proofs() -> Iterator[Document]:
    """Proofs with one defect."""
    for name, title, clauses, code, by, change, around in BAD_PROOFS:
        yield Document(kind="agent-proof", name=name, title=title, clauses=clauses, code=f"agent.{code}", data=sealed(PROOF_TYPE, changed(PROOF, change), by), context={**CONTEXT, **around} if around else "agent")
    # An organisation names an agent that this host knows itself, with a key of its own.
    over: Json = {**AGENTS, "organisations": [{"name": "Acme", "key": public(ACME), "may_name": "*"}]}
    claim: Json = json.loads(sealed(STATEMENT_TYPE, {**STATEMENT, "agent": "planner"}, ACME))
    yield Document(kind="agent-proof", name="statement-takes-over", title="A statement with another key for an agent that is in the host's own list", clauses="I-42", code="agent.key", data=sealed(PROOF_TYPE, PROOF, BOT), context={**CONTEXT, "agents": over, "statement": claim})
    for name, title, clauses, what, data in spoilt(PROOF_TYPE, PROOF, PLANNER, other_type=STATEMENT_TYPE):
        yield Document(kind="agent-proof", name=name, title=title, clauses=f"I-25 {clauses}", code=f"agent.{what}", data=data, context="agent")
    long = sealed(PROOF_TYPE, {**PROOF, "user": "U" * 262_144}, PLANNER)
    yield Document(kind="agent-proof", name="too-long", title="Larger than any proof", clauses="I-25", code="agent.envelope", data=long, context="agent")


# Statements that hold: name, title, clauses, changes, roles.
STATEMENTS: tuple[tuple[str, str, str, Change], ...] = (
    ("sound", "An organisation names an agent that it may name", "I-40", {}),
    ("roles", "With roles", "I-40", {"roles": ["reader", "crm.editor"]}),
    ("first-second", "It holds from this very second on", "I-27", {"not_before": NOW}),
    ("last-second", "It holds until this very second", "I-27", {"not_after": NOW}),
    ("longest", "It holds for 400 days", "I-27", {"not_before": NOW, "not_after": NOW + 400 * DAY}),
    ("name-longest", "A name of 100 characters", "I-1", {"agent": "acme/" + "b" * 95}),
)

# Statements that do not: name, title, clauses, code, who signs, changes, what the organisation may name.
BAD_STATEMENTS: tuple[tuple[str, str, str, str, SeedSigner, Change, str], ...] = (
    ("organisation-unknown", "By an organisation that this host does not know", "I-40", "organisation", STRANGER, {}, "acme/*"),
    ("by-itself", "The agent vouches for itself", "I-40", "organisation", BOT, {}, "acme/*"),
    ("may-not-name", "A name that the organisation may not name", "I-40", "may_name", ACME, {"agent": "other/bot"}, "acme/*"),
    ("may-not-name-prefix", "A name that begins alike and goes on in another way", "I-40", "may_name", ACME, {"agent": "acme.evil/bot"}, "acme/*"),
    ("may-not-name-other", "An organisation that may name one agent, and names another", "I-40", "may_name", ACME, {"agent": "acme/bot2"}, "acme/bot"),
    ("may-not-name-nothing", "Nothing stands for the star", "I-2", "may_name", ACME, {"agent": "acme"}, "acme*"),
    ("may-not-name-overlap", "Beginning and end of the pattern overlap in the name", "I-2", "may_name", ACME, {"agent": "aba"}, "ab*ba"),
    ("expired", "It ended a second ago", "I-27", "expired", ACME, {"not_after": NOW - 1}, "acme/*"),
    ("early", "It holds from the next second on", "I-27", "early", ACME, {"not_before": NOW + 1}, "acme/*"),
    ("too-long-a-time", "It holds for 400 days and a second", "I-27", "range", ACME, {"not_before": NOW, "not_after": NOW + 400 * DAY + 1}, "acme/*"),
    ("backwards", "Its end lies before its beginning", "I-27", "range", ACME, {"not_before": NOW + 1, "not_after": NOW}, "acme/*"),
    ("key-small-order", "The key of the agent has small order", "I-27 K-2", "base64", ACME, {"key": encode(curve.EIGHT)}, "acme/*"),
    ("key-unpadded", "The key of the agent without its padding", "I-27", "base64", ACME, {"key": public(BOT).rstrip("=")}, "acme/*"),
    ("roles-empty", "An empty list of roles", "I-26", "length", ACME, {"roles": []}, "acme/*"),
    ("roles-many", "17 roles", "I-26", "length", ACME, {"roles": [f"r{i}" for i in range(17)]}, "acme/*"),
    ("role-form", "A role in upper case", "I-26", "form", ACME, {"roles": ["Reader"]}, "acme/*"),
    ("role-twice", "One role twice", "I-26", "duplicate", ACME, {"roles": ["reader", "reader"]}, "acme/*"),
    ("name-dots", "A name with a part of two dots", "I-1", "form", ACME, {"agent": "acme/.."}, "acme/*"),
    ("name-long", "A name of 101 characters", "I-1", "length", ACME, {"agent": "acme/" + "b" * 96}, "acme/*"),
    ("version-2", "A later version of the statement", "I-26", "range", ACME, {"mpp_agent_statement": 2}, "acme/*"),
    ("jti-missing", "No jti", "I-26 I-27", "missing", ACME, {"jti": None}, "acme/*"),
    ("key-unknown", "A key that nobody knows", "I-26", "unknown_key", ACME, {"level": "signed"}, "acme/*"),
)


def _judged_by(may_name: str) -> dict[str, Json]:
    return {"now": NOW, "agents": {"mpp_agents": 1, "agents": [], "organisations": [{"name": "Acme", "key": public(ACME), "may_name": may_name}], "issuers": []}}


def statements() -> Iterator[Document]:
    """Statements of organisations, sound and with one defect."""
    for name, title, clauses, change in STATEMENTS:
        body = changed(STATEMENT, change)
        result: Json = {"agent": body["agent"], "key": signer_id(BOT), "roles": body.get("roles", []), "issuer": signer_id(ACME), "organisation": "Acme"}
        yield Document(kind="agent-statement", name=name, title=title, clauses=clauses, data=sealed(STATEMENT_TYPE, body, ACME), context=_judged_by("acme/*"), result=result)
    for name, title, clauses, code, by, change, may_name in BAD_STATEMENTS:
        yield Document(kind="agent-statement", name=name, title=title, clauses=clauses, code=f"agent.{code}", data=sealed(STATEMENT_TYPE, changed(STATEMENT, change), by), context=_judged_by(may_name))
    for name, title, clauses, what, data in spoilt(STATEMENT_TYPE, STATEMENT, ACME, other_type=LINK_TYPE):
        yield Document(kind="agent-statement", name=name, title=title, clauses=f"I-25 {clauses}", code=f"agent.{what}", data=data, context=_judged_by("acme/*"))


FOR_ADA, FOR_PLANNER, FOR_HELPER = ("user", "ada"), ("agent", "planner"), ("agent", "helper")
LAST: Change = {"agent": "helper"}
DIRECT = link(PLANNER, "planner", FOR_ADA, ADA)
PASSED_ON = link(PLANNER, "planner", FOR_ADA, ADA, depth=1)
SUB = link(HELPER, "helper", FOR_PLANNER, PLANNER, after=PASSED_ON)


def _line(names: tuple[str, ...], depths: tuple[int, ...]) -> tuple[Link, ...]:
    """A chain from ada through the agents of these names."""
    found: list[Link] = []
    for i, (name, depth) in enumerate(zip(names, depths, strict=True)):
        for_ = ("agent", names[i - 1]) if i else FOR_ADA
        found.append(link(agent(name), name, for_, agent(names[i - 1]) if i else ADA, after=found[-1] if i else None, depth=depth))
    return tuple(found)


FOUR = ("one", "two", "three", "four")
DELEGATED: tuple[Steps, ...] = (
    Steps(name="sound", title="An agent acts for a user, who signs it", clauses="I-50 I-53 I-56", links=(DIRECT,), behalf=(FOR_ADA,)),
    Steps(name="sound-user-said", title="The agent says the same", clauses="I-34", links=(DIRECT,), behalf=(FOR_ADA,), proof={"user": "ada"}),
    Steps(name="for-agent", title="An agent acts for an agent that this host knows", clauses="I-50", links=(link(HELPER, "helper", FOR_PLANNER, PLANNER),), behalf=(FOR_PLANNER,), proof=LAST, by=HELPER),
    Steps(name="first-second", title="It holds from this very second on", clauses="I-27", links=(link(PLANNER, "planner", FOR_ADA, ADA, not_before=NOW),), behalf=(FOR_ADA,)),
    Steps(name="last-second", title="It holds until this very second", clauses="I-27", links=(link(PLANNER, "planner", FOR_ADA, ADA, not_after=NOW),), behalf=(FOR_ADA,)),
    Steps(name="two-steps", title="A sub-agent acts for an agent that acts for a user", clauses="I-51 I-52 I-56", links=(PASSED_ON, SUB), behalf=(FOR_PLANNER, FOR_ADA), proof=LAST, by=HELPER),
    Steps(name="four-steps", title="As many steps as may be", clauses="I-50 I-52", links=_line(FOUR, (3, 2, 1, 0)), behalf=(("agent", "three"), ("agent", "two"), ("agent", "one"), FOR_ADA), proof={"agent": "four"}, by=agent("four")),
    Steps(name="five-steps", title="More steps than may be", clauses="I-50", code="length", links=(*_line(FOUR, (3, 2, 1, 0)), link(agent("five"), "five", ("agent", "four"), agent("four"), depth=0)), proof={"agent": "five"}, by=agent("five")),
    Steps(name="empty", title="A list without a link", clauses="I-50", code="length", links=()),
    Steps(name="expired", title="It ended a second ago", clauses="I-27", code="expired", links=(link(PLANNER, "planner", FOR_ADA, ADA, not_after=NOW - 1),)),
    Steps(name="early", title="It holds from the next second on", clauses="I-27", code="early", links=(link(PLANNER, "planner", FOR_ADA, ADA, not_before=NOW + 1),)),
    Steps(name="expired-first", title="The first of two links ended a second ago", clauses="I-27", code="expired", links=(old := link(PLANNER, "planner", FOR_ADA, ADA, depth=1, not_after=NOW - 1), link(HELPER, "helper", FOR_PLANNER, PLANNER, after=old)), proof=LAST, by=HELPER),
    Steps(name="too-long-a-time", title="It holds for 400 days and a second", clauses="I-27", code="range", links=(link(PLANNER, "planner", FOR_ADA, ADA, not_before=NOW, not_after=NOW + 400 * DAY + 1),)),
    Steps(name="by-stranger", title="Signed with a key that is not the user's", clauses="I-50", code="delegation_key", links=(link(PLANNER, "planner", FOR_ADA, STRANGER),)),
    Steps(name="first-spoilt", title="The link names the user's key, and another one signed", clauses="I-50", code="signature", links=(Link(body=DIRECT.body, by=ADA, sign=by_stranger),)),
    Steps(name="parent-form", title="A parent that is no digest", clauses="I-26", code="form", links=(link(PLANNER, "planner", FOR_ADA, ADA, parent="abc"),)),
    Steps(name="by-the-agent", title="The agent signs for the user itself", clauses="I-50", code="delegation_key", links=(link(PLANNER, "planner", FOR_ADA, PLANNER),)),
    Steps(name="user-unknown", title="For a user that this host does not know", clauses="I-50", code="delegation_key", links=(link(PLANNER, "planner", ("user", "eve"), EVE),)),
    Steps(name="user-as-agent", title="A user of this host named as an agent", clauses="I-50", code="delegation_key", links=(link(PLANNER, "planner", ("agent", "ada"), ADA),)),
    Steps(name="kind-other", title="For an organisation", clauses="I-26", code="choice", links=(link(PLANNER, "planner", ("organisation", "ada"), ADA),)),
    Steps(name="other-agent", title="Made for another agent", clauses="I-53", code="delegation", links=(link(HELPER, "helper", FOR_ADA, ADA),)),
    Steps(name="other-key", title="Made for another key of the agent", clauses="I-53", code="delegation", links=(link(SECOND, "planner", FOR_ADA, ADA),)),
    Steps(name="beginning-missing", title="The first link is left out", clauses="I-50", code="delegation", links=(SUB,), proof=LAST, by=HELPER),
    Steps(name="parent-none", title="The second link names no parent", clauses="I-51", code="delegation", links=(PASSED_ON, link(HELPER, "helper", FOR_PLANNER, PLANNER)), proof=LAST, by=HELPER),
    Steps(name="reordered", title="The links in the wrong order", clauses="I-50 I-51", code="delegation", links=(SUB, PASSED_ON), proof=LAST, by=HELPER),
    Steps(name="parent-other", title="The second link follows another one", clauses="I-51", code="delegation", links=(PASSED_ON, link(HELPER, "helper", FOR_PLANNER, PLANNER, after=DIRECT)), proof=LAST, by=HELPER),
    Steps(name="step-for-other", title="The second link is for somebody else than the first lets act", clauses="I-51", code="delegation", links=(PASSED_ON, link(HELPER, "helper", ("agent", "reviewer"), PLANNER, after=PASSED_ON)), proof=LAST, by=HELPER),
    Steps(name="step-by-stranger", title="The second link is signed by somebody else", clauses="I-51", code="signature", links=(PASSED_ON, link(HELPER, "helper", FOR_PLANNER, STRANGER, after=PASSED_ON)), proof=LAST, by=HELPER),
    Steps(name="step-by-user", title="The second link is signed by the user", clauses="I-51", code="signature", links=(PASSED_ON, link(HELPER, "helper", FOR_PLANNER, ADA, after=PASSED_ON)), proof=LAST, by=HELPER),
    Steps(name="removed-agent", title="The agent between has another key in the host's own list", clauses="I-51", code="delegation_key", links=(gone := link(STRANGER, "planner", FOR_ADA, ADA, depth=1), link(HELPER, "helper", FOR_PLANNER, STRANGER, after=gone)), proof=LAST, by=HELPER),
    Steps(name="not-passed-on", title="The user did not let the agent let others act", clauses="I-52", code="delegation_depth", links=(DIRECT, link(HELPER, "helper", FOR_PLANNER, PLANNER, after=DIRECT)), proof=LAST, by=HELPER),
    Steps(name="depth-equal", title="The second link allows as many steps as the first", clauses="I-52", code="delegation_depth", links=(PASSED_ON, link(HELPER, "helper", FOR_PLANNER, PLANNER, after=PASSED_ON, depth=1)), proof=LAST, by=HELPER),
    Steps(name="depth-4", title="More steps than may be", clauses="I-26", code="range", links=(link(PLANNER, "planner", FOR_ADA, ADA, depth=4),)),
    Steps(name="loop-name", title="An agent acts for itself by a detour", clauses="I-54", code="delegation_loop", links=(deep := link(PLANNER, "planner", FOR_ADA, ADA, depth=2), mid := link(HELPER, "helper", FOR_PLANNER, PLANNER, after=deep, depth=1), link(SECOND, "planner", FOR_HELPER, HELPER, after=mid)), by=SECOND),
    Steps(name="loop-key", title="One key under two names", clauses="I-54", code="delegation_loop", links=(PASSED_ON, link(PLANNER, "helper", FOR_PLANNER, PLANNER, after=PASSED_ON)), proof=LAST, by=PLANNER),
    Steps(name="user-contradicted", title="The proof names another user than the delegation", clauses="I-34", code="contradiction", links=(DIRECT,), proof={"user": "eve"}),
)


def delegations() -> Iterator[Document]:
    """Proofs that bring delegations along."""
    # Agents that nobody but the chain knows need a key that the host knows too: whoever calls is in its list.
    listed = {"helper": HELPER, "four": agent("four"), "five": agent("five")}
    for one in DELEGATED:
        chain: Json = [each.json for each in one.links]
        name = str(one.proof.get("agent", "planner"))
        around: str | dict[str, Json] = "agent" if name == "planner" else {**CONTEXT, "agents": _also(name, PLANNER if one.name == "loop-key" else listed[name])}
        behalf: list[Json] = [{"kind": kind, "name": whom, "proof": "signed"} for kind, whom in one.behalf]
        shown: Json = {"name": name, "proof": "signed", "key": signer_id(one.by), "behalf": behalf}
        user = next((whom for kind, whom in one.behalf if kind == "user"), "")
        result: Json = None if one.code else {"agent": shown, "user": user, "jti": JTI, "roles": []}
        data = sealed(PROOF_TYPE, changed({**PROOF, "delegation": chain}, one.proof), one.by)
        yield Document(kind="delegation", name=one.name, title=one.title, clauses=one.clauses, code=f"agent.{one.code}" if one.code else "", data=data, context=around, result=result)


def _also(name: str, by: SeedSigner) -> Json:
    """The list of agents with one more."""
    known = AGENTS["agents"]
    rows: list[Json] = [one for one in known if not (isinstance(one, dict) and public(by) in str(one.get("keys")))] if isinstance(known, list) else []
    return {**AGENTS, "agents": [*rows, _entry(name, by)]}


def documents() -> Iterator[Document]:
    """Everything about who calls."""
    yield from proofs()
    yield from bad_proofs()
    yield from statements()
    yield from delegations()
