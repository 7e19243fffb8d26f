"""T58, an approval that lasts and comes to cover more than was said: a raced budget, an update that grows, another agent, another place, an end that does not come."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from mpp.errors import Refused
from mpp.host.stores.approvals import ApprovalsStore
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.scope import Scope
from mpp.stages.approval import (
    NOBODY,
    Call,
    Desk,
    Grant,
    Question,
    Standing,
    accept,
    judge,
    make_question,
    sign_answer,
    vouch,
    warrant,
    write_standing,
)
from mpp.stages.approval.limits import STANDING_CALLS, STANDING_SECONDS
from mpp.stages.policy.types import Limits, Risk
from mpp.testing.approvals import MemoryEvents
from mpp.testing.packages import NOW
from mpp.testing.questions import AGENT, HOST, approver, approver_key, approvers, asked, call, given, need

KNOWN = approvers(approver("ada"))
PROCESSES, EACH = 32, 8


class Random:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "approvals" / "approvals.sqlite"


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    store = ApprovalsStore(str(path))
    yield Desk(approvals=store, approvers=KNOWN, host=HOST, random=Random(), events=MemoryEvents())
    store.close()


def always(desk: Desk, one: Call | None = None) -> Standing:
    question = judge(one or call(), desk)
    assert isinstance(question, Question)
    accept(question, vouch(question, yes=True, user="ada", amr="tty", now=NOW + 10, scope="always"), desk, NOW + 10)
    return desk.approvals.standing("local", NOW + 10)[-1]


def is_granted(desk: Desk, one: Call) -> bool:
    return isinstance(judge(one, desk), Grant)


def runs(desk: Desk, one: Call) -> bool:
    """As a host does it: judged, and then a warrant."""
    found = judge(one, desk)
    if isinstance(found, Question):
        return False
    assert isinstance(desk.approvals, ApprovalsStore)
    warrant(found, desk.approvals, desk.events, one.asked.now, desk.approvals.use_standing)
    return True


def at(now: int, what: object = None, more: object = None, **changes: object) -> Call:
    return call(asked(now=now, **changes), what, more)  # type: ignore[arg-type]


RACERS = """
import os, sys
from mpp.host.stores.approvals import ApprovalsStore
path, identity, now, count, each = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
start, is_start = os.pipe()
children = []
for _ in range(count):
    child = os.fork()
    if child == 0:
        os.close(is_start)
        store = ApprovalsStore(path)
        os.read(start, 1)
        os._exit(sum(store.use_standing(identity, now) is not None for _ in range(each)))
    children.append(child)
