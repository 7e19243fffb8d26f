"""T53, replay of an approval: on the same host, on another, after a restart, by another agent, for another tool or argument, by many processes at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.stores.approvals import ApprovalsStore
from mpp.model.agents import AgentIdentity
from mpp.stages.approval import Answer, Call, Desk, Grant, Question, accept, action_of, judge, mint_proof, settle, verify_proof, vouch, warrant
from mpp.testing.approvals import MemoryEvents
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import HOST, INVOCATION, OTHER_HOST, approver, approvers, asked, call, given, need

KNOWN = approvers(approver("ada"))
PROCESSES = 64


class Random:
    """Never the same twice, in any process."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


def desk_on(path: Path, *, host: object = HOST) -> Desk:
    return Desk(approvals=ApprovalsStore(str(path)), approvers=KNOWN, host=host, random=Random(), events=MemoryEvents())  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "approvals" / "approvals.sqlite"


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    found = desk_on(path)
    yield found
    assert isinstance(found.approvals, ApprovalsStore)
    found.approvals.close()


def approve(desk: Desk, one: Call | None = None, *, at: int = NOW + 10) -> Question:
    """A question, with somebody's yes."""
    question = judge(one or call(), desk)
    assert isinstance(question, Question)
    accept(question, vouch(question, yes=True, user="ada", amr="tty", now=at), desk, at)
    return question


def granted(desk: Desk, one: Call) -> Grant:
    found = judge(one, desk)
    assert isinstance(found, Grant)
    return found


def spend(desk: Desk, grant: Grant, now: int) -> None:
    assert isinstance(desk.approvals, ApprovalsStore)
    warrant(grant, desk.approvals, desk.events, now)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        work()
    return caught.value.code


# --- the same action again


def test_the_same_grant_twice(desk: Desk) -> None:
    approve(desk)
    grant = granted(desk, call(asked(now=NOW + 20)))
    spend(desk, grant, NOW + 21)
    assert code_of(lambda: spend(desk, grant, NOW + 21)) == "approval.spent"


def test_the_same_call_twice(desk: Desk) -> None:
    question = approve(desk)
    spend(desk, granted(desk, call(asked(now=NOW + 20))), NOW + 20)
    again = judge(call(asked(now=NOW + 21)), desk)
    assert isinstance(again, Question)
    assert again.jti != question.jti


def test_after_the_proof_has_run_out_and_the_answer_has_not(desk: Desk) -> None:
    """The answer lives for 15 minutes, the proof for two: the store must not forget with the proof."""
    approve(desk)
    spend(desk, granted(desk, call(asked(now=NOW + 20))), NOW + 20)
    for now in (NOW + 141, NOW + 500, NOW + 910):
        assert isinstance(judge(call(asked(now=now)), desk), Question)


def test_an_old_answer_is_not_kept_for_a_new_question(desk: Desk) -> None:
    question = approve(desk)
    old = vouch(question, yes=True, user="ada", amr="tty", now=NOW + 10)
    spend(desk, granted(desk, call(asked(now=NOW + 20))), NOW + 20)
    again = judge(call(asked(now=NOW + 21)), desk)
    assert isinstance(again, Question)
    assert code_of(lambda: accept(again, old, desk, NOW + 22)) == "approval.mismatch"
    forged = replace(old, question=again.id, jti=again.jti)
    # Only this process can say what it saw; a signature would not fit.
    assert forged != old


def test_after_a_restart(desk: Desk, path: Path) -> None:
    approve(desk)
    grant = granted(desk, call(asked(now=NOW + 20)))
    spend(desk, grant, NOW + 20)
    assert isinstance(desk.approvals, ApprovalsStore)
    desk.approvals.close()
    later = desk_on(path)
    assert isinstance(judge(call(asked(now=NOW + 21)), later), Question)
    assert code_of(lambda: spend(later, grant, NOW + 21)) == "approval.spent"


# --- elsewhere, and for something else


