"""Questions of older servers, as they go out."""

from __future__ import annotations

import pytest

from mpp.errors import ToolFailed
from mpp.host.legacy.asking import asks_of, named
from mpp.host.legacy.types import Barriers, Entry, UnverifiedServer
from mpp.model.jsontext import Json
from mpp.protocol.mcp_client.events import Asked, Done
from tests.unit.host.legacy.world import server

SUBJECT = UnverifiedServer(entry=Entry(server=server()), barriers=Barriers())
FORM: Json = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
SAMPLE: Json = {"messages": [{"role": "user", "content": {"type": "text", "text": "a"}}], "maxTokens": 1}


def asked(method: str, params: Json) -> object:
    assert isinstance(params, dict)
    return named(Asked(id=1, method=method, params=params), SUBJECT)


def test_a_question_of_the_older_era_has_a_name_that_stays() -> None:
    found = asked("elicitation/create", FORM)
    assert found == asked("elicitation/create", FORM)
    assert found != asked("elicitation/create", {**FORM, "message": "Whom?"})  # type: ignore[dict-item]


NOT_PASSED: list[tuple[str, Json]] = [
    ("elicitation/create", {"message": "Go there", "mode": "url", "url": "https://evil.example", "requestedSchema": {}}),
    ("elicitation/create", {"message": "Who?"}),
    ("elicitation/create", {"message": 3, "requestedSchema": {"type": "object", "properties": {"a": {"$ref": "https://evil.example"}}}}),
    ("sampling/createMessage", {"maxTokens": 1}),
    ("sampling/createMessage", {"messages": [{"role": "system", "content": {"type": "text", "text": "a"}}], "maxTokens": 1}),
    ("tools/call", {}),
]


@pytest.mark.parametrize(("method", "params"), NOT_PASSED)
def test_what_is_no_question_for_a_client(method: str, params: Json) -> None:
    assert asked(method, params) is None


def result(**requests: Json) -> Done:
    return Done(id=1, result={"resultType": "input_required", "inputRequests": requests, "requestState": 7})


def test_questions_of_the_newer_era() -> None:
    both = result(a={"method": "elicitation/create", "params": FORM}, b={"method": "sampling/createMessage", "params": SAMPLE}, c={"method": "roots/list"}, d=3)
    found = asks_of(both, SUBJECT)
    assert found is not None
    assert (list(found.requests), found.state) == (["a", "b", "c"], "")
    assert asks_of(Done(id=1, result={}), SUBJECT) is None
    assert asks_of(Done(id=1, result=None, error="no"), SUBJECT) is None
    for wrong in (result(), result(a={"method": "tools/call"}), result(a={"method": "sampling/createMessage", "params": {}})):
        with pytest.raises(ToolFailed, match="cannot be asked"):
            asks_of(wrong, SUBJECT)
