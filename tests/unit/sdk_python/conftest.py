"""The SDK is a distribution of its own: its tests put its sources on the path, and leave its table of tools as they found it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SDK = ROOT / "sdk" / "python" / "src"
if str(SDK) not in sys.path:
    sys.path.insert(0, str(SDK))


@pytest.fixture(autouse=True)
def own_tools() -> Iterator[None]:
    from mpp_sdk import _host, _tools

    before, handlers, simulator = dict(_tools.tools), list(_tools.handlers), _host.simulator
    _tools.tools.clear()
    _tools.handlers.clear()
    yield
    _tools.tools.clear()
    _tools.tools.update(before)
    _tools.handlers[:] = handlers
    _host.simulator = simulator
