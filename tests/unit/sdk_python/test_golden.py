"""The golden set against the golden tools, natively: the same cases that every SDK keeps in the sandbox."""

from __future__ import annotations

import importlib
import io
import json
import sys
from contextlib import redirect_stderr
from types import SimpleNamespace

import pytest

from mpp.testing import golden
from tests.unit.sdk_python.conftest import ROOT

FOLDER = str(ROOT / "sdk" / "golden")
CASES = golden.read_cases(FOLDER)


@pytest.fixture(scope="module")
def golden_tools() -> dict:
    sys.path.insert(0, str(ROOT / "sdk" / "python" / "golden" / "app"))
    try:
        sys.modules.pop("main", None)
        importlib.import_module("main")
        from mpp_sdk import _tools

        return dict(_tools.tools)
    finally:
        sys.path.pop(0)
        sys.modules.pop("main", None)


def answered(calls: golden.ScriptedCalls, request: bytes) -> bytes:
    asked = json.loads(request)
    steps = calls.answer(asked["method"], asked.get("params", {}), None, 0)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        found = end.value
    return json.dumps({"error": {"code": found.error, "message": found.message}} if found.error else {"result": found.result}).encode()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case(case: golden.Case, golden_tools: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp_sdk import _host, _tools, serving

    for name, found in golden.ENVIRONMENT:
        monkeypatch.setenv(name, found)
    monkeypatch.delenv("GOLDEN_SECRET", raising=False)
    _tools.tools.update(golden_tools)
    calls = golden.ScriptedCalls(case.host)
    monkeypatch.setattr(_host, "simulator", lambda request: answered(calls, request))
    said = io.StringIO()
    with redirect_stderr(said):
        reply = serving.answer(case.line)
    run = SimpleNamespace(stdout=reply.encode() + b"\n", stderr=said.getvalue().encode(), exit_code=0, fault=None)
    assert (golden._judge(case, run), calls.end()) == ("", "")


def test_the_set_is_whole() -> None:
    assert len(CASES) > 200
    assert {case.tool for case in CASES if case.tool} == {
        one["name"] for one in json.loads((ROOT / "sdk/golden/manifest.json").read_text())["tool_definitions"]
    }
