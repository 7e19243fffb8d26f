"""Exemptions of policy, as they hold in the answer of a tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.patterns.cache import PatternCache
from mpp.model.jsontext import Json
from mpp.stages.policy import NO_PRIVACY, CallPrivacy, Exempt
from mpp.stages.privacy import Filter, Pseudonyms, Rules, built_in, choose, clean_run
from mpp.stages.sandbox import read_result

MAIL = "ada@example.com"


@pytest.fixture(scope="module")
def rules(compiled: Path) -> Rules:
    return Rules(built_in(), lambda expressions: choose(expressions, PatternCache(str(compiled))))


def shown(rules: Rules, pointer: str, *types: str) -> tuple[Json, dict[str, int]]:
    """What is shown of an answer that holds one address twice, and how often one was let through."""
    said = CallPrivacy(rules=NO_PRIVACY, exempt=(Exempt(types=types, package="com.example.crm", pointer=pointer),))
    answer: Json = {"content": [{"type": "text", "text": MAIL}], "structuredContent": {"contacts": [{"mail": MAIL, "pin": "4821"}]}, "isError": False}
    clean = clean_run(read_result(answer), None, b"", Filter(rules, said, Pseudonyms(b"k" * 32), lambda: 0.0))
    assert clean.reply is not None
    return clean.reply.to_json(), dict(clean.report.let_through)


@pytest.mark.parametrize(
    ("pointer", "in_text", "in_structured"),
    [("/contacts/*/mail", False, True), ("/content/0/text", True, False), ("", True, True), ("/contacts/1", False, False), ("/mail", False, False)],
)
def test_a_pointer_reaches_what_the_tool_returned(rules: Rules, pointer: str, in_text: bool, in_structured: bool) -> None:
    found, let_through = shown(rules, pointer, "email")
    assert isinstance(found, dict)
    assert (MAIL in str(found["content"]), MAIL in str(found["structuredContent"])) == (in_text, in_structured)
    assert let_through == ({"email": in_text + in_structured} if in_text or in_structured else {})


def test_a_group_is_exempt_with_all_its_types_and_no_other(rules: Rules) -> None:
    found, _ = shown(rules, "", "api_key")
    assert MAIL not in str(found)
