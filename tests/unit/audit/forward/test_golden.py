"""Each format, byte for byte, for an entry of each kind. MPP_WRITE_GOLDEN=1 writes the files anew, to be read before they are kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.model.events import KINDS
from mpp.stages.audit.entry import leaf_of
from mpp.stages.audit.forward import (
    Calls,
    ForwardRecord,
    otlp_logs,
    otlp_spans,
    SyslogHead,
    to_cef,
    to_ecs,
    to_jsonl,
    to_ocsf,
    to_syslog,
)
from tests.unit.audit.forward.cases import AT, EVENTS, records

GOLDEN = Path(__file__).parent / "golden"
HEAD = SyslogHead(hostname="host.example")


def spans(found: list[ForwardRecord]) -> list[bytes]:
    calls = Calls()
    return [body for one in found if (body := otlp_spans([one], calls))]


FORMATS: dict[str, Callable[[list[ForwardRecord]], list[bytes]]] = {
    "jsonl": lambda found: [to_jsonl(one) for one in found],
    "ecs.jsonl": lambda found: [to_ecs(one) for one in found],
    "ocsf.jsonl": lambda found: [to_ocsf(one) for one in found],
    "cef": lambda found: [to_cef(one) for one in found],
    "syslog": lambda found: [to_syslog(one, HEAD) for one in found],
    "syslog-cef": lambda found: [to_syslog(one, HEAD, to_cef(one)) for one in found],
    "otlp-logs.jsonl": lambda found: [otlp_logs([one]) for one in found],
    "otlp-spans.jsonl": spans,
}


@pytest.mark.parametrize("name", FORMATS)
def test_golden(name: str) -> None:
    found = b"".join(line + b"\n" for line in FORMATS[name](records()))
    path = GOLDEN / f"events.{name}"
    if os.environ.get("MPP_WRITE_GOLDEN"):
        path.write_bytes(found)
    assert found.decode() == path.read_bytes().decode()


def test_there_is_a_case_of_each_kind() -> None:
    assert {kind for kind, *_ in EVENTS} == set(KINDS)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "otlp-spans.jsonl"])
def test_each_event_says_where_its_entry_is(name: str) -> None:
    """Index and leaf hash, whatever the format."""
    for one, data in zip(records(), FORMATS[name](records()), strict=True):
        text = data.decode()
        assert one.leaf in text
        assert one.origin in text
        marks = (f'"seq":{one.seq}', f'"sequence":{one.seq}', f'seq="{one.seq}"', f"cn1={one.seq} ", f'"mpp.seq","value":{{"intValue":"{one.seq}"}}')
        assert any(mark in text for mark in marks)


def test_what_arrives_whole_can_be_hashed_anew() -> None:
    for one in records():
        assert leaf_of(one.line) == one.leaf
        carried = [
            json.loads(to_jsonl(one))["line"],
            json.loads(to_ecs(one))["event"]["original"],
            json.loads(to_ocsf(one))["raw_data"],
        ]
        assert [leaf_of(text.encode()) for text in carried] == [one.leaf] * 3


REQUIRED: dict[int, set[str]] = {
    6003: {"actor", "api", "src_endpoint"},
    6002: {"app"},
    3002: {"user", "service"},
    3003: {"user", "privileges"},
    3004: {"entity"},
}
"""What each class of OCSF 1.3 asks for, beyond the base event."""

BASE = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}


def test_ocsf_has_what_its_classes_ask_for() -> None:
    for one in records():
        found = json.loads(to_ocsf(one))
        assert BASE | REQUIRED[found["class_uid"]] <= found.keys()
        assert found["category_uid"] == found["class_uid"] // 1000
        assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
        assert found["time"] == one.at * 1000
        assert {"version", "product"} <= found["metadata"].keys()
        assert ("security_control" in found["metadata"].get("profiles", [])) == ("action_id" in found)
        if found["class_uid"] == 6003:
            assert "app_name" in found["actor"]
            assert found["api"]["operation"]
            assert found["src_endpoint"]


ECS_TYPES = {
    "api": {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user"},
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "host": {"access", "change", "end", "info", "start"},
    "package": {"access", "change", "deletion", "info", "installation", "start"},
}
"""Which types ECS expects with a category."""


def test_ecs_has_categories_with_the_types_they_take() -> None:
    for one in records():
        event = json.loads(to_ecs(one))["event"]
        assert event["kind"] == "event"
        assert event["outcome"] in {"success", "failure", "unknown"}
        for category in event["category"]:
            assert set(event["type"]) <= ECS_TYPES[category]


def test_spans_begin_with_their_intent() -> None:
    found = [json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for body in spans(records())]
    first = found[0]
    attributes = {one["key"]: next(iter(one["value"].values())) for one in first["attributes"]}
    assert (first["traceId"], first["name"]) == ("0f" * 16, "execute_tool find")
    assert (first["startTimeUnixNano"], first["endTimeUnixNano"]) == (f"{AT + 13}000000000", f"{AT + 15}000000000")
    assert (attributes["gen_ai.operation.name"], attributes["mcp.method.name"], attributes["gen_ai.tool.name"]) == ("execute_tool", "tools/call", "find")
    assert (attributes["mpp.intent.seq"], attributes["mpp.seq"]) == ("13", "15")
    assert [one["status"]["code"] for one in found] == [1, 2, 2, 2]
    assert len({one["spanId"] for one in found}) == 2
