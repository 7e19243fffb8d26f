"""Questions of an older server, as they go out: to a person, to the client's model, about its folders. Spec: legacy V-33, V-65."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from mpp.errors import ToolFailed
from mpp.host.legacy.types import UnverifiedServer
from mpp.host.legacy.waiting import Asks
from mpp.model.jsontext import Json
from mpp.protocol.mcp_client.events import Asked, Done
from mpp.protocol.mcp_client.session import ELICIT, ROOTS, SAMPLE
from mpp.stages.sandbox import InputRequired, read_result

KEY_CHARS = 16
"""Hex digits of the name of a question of the older era, which has none. Reason: it is the same when the call is made again, and says nothing."""

TOKENS_MAX = 32_768
"""Tokens that a server may ask a model for. Reason: what a tool of a package may."""

_WORDS = ("messages", "maxTokens", "systemPrompt")
"""What is passed on of a question to a model. Attack: ``includeContext``, by which a server reads what others told the client."""


def named(question: Asked, subject: UnverifiedServer) -> tuple[str, Mapping[str, Json]] | None:
    """The name of a question of the older era, and what goes out; None where it cannot be answered."""
    request = _request(question.method, question.params, subject)
    if request is None:
        return None
    told = json.dumps([question.method, question.params], sort_keys=True).encode("ascii")
    name = hashlib.sha256(told).hexdigest()[:KEY_CHARS]
    found = _judged({name: request})
    return None if found is None else (name, found)


def asks_of(done: Done, subject: UnverifiedServer) -> Asks | None:
    """The questions in a result of the newer era; None for one that is finished. Raises ToolFailed for questions that do not read."""
    result = done.result
    if result is None or result.get("resultType") != "input_required":
        return None
    listed, state = result.get("inputRequests"), result.get("requestState")
    requests: dict[str, Json] = {}
    for name, one in listed.items() if isinstance(listed, dict) else ():
        method, params = (one.get("method"), one.get("params")) if isinstance(one, dict) else (None, None)
        request = _request(method, params if isinstance(params, dict) else {}, subject) if isinstance(method, str) else None
        if request is not None:
            requests[name] = request
    found = _judged(requests)
    if found is None:
        raise ToolFailed("tool.reply", "the server asks for what cannot be asked here", where="inputRequests", hint="look at the server")
    return Asks(requests=found, state=state if isinstance(state, str) else "")


def _judged(requests: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """The questions, read as strictly as those of a package."""
    document: dict[str, Json] = {"resultType": "input_required", "inputRequests": dict(requests)}
    try:
        found = read_result(document)
    except ToolFailed:
        return None
    return {one.id: one.to_json() for one in found.questions} if isinstance(found, InputRequired) else None


def _request(method: str, params: Mapping[str, Json], subject: UnverifiedServer) -> Json:
    if method == ROOTS:
        return {"method": ROOTS, "params": {}}
    if method == SAMPLE:
        words = {key: params[key] for key in _WORDS if key in params}
        most = words.get("maxTokens")
        if isinstance(most, int) and most > TOKENS_MAX:
            words["maxTokens"] = TOKENS_MAX
        return {"method": SAMPLE, "params": words}
    if method != ELICIT or params.get("mode", "form") != "form" or not isinstance(params.get("requestedSchema"), dict):
        # Attack: an address that a person is sent to.
        return None
    asked = params.get("message")
    # Attack: a server that passes for this host and asks for a passphrase. Whose question it is stands first.
    message = f"The server {subject.entry.server.name}, which nobody verified, asks: {asked if isinstance(asked, str) else ''}"
    return {"method": ELICIT, "params": {"message": message, "requestedSchema": params["requestedSchema"]}}
