"""Calls of the new era that ask: what goes out with the result, what comes back with the next request."""

from __future__ import annotations

from typing import Any

import pytest

from mpp.protocol.mcp.ports import CARRIED, carried, Outcome, SaidError, ToolCall
from mpp.testing.backend import Approving, MemoryBackend
from tests.unit.protocol import wire
from tests.unit.protocol.wire import modern, Wire

FORMS = {"elicitation": {}}
YES = {"approval": {"action": "accept", "content": {"approve": True}}}


def call(client: Wire, tool: str, name: int = 1, capabilities: Any = FORMS, **params: Any) -> Any:
    return client.ask(modern(name, "tools/call", capabilities, name=tool, **params))


def said(found: Any) -> str:
    text = found["result"]["content"][0]["text"]
    assert isinstance(text, str)
    return text


def test_a_yes_comes_back_once() -> None:
    at = wire.backend()
    client = Wire(wire.server(at))
    asked = call(client, "demo__rm", arguments={"n": 1})["result"]
    assert asked["resultType"] == "input_required"
    again = {"arguments": {"n": 1}, "requestState": asked["requestState"], "inputResponses": YES}
    assert said(call(client, "demo__rm", 2, **again)) == "done"
    assert [yes for _, _, yes in at.answers] == [True]
    assert call(client, "demo__rm", 3, **again)["error"] == {"code": -32602, "message": "invalid requestState"}


NOES = [
    {"approval": {"action": "decline"}},
    {"approval": {"action": "cancel"}},
    {"approval": {}},
    {"approval": {"action": "accept", "content": {"approve": "true"}}},
    {"approval": {"action": "decline", "content": {"approve": True}}},
    {"approval": {"action": "accept", "content": {"yes": True}}, "x": {"action": "accept", "content": {"approve": True}}},
]


@pytest.mark.parametrize("responses", NOES)
def test_everything_else_is_a_no(responses: Any) -> None:
    at = wire.backend()
    client = Wire(wire.server(at))
    state = call(client, "demo__rm")["result"]["requestState"]
    assert said(call(client, "demo__rm", 2, requestState=state, inputResponses=responses)) == "denied by a person"
    assert [yes for _, _, yes in at.answers] == [False]


@pytest.mark.parametrize("more", [{}, {"inputResponses": {}}, {"inputResponses": {"other": {"action": "accept"}}}, {"inputResponses": {"approval": 7}}])
def test_without_an_answer_it_is_asked_again(more: Any) -> None:
    at = wire.backend()
    client = Wire(wire.server(at))
    state = call(client, "demo__rm")["result"]["requestState"]
    again = call(client, "demo__rm", 2, requestState=state, **more)["result"]
    assert (again["resultType"], at.answers) == ("input_required", [])
    assert said(call(client, "demo__rm", 3, requestState=again["requestState"], inputResponses=YES)) == "done"


def test_a_yes_without_a_state_was_asked_by_nobody() -> None:
    at = wire.backend()
    client = Wire(wire.server(at))
    assert call(client, "demo__rm", inputResponses=YES)["result"]["resultType"] == "input_required"
    assert (at.answers, at.calls[-1].inputs) == ([], {})


def test_what_a_tool_would_ask_may_come_before_it_asks() -> None:
    """It is no more than an argument by another way. What is no answer is left out, and asked for."""
    at = wire.backend()
    client = Wire(wire.server(at))
    assert call(client, "demo__asks", inputResponses={"name": {"action": "accept"}, "other": 7, **YES})["result"]["resultType"] == "input_required"
    assert (at.answers, at.calls[-1].inputs) == ([], {"name": {"action": "accept"}})
    assert call(client, "demo__asks", 2, inputResponses=[])["error"]["code"] == -32602


def test_an_answer_that_does_not_count_is_not_asked_for_again() -> None:
    at = wire.backend()
    at.answered = lambda question: None  # type: ignore[method-assign]
    client = Wire(wire.server(at))
    state = call(client, "demo__rm")["result"]["requestState"]
    assert said(call(client, "demo__rm", 2, requestState=state, inputResponses=YES)) == "approval required, ref 7f3a"


def test_a_tool_asks_in_rounds_and_gets_all_answers() -> None:
    client = Wire(wire.server())
    first = call(client, "demo__asks")["result"]
    params = first["inputRequests"]["name"]["params"]
    assert params["message"] == "The tool demo__asks asks (this is no approval): Your name?"
    ada = {"action": "accept", "content": {"name": "Ada"}}
    given = {"name": ada, "colour": {"action": "accept", "content": {"early": 1}}, "more": {}}
    second = call(client, "demo__asks", 2, requestState=first["requestState"], inputResponses=given)["result"]
    assert list(second["inputRequests"]) == ["colour"]
    third = call(client, "demo__asks", 3, requestState=second["requestState"], inputResponses={"colour": {"action": "decline"}, "name": {"forged": 1}})
    assert said(third) == 'colour={"action": "decline"}/name={"action": "accept", "content": {"name": "Ada"}}'


def test_a_tool_that_asks_forever_is_stopped() -> None:
    client = Wire(wire.server())
    found = call(client, "demo__forever")["result"]
    rounds = 1
    while "requestState" in found:
        found = call(client, "demo__forever", rounds, requestState=found["requestState"], inputResponses={"x": {"action": "accept"}})["result"]
        rounds += 1
    assert (found["isError"], rounds) == (True, 9)
    greeted = wire.opened(capabilities=FORMS)
    found = greeted.ask(wire.old(1, "tools/call", name="demo__forever"))
    for _ in range(8):
        found = greeted.ask({"jsonrpc": "2.0", "id": found["id"], "result": {"action": "accept"}})
    assert found["result"]["content"][0]["text"] == "It asked 8 times and was not done."


