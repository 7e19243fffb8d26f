"""A host that answers from a table, and as much of each framework as an adapter touches. The frameworks themselves are met in interop/frameworks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from mpp.host.host import Host
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Listing, Outcome, Pending

SCHEMA: dict[str, Json] = {"type": "object", "properties": {"n": {"type": "integer", "description": "A number"}, "x": {}}, "required": ["n"]}
WAITS = "demo__waits_for"


class TableHost:
    """Tools: one that answers, one that fails, one that waits for a yes that may come from here, one whose yes must not."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Json]]] = []
        self.answers: list[tuple[str, bool]] = []

    def tools(self, who: Caller) -> Listing:
        assert isinstance(who, Caller)
        names = ("demo__add", "demo__fails", WAITS, "demo__locked", "demo__asks")
        return Listing(revision=1, items=tuple({"name": name, "description": "It does.", "inputSchema": SCHEMA} for name in names))

    def call(self, name: str, arguments: Mapping[str, Json], *, who: Caller) -> Outcome:
        assert isinstance(who, Caller)
        self.calls.append((name, arguments))
        if name in {WAITS, "demo__locked"} and (not self.answers or not self.answers[-1][1]):
            pending = Pending(question="q-1", ref="7f3a", text="May it?", may_elicit=name == WAITS)
            return Outcome(result={"content": [{"type": "text", "text": "approval required, ref 7f3a"}], "isError": True}, pending=pending)
        if name == "demo__fails":
            return Outcome(result={"content": [{"type": "text", "text": "it did not work"}], "isError": True})
        if name == "demo__asks":
            return Outcome(result={"resultType": "input_required", "inputRequests": {"city": {}, "day": {}}})
        return Outcome(result={"content": [{"type": "text", "text": "done"}], "structuredContent": {"n": 1}, "isError": False})

    async def acall(self, name: str, arguments: Mapping[str, Json], *, who: Caller) -> Outcome:
        return self.call(name, arguments, who=who)

    def answer(self, question: str, *, yes: bool, who: Caller) -> str:
        assert isinstance(who, Caller)
        self.answers.append((question, yes))
        return ""


@pytest.fixture
def table() -> TableHost:
    return TableHost()


@pytest.fixture
def host(table: TableHost) -> Host:
    return cast("Host", table)


class Kept:
    """A class of a framework that keeps what it was made with."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.given = given
        for key, item in named.items():
            setattr(self, key, item)

    @classmethod
    def from_schema(cls, run: Any, **named: Any) -> Any:
        return cls(run=run, **named)


class ToolError(Exception):
    """What a framework raises for a tool that failed, or that waits."""

    def __init__(self, words: str = "", metadata: object = None) -> None:
        super().__init__(words)
        self.metadata = metadata


class NotNowError(Exception):
    """A graph that stops."""


def interrupt(shown: object) -> object:
    raise NotNowError(shown)


def kernel_function(*, name: str, description: str) -> Any:
    """Marks a method, as Semantic Kernel's own does."""

    def mark(method: Any) -> Any:
        method.marked = (name, description)
        return method

    return mark


MODULES: dict[str, dict[str, Any]] = {
    "langchain_core.tools": {"StructuredTool": Kept, "ToolException": ToolError},
    "langgraph.types": {"interrupt": interrupt},
    "pydantic_ai": {"Tool": Kept, "ApprovalRequired": ToolError},
    "agents": {"FunctionTool": Kept},
    "agent_framework": {"FunctionTool": Kept},
    # The inner module first: each one puts empty ones in the places above it.
    "semantic_kernel.functions.kernel_function_from_method": {"KernelFunctionFromMethod": Kept},
    "semantic_kernel.functions": {"kernel_function": kernel_function, "KernelParameterMetadata": Kept},
    "autogen_core.tools": {"BaseTool": Kept, "ToolSchema": dict},
    "crewai.tools": {"BaseTool": Kept},
    "pydantic": {
        "create_model": lambda name, **fields: SimpleNamespace(name=name, fields=fields), "ConfigDict": dict,
        "Field": lambda default, **more: (default, more),
    },
}  # fmt: skip


@pytest.fixture
def frameworks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, items in MODULES.items():
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            module = ModuleType(".".join(parts[:end]))
            vars(module).update(items if end == len(parts) else {})
            monkeypatch.setitem(sys.modules, module.__name__, module)
