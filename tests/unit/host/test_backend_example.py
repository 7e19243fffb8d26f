"""The example of a back end: it answers whom it knows for sure, once."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from mpp.host.signed_context import SignedContexts
from mpp.host.system import SystemRandom
from mpp.model.agents import Delegation
from mpp.model.calls import CallContext
from mpp.testing.agents import HOST
from mpp.testing.packages import TestClock
from tests.unit.sandbox.conftest import CONTEXT

ORIGIN = "https://crm.example.com"
SIGNED = replace(CONTEXT, agent="planner", agent_proof="signed", agent_key="a" * 64, delegation=(Delegation(kind="user", name="ada", level="signed"),))


@pytest.fixture(scope="module")
def example(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_context_example", root / "examples" / "backends" / "verify_context.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def url(example: ModuleType) -> Iterator[str]:
    server = example.Backend(("127.0.0.1", 0), ORIGIN, HOST.public_key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def token(context: CallContext = SIGNED, audience: str = ORIGIN, age: int = 0) -> str:
    return SignedContexts(HOST, TestClock(int(time.time()) - age), SystemRandom()).token(context, audience)


def get(url: str, header: str) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(url, headers={"MPP-Context": header} if header else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)


def test_it_answers_once_and_only_for_itself(url: str) -> None:
    first = token()
    assert get(url, first) == (200, {"agent": "planner", "behalf": [{"kind": "user", "name": "ada", "proof": "signed"}], "tool": "greet"})
    assert get(url, first)[1]["error"] == "replay"
    for header, status, error in (
        ("", 401, "agent.jws"), ("x.y.z", 401, "agent.jws"), (token(audience="https://other.example.com"), 401, "agent.audience"),
        (token(age=120), 401, "agent.expired"), (token(CONTEXT), 403, "level"), (token(replace(SIGNED, agent_proof="launched")), 403, "level"),
    ):  # fmt: skip
        found = get(url, header)
        assert (found[0], found[1]["error"]) == (status, error)


def test_what_has_ended_is_forgotten(example: ModuleType) -> None:
    from mpp.crypto.context_token import verify_context

    seen, now = example.Seen(), int(time.time())
    one, other = (verify_context(token(), ORIGIN, HOST.public_key, now) for _ in range(2))
    assert seen.first(one, now)
    assert not seen.first(one, now + 60)
    assert seen.first(other, now + 120)
    assert len(seen._ends) == 1
