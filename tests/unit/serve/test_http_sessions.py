"""Sessions belong to who began them, end unused, and make room."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from mpp.host.system import SystemRandom
from mpp.model.agents import AgentIdentity
from mpp.protocol.mcp import Connection, Server
from mpp.host.system import SystemClock
from mpp.protocol.mcp.ports import Caller
from mpp.serve.http_auth import Admission
from mpp.serve.http_headers import BadRequestError
from mpp.serve.http_outbox import Outbox
from mpp.serve.http_running import Run
from mpp.serve.http_sessions import Session, Sessions
from mpp.testing.backend import MemoryBackend

ADA = Admission(who=Caller(tenant="acme", agent=AgentIdentity(name="ada", level="token")), key="token 1")
OTHERS = [
    Admission(who=Caller(tenant="other", agent=AgentIdentity(name="ada", level="token")), key="token 1"),
    Admission(who=Caller(tenant="acme", agent=AgentIdentity(name="bob", level="token")), key="token 1"),
    Admission(who=Caller(tenant="acme", agent=AgentIdentity(name="ada", level="token"), user="eve"), key="token 1"),
    Admission(who=ADA.who, key="token 2"),
]
CORE = Server(MemoryBackend(), SystemClock(), SystemRandom())


def connection(admission: Admission = ADA) -> Connection:
    return Connection(CORE, admission.who)


def status(sessions: Sessions, name: str, admission: Admission = ADA, now: float = 0) -> int:
    with pytest.raises(BadRequestError) as refusal:
        sessions.find(name, admission, now)
    return refusal.value.status


def test_a_session_is_found_by_who_began_it() -> None:
    sessions = Sessions(SystemRandom())
    session = sessions.add(connection(), ADA, 0)
    assert sessions.find(session.name, ADA, 1) is session
    assert len({sessions.add(connection(), ADA, 0).name for _ in range(50)}) == 50
    assert [status(sessions, session.name, other) for other in OTHERS] == [404] * 4
    assert status(sessions, "x") == 404


def test_an_unused_session_ends_and_a_used_one_does_not() -> None:
    sessions = Sessions(SystemRandom(), seconds=10)
    old, used, open_ = (sessions.add(connection(), ADA, 0) for _ in range(3))
    open_.stream = cast("Outbox", object())
    sessions.find(used.name, ADA, 9)
    assert sessions.find(used.name, ADA, 11) is used
    assert status(sessions, old.name, now=11) == 404
    assert sessions.find(open_.name, ADA, 11) is open_
    assert len(sessions.all()) == 2


def test_one_too_many_takes_the_place_of_the_longest_unused_of_the_same_token() -> None:
    sessions = Sessions(SystemRandom(), each=2)
    foreign = sessions.add(connection(), OTHERS[3], 0)
    first, second = (sessions.add(connection(), ADA, 0) for _ in range(2))
    sessions.find(first.name, ADA, 1)
    third = sessions.add(connection(), ADA, 2)
    assert status(sessions, second.name, now=2) == 404
    assert {one.name for one in sessions.all()} == {foreign.name, first.name, third.name}
    for one in sessions.all():
        one.runs[1] = cast("Run", object())
    with pytest.raises(BadRequestError) as refusal:
        sessions.add(connection(), ADA, 3)
    assert refusal.value.status == 429


def test_there_is_no_room_for_everybody() -> None:
    sessions = Sessions(SystemRandom(), most=1)
    session = sessions.add(connection(), ADA, 0)
    with pytest.raises(BadRequestError) as refusal:
        sessions.add(connection(), OTHERS[3], 0)
    assert refusal.value.status == 503
    sessions.end(session)
    sessions.end(session)
    assert sessions.add(connection(), OTHERS[3], 0)


def test_an_answer_wakes_who_waits_for_it_once() -> None:
    async def go() -> None:
        session = Session("x", connection(), ADA, 0)
        waiter = asyncio.get_running_loop().create_future()
        session.asks["mpp-1"] = waiter
        session.answered("mpp-2", {})
        session.answered("mpp-1", {"action": "accept"})
        session.answered("mpp-1", {"action": "decline"})
        assert await waiter == {"action": "accept"}

    asyncio.run(go())
