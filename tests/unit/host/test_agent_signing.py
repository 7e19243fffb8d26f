"""A host that signs the calls of one agent: a proof for each, an answer for whoever it proved, and nothing for anybody else."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.host.agent_signing import AgentSigning
from mpp.host.agent_store import AgentStore, KnownAgent
from mpp.host.home import Home
from mpp.host.host import Host, HostOptions
from mpp.model.agents import AgentIdentity, Delegation
from mpp.protocol.mcp.ports import Caller
from mpp.testing.installing import install_tool
from mpp.testing.keys import fixed_signer
from mpp.testing.tools import greeting
from tests import records
from tests.unit.host.test_host import careful, MAIL, text_of


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    return Home(path=str(home))


def test_an_agent_whose_calls_are_signed_gets_its_answer_and_nobody_elses(place: Home) -> None:
    """A proof for each call; the answer belongs to whoever it proved, and another name on the same host is not signed for."""
    install_tool(place, greeting(f"Hello, {MAIL}!"))
    careful(place)
    signer, store = fixed_signer("agent"), AgentStore(place.agents)
    store.change(lambda known: replace(known, agents={"planner": KnownAgent(name="planner", keys=(signer.public_key,))}))
    signing = AgentSigning("planner", signer, store, behalf=(Delegation(kind="user", name="ada", level="launched"),))
    who, other = (Caller(agent=AgentIdentity(name=name, level="launched")) for name in ("planner", "scout"))
    with Host(place, HostOptions(signing=signing), environment=os.environ) as host:
        asked = host.call("hello__greet", {"name": "Ada"}, who=who)
        assert asked.pending is not None
        assert host.answer(asked.pending.question, yes=True, who=other) == "approval.unknown"
        assert host.answer(asked.pending.question, yes=True, who=who) == ""
        assert host.call("hello__greet", {"name": "Ada"}, who=who).result["isError"] is False
        assert host.call("hello__greet", {"name": "Ada"}, who=other).pending is not None
        assert "call.json" in str(host.call("hello__greet", b"{", who=who).result["_meta"])
        # Somebody takes the agent out of the list: the next call is refused.
        store.change(lambda known: replace(known, agents={}))
        assert text_of(host.call("hello__greet", {"name": "Ada"}, who=who)).endswith("[agent.key]")
    agents = [event.body for event in records.events(Path(place.path)) if event.kind == "agent"]
    assert [(body["name"], body["proof"], "jti" in body) for body in agents] == [("planner", "signed", True)] * 2