def proof(host: object = HOST) -> bytes:
    from mpp.stages.approval import make_question

    question = make_question(asked(), need(), given(), TestRandom())
    answer = vouch(question, yes=True, user="ada", amr="tty", now=NOW + 10)
    return mint_proof(question, settle(question, (answer,), KNOWN, NOW + 20), KNOWN, INVOCATION, host, NOW + 20)  # type: ignore[arg-type]


ACTION = action_of(asked(), need().verdict, given())


def test_on_another_host() -> None:
    assert verify_proof(proof(), ACTION, HOST.public_key, NOW + 21).jti
    assert code_of(lambda: verify_proof(proof(), ACTION, OTHER_HOST.public_key, NOW + 21)) == "approval.audience"


def test_on_another_host_that_was_told_to_take_it() -> None:
    """Attack: a host whose own signer signs what another host's proof says."""
    import json
    from base64 import b64decode

    from mpp.stages.approval.signed import PROOF_TYPE, seal

    document = json.loads(b64decode(json.loads(proof())["payload"]))
    assert code_of(lambda: verify_proof(seal(PROOF_TYPE, document, OTHER_HOST), ACTION, OTHER_HOST.public_key, NOW + 21)) == "approval.audience"


CHANGED: list[tuple[str, Call]] = [
    ("another argument", call(asked(now=NOW + 20), more=given({"name": "Eve"}))),
    ("one byte more", call(asked(now=NOW + 20), more=replace(given(), arguments=given().arguments.replace(b"{", b"{ ")))),
    ("another tool", call(asked(now=NOW + 20, tool="other"))),
    ("another agent", call(asked(now=NOW + 20, agent=AgentIdentity(name="other", level="launched")))),
    ("an agent that says less of itself", call(asked(now=NOW + 20, agent=AgentIdentity()))),
    ("another user", call(asked(now=NOW + 20, user="eve"))),
    ("another tenant", call(asked(now=NOW + 20, tenant="other"))),
    ("another publisher", call(asked(now=NOW + 20, publisher_id="ab" * 32))),
    ("another package", call(asked(now=NOW + 20, package_id="com.example.other"))),
    ("another version", call(asked(now=NOW + 20, content_hash="ab" * 32))),
    ("other rights", call(asked(now=NOW + 20), more=given(rights_digest="ab" * 32))),
    ("another policy", call(asked(now=NOW + 20), need(digest="ab" * 32))),
]


@pytest.mark.parametrize("other", [one for _, one in CHANGED], ids=[name for name, _ in CHANGED])
def test_what_was_changed_after_the_approval_is_asked_anew(desk: Desk, other: Call) -> None:
    question = approve(desk)
    asked_again = judge(other, desk)
    assert isinstance(asked_again, Question)
    assert asked_again.id != question.id
    action = action_of(other.asked, other.need.verdict, other.given)
    assert code_of(lambda: verify_proof(proof(), action, HOST.public_key, NOW + 21)) == "approval.mismatch"
    assert isinstance(judge(call(asked(now=NOW + 20)), desk), Grant), "the approved one is still approved"


# --- time


def test_a_clock_put_back_or_forward(desk: Desk) -> None:
    approve(desk)
    granted(desk, call(asked(now=NOW + 20)))
    # Back beyond the answer: it comes from the future.
    assert isinstance(judge(call(asked(now=NOW + 4)), desk), Question)
    assert isinstance(judge(call(asked(now=NOW + 911)), desk), Question)
    for now, code in ((NOW + 14, "approval.clock"), (NOW + 141, "approval.expired"), (0, "approval.clock"), (2**40, "approval.expired")):
        assert code_of(lambda now=now: verify_proof(proof(), ACTION, HOST.public_key, now)) == code  # type: ignore[misc]


def test_a_grant_that_waited_too_long(desk: Desk) -> None:
    approve(desk)
    grant = granted(desk, call(asked(now=NOW + 20)))
    assert code_of(lambda: spend(desk, grant, NOW + 141)) == "approval.expired"
    spend(desk, grant, NOW + 140)


# --- many at once

