"""The fixture packages hold what the suite looks for, and the comparison with what is expected finds every difference. The clients themselves: make interop."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from interop import suite
from interop.suite import REVISIONS, Verdict, compare
from mpp.host.static import static_of
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting
from tools import interop

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "examples" / "conformance-fixtures"
PACKAGES = sorted(path.parent for path in FIXTURES.glob("*/manifest.json"))
MEMBERS = {f"mcp/{path.name}": path.read_bytes() for path in (FIXTURES / "content" / "mcp").iterdir()}


@pytest.mark.parametrize("folder", PACKAGES, ids=[path.name for path in PACKAGES])
def test_a_fixture_is_a_sound_package(folder: Path) -> None:
    changes = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    package = verify(signed(changes=changes), trusting(publisher()), NOW)
    described = [tool.name for tool in package.manifest.tool_definitions]
    written = re.findall(r'^ {4}\{"(\w+)", ', (folder / "src" / "main.c").read_text(encoding="utf-8"), re.MULTILINE)
    assert written == described


def test_what_the_suite_reads_is_there() -> None:
    static = static_of(verify(signed(extra=MEMBERS), trusting(publisher()), NOW))
    filled: Any = static.prompt("test_prompt_with_arguments", {"arg1": "hello", "arg2": "world"})
    assert filled["messages"][0]["content"]["text"] == "Prompt with arguments: arg1='hello', arg2='world'"
    assert static.prompt("test_input_required_result_prompt", {})["resultType"] == "input_required"
    read: Any = static.read("test://template/123/data")
    assert json.loads(read[0]["text"]) == {"id": "123", "templateTest": True, "data": "Data for ID: 123"}
    assert all(static.read(uri) for uri in ("test://static-text", "test://static-binary", "test://watched-resource"))
    assert static.complete({"type": "ref/prompt", "name": "test_prompt_with_arguments"}, "arg1", "par") == ("paris", "park", "party")


WANTED: dict[str, Any] = {REVISIONS[0]: {"scored": ["a", "b"], "faults": {"c": ["FAILURE x"]}}}
GOOD = [Verdict("a", 3, ()), Verdict("b", 1, ()), Verdict("c", 0, ("FAILURE x",))]
DIFFERENCES: list[tuple[list[Verdict], str]] = [
    ([GOOD[0], Verdict("b", 0, ("FAILURE y",)), GOOD[2]], "not expected: b: FAILURE y"),
    ([GOOD[0], Verdict("b", 1, ("WARNING y",)), GOOD[2]], "not expected: b: WARNING y"),
    ([*GOOD[:2], Verdict("c", 1, ())], "expected and not there any more: c: FAILURE x"),
    (GOOD[1:], "the scenario was not run: a"),
]


@pytest.fixture
def _wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "expected.json").write_text(json.dumps(WANTED))
    monkeypatch.setattr(suite, "EXPECTED", tmp_path / "expected.json")


@pytest.mark.usefixtures("_wanted")
def test_what_is_expected_is_no_surprise() -> None:
    assert compare(REVISIONS[0], GOOD) == (2, 1, ())


@pytest.mark.usefixtures("_wanted")
@pytest.mark.parametrize(("found", "words"), DIFFERENCES)
def test_every_difference_is_told(found: list[Verdict], words: str) -> None:
    assert words in compare(REVISIONS[0], found).surprises


def test_no_scored_scenario_may_be_expected_to_fail() -> None:
    expected = json.loads(suite.EXPECTED.read_text(encoding="utf-8"))
    for name in (*REVISIONS, *(revision + suite.OLDER for revision in REVISIONS)):
        assert not set(expected[name]["scored"]) & set(expected[name]["faults"])
        assert len(expected[name]["scored"]) >= (30 if name in REVISIONS else 20)


@pytest.mark.skipif(not os.environ.get("MPP_INTEROP"), reason="real clients come from the registries of npm and PyPI: set MPP_INTEROP=1, or run make interop")
@pytest.mark.skipif(sys.platform != "linux", reason="tools run on Linux")
def test_real_clients() -> None:
    assert interop.main([]) == 0
