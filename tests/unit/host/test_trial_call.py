"""The doctor's real call: it works here, and says why where it does not."""

from __future__ import annotations

import pytest

from mpp.errors import HostFailed
from mpp.host import trial_call as subject
from mpp.testing.wasm import module


def test_the_smallest_tool_is_called() -> None:
    assert subject.try_call() is None
    assert module() == subject._SMALLEST


def test_an_engine_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise HostFailed("host.engine", "no engine", hint="install it")

    monkeypatch.setattr("mpp.stages.sandbox.client.find_library", absent)
    fault = subject.try_call()
    assert fault is not None
    assert fault.code == "host.engine"


def test_a_tool_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_SMALLEST", module(body=b"\x00"))
    fault = subject.try_call()
    assert fault is not None
    assert fault.code == "tool.trap"
