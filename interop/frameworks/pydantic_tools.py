"""Pydantic AI: an agent with a scripted model, and its own deferred approvals."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from world import ADD, ASKS, DONE, FAILS, NAMES, SUM, WAITS, check, run

from mpp.adapters.pydantic_ai import tools
from mpp.host.host import Host


def returned(messages: list[ModelMessage]) -> list[str]:
    return [str(part.content) for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]


def agent(host: Host, name: str, arguments: dict[str, Any]) -> Agent[None, Any]:
    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        check("the model sees the schema", any(one.name == name and one.parameters_json_schema["type"] == "object" for one in info.function_tools))
        found = returned(messages)
        return ModelResponse(parts=[TextPart(found[-1])] if found else [ToolCallPart(name, arguments, tool_call_id="call-1")])

    return Agent(FunctionModel(model), tools=tools(host, names=NAMES), output_type=[str, DeferredToolRequests])


def work(host: Host) -> None:
    check("a tool answers", SUM in agent(host, ADD, {"a": 2, "b": 3}).run_sync("add").output)
    check("an error is told", "intentionally" in agent(host, FAILS, {}).run_sync("fail").output)
    for yes in (True, False):
        asking = agent(host, ASKS, WAITS)
        first = asking.run_sync("ask")
        check("a person is asked", isinstance(first.output, DeferredToolRequests) and len(first.output.approvals) == 1, first.output)
        check("with the reference", "ref" in first.output.metadata["call-1"], first.output)
        second = asking.run_sync(message_history=first.all_messages(), deferred_tool_results=DeferredToolResults(approvals={"call-1": yes}))
        check("a yes is enough, a no is a no", (second.output == DONE) is yes, second.output)


run(work)
