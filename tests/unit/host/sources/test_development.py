"""What a development build is called by and how its calls are told; that it is served is tested with mpp dev."""

from __future__ import annotations

import pytest

from mpp.host.sources.development import ended_with, labelled, words_of
from mpp.host.toolcall import META, error_result
from mpp.protocol.mcp.ports import Outcome, Pending


def test_a_definition_says_what_it_is() -> None:
    found = labelled({"description": "Does", "_meta": {META + "verified": True, META + "level": "low"}}, "[x] ")
    assert found["description"] == "[x] Does"
    assert found["_meta"] == {META + "verified": False, META + "development": True, META + "level": "low"}
    assert labelled({}, "[x] ")["description"] == "[x] "


@pytest.mark.parametrize(("result", "code"), [
    ({"content": []}, "ok"), ({"content": [], "isError": True}, "error"), (error_result("no", "policy.denied", {}), "policy.denied"), ({"_meta": 1}, "ok"),
])  # fmt: skip
def test_how_a_call_ended(result: dict[str, object], code: str) -> None:
    assert ended_with(Outcome(result=result)) == code  # type: ignore[arg-type]


def test_a_call_that_waits_for_a_person() -> None:
    pending = Pending(question="q", ref="7f3a", text="", may_elicit=False)
    assert ended_with(Outcome(result={}, pending=pending)) == "approval.required"


@pytest.mark.parametrize(("content", "words"), [([{"type": "text", "text": "a"}, {"type": "image"}, 1, {"text": "b"}], "a\n\nb"), (None, "")])
def test_the_words_of_a_result(content: object, words: str) -> None:
    assert words_of(Outcome(result={"content": content})) == words  # type: ignore[dict-item]
