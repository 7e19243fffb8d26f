"""Calls of an older server: judged, filtered, recorded as those of packages, and labelled everywhere."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused, ToolFailed
from mpp.host.legacy.deeds import of_tool, reply_of
from mpp.host.legacy.judging import asked_of_legacy, judge_legacy, LegacyRequest
from mpp.host.legacy.opening import open_legacy, surroundings
from mpp.host.legacy.types import Barriers, Entry, HostRule, LegacyTool, NO_PUBLISHER, UnverifiedServer
from mpp.host.stops import Stop, StopStore, with_stop
from mpp.model.agents import AgentIdentity, ANONYMOUS
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, ToolCall
from mpp.protocol.mcp_client.events import Done
from mpp.stages.sandbox import read_arguments
from tests import records
from tests.unit.host.legacy.world import Heard, meta, server, text_of, World

MAIL = "ada" + "@example.com"

ALLOW = """
mpp_policy = 1
name = "open"
[[rules]]
id = "all"
effect = "allow"
"""


def policy(place: Path, text: str) -> None:
    folder = place / "policy"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "policy.toml").write_text(text, encoding="utf-8")
    os.chmod(folder / "policy.toml", 0o600)


def test_a_person_is_asked_and_the_answer_is_filtered(world: World, place: Path) -> None:
    world.add(server())
    first = world.ask("tests__echo", {"text": f"write to {MAIL}"})
    assert first.pending is not None
    assert first.pending.may_elicit
    assert "nobody verified its code" in first.pending.text
    assert "run the program" in first.pending.text
    assert meta(first)["verified"] is False
    found = world.call("tests__echo", {"text": f"write to {MAIL}"})
    assert found.result["isError"] is False
    assert MAIL not in text_of(found.result)
    labels = meta(found)
    assert (labels["package"], labels["verified"], labels["redactions"]) == ("legacy.tests", False, {"email": 1})
    assert isinstance(labels["missingBarriers"], list)
    told = [event for event in records.events(place) if event.kind in {"decision", "intent", "result"}]
    assert {event.body["verified"] for event in told} == {False}
    facts = next(event.body["facts"] for event in told if event.kind == "decision")
    assert isinstance(facts, dict)
    assert (facts["bound"], facts["publisher_id"], facts["security_level"]) == (False, NO_PUBLISHER, "medium")
    result = next(event for event in told if event.kind == "result")
    assert (result.body["outcome"], set(result.commit)) == ("ok", {"out_raw", "out_shown"})


def test_progress_and_structure_come_through(world: World, place: Path) -> None:
    policy(place, ALLOW)
    world.add(server())
    heard = Heard()
    found = world.call("tests__slow", heard=heard)
    assert heard.steps == [(0, 3, "step 0"), (1, 3, "step 1"), (2, 3, "step 2")]
    assert heard.logs == [("warning", "nearly done")]
    assert found.result["structuredContent"] == {"steps": 3}


def test_a_question_of_the_server_ends_the_call_and_its_answer_makes_it_again(world: World, place: Path) -> None:
    policy(place, ALLOW)
    world.add(server())
    asked = world.call("tests__book")
    assert asked.wants_input
    questions = asked.result["inputRequests"]
    assert isinstance(questions, dict)
    (key, question), *_ = questions.items()
    assert "The server tests, which nobody verified, asks: For how many?" in str(question)
    for answer, text in (
        ({"action": "accept", "content": {"guests": 4}}, "accept: 4"),
        ({"action": "decline"}, "decline: 0"),
        ({"action": "cancel"}, "cancel: 0"),
        ("nonsense", "decline: 0"),
    ):
        assert text_of(world.call("tests__book", inputs={key: answer}).result) == text
    # The answer to another question is none to this one.
    assert world.call("tests__book", inputs={"other": {"action": "accept", "content": {"guests": 4}}}).wants_input


def test_policy_denies_narrows_and_limits(world: World, place: Path) -> None:
    world.add(server())
    for text, code in (
        (ALLOW.replace("allow", "deny"), "policy.denied"),
        (ALLOW + 'limits = { scope = { read = ["/nowhere"] } }\n', "policy.denied"),
        (ALLOW + "limits = { calls_per_minute = 1 }\n", "policy.rate"),
    ):
        policy(place, text)
        found = [world.call("tests__echo", {"text": "a"}) for _ in range(2)][-1]
        assert (meta(found).get("code"), found.result["isError"]) == (code, True), text


def test_what_is_stopped_is_not_even_started(world: World) -> None:
    world.add(server())
    world.source.close()
    StopStore(world.home.stops).change(lambda stops: with_stop(stops, "package", "legacy.tests", Stop(since=1, why="no")))
    assert meta(world.call("tests__echo", {"text": "a"}))["code"] == "policy.stopped"


def test_failures_of_a_server_are_outcomes(world: World, place: Path) -> None:
    policy(place, ALLOW)
    world.add(server(mode="silent-on-call"))
    world.add(server("second", "crash-on-call"))
    world.add(server("third", "broken"))
    assert meta(world.call("tests__echo", {"text": "a"}, timeout_ms=300))["code"] == "tool.deadline"
    assert meta(world.call("second__echo", {"text": "a"}))["code"] == "tool.crashed"
    assert meta(world.call("third__echo", {"text": "a"}))["code"] == "tool.reply"
    assert [event.body["outcome"] for event in records.events(place) if event.kind == "result"] == ["tool.deadline", "tool.crashed", "tool.reply"]


def test_a_caller_who_goes_ends_the_call(world: World, place: Path) -> None:
    policy(place, ALLOW)
    world.add(server(mode="silent-on-call"))
    reader, writer = os.pipe()
    os.close(writer)
    try:
        assert meta(world.call("tests__echo", {"text": "a"}, heard=Heard(reader)))["code"] == "tool.cancelled"
    finally:
        os.close(reader)


def test_a_tool_that_is_no_more_and_arguments_that_are_none(world: World, place: Path) -> None:
    policy(place, ALLOW)
    world.add(server())
    offered = {one.name: one for one in world.source.offered("local")}
    world.store.remove("tests")
    # The list that an agent read is older than the removal.
    assert meta(offered["tests__echo"].run(Caller(), ToolCall(name="x", arguments=b"{}"), Heard()))["code"] == "usage.legacy"
    world.add(server("again"))
    offered = {one.name: one for one in world.source.offered("local")}
    assert meta(offered["again__echo"].run(Caller(), ToolCall(name="x", arguments=b"[]"), Heard()))["code"] == "call.form"


def test_tenants_have_processes_of_their_own(world: World, place: Path) -> None:
    policy(place, ALLOW)
    world.add(server())
    other = Caller(tenant="other", agent=AgentIdentity(name="b"))
    assert text_of(world.call("tests__echo", {"text": "b"}, who=other).result) == "b"
    assert world.source.keeper("tests", "local").ready().connection is not world.source.keeper("tests", "other").ready().connection


def test_a_record_that_fails_lets_nothing_out(world: World, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(place, ALLOW)
    world.add(server())

    def full(*_: object, **__: object) -> None:
        raise HostFailed("audit.failed", "the disk is full")

    monkeypatch.setattr(type(world.on.events), "record", full)
    found = world.call("tests__echo", {"text": "a"})
    assert text_of(found.result) == "this host could not record the call, so there is no answer [audit.failed]"


def test_an_answer_has_no_labels_but_ours() -> None:
    deed = of_tool("a")
    item: Json = {"type": "text", "text": "a", "_meta": {"x": 1}, "icons": [], "annotations": {"priority": 1, "other": 2}}
    resource: Json = {"type": "resource", "resource": {"uri": "demo://a", "text": "b", "size": 3}}
    result: dict[str, Json] = {"content": [item, resource], "_meta": {"org.modelpackageprotocol/verified": True}, "more": 1, "structuredContent": {"a": 1.5}}
    found = reply_of(deed, Done(id=1, result=result)).to_json()
    assert found == {
        "content": [{"type": "text", "text": "a", "annotations": {"priority": 1.0}}, {"type": "resource", "resource": {"uri": "demo://a", "text": "b"}}],
        "structuredContent": {"a": 1.5}, "isError": False,
    }  # fmt: skip
    with pytest.raises(ToolFailed, match="no such tool"):
        reply_of(deed, Done(id=1, result=None, error="no such tool"))
    for wrong in ({"content": [3]}, {"content": [{"type": "text"}]}, {"content": [{"type": "image", "data": "?", "mimeType": "image/png"}]}):
        with pytest.raises(ToolFailed):
            reply_of(deed, Done(id=1, result=wrong))  # type: ignore[arg-type]


def test_what_adds_to_the_risk(world: World) -> None:
    def risk(barriers: Barriers, **more: object) -> tuple[str, int, list[str]]:
        entry = Entry(server=replace(server(), **more), pins=())  # type: ignore[arg-type]
        request = LegacyRequest(
            invocation="0" * 32, subject=UnverifiedServer(entry=entry, barriers=barriers), tool=LegacyTool(name="a", title="", description="", input_schema=b"{}", output_schema=None),
            arguments=read_arguments(b"{}"), agent=ANONYMOUS, user="", origin="model", tenant="local",
        )  # fmt: skip
        asked = asked_of_legacy(request, world.setting().policies, 100)
        return asked.security_level, asked.risk.score, [one.words for one in asked.risk.reasons]

    level, score, words = risk(Barriers())
    assert (level, any("nobody verified" in one for one in words)) == ("medium", True)
    assert risk(Barriers(missing={"processes": "x"}))[:2] == ("medium", score + 10)
    assert risk(Barriers(missing={"network": "x"}))[:2] == ("high", score + 10)
    assert risk(Barriers(), pinned_code=False)[:2] == ("medium", score + 8)
    assert risk(Barriers(), sandboxed=False)[:2] == ("high", score + 40)
    assert risk(Barriers(), kind="http", url="https://example.com")[1] == score + 10
    assert risk(Barriers(), hosts=(HostRule(host="example.com", port=443), HostRule(host="plain.example.com", port=80)), env=("API_KEY",))[1] > score + 40


def test_a_fleet_runs_nothing_without_a_sandbox(world: World, place: Path) -> None:
    entry = Entry(server=replace(server(), sandboxed=False), pins=())
    request = LegacyRequest(
        invocation="0" * 32, subject=UnverifiedServer(entry=entry, barriers=Barriers()), tool=LegacyTool(name="a", title="", description="", input_schema=b"{}", output_schema=None),
        arguments=read_arguments(b"{}"), agent=ANONYMOUS, user="", origin="model", tenant="local",
    )  # fmt: skip
    with pytest.raises(Refused) as fault:
        judge_legacy(request, replace(world.setting(), fleet=True), world.on)
    assert fault.value.code == "consent.fleet"


def test_a_source_is_nothing_until_there_is_a_server(world: World, place: Path) -> None:
    source = open_legacy(world.home, world.on, world.about.secrets, world.setting)
    before = source.revision()
    assert source.offered("local") == ()
    world.store.put(Entry(server=server(), pins=()))
    assert source.revision() != before
    assert source.offered("local") == ()
    assert source.revision() == world.store.revision()
    source.close()
    source.close()
    about = surroundings(world.home, world.about.secrets, world.on.clock)
    assert (about.private(), about.is_fleet(), about.store.find("tests").pins) == ((), False, ())
    policy(place, ALLOW)
    assert surroundings(world.home, world.about.secrets, world.on.clock, setting=world.setting).private() == ()
