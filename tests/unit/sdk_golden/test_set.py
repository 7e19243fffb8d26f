"""The golden set itself: sound, large enough, and such that a host takes every reply that it wants."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.errors import ToolFailed
from mpp.model.manifest import parse_manifest, ToolDefinition
from mpp.stages.sandbox import read_arguments, read_reply
from mpp.stages.sandbox.contract.reply import read_result
from mpp.testing.golden import Case, expand, read_cases, read_sessions
from tools.golden import GOLDEN
from tools.golden_projects import SDK, SOURCES, write_project

CASES = read_cases(GOLDEN)
MANIFEST = parse_manifest((Path(GOLDEN) / "manifest.json").read_bytes())
TOOLS = {tool.name: tool for tool in MANIFEST.tool_definitions}
CASES_LEAST = 60
TEMPLATES = SDK.parent / "src" / "mpp" / "author" / "templates"
COPIES = {
    "c/include/mpp.h": "c/mpp.h",
    "cpp/include/mpp.h": "c/mpp.h",
    "cpp/include/mpp.hpp": "cpp/mpp.hpp",
    "zig/src/mpp.zig": "zig/mpp.zig",
    **{f"go/mpp/{name}": f"go/{name}" for name in ("mpp.go", "json.go", "host.go", "host_wasip1.go", "host_other.go")},
    **{f"rust/vendor/mpp-sdk/{name}": f"rust/mpp-sdk/{name}" for name in ("Cargo.toml", "src/lib.rs", "src/json.rs", "src/host.rs", "src/bytes.rs")},
}
"""File of a template, file of the SDK that it is a copy of."""


def test_there_are_enough_cases_and_each_has_a_name() -> None:
    assert len(CASES) >= CASES_LEAST
    assert len({case.name for case in CASES}) == len(CASES)


def test_each_tool_has_cases_and_each_case_a_tool() -> None:
    assert {case.tool for case in CASES} - {""} == set(TOOLS)
    assert {case.tool for _, session in read_sessions(GOLDEN) for case in session} - {""} <= set(TOOLS)


def _without_words(found: object) -> object:
    """A text for each ``$contains``."""
    if isinstance(found, dict):
        return found.get("$contains", {key: _without_words(item) for key, item in found.items()})
    return [_without_words(item) for item in found] if isinstance(found, list) else found


def _tool(case: Case) -> ToolDefinition:
    return TOOLS[case.tool or "echo"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_host_takes_the_reply(case: Case) -> None:
    reply = _without_words(case.reply)
    assert isinstance(reply, dict)
    if "error" in reply:
        assert set(reply["error"]) <= {"code", "message", "data"}
        reply = {**reply, "id": 1, "error": {"message": "no", **reply["error"]}}
        with pytest.raises(ToolFailed) as caught:
            read_reply(json.dumps(reply).encode(), 0, _tool(case))
        assert caught.value.code == "tool.error"
    elif reply["id"] == 1:
        read_reply(json.dumps(reply).encode(), 0, _tool(case))
    else:
        read_result(reply["result"])


@pytest.mark.parametrize("case", [case for case in CASES if case.tool], ids=lambda case: case.name)
def test_a_host_sends_the_arguments(case: Case) -> None:
    request = json.loads(case.line)
    assert read_arguments(json.dumps(request["params"]["arguments"], ensure_ascii=False).encode()).found == request["params"]["arguments"]


@pytest.mark.parametrize("case", [case for case in CASES if case.host], ids=lambda case: case.name)
def test_host_calls_have_an_answer(case: Case) -> None:
    for call in case.host:
        assert {"method", "params"} < set(call) <= {"method", "params", "result", "error"}
        assert ("result" in call) != ("error" in call)


def test_repeats_are_spelled_out() -> None:
    assert expand({"a": [{"$repeat": ["ab", 3]}], "b": 1}) == {"a": ["ababab"], "b": 1}
    with pytest.raises(ValueError, match="a text and a number"):
        expand({"$repeat": [1, 2]})


@pytest.mark.parametrize("copy", COPIES)
def test_templates_carry_the_sdk_as_it_is(copy: str) -> None:
    assert (TEMPLATES / copy).read_bytes() == (SDK / COPIES[copy]).read_bytes(), f"copy sdk/{COPIES[copy]} to src/mpp/author/templates/{copy}"


@pytest.mark.parametrize("language", SOURCES)
def test_golden_projects_are_whole(language: str, tmp_path: Path) -> None:
    if not all((SDK / name).is_file() for name in SOURCES[language].values()):
        pytest.fail("a source of the golden package is not there")
    write_project(language, tmp_path)
    assert (tmp_path / "mpp.toml").read_text().startswith(f'[build]\nlanguage = "{language}"')