def test_answers_that_are_too_long_for_a_state() -> None:
    client = Wire(wire.server())
    first = call(client, "demo__asks")["result"]
    long = {"name": {"action": "accept", "content": {"name": "x" * 300_000}}}
    assert said(call(client, "demo__asks", 2, requestState=first["requestState"], inputResponses=long)) == "The answers to its questions are too long."


def test_only_what_a_client_can_answer_goes_out() -> None:
    both = {"e": wire.question("?"), "s": wire.question("", "sampling/createMessage"), "r": wire.question("", "roots/list")}
    at = MemoryBackend()
    at.put("demo__all", lambda who, call, live: wire.Outcome(result={"resultType": "input_required", "inputRequests": dict(both)}))
    client = Wire(wire.server(at))
    for capabilities, asked in [({"sampling": {}}, ["s"]), ({"roots": {}, "elicitation": {"form": {}}}, ["e", "r"])]:
        assert list(call(client, "demo__all", capabilities=capabilities)["result"]["inputRequests"]) == asked
    missing = call(client, "demo__all", capabilities={"elicitation": {"url": {}}})["error"]
    assert missing["data"] == {"requiredCapabilities": {"elicitation": {}, "sampling": {}, "roots": {}}}
    assert client.statuses[-1] == 400


@pytest.mark.parametrize("responses", [[], "x", 7, None])
def test_answers_that_are_no_answers(responses: Any) -> None:
    client = Wire(wire.server())
    state = call(client, "demo__rm")["result"]["requestState"]
    assert call(client, "demo__rm", 2, requestState=state, inputResponses=responses)["error"]["code"] == -32602


def test_a_prompt_asks_and_is_answered() -> None:
    client = Wire(wire.server())
    first = client.ask(modern(1, "prompts/get", FORMS, name="ask"))["result"]
    answer = {"who": {"action": "accept", "content": {"who": "Ada"}}}
    # A state of a prompt is no state of a tool.
    assert call(client, "ask", 2, requestState=first["requestState"], inputResponses=answer)["error"]["message"] == "invalid requestState"
    second = client.ask(modern(3, "prompts/get", FORMS, name="ask", requestState=first["requestState"], inputResponses=answer))
    assert second["result"]["messages"][0]["role"] == "user"


def test_what_a_server_gave_with_its_question_goes_back_to_it_and_to_nobody_else() -> None:
    seen: list[str] = []

    def stateful(who: Any, given: Any, live: Any) -> Any:
        seen.append(carried(given.inputs))
        if len(seen) < 3:
            asked = {str(len(seen)): wire.question("?")}
            return wire.Outcome(result={"resultType": "input_required", "inputRequests": asked, "requestState": f"of the server {len(seen)}"})
        return wire.said("done")

    at = MemoryBackend()
    at.put("demo__stateful", stateful)
    client = Wire(wire.server(at))
    # Attack: a client that gives the state itself.
    forged = {CARRIED: {"state": "forged"}}
    first = call(client, "demo__stateful", inputResponses=forged)["result"]
    assert "of the server" not in str(first)
    answer = {"action": "accept", "content": {}}
    second = call(client, "demo__stateful", 2, requestState=first["requestState"], inputResponses={"1": answer, **forged})["result"]
    assert said(call(client, "demo__stateful", 3, requestState=second["requestState"], inputResponses={"2": answer})) == "done"
    assert seen == ["", "of the server 1", "of the server 2"]
    seen.clear()
    greeted = wire.opened(capabilities=FORMS, at=at)
    found = greeted.ask(wire.old(1, "tools/call", name="demo__stateful"))
    for _ in range(2):
        found = greeted.ask({"jsonrpc": "2.0", "id": found["id"], "result": answer})
    assert seen == ["", "of the server 1", "of the server 2"]


class Keeping(MemoryBackend):
    """Prompts, resources and completions that a person must agree to, or that are refused in words."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Approving(text="Read it")
        self.kept.backend = self

    def prompt(self, who: Any, name: str, arguments: Any, inputs: Any) -> Any:
        found = self.kept(who, ToolCall(name=name, arguments=b"{}"), None)  # type: ignore[arg-type]
        if found.pending is not None or found.result.get("isError"):
            raise SaidError(found)
        return {"messages": []}

    def read(self, who: Any, uri: str) -> Any:
        raise SaidError(wire.said("approval required, ref 7f3a", error=True))

    def complete(self, who: Any, ref: Any, argument: str, text: str) -> Any:
        raise SaidError(Outcome(result={"content": [], "isError": True}))


def test_a_prompt_waits_for_a_person_as_a_tool_does() -> None:
    client = Wire(wire.server(Keeping()))
    first = client.ask(modern(1, "prompts/get", FORMS, name="kept"))["result"]
    assert first["inputRequests"]["approval"]["params"]["message"] == "Read it"
    assert client.ask(modern(2, "prompts/get", FORMS, name="kept", requestState=first["requestState"], inputResponses=YES))["result"]["messages"] == []
    refused = client.ask(modern(3, "prompts/get", {}, name="other"))
    assert "result" in refused, "it was agreed to once and for all here"
    nobody = Wire(wire.server(Keeping()))
    assert nobody.ask(modern(1, "prompts/get", {}, name="kept"))["error"]["message"] == "approval required, ref 7f3a"


def test_words_of_why_a_resource_or_a_completion_is_not_given() -> None:
    client = Wire(wire.server(Keeping()))
    assert client.ask(modern(1, "resources/read", uri="a://b"))["error"]["message"] == "approval required, ref 7f3a"
    ref = {"type": "ref/prompt", "name": "a"}
    assert client.ask(modern(2, "completion/complete", ref=ref, argument={"name": "a", "value": ""}))["error"]["message"] == "it is not given"
