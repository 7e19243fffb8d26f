"""LangChain and LangGraph: tools in a graph, an error as an error, an approval by interrupt and resume."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from world import ADD, ASKS, DONE, FAILS, NAMES, SUM, WAITS, check, run

from mpp.adapters.langchain import by_interrupt, tools
from mpp.host.host import Host


def graph(host: Host) -> Any:
    made = StateGraph(MessagesState)
    made.add_node("tools", ToolNode(tools(host, names=NAMES, ask=by_interrupt)))
    made.set_entry_point("tools")
    return made.compile(checkpointer=InMemorySaver())


def asked(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "call-1"}])]}


def at(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}


def work(host: Host) -> None:
    by_name = {tool.name: tool for tool in tools(host, names=NAMES)}
    check("the schema is there", by_name[ADD].args_schema["required"] == ["a", "b"], by_name[ADD].args_schema)
    check("a tool answers", SUM in by_name[ADD].invoke({"a": 2, "b": 3}), by_name[ADD].invoke({"a": 2, "b": 3}))
    runs = graph(host)
    done = runs.invoke(asked(ADD, {"a": 2, "b": 3}), at("plain"))["messages"][-1]
    check("the artifact is the whole result", done.artifact["structuredContent"] == {"sum": 5.0}, done)
    failed = runs.invoke(asked(FAILS, {}), at("fails"))["messages"][-1]
    check("an error is an error", failed.status == "error", failed)
    waiting = runs.invoke(asked(ASKS, WAITS), at("yes"))
    check("a person is asked", "ref" in waiting["__interrupt__"][0].value, waiting)
    resumed = runs.invoke(Command(resume=True), at("yes"))["messages"][-1]
    check("a yes is enough", resumed.content == DONE, resumed)
    runs.invoke(asked(ASKS, WAITS), at("no"))
    refused = runs.invoke(Command(resume=False), at("no"))["messages"][-1]
    check("a no is a no", refused.status == "error" and "ask-me" not in refused.content, refused)


run(work)
