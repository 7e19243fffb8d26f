"""Questions to the person or model behind the client, and what counts as a yes. Spec: mcp-front J-40 to J-47."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mpp.model.jsontext import Json
from mpp.protocol.mcp.limits import QUESTIONS_MAX
from mpp.protocol.mcp.ports import CARRIED, Pending
from mpp.protocol.mcp.versions import V2025_06, V2025_11

ELICIT = "elicitation/create"
SAMPLE = "sampling/createMessage"
ROOTS = "roots/list"
APPROVAL = "approval"
"""The name under which a person is asked for an approval. A tool's own questions have other names."""
APPROVE = "approve"

_NEEDS = {ELICIT: "elicitation", SAMPLE: "sampling", ROOTS: "roots"}


class Question(NamedTuple):
    """One request to the client."""

    name: str
    method: str
    params: dict[str, Json]


def elicits(capabilities: Mapping[str, Json], version: str) -> bool:
    """Can this client show a form to a person?"""
    found = capabilities.get("elicitation")
    if not isinstance(found, dict) or version < V2025_06:
        return False
    # Without a word about modes a client can do forms.
    return "form" in found or not found


def can_answer(method: str, capabilities: Mapping[str, Json], version: str) -> bool:
    """Did the client say that it answers such a request?"""
    return elicits(capabilities, version) if method == ELICIT else isinstance(capabilities.get(_NEEDS.get(method, "")), dict)


def approval_form(pending: Pending, version: str) -> dict[str, Json]:
    """The form that asks for an approval. What is not touched is a no."""
    field: dict[str, Json] = {"type": "boolean", "title": "Approve", "description": "Yes: this one action may be done, as described.", "default": False}
    schema: dict[str, Json] = {"type": "object", "properties": {APPROVE: field}, "required": [APPROVE]}
    return _form(pending.text, schema, version)


def says_yes(answer: Mapping[str, Json] | None) -> bool:
    """Only a form that was sent, with a plain true in it. Attack: text such as "true", a number, or a form that was closed."""
    content = answer.get("content") if answer is not None and answer.get("action") == "accept" else None
    return isinstance(content, dict) and content.get(APPROVE) is True


def asked_questions(asker: str, found: Json, capabilities: Mapping[str, Json], version: str) -> tuple[list[Question], list[str]]:
    """The questions of a tool or prompt that this client can answer, and what it lacks for the others. ``asker`` says who asks."""
    able: list[Question] = []
    lacking: list[str] = []
    for name, request in list(found.items())[:QUESTIONS_MAX] if isinstance(found, dict) else ():
        method = request.get("method") if isinstance(request, dict) else None
        params = request.get("params", {}) if isinstance(request, dict) else None
        if (
            not isinstance(method, str)
            or method not in _NEEDS
            or not isinstance(params, dict)
            or params.get("mode", "form") != "form"
            or name in {APPROVAL, CARRIED}
        ):
            # Attack: a page that a person is sent to, or a question that has the name of an approval.
            continue
        if not can_answer(method, capabilities, version):
            lacking.append(_NEEDS[method])
            continue
        able.append(Question(name, method, _of_tool(asker, params, version) if method == ELICIT else dict(params)))
    return able, lacking


def _of_tool(asker: str, params: Mapping[str, Json], version: str) -> dict[str, Json]:
    # Attack: a tool asks "Do you approve?" and is taken for the host.
    message = params.get("message")
    words = f"The {asker} asks (this is no approval): {message if isinstance(message, str) else ''}"
    return _form(words, params.get("requestedSchema", {"type": "object", "properties": {}}), version)


def _form(message: str, schema: Json, version: str) -> dict[str, Json]:
    params: dict[str, Json] = {"message": message, "requestedSchema": schema}
    # The version before does not know the word.
    return {"mode": "form", **params} if version >= V2025_11 else params
