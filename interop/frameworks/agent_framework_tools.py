"""Microsoft Agent Framework: an agent with a scripted client, and the framework's own approval requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from agent_framework import Agent, BaseChatClient, ChatResponse, Content, FunctionInvocationLayer, Message
from world import ADD, ASKS, DONE, FAILS, NAMES, SUM, WAITS, check, run

from mpp.adapters.agent_framework import tools
from mpp.host.host import Host


class Scripted(FunctionInvocationLayer, BaseChatClient):
    """Calls one tool, then says what it answered."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        super().__init__()
        self._name, self._given = name, arguments

    def _inner_get_response(self, *, messages: Sequence[Message], **_more: Any) -> Any:
        async def respond() -> ChatResponse:
            results = [one for message in messages for one in message.contents if one.type == "function_result"]
            if not results:
                call = Content.from_function_call(call_id="call-1", name=self._name, arguments=self._given)
                return ChatResponse(messages=[Message(role="assistant", contents=[call])])
            return ChatResponse(messages=[Message(role="assistant", contents=[Content.from_text(str(results[-1].result))])])

        return respond()


async def work(host: Host) -> None:
    made = {tool.name: tool for tool in tools(host, names=NAMES)}
    check("the schema is there", made[ADD].parameters()["required"] == ["a", "b"], made[ADD].parameters())
    agent = Agent(Scripted(ADD, {"a": 2, "b": 3}), tools=tools(host, names=NAMES))
    done = await agent.run("add")
    check("a tool answers", SUM in done.text, done.text)
    failed = await Agent(Scripted(FAILS, {}), tools=tools(host, names=NAMES)).run("fail")
    check("an error is told", "intentionally" in failed.text, failed.text)
    reference = await Agent(Scripted(ASKS, WAITS), tools=tools(host, names=NAMES)).run("ask")
    check("without an approval there is a reference", "approval required" in reference.text, reference.text)
    for yes in (True, False):
        asking = Agent(Scripted(ASKS, WAITS), tools=tools(host, names=NAMES, approved_first=[ASKS]))
        session = asking.create_session()
        first = await asking.run("ask", session=session)
        check("a person is asked", len(first.user_input_requests) == 1, first)
        answer = first.user_input_requests[0].to_function_approval_response(yes)
        end = await asking.run([Message(role="user", contents=[answer])], session=session)
        check("a yes is enough, a no is a no", (end.text == DONE) is yes, end.text)


run(lambda host: asyncio.run(work(host)))
