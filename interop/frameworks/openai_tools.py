"""OpenAI Agents SDK: a run with a scripted model, interrupted where a person must decide."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, set_tracing_disabled
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from world import ADD, ASKS, DONE, FAILS, NAMES, SUM, WAITS, check, run

from mpp.adapters.openai_agents import tools
from mpp.host.host import Host

set_tracing_disabled(True)


class Scripted(Model):
    """Calls one tool, then says what it answered."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        self._name, self._arguments = name, json.dumps(arguments)

    async def get_response(self, *given: Any, **more: Any) -> ModelResponse:
        items = more.get("input") or given[1]
        outputs = [item["output"] for item in items if isinstance(item, dict) and item.get("type") == "function_call_output"]
        if not outputs:
            call = ResponseFunctionToolCall(arguments=self._arguments, call_id="call-1", name=self._name, type="function_call")
            return ModelResponse(output=[call], usage=Usage(), response_id=None)
        text = ResponseOutputText(annotations=[], text=str(outputs[-1]), type="output_text")
        said = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        return ModelResponse(output=[said], usage=Usage(), response_id=None)

    def stream_response(self, *_given: Any, **_more: Any) -> Any:
        raise RuntimeError("nothing is streamed here")


def agent(host: Host, name: str, arguments: dict[str, Any]) -> Agent[Any]:
    return Agent(name="a", model=Scripted(name, arguments), tools=tools(host, names=NAMES))


async def result(one: Agent[Any], given: Any = "go") -> Any:
    return await Runner.run(one, given, run_config=RunConfig(tracing_disabled=True))


async def runs(host: Host) -> None:
    done = await result(agent(host, ADD, {"a": 2, "b": 3}))
    check("a tool answers", SUM in done.final_output, done.final_output)
    before = host.metrics().calls
    await result(agent(host, ADD, {"a": 2, "b": 3}))
    check("a call is made once", host.metrics().calls - before == 1, host.metrics())
    failed = await result(agent(host, FAILS, {}))
    check("an error is told", "intentionally" in failed.final_output, failed.final_output)
    for yes in (True, False):
        asking = agent(host, ASKS, WAITS)
        waiting = await result(asking)
        check("a person is asked", len(waiting.interruptions) == 1, waiting)
        state = waiting.to_state()
        (state.approve if yes else state.reject)(waiting.interruptions[0])
        end = await result(asking, state)
        check("a yes is enough, a no is a no", (end.final_output == DONE) is yes, end.final_output)


run(lambda host: asyncio.run(runs(host)))
