"""The page about agents: who is known, what they called, and what only takes away."""

from __future__ import annotations

import pytest

from mpp.console.views.agents import agents, calls_of, network
from mpp.crypto.ed25519 import key_id
from mpp.host.agent_store import NOBODY, AgentStore, BearerToken, KnownAgent, named_agent, token_digest
from mpp.host.stops import StopStore
from mpp.host.tenants import TenantToken, TokenStore, digest_of
from mpp.stages.audit import Line
from mpp.stages.policy import Organisation
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW
from tests.auditlogs import Story, runs, write
from tests.unit.console.conftest import Console, make_console
from tests.unit.console.inbox import told

KEY = fixed_signer("planner").public_key


def know(console: Console, *known: KnownAgent) -> None:
    for one in known:
        AgentStore(console.desk.home.agents).change(lambda before, one=one: before.with_agent(one))


def token(name: str = "ab" * 8, **changes: object) -> TenantToken:
    given = {"id": name, "sha256": digest_of(name), "tenant": "acme", "agent": "planner", "until": NOW + 60} | changes
    return TenantToken(**given)  # type: ignore[arg-type]


def give(console: Console, *tokens: TenantToken) -> None:
    TokenStore(console.desk.home.tokens).change(lambda known: {**known, **{one.id: one for one in tokens}})


def test_an_empty_home(console: Console):
    words = console.get("/agents").words
    assert "No agent is known yet" in words
    assert "Nothing is stopped." in words


def test_who_is_known_and_what_they_called(busy: Console):
    know(busy, named_agent("claude", public=KEY, until=NOW + 10**7))
    words = busy.get("/agents").words
    assert "claude 12 calls lately, known by: launched; accepted until" in words
    assert key_id(KEY) in words
    assert "planner not known here" in words
    assert "intruder" in words
    assert "export of com.example.crm ok" in words


def test_a_key_and_a_token_are_forgotten(console: Console):
    held = BearerToken(sha256=token_digest("mppa_x"), until=NOW + 5, label="build server")
    know(console, KnownAgent(name="planner", keys=(KEY,), tokens=(held,)), named_agent("ada", is_user=True))
    page = console.get("/agents")
    assert "build server" in page.words
    assert "ada a user" in page.words
    assert "is not known by that key" in console.follow(console.post("/agents/forget", {"agent": "planner", "key": key_id(KEY)})).words
    assert "by that token" in console.follow(console.post("/agents/forget", {"agent": "planner", "token": held.sha256[:16]})).words
    assert AgentStore(console.desk.home.agents).load().agents["planner"].keys == ()
    assert [(one["name"], one["change"], one["channel"]) for one in told(console, "trust")] == [("planner", "key or token removed", "console")] * 2


@pytest.mark.parametrize(
    "fields",
    [{}, {"agent": "planner"}, {"agent": "planner", "key": "ab"}, {"agent": "nobody", "key": "ab" * 16}, {"agent": "planner", "key": "a", "token": "b"}],
)
def test_what_cannot_be_forgotten(console: Console, fields):
    know(console, KnownAgent(name="planner", keys=(KEY,)))
    assert console.post("/agents/forget", fields).status in {400, 404}
    assert AgentStore(console.desk.home.agents).load().agents["planner"].keys == (KEY,)


def test_a_token_of_the_network_is_ended(console: Console):
    give(console, token(user="ben", label="laptop"), token("cd" * 8, until=NOW - 1))
    words = console.get("/agents").words
    assert "acme planner for ben" in words
    assert "ended" in words
    assert "has ended" in console.follow(console.post("/agents/revoke", {"token": "ab" * 8})).words
    assert list(TokenStore(console.desk.home.tokens).load()) == ["cd" * 8]
    assert console.post("/agents/revoke", {"token": "ab" * 8}).status == 404
    assert told(console, "trust")[-1]["change"] == "revoked"


def test_a_package_and_everything_is_stopped(console: Console):
    page = console.follow(console.post("/agents/stop", {"kind": "package", "package": " com.example.hello ", "why": "leaks  names"}))
    assert "Stopped com.example.hello, from the next call on." in page.words
    assert "“ leaks names ”" in page.words
    console.post("/agents/stop", {"kind": "all"})
    stops = StopStore(console.desk.home.stops).current()
    assert (stops.all is not None, stops.packages["com.example.hello"].why) == (True, "leaks names")
    assert [(one["what"], one["channel"], one["lifted"], one["by"]) for one in told(console, "stop")] == [
        ("package", "console", False, "ada"),
        ("all", "console", False, "ada"),
    ]
    assert "mpp stop --lift" in console.get("/agents").words


@pytest.mark.parametrize(
    "fields", [{}, {"kind": "publisher"}, {"kind": "package", "package": "../x"}, {"kind": "all", "why": "x" * 201}, {"kind": "all", "why": "un\u202eseen"}]
)
def test_what_is_no_stop(console: Console, fields):
    assert console.post("/agents/stop", fields).status == 400
    found = StopStore(console.desk.home.stops).current()
    assert (found.all, found.packages) == (None, {})


def test_organisations_and_issuers_are_named(console: Console):
    one = Organisation(name="Acme", key=KEY, may_name="acme.example/*")
    AgentStore(console.desk.home.agents).change(lambda known: type(known)(agents=known.agents, organisations={key_id(KEY): one}, issuers={}))
    assert "Acme organisation acme.example/*" in console.get("/agents").words


def test_a_console_that_only_shows_has_no_buttons(tmp_path):
    console = make_console(tmp_path / "home", read_only=True)
    know(console, KnownAgent(name="planner", keys=(KEY,)))
    page = console.get("/agents")
    assert "Forget" not in page.words
    assert "Stop everything" not in page.words
    assert console.post("/agents/stop", {"kind": "all"}).status == 403


@pytest.mark.parametrize("path", ["/agents", "/approvals/earlier"])
def test_nobody_waits_while_a_long_record_is_indexed(busy: Console, monkeypatch: pytest.MonkeyPatch, path: str):
    monkeypatch.setattr("mpp.console.pages.asking.progress", lambda _places: (0, 1_000_000))
    monkeypatch.setattr("mpp.console.pages.asking.ask", lambda *_given: None)
    page = busy.get(path)
    assert "1,000,000" in page.words
    assert "Last calls" not in page.words, "it is indexed beside"


def test_calls_find_their_agents(tmp_path):
    write(tmp_path, [*runs(Story(number=1)), *runs(Story(number=2, agent="planner", outcome="tool.trap"))])
    from mpp.host.audit.reader import LogReader
    from mpp.host.home import Home
    from mpp.stages.audit import glance

    lines = [found for line in LogReader(Home(path=str(tmp_path)).log).lines() if (found := glance(line)) is not None]
    found = calls_of(lines)
    assert [(one.tool, one.ended) for one in found["planner"][1]] == [("greet", "tool.trap")]
    assert found["claude"][0] == "launched"


def test_a_call_of_nobody():
    lines = [Line(0, 5, "refused", "local", "ab" * 16, {"package": "a", "tool": "b", "code": "x.y"}, {}), Line(1, 6, "stop", "local", "", {}, {})]
    [one] = agents(NOBODY, calls_of(lines), NOW)
    assert (one.name, one.is_known, one.calls[0].ended) == ("", False, "x.y")


def test_tokens_are_in_order():
    found = network({one.id: one for one in (token("ff" * 8), token("aa" * 8, tenant="z"), token("bb" * 8, agent="a"))}, NOW)
    assert [one.id for one in found] == ["bb" * 8, "ff" * 8, "aa" * 8]
