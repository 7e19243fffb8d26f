"""Prompts, resources, completion and questions of older servers: pinned, judged, filtered, recorded and labelled as their tools are."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.host.legacy.beside import Beside
from mpp.host.legacy.offers import fits, passed_on, PROMPT, TEMPLATE, under
from mpp.host.legacy.pins import agree, CHANGED, NEW
from mpp.host.legacy.types import Entry, Server
from mpp.host.toolcall import META
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, CARRIED, Outcome, SaidError
from mpp.testing import offering_server
from tests import records
from tests.unit.host.legacy.test_calling import ALLOW, MAIL, policy
from tests.unit.host.legacy.world import Heard, meta, text_of, until, World

PROGRAM = os.path.realpath(offering_server.__file__)
WHO = Caller()
NONE: frozenset[str] = frozenset()
ERAS = ["plain", "modern"]
ACCEPTED: Json = {"action": "accept", "content": {"name": "Ada"}}


def offering(name: str = "tests", mode: str = "plain", *words: str, **more: object) -> Server:
    made = Server(
        name=name, kind="stdio", command=(sys.executable, "-S", PROGRAM, mode, *words), read=(PROGRAM,), added=1, by="tests", amr="flag", pinned_code=True
    )
    read = more.pop("read", ())
    return replace(made, read=(*made.read, *read), **more)  # type: ignore[misc,arg-type]


@pytest.fixture
def open_world(world: World, place: Path) -> World:
    policy(place, ALLOW)
    return world


def intents(place: Path) -> list[Mapping[str, Json]]:
    return [one.body for one in records.events(place) if one.kind == "intent"]


def beside(world: World) -> Beside:
    return Beside(world.source)


def prompt(world: World, name: str = "tests__greet", inputs: Mapping[str, Json] | None = None, **arguments: str) -> Mapping[str, Json]:
    found = beside(world).prompt(WHO, name, arguments, inputs or {}, NONE, plain=False)
    assert found is not None
    return found


def read(world: World, uri: str, who: Caller = WHO) -> list[dict[str, Json]]:
    found = beside(world).read(who, uri)
    assert found is not None
    contents = found["contents"]
    assert isinstance(contents, list)
    return [one for one in contents if isinstance(one, dict)]


def said(fault: pytest.ExceptionInfo[SaidError]) -> tuple[str, str]:
    outcome = fault.value.outcome
    return str(meta(outcome)["code"]), text_of(outcome.result)


@pytest.mark.parametrize("mode", ERAS)
def test_lists_name_the_server_and_say_that_nobody_verified_it(open_world: World, mode: str) -> None:
    open_world.add(offering(mode=mode))
    found = beside(open_world)
    labels = {META + "package": "legacy.tests", META + "verified": False}
    first, second = found.prompts(NONE, plain=False)
    assert first == {"name": "tests__asking", "description": "Asks for more.", "_meta": labels}
    assert second["arguments"] == [{"name": "who", "description": "Whom to greet.", "required": True}]
    assert second["_meta"] == labels, "what the server writes there goes nowhere"
    assert [one["uri"] for one in found.resources(NONE)] == ["notes://pixel", "notes://today"]
    assert [one["uriTemplate"] for one in found.templates(NONE)] == ["notes://by/{day}"]
    assert open_world.names() == [f"tests__{one}" for one in ("ask", "count", "look", "say", "think", "touch")], "no prompt is a tool"


def test_names_of_packages_are_never_a_servers(open_world: World) -> None:
    open_world.add(offering())
    found = beside(open_world)
    assert [one["name"] for one in found.prompts(NONE, plain=True)] == ["asking", "greet"]
    assert [one["name"] for one in found.prompts(frozenset({"greet", "hello__asking"}), plain=True)] == ["tests__asking", "tests__greet"]
    assert [one["name"] for one in found.prompts(frozenset({"tests__greet"}), plain=False)] == ["tests__asking"]
    assert found.prompt(WHO, "tests__greet", {}, {}, frozenset({"tests__greet"}), plain=False) is None
    assert [one["uri"] for one in found.resources(frozenset({"notes://today"}))] == ["notes://pixel"]
    assert found.templates(frozenset({"notes://by/{day}"})) == ()


@pytest.mark.parametrize("mode", ERAS)
def test_a_prompt_is_filtered_and_recorded_as_a_call_is(open_world: World, place: Path, mode: str) -> None:
    open_world.add(offering(mode=mode))
    found = prompt(open_world, who="Bob")
    assert found["description"] == "Greeting"
    assert "Greet Bob, [EMAIL-" in json.dumps(found["messages"])
    assert MAIL not in json.dumps(found)
    labels = found["_meta"]
    assert isinstance(labels, dict)
    assert labels[META + "verified"] is False
    body = intents(place)[-1]
    assert (body["tool"], body["package"], body["verified"]) == ("mcp.prompts.get", "legacy.tests", False)
    with pytest.raises(SaidError) as fault:
        prompt(open_world)
    assert said(fault) == ("tool.error", "who is needed (error -32601); the server answered with an error [tool.error]")


@pytest.mark.parametrize("mode", ERAS)
def test_resources_are_read_under_their_addresses(open_world: World, place: Path, mode: str) -> None:
    open_world.add(offering(mode=mode))
    (found,) = read(open_world, "notes://today")
    assert str(found["text"]).startswith("notes://today: write to [EMAIL-")
    assert found["_meta"] == {META + "package": "legacy.tests", META + "verified": False}
    assert read(open_world, "notes://pixel")[0]["blob"] == "iVBORw0KGgo="
    assert str(read(open_world, "notes://by/monday")[0]["text"]).startswith("notes://by/monday")
    assert intents(place)[-1]["tool"] == "mcp.resources.read"
    assert beside(open_world).read(WHO, "notes://other/x") is None
    assert beside(open_world).read(WHO, "notes://by/") is None


@pytest.mark.parametrize("mode", ERAS)
def test_words_are_completed(open_world: World, mode: str) -> None:
    open_world.add(offering(mode=mode))
    found = beside(open_world)
    assert found.complete(WHO, {"type": "ref/resource", "uri": "notes://by/{day}"}, "day", "m", NONE, plain=False) == ["monday"]
    (private,) = found.complete(WHO, {"type": "ref/prompt", "name": "tests__greet"}, "who", "ada", NONE, plain=False) or ()
    assert private.startswith("[EMAIL-")
    assert found.complete(WHO, {"type": "ref/prompt", "name": "greet"}, "who", "a", NONE, plain=False) is None


def test_policy_stops_prompts_and_resources_as_it_stops_tools(world: World, place: Path) -> None:
    rule = '[[rules]]\nid = "no"\neffect = "deny"\ntools = ["mcp.resources.read"]\narguments = [{ pointer = "/uri", op = "equals", value = "notes://today" }]\n'
    policy(place, ALLOW + rule)
    world.add(offering())
    with pytest.raises(SaidError) as fault:
        read(world, "notes://today")
    assert said(fault)[0] == "policy.denied"
    assert read(world, "notes://pixel")
    policy(place, ALLOW.replace('"allow"', '"ask"'))
    with pytest.raises(SaidError) as fault:
        prompt(world, who="Bob")
    assert said(fault)[0] == "approval.required"
    assert fault.value.outcome.pending is not None
    assert "legacy.tests" in fault.value.outcome.pending.text


def test_what_changed_is_kept_back_until_somebody_agrees(open_world: World, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    flag = shared / "flag"
    open_world.add(offering("tests", "changed", str(flag), read=(str(shared),)))
    assert prompt(open_world, who="Bob")
    before = open_world.source.revision()
    flag.touch()
    open_world.call("tests__count")
    # The server said that its lists changed: the host looks by itself, without another call.
    until(lambda: open_world.source.revision() != before)
    held = {one.name: one.why for one in open_world.store.find("tests").held}
    assert held == {"prompt: greet": CHANGED, "resource: notes://today": CHANGED}
    assert [one["name"] for one in beside(open_world).prompts(NONE, plain=False)] == ["tests__asking"]
    assert beside(open_world).prompt(WHO, "tests__greet", {"who": "Bob"}, {}, NONE, plain=False) is None
    assert beside(open_world).read(WHO, "notes://today") is None
    open_world.store.update(agree(open_world.source.keeper("tests", "local").ready().judged))
    assert [one["name"] for one in beside(open_world).prompts(NONE, plain=False)] == ["tests__asking", "tests__greet"]


def test_a_change_between_list_and_request_is_found(open_world: World, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    flag = shared / "flag"
    made = offering("tests", "changed", str(flag), read=(str(shared),))
    open_world.add(made)
    shelf = open_world.source.shelf()
    flag.touch()
    open_world.source.close()
    assert shelf.prompt("tests__greet") is not None
    with pytest.raises(SaidError) as fault:
        prompt(open_world, who="Bob")
    assert said(fault) == ("policy.held", f"the prompt is kept back: {CHANGED} [policy.held]")


def test_who_agreed_before_prompts_were_passed_on_agreed_to_none(open_world: World) -> None:
    open_world.add(offering())
    entry = open_world.store.find("tests")
    open_world.store.update(replace(entry, pins=entry.tools))
    open_world.source.close()
    open_world.source.keeper("tests", "local").ready()
    assert {one.why for one in open_world.store.find("tests").held} == {NEW}
    assert beside(open_world).prompts(NONE, plain=False) == ()


def test_an_address_of_two_servers_is_neithers(open_world: World) -> None:
    open_world.add(offering("one"))
    open_world.add(offering("two"))
    found = beside(open_world)
    addresses = [str(item["uri"]) for item in found.resources(NONE)]
    assert under("one", "notes://today") in addresses
    assert "notes://today" not in addresses
    assert found.read(WHO, "notes://by/monday") is None
    (answer,) = read(open_world, under("two", "notes://today"))
    assert (answer["uri"], str(answer["text"])[:13]) == (under("two", "notes://today"), "notes://today")
    assert str(read(open_world, under("one", "notes://by/monday"))[0]["text"]).startswith("notes://by/monday")
    assert found.read(WHO, under("three", "notes://today")) is None
    assert found.complete(WHO, {"type": "ref/resource", "uri": under("one", "notes://by/{day}")}, "day", "t", NONE, plain=False) == ["tuesday"]


TEMPLATES = [
    ("notes://by/{day}", "notes://by/monday", True),
    ("notes://by/{day}", "notes://by/", False),
    ("notes://by/{day}", "notes://of/monday", False),
    ("notes://{a}/{b}.txt", "notes://x/y.txt", True),
    ("notes://{a}/{b}.txt", "notes://x.txt", False),
    ("notes://{a}/{b}.txt", "notes:///y.txt", False),
    ("notes://{a}", "notes://a", True),
    ("notes://plain", "notes://plain", True),
    ("a:{x}b", "a:b", False),
]


@pytest.mark.parametrize(("template", "uri", "is_one"), TEMPLATES)
def test_addresses_that_a_template_makes(template: str, uri: str, is_one: bool) -> None:
    assert fits(template, uri) is is_one


def test_only_what_has_a_meaning_is_passed_on() -> None:
    prompt_found = passed_on(PROMPT, {"name": "a", "title": 3, "icons": [], "arguments": [{"name": "x", "required": "yes", "more": 1}, {"title": "t"}, 4]})
    assert prompt_found == {"name": "a", "arguments": [{"name": "x", "required": False}]}
    assert passed_on(TEMPLATE, {"uriTemplate": "a://{b}", "mimeType": "not one\n"}) == {"name": "a://{b}", "uriTemplate": "a://{b}"}


# -- questions


def asked(outcome: Outcome) -> tuple[str, dict[str, Json], str]:
    """Name, question and state of the one question that a call asks."""
    assert outcome.wants_input, outcome.result
    requests, state = outcome.result["inputRequests"], outcome.result["requestState"]
    assert isinstance(requests, dict)
    assert isinstance(state, str)
    ((name, question),) = requests.items()
    assert isinstance(question, dict)
    return name, question, state


ANSWERS: list[tuple[str, Json, str]] = [
    ("ask", ACCEPTED, '{"action": "accept", "content": {"name": "Ada"}}'),
    ("think", {"role": "assistant", "content": {"type": "text", "text": "Hm."}, "model": "m"}, '{"content": {"text": "Hm.", "type": "text"}, "model": "m", "role": "assistant"}'),
    ("look", {"roots": [{"uri": "file:///a", "name": "a"}]}, '{"roots": [{"name": "a", "uri": "file:///a"}]}'),
]  # fmt: skip


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(("tool", "answer", "told"), ANSWERS)
def test_a_question_goes_out_and_its_answer_to_the_same_call(open_world: World, mode: str, tool: str, answer: Json, told: str) -> None:
    open_world.add(offering(mode=mode))
    name, question, state = asked(open_world.ask(f"tests__{tool}"))
    assert name == tool if mode == "modern" else len(name) == 16
    params = question["params"]
    assert isinstance(params, dict)
    if tool == "ask":
        assert params["message"] == "The server tests, which nobody verified, asks: Your name?"
    if tool == "think":
        assert (params["maxTokens"], "includeContext" in params) == (32_768, False)
    found = open_world.ask(f"tests__{tool}", inputs={name: answer, CARRIED: {"state": state}})
    assert text_of(found.result) == told
    assert text_of(open_world.ask("tests__count").result) == "1", "the tool ran once"


def test_a_prompt_that_asks(open_world: World) -> None:
    for mode in ERAS:
        open_world.add(offering(f"tests-{mode}", mode))
        first = Outcome(result=prompt(open_world, f"tests-{mode}__asking"))
        name, _, state = asked(first)
        found = prompt(open_world, f"tests-{mode}__asking", {name: ACCEPTED, CARRIED: {"state": state}})
        assert "Ada" in json.dumps(found["messages"])


def test_who_answers_nothing_is_asked_again(open_world: World) -> None:
    open_world.add(offering())
    name, _, state = asked(open_world.ask("tests__ask"))
    again, _, other = asked(open_world.ask("tests__ask", inputs={CARRIED: {"state": state}}))
    assert (again, other == state) == (name, False)
    found = open_world.ask("tests__ask", inputs={name: {"action": "cancel"}, CARRIED: {"state": other}})
    assert text_of(found.result) == '{"action": "cancel"}'


def test_the_answer_to_a_question_that_waits_no_more(open_world: World) -> None:
    open_world.add(offering())
    name, _, state = asked(open_world.ask("tests__ask"))
    open_world.source.close()
    late = open_world.ask("tests__ask", inputs={name: ACCEPTED, CARRIED: {"state": state}})
    assert meta(late)["code"] == "tool.deadline"
    assert "does not wait for this answer any more" in text_of(late.result)


# -- levels, changes of resources


@pytest.mark.parametrize("mode", ERAS)
def test_the_level_that_a_client_wants_reaches_the_server(open_world: World, mode: str) -> None:
    open_world.add(offering(mode=mode))
    heard = Heard()
    open_world.ask("tests__say", heard=heard, level="debug")
    assert heard.logs == [("debug", "at debug")]


@pytest.mark.parametrize("mode", ERAS)
def test_a_resource_that_is_followed(open_world: World, mode: str) -> None:
    open_world.add(offering(mode=mode))
    told: list[tuple[str, str]] = []
    open_world.source.updated = lambda tenant, uri: told.append((tenant, uri))
    beside(open_world).follow(WHO, "notes://nobody")
    beside(open_world).follow(WHO, "notes://today")

    def hears() -> bool:
        open_world.ask("tests__touch")
        return bool(told)

    until(hears)
    assert set(told) == {("local", "notes://today")}, "nothing is told of what nobody follows"


@pytest.mark.parametrize("mode", ["dies", "deaf"])
def test_servers_that_do_not_like_to_be_asked_for_their_era(open_world: World, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.legacy.connection.PROBE_SECONDS_MAX", 0.3)
    open_world.add(offering(mode=mode))
    assert text_of(open_world.ask("tests__count").result) == "0"


@pytest.mark.parametrize(
    "ask", [lambda world: prompt(world, who="a"), lambda world: read(world, "notes://today"),
            lambda world: beside(world).complete(WHO, {"type": "ref/prompt", "name": "tests__greet"}, "who", "a", NONE, plain=False)]
)  # fmt: skip
def test_answers_that_are_none(open_world: World, ask: object) -> None:
    open_world.add(offering(mode="wrong"))
    with pytest.raises(SaidError) as fault:
        ask(open_world)  # type: ignore[operator]
    assert said(fault)[0] == "tool.reply"


def test_an_entry_without_a_list_has_nothing(open_world: World) -> None:
    assert Entry(server=offering()).tools == ()
    assert beside(open_world).prompts(NONE, plain=False) == ()
