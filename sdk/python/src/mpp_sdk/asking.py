"""Questions of a tool. Spec: spec/call-contract.md section 6.

A tool that asks ends its call. The caller asks the person (or its model), and calls again with the answer among the arguments. So
``ask`` gives the answer the second time; the first time it does not return. All that the tool did before it asked is done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mpp_sdk import _run

QUESTIONS_MAX = 8
"""Questions at a time. Reason: a host takes no more."""

_FIELDS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Asked(BaseException):
    """Ends the call. No ``except Exception`` of a tool catches it; let it pass."""

    def __init__(self, requests: dict[str, dict[str, Any]]) -> None:
        super().__init__("the tool asks")
        self.requests = requests


class Answer:
    """What came of a question: ``action`` is ``accept``, ``decline`` or ``cancel``, ``content`` the fields."""

    __slots__ = ("action", "content")

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.action: str = str(found.get("action", "cancel"))
        content = found.get("content")
        self.content: dict[str, Any] = content if isinstance(content, dict) else {}

    @property
    def accepted(self) -> bool:
        return self.action == "accept"

    def __getitem__(self, field: str) -> Any:
        return self.content[field]

    def get(self, field: str, default: Any = None) -> Any:
        return self.content.get(field, default)

    def __bool__(self) -> bool:
        return self.accepted

    def __repr__(self) -> str:
        return f"Answer({self.action!r}, {self.content!r})"


def ask(name: str, message: str, fields: Mapping[str, Any] | None = None) -> Answer:
    """Ask a person. ``fields`` are what to fill in: a type each (``str``, ``int``, ``float``, ``bool``), or a JSON Schema. Without, a yes or no.

    The tool declares ``name``: ``@tool(asks=["NAME"])``. It is never an approval: a host shows it as a question of the tool.
    """
    found = _given(name, {"method": "elicitation/create", "params": {"message": message, "requestedSchema": form(fields or {})}})
    return Answer(found if isinstance(found, Mapping) else {})


def ask_model(name: str, text: str, *, max_tokens: int = 1_000, system: str = "") -> str:
    """Ask the model of the caller. Gives its text."""
    params: dict[str, Any] = {"messages": [{"role": "user", "content": {"type": "text", "text": text}}], "maxTokens": max_tokens}
    if system:
        params["systemPrompt"] = system
    found = _given(name, {"method": "sampling/createMessage", "params": params})
    content = found.get("content") if isinstance(found, Mapping) else found
    return str(content.get("text", "")) if isinstance(content, Mapping) else str(content or "")


def ask_folders(name: str) -> list[dict[str, str]]:
    """Ask for the folders that the caller works in: ``uri`` and perhaps ``name`` of each."""
    found = _given(name, {"method": "roots/list", "params": {}})
    roots = found.get("roots") if isinstance(found, Mapping) else None
    return [dict(one) for one in roots] if isinstance(roots, list) else []


def ask_all(questions: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """Several questions at once: ``ask_all({"sure": lambda name: ask(name, "Sure?"), ...})``. Gives all answers, by name."""
    answers: dict[str, Any] = {}
    requests: dict[str, dict[str, Any]] = {}
    for name, question in questions.items():
        try:
            answers[name] = question(name)
        except Asked as asked:
            requests.update(asked.requests)
    if requests:
        # A host takes so many at a time; the others are asked in the next call.
        raise Asked(dict(list(requests.items())[:QUESTIONS_MAX]))
    return answers


def form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a form."""
    if fields.get("type") == "object" and isinstance(fields.get("properties"), Mapping):
        return dict(fields)
    properties = {name: _field(name, found) for name, found in fields.items()}
    out: dict[str, Any] = {"type": "object", "properties": properties}
    if properties:
        out["required"] = list(properties)
    return out


def _field(name: str, found: Any) -> dict[str, Any]:
    if isinstance(found, Mapping):
        return dict(found)
    if found not in _FIELDS:
        raise TypeError(f"the field {name!r} of a question is a str, int, float, bool or a JSON Schema, not {found!r}")
    return {"type": _FIELDS[found]}


def _given(name: str, request: dict[str, Any]) -> Any:
    now = _run.now
    if now is None:
        raise RuntimeError("there is no call under way: a tool asks while it runs")
    if not now.allowed(name):
        raise TypeError(f"the tool {now.name!r} asks {name!r} and does not declare it: write @tool(asks=[{name!r}])")
    if name in now.answers:
        return now.answers[name]
    raise Asked({name: request})