RACERS = """
import os, sys
from mpp.host.stores.approvals import ApprovalsStore
path, jti, now, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ready, is_ready = os.pipe()
start, is_start = os.pipe()
children = []
for _ in range(count):
    child = os.fork()
    if child == 0:
        os.close(is_start)
        store = ApprovalsStore(path)
        store.find("nobody", "ab" * 32, 1)
        os.write(is_ready, b".")
        os.read(start, 1)
        os._exit(7 if store.spend("approval", jti, now, now) else 8)
    children.append(child)
for _ in children:
    os.read(ready, 1)
os.close(is_start)
print(sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_of_many_processes_that_spend_one_approval_exactly_one_wins(desk: Desk, path: Path) -> None:
    """Each opens the file itself; all wait for one sign."""
    question = approve(desk)
    words = [sys.executable, "-c", RACERS, str(path), question.jti, str(NOW + 20), str(PROCESSES)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == str([7] + [8] * (PROCESSES - 1)), done.stderr
    assert isinstance(judge(call(asked(now=NOW + 21)), desk), Question)


KILLED = """
import os, signal, sys
from mpp.host.stores.approvals import ApprovalsStore
store, how = ApprovalsStore(sys.argv[1]), sys.argv[3]
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
store.find("nobody", "ab" * 32, 1)
if how == "at the insert":
    store._connection.exec_trace = lambda cursor, sql, values: die() if sql.startswith("INSERT INTO once") else True
elif how == "before the commit":
    store._connection.set_commit_hook(die)
won = store.spend("approval", sys.argv[2], 1, 1)
print("won" if won else "lost", flush=True)
if how == "after the commit":
    die()
"""


@pytest.mark.parametrize(("how", "spent"), [("at the insert", False), ("before the commit", False), ("after the commit", True)])
def test_a_process_that_is_killed_spends_it_whole_or_not(path: Path, how: str, spent: bool) -> None:
    store = ApprovalsStore(str(path))
    store.spend("approval", "other", 1, 1)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), "ab" * 16, how], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == ("won\n" if spent else "")
    assert store.spend("approval", "ab" * 16, 1, 1) is not spent
    assert store.spend("approval", "other", 1, 1) is False
    store.close()


def test_between_spending_and_the_intent_a_crash_burns_it(desk: Desk) -> None:
    """Spend, then intend, then run: what was spent is gone, and the record shows it."""

    class Full:
        """A record whose disk is full for intents."""

        def __init__(self) -> None:
            self.kinds: list[str] = []

        def record(self, event: object, *, durable: bool = False) -> None:
            if durable:
                raise OSError
            self.kinds.append(event.kind)  # type: ignore[attr-defined]

    approve(desk)
    grant = granted(desk, call(asked(now=NOW + 20)))
    events = Full()
    assert isinstance(desk.approvals, ApprovalsStore)
    with pytest.raises(OSError, match=r"^$"):
        warrant(grant, desk.approvals, events, NOW + 20)
    assert events.kinds == ["approval-spent"]
    assert code_of(lambda: spend(desk, grant, NOW + 20)) == "approval.spent"
    assert isinstance(judge(call(asked(now=NOW + 21)), desk), Question)


def test_two_hosts_of_one_home_share_what_was_spent(desk: Desk, path: Path) -> None:
    other = desk_on(path)
    approve(desk)
    first, second = granted(desk, call(asked(now=NOW + 20))), granted(other, call(asked(now=NOW + 20)))
    spend(other, second, NOW + 20)
    assert code_of(lambda: spend(desk, first, NOW + 20)) == "approval.spent"
    assert isinstance(judge(call(asked(now=NOW + 21)), desk), Question)


def test_an_answer_that_was_kept_elsewhere_is_not_put_in_by_hand(desk: Desk, path: Path) -> None:
    """Attack: the row of a used answer, put beside the next question."""
    import apsw

    question = approve(desk)
    spend(desk, granted(desk, call(asked(now=NOW + 20))), NOW + 20)
    again = judge(call(asked(now=NOW + 21)), desk)
    assert isinstance(again, Question)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE answer SET question = ? WHERE question = ?", (again.id, question.id))
    connection.close()
    kept: tuple[Answer, ...] = desk.approvals.answers(again.id)
    assert len(kept) == 1
    assert isinstance(judge(call(asked(now=NOW + 22)), desk), Question)
