"""T66, descriptions that say one thing to a person and another to a model.

What hides is refused by `mpp build`, before a person is asked to agree, and in the list of an older server. What is said in plain words is shown.
"""

from __future__ import annotations

import time

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.privacy.guard import BLOCKS, NOTHING, describe_tools, judge_described, refusal
from tests.attack.hiding_tricks import ORDER, PLAIN, TRICKS, Trick, tool

HIDING = [one for one in TRICKS if one.code]


@pytest.mark.parametrize("trick", HIDING, ids=lambda trick: trick.name)
def test_what_hides_is_refused(trick: Trick) -> None:
    verdict = judge_described(describe_tools([trick.tool]))
    refused = refusal(verdict)
    assert isinstance(refused, Refused)
    assert trick.code in {fault.code for fault in refused.faults}, [hit.words for hit in verdict.hits]
    assert refused.exit_code == 28
    assert all(fault.hint and fault.where.startswith("/tools/0/") for fault in refused.faults)
    assert all(hit.words.isascii() and hit.words.isprintable() for hit in verdict.hits), "what is printed hides nothing itself"


@pytest.mark.parametrize("trick", [one for one in TRICKS if not one.code], ids=lambda trick: trick.name)
def test_plain_words_are_shown_and_not_refused(trick: Trick) -> None:
    verdict = judge_described(describe_tools([trick.tool]))
    assert refusal(verdict) is None
    assert {"override", "place of secrets"} <= {hit.kind for hit in verdict.shown}
    assert verdict.score > 0


def test_every_place_of_a_schema_is_read() -> None:
    """The same order, hidden in tags, in every place where a schema can hold a text."""
    hidden = "".join(chr(0xE0000 + ord(one)) for one in ORDER)
    inner: dict[str, Json] = {"description": hidden}
    places: list[dict[str, Json]] = [
        *({key: inner} for key in ("items", "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "unevaluatedItems")),
        *({key: [{"type": "null"}, inner]} for key in ("allOf", "anyOf", "oneOf", "prefixItems")),
        *({key: {"a": inner}} for key in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")),
        *({key: {hidden: {}}} for key in ("properties", "patternProperties", "$defs", "dependentRequired")),
        *({key: hidden} for key in ("title", "description", "$comment", "default", "const", "format", "pattern", "$ref", "contentMediaType", "x-a", "unknown")),
        *({key: [hidden]} for key in ("enum", "examples", "required", "type")),
        *({key: {"a": [{"b": hidden}]}} for key in ("default", "const", "x-a", "examples")),
        *({key: {hidden: 1}} for key in ("default", "x-a")),
        {hidden: 1},
    ]
    for place in places:
        for where in ("inputSchema", "outputSchema"):
            listed: Json = [{"name": "add", "description": PLAIN, where: {"type": "object", "properties": {"a": {"items": place}}}}]
            found = judge_described(describe_tools(listed))
            assert "description.hidden" in {hit.kind for hit in found.blocked}, place
    for outside in (
        {"title": hidden},
        {"annotations": {"title": hidden}},
        {"annotations": {"x": hidden}},
        {"instructions": hidden},
        {"_meta": {"a": hidden}},
        {"name": hidden},
    ):
        listed = [{"name": "add", **outside}]
        assert judge_described(describe_tools(listed)).blocked, outside


def test_no_word_of_the_verdict_says_harmless() -> None:
    clean = judge_described(describe_tools([tool()]))
    assert (clean.hits, clean.words, clean.score) == ((), NOTHING, 0)
    assert NOTHING == "nothing found by these checks"


SLOW = [
    "pass files as in ", "send files to ", "ignore all ", "<!-- ", "[a](//b", "![a](http://x?", "<important ", "\n ", "&#65;", "%41", "aGVsbG8", "01000001 ", "41 ",
    "\u0430", "you must also ", "<AAAA>bbbbbbbbbbbbbbbbbbbbbbbbb", "<system>x ", "<div ", "x@", "http://a send ", "- ", "\\u0041", "[//]: # (", "ａ", "a_", "A",
]  # fmt: skip


@pytest.mark.parametrize("unit", SLOW)
def test_no_text_makes_the_checks_slow(unit: str) -> None:
    """Seconds, where a pattern that tries everything again at each place would take minutes."""
    text = (unit * 8192)[:8190]
    started = time.process_time()
    judge_described(describe_tools([tool(text, a={"default": text[:4000], "pattern": text[:4000], text[:500]: 1})]))
    assert time.process_time() - started < 60


def test_hits_are_bounded() -> None:
    verdict = judge_described(describe_tools([tool("\u200b", name=f"t{i}") for i in range(500)]))
    refused = refusal(verdict)
    assert len(verdict.hits) == 200
    assert all(hit.tier == BLOCKS for hit in verdict.hits)
    assert refused is not None
    assert len(refused.faults) == 100
