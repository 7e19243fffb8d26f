"""A host signs what it knows of a call, for one back end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.crypto.context_token import CONTEXT_SECONDS_MAX, verify_context
from mpp.errors import Refused
from mpp.host.signed_context import SignedContexts
from mpp.model.agents import Delegation
from mpp.testing.agents import HOST, HOST_ID
from mpp.testing.packages import NOW, TestClock, TestRandom
from tests.unit.sandbox.conftest import CONTEXT

CALL = replace(CONTEXT, agent="planner", agent_proof="signed", agent_key="a" * 64, delegation=(Delegation(kind="user", name="ada", level="signed"),))
HERE = "https://crm.example.com"


def test_the_back_end_reads_what_the_tool_is_told() -> None:
    contexts = SignedContexts(HOST, TestClock(), TestRandom())
    first = verify_context(contexts.token(CALL, HERE), HERE, HOST.public_key, NOW)
    assert (first.host, first.agent, first.context, first.expires) == (HOST_ID, "planner", CALL.shown(), NOW + CONTEXT_SECONDS_MAX)
    again = verify_context(contexts.token(CALL, HERE), HERE, HOST.public_key, NOW)
    assert again.jti != first.jti


def test_another_back_end_does_not_take_it() -> None:
    token = SignedContexts(HOST, TestClock(), TestRandom()).token(CALL, HERE)
    with pytest.raises(Refused) as refusal:
        verify_context(token, "https://other.example.com", HOST.public_key, NOW)
    assert refusal.value.code == "agent.audience"
