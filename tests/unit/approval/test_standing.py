from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.scope import Scope
from mpp.stages.approval import Standing, fits, make_question, sign_answer, standing_of, vouch
from mpp.stages.approval.standing import ended_by
from mpp.stages.policy.types import Limits, Risk
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import AGENT, approver_key, asked, given, need

MEDIUM = Risk(score=40, band="medium", reasons=())
USER = (Delegation(kind="user", name="ada", level="token"),)


def standing(one: object = None, what: object = None, *, amr: str = "tty", **more: object) -> Standing:
    found = make_question(one or asked(), what or need(risk=MEDIUM), given(), TestRandom())  # type: ignore[arg-type]
    answer = vouch(found, yes=True, user="ada", amr="tty", now=NOW + 10, scope="always")
    return standing_of(found, answer, amr, TestRandom(), **more)  # type: ignore[arg-type]


def test_what_an_answer_for_always_becomes() -> None:
    found = standing()
    assert (found.tool, found.agent, found.user, found.origin) == ("greet", AGENT, "ada", "model")
    assert (found.calls, found.until, found.score) == (100, NOW + 30 * 24 * 3600, 40)
    assert (found.approver, found.amr, found.created, found.argument_sha256) == ("user:ada", "tty", NOW + 10, "")


def test_it_can_be_made_smaller_and_never_larger() -> None:
    found = standing(exact=True, calls=5, until=NOW + 60)
    assert (found.argument_sha256, found.calls, found.until) == (given().argument_sha256, 5, NOW + 60)
    found = standing(calls=5000, until=NOW + 10**9)
    assert (found.calls, found.until) == (100, NOW + 30 * 24 * 3600)


def test_a_signed_answer_stays_with_it() -> None:
    one = make_question(asked(), need("high"), given(), TestRandom())
    answer = sign_answer(one, approver_key("ada"), yes=True, approver="ada", amr="passphrase", now=NOW + 10, scope="always")
    assert standing_of(one, answer, "passphrase", TestRandom()).envelope == answer.envelope


def test_without_an_offer_there_is_none() -> None:
    with pytest.raises(Refused) as caught:
        standing(what=need("critical"))
    assert caught.value.code == "approval.always"


FITS: list[tuple[str, dict[str, object], str]] = [
    ("the same call", {}, ""),
    ("other arguments", {"more": given({"name": "Bob"})}, ""),
    ("a newer version of the same", {"one": asked(version="0.2.0", content_hash="ab" * 32)}, ""),
    ("the last second", {"one": asked(now=NOW + 30 * 24 * 3600)}, ""),
    ("a surer agent", {"one": asked(agent=replace(AGENT, level="signed", key="ab" * 32))}, ""),
    ("a lower risk", {"what": need(risk=Risk(score=39, band="medium", reasons=()))}, ""),
    ("a higher risk", {"what": need(risk=Risk(score=41, band="medium", reasons=()))}, "risk"),
    ("a critical tool", {"what": need("critical")}, "critical"),
    ("a critical package", {"one": asked(security_level="critical")}, "critical"),
    ("a critical risk", {"what": need(risk=Risk(score=30, band="critical", reasons=()))}, "critical"),
    ("another tenant", {"one": asked(tenant="other")}, "package"),
    ("another publisher", {"one": asked(publisher_id="ab" * 32)}, "package"),
    ("another package", {"one": asked(package_id="com.example.other")}, "package"),
    ("another tool", {"one": asked(tool="other")}, "tool"),
    ("another agent", {"one": asked(agent=AgentIdentity(name="other", level="signed", key="ab" * 32))}, "agent"),
    ("a less sure agent", {"one": asked(agent=replace(AGENT, level="anonymous"))}, "agent"),
    ("an agent of another issuer", {"one": asked(agent=replace(AGENT, issuer="https://id.example"))}, "agent"),
    ("somebody else behind it", {"one": asked(agent=replace(AGENT, behind=USER))}, "agent"),
    ("another user", {"one": asked(user="bob")}, "user"),
    ("another origin", {"one": asked(origin="automation")}, "user"),
    ("other capabilities", {"one": asked(scope=Scope(read=("/data", "/etc"), tools=("greet",)))}, "capabilities"),
    ("fewer capabilities", {"one": asked(scope=Scope(tools=("greet",)))}, "capabilities"),
    ("other definitions", {"more": given(definitions="ab" * 32)}, "definitions"),
    ("another place on this machine", {"more": given(uses=("read /data, which is /etc here",))}, "rights"),
    ("a consent that is missing", {"more": given(includes_consent=True)}, "consent"),
    ("two approvers by now", {"what": need(limits=Limits(approvers=2))}, "approvers"),
    ("a higher level", {"what": need("high")}, "strength"),
    ("a stricter policy", {"what": need(limits=Limits(strength="passphrase"))}, "strength"),
    ("too late", {"one": asked(now=NOW + 30 * 24 * 3600 + 1)}, "time"),
    ("before it was given", {"one": asked(now=NOW + 9)}, "time"),
]


@pytest.mark.parametrize(("parts", "why"), [row[1:] for row in FITS], ids=[row[0] for row in FITS])
def test_what_it_covers(parts: dict[str, object], why: str) -> None:
    base = {"one": asked(now=NOW + 20), "what": need(), "more": given(), **parts}
    if "one" in parts and base["one"].now == NOW:  # type: ignore[attr-defined]
        base["one"] = replace(base["one"], now=NOW + 20)  # type: ignore[type-var]
    assert fits(standing(), base["one"], base["what"], base["more"]) == why  # type: ignore[arg-type]


def test_an_exact_one_covers_its_arguments_alone() -> None:
    one = standing(exact=True)
    later = asked(now=NOW + 20)
    assert fits(one, later, need(), given()) == ""
    assert fits(one, later, need(), given({"name": "Bob"})) == "arguments"


def test_an_empty_budget_covers_nothing() -> None:
    assert fits(replace(standing(), calls=0), asked(now=NOW + 20), need(), given()) == "budget"


def test_the_kind_of_host_counts() -> None:
    one = standing(amr="flag")
    later = asked(now=NOW + 20)
    assert fits(one, later, need(), given()) == ""
    assert fits(one, later, need(), given(), fleet=True) == "strength"
    assert fits(one, later, need(), given(), least="tty") == "strength"


def test_a_signed_agent_is_known_by_its_key() -> None:
    signed = replace(AGENT, level="signed", key="ab" * 32)
    one = standing(asked(agent=signed))
    assert fits(one, asked(agent=signed, now=NOW + 20), need(), given()) == ""
    assert fits(one, asked(agent=replace(signed, key="cd" * 32), now=NOW + 20), need(), given()) == "agent"


def test_those_behind_are_the_same_and_as_sure() -> None:
    one = standing(asked(agent=replace(AGENT, behind=USER)))
    assert fits(one, asked(agent=replace(AGENT, behind=USER), now=NOW + 20), need(), given()) == ""
    weaker = (replace(USER[0], level="launched"),)
    assert fits(one, asked(agent=replace(AGENT, behind=weaker), now=NOW + 20), need(), given()) == "agent"
    assert fits(one, asked(agent=AGENT, now=NOW + 20), need(), given()) == "agent"


def test_what_ends_it_for_good() -> None:
    one = standing()
    assert ended_by(one, asked(), given()) == ""
    assert ended_by(one, asked(scope=Scope(read=("/",), tools=("greet",))), given()) == "capabilities"
    assert ended_by(one, asked(), given(definitions="ab" * 32)) == "definitions"
    assert ended_by(one, asked(publisher_id="ab" * 32), given(definitions="ab" * 32)) == "", "another's package"
