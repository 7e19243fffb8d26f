"""Each way to write a value that the filter must see through, and the look-alikes that it must leave alone.

The cases are data: edges/edges.jsonl. The sign of a section in a text is taken out as it is read,
so that scanners of secrets do not take a made-up secret for a real one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mpp.stages.policy import CallPrivacy, PrivacyRules
from mpp.stages.privacy import choose, built_in, Filter, Pseudonyms, Rules

CASES = [json.loads(line.replace("\\u00a7", "")) for line in (Path(__file__).parent / "edges" / "edges.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules(built_in(), lambda expressions: choose(expressions, None))


def shown(message: Any, rules: Rules) -> str:
    found = Filter(rules, CallPrivacy(rules=PrivacyRules()), Pseudonyms(b"k" * 32), lambda: 0.0)(message)
    assert not found.is_withheld, found.report
    return json.dumps(found.message, ensure_ascii=False)


def written(text: str) -> str:
    """As the text stands in what ``shown`` gives."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_edge(case: dict[str, Any], rules: Rules) -> None:
    before = json.dumps(case["message"], ensure_ascii=False)
    after = shown(json.loads(json.dumps(case["message"])), rules)
    if case.get("same"):
        assert after == before
        return
    assert after != before
    assert [secret for secret in case["secrets"] if secret in after or written(secret) in after] == []
    assert [text for text in case["keeps"] if text not in after and written(text) not in after] == []


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 35
    assert len({case["name"] for case in CASES}) == len(CASES)
