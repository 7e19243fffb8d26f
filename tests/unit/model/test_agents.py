"""Who calls: levels in their order, and what is shown of an agent."""

from __future__ import annotations

import pytest

from mpp.model.agents import ANONYMOUS, LEVELS, AgentIdentity, Delegation


@pytest.mark.parametrize("have", LEVELS)
@pytest.mark.parametrize("want", LEVELS)
def test_levels_are_in_order(have: str, want: str) -> None:
    assert AgentIdentity(name="a", level=have).at_least(want) == (LEVELS.index(have) >= LEVELS.index(want))


def test_what_is_shown_is_what_is_known() -> None:
    assert ANONYMOUS.shown() == {"name": "", "proof": "anonymous"}
    behind = (Delegation(kind="agent", name="planner", level="signed"), Delegation(kind="user", name="ada", level="launched"))
    known = AgentIdentity(name="worker", level="signed", key="a" * 64, issuer="https://id.example.com", behind=behind)
    assert known.shown() == {
        "name": "worker",
        "proof": "signed",
        "key": "a" * 64,
        "issuer": "https://id.example.com",
        "behalf": [{"kind": "agent", "name": "planner", "proof": "signed"}, {"kind": "user", "name": "ada", "proof": "launched"}],
    }