os.close(is_start)
print(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_a_budget_that_many_processes_race_is_never_overdrawn(desk: Desk, path: Path) -> None:
    assert PROCESSES * EACH > STANDING_CALLS
    one = always(desk)
    words = [sys.executable, "-c", RACERS, str(path), one.id, str(NOW + 20), str(PROCESSES), str(EACH)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == str(STANDING_CALLS), done.stderr
    assert desk.approvals.use_standing(one.id, NOW + 20) is None
    assert not is_granted(desk, at(NOW + 20))


def test_grants_that_many_hold_at_the_last_call_are_one_run(desk: Desk) -> None:
    """Attack: grants that are collected while there is a budget, and used when there is none."""
    one = always(desk)
    grants = [judge(at(NOW + 20), desk) for _ in range(STANDING_CALLS + 20)]
    assert desk.approvals.standing("local", NOW + 20)[0].calls == STANDING_CALLS, "what did not run costs nothing"
    assert isinstance(desk.approvals, ApprovalsStore)
    won = 0
    for grant in grants:
        assert isinstance(grant, Grant)
        assert grant.standing == one.id
        with contextlib.suppress(Refused):
            warrant(grant, desk.approvals, desk.events, NOW + 20, desk.approvals.use_standing)
            won += 1
    assert won == STANDING_CALLS


def test_the_last_call_of_the_budget_is_the_last(desk: Desk) -> None:
    always(desk)
    found = [runs(desk, at(NOW + 20)) for _ in range(STANDING_CALLS + 1)]
    assert found == [True] * STANDING_CALLS + [False]


WIDER: list[tuple[str, Call]] = [
    ("an update that may do more", at(NOW + 20, scope=Scope(read=("/data", "/etc"), tools=("greet",)))),
    ("an update with other definitions", at(NOW + 20, more=given(definitions="ab" * 32))),
    ("another place on this machine", at(NOW + 20, more=given(uses=("read /data, which is /home/ada/.ssh here",)))),
    ("another agent", at(NOW + 20, agent=AgentIdentity(name="other", level="signed", key="ab" * 32))),
    ("an agent nobody vouches for", at(NOW + 20, agent=replace(AGENT, level="anonymous"))),
    ("an agent of the same name from elsewhere", at(NOW + 20, agent=replace(AGENT, issuer="https://evil.example"))),
    ("an agent that acts for another", at(NOW + 20, agent=replace(AGENT, behind=(Delegation(kind="user", name="eve", level="signed"),)))),
    ("another user", at(NOW + 20, user="eve")),
    ("a program that nobody sits at", at(NOW + 20, origin="automation")),
    ("another tool", at(NOW + 20, tool="other")),
    ("another package", at(NOW + 20, package_id="com.example.hello2")),
    ("another publisher of the same id", at(NOW + 20, publisher_id="ab" * 32)),
    ("another tenant", at(NOW + 20, tenant="other")),
    ("a higher risk", at(NOW + 20, need(risk=Risk(score=13, band="low", reasons=())))),
    ("what takes a passphrase by now", at(NOW + 20, need("high"))),
    ("what takes two by now", at(NOW + 20, need(limits=Limits(approvers=2)))),
    ("what is critical by now", at(NOW + 20, need("critical"))),
    ("after its end", at(NOW + STANDING_SECONDS + 1)),
    ("with a clock put back", at(NOW + 9)),
]


@pytest.mark.parametrize("one", [one for _, one in WIDER], ids=[name for name, _ in WIDER])
def test_what_was_not_said_is_asked(desk: Desk, one: Call) -> None:
    always(desk)
    assert not is_granted(desk, one)


def test_what_has_grown_once_does_not_come_back(desk: Desk) -> None:
    """Attack: an update that grows, is used once, and goes back to what was approved."""
    always(desk)
    assert is_granted(desk, at(NOW + 20))
    assert not is_granted(desk, at(NOW + 21, scope=Scope(read=("/",), tools=("greet",))))
    assert not is_granted(desk, at(NOW + 22))


def test_a_package_of_the_same_id_by_a_stranger_ends_nothing_that_is_anothers(desk: Desk) -> None:
    """Attack: to take away what another publisher's package was given, by calling one of the same id."""
    always(desk)
    assert not is_granted(desk, at(NOW + 20, publisher_id="ab" * 32, scope=Scope(read=("/",), tools=("greet",))))
    assert is_granted(desk, at(NOW + 21))


def test_critical_is_never_for_always(desk: Desk) -> None:
    question = judge(at(NOW, need("critical")), desk)
    assert isinstance(question, Question)
    yes = sign_answer(question, approver_key("ada"), yes=True, approver="ada", amr="passphrase", now=NOW + 10, scope="always")
    with pytest.raises(Refused) as caught:
        accept(question, yes, desk, NOW + 10)
    assert caught.value.code == "approval.always"


def test_what_was_revoked_is_over_at_once_and_for_this_call_too(desk: Desk) -> None:
    one = always(desk)
    assert desk.approvals.revoke("local", one.id)
    assert not is_granted(desk, at(NOW + 20))


def test_an_approver_who_is_gone_takes_it_along(desk: Desk) -> None:
    question = judge(at(NOW, need("high")), desk)
    assert isinstance(question, Question)
    accept(question, sign_answer(question, approver_key("ada"), yes=True, approver="ada", amr="passphrase", now=NOW + 10, scope="always"), desk, NOW + 10)
    assert is_granted(desk, at(NOW + 20, need("high")))
    for known in (NOBODY, approvers(approver("ada", "admin")), approvers(approver("ada", until=NOW)), approvers(approver("ada", packages=("org.other",)))):
        assert not is_granted(replace(desk, approvers=known), at(NOW + 20, need("high")))


def signed_once(desk: Desk, scope: str = "always", who: str = "ada") -> bytes:
    question = make_question(asked(), need("high"), given({"n": 1}), Random())
    return sign_answer(question, approver_key(who), yes=True, approver=who, amr="passphrase", now=NOW + 10, scope=scope).envelope


ROWS: list[tuple[str, Callable[[Desk], dict[str, object]]]] = [
    ("no signature", lambda _: {"amr": "passphrase", "envelope": b""}),
    ("no signature, in an approver's name", lambda _: {"amr": "passphrase", "approver": "ada", "envelope": b""}),
    ("no signature, a terminal, in an approver's name", lambda _: {"amr": "tty", "approver": "ada", "envelope": b""}),
    ("something else than a signature", lambda _: {"amr": "passphrase", "approver": "ada", "envelope": b"{}"}),
    ("a stranger's signature", lambda desk: {"amr": "passphrase", "approver": "eve", "envelope": signed_once(desk, who="eve")}),
    ("an answer that was for once", lambda desk: {"amr": "passphrase", "approver": "ada", "envelope": signed_once(desk, "once")}),
    ("an answer to another question", lambda desk: {"amr": "passphrase", "approver": "ada", "envelope": signed_once(desk)}),
]


@pytest.mark.parametrize("forge", [forge for _, forge in ROWS], ids=[name for name, _ in ROWS])
def test_a_row_in_the_store_is_not_believed_for_being_there(desk: Desk, path: Path, forge: Callable[[Desk], dict[str, object]]) -> None:
    one = always(desk)
    desk.approvals.revoke("local", one.id)
    forged = replace(one, id="ab" * 16, **forge(desk))  # type: ignore[arg-type]
    connection = apsw.Connection(str(path))
    row = (forged.id, one.package_id, one.until, write_standing(forged))
    connection.execute(
        "INSERT INTO standing (id, tenant, package, tool, agent, calls, until, document) VALUES (?, 'local', ?, 'greet', 'claude', 100, ?, ?)", row
    )
    connection.close()
    assert len(desk.approvals.standing("local", NOW + 20)) == 1
    assert not is_granted(desk, at(NOW + 20, need("high")))
    if forged.amr != "tty" or forged.approver != one.approver:
        assert not is_granted(desk, at(NOW + 20))


def test_each_use_leaves_a_trace(desk: Desk) -> None:
    one = always(desk)
    for i in range(3):
        assert runs(desk, at(NOW + 20 + i))
    assert isinstance(desk.events, MemoryEvents)
    used = [event for event in desk.events.found if event.kind == "standing-used"]
    assert [event.body for event in used] == [{"id": one.id, "left": STANDING_CALLS - 1 - i} for i in range(3)]
