"""Approval: what one approved call costs between its answer and its run. Nothing here waits for a person.

    .venv/bin/python benchmarks/approval.py [--quick]

The promise is for a proof that is made, verified and spent without waiting for the disk; what a host does in truth waits, and is told beside it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace

from machine import facts
from spread import Figure, HEAD, in_turns

from mpp.host.stores.approvals import ApprovalsStore
from mpp.ports import Random
from mpp.stages.approval import (
    accept,
    Action,
    action_of,
    Answer,
    Call,
    Desk,
    grant_from,
    judge,
    make_question,
    mint_proof,
    Question,
    settle,
    sign_answer,
    verify_proof,
    vouch,
)
from mpp.testing.approvals import MemoryEvents
from mpp.testing.packages import NOW
from mpp.testing.questions import approver, approver_key, approvers, asked, call, given, HOST, INVOCATION, need, token_for

ROUNDS, ROUNDS_QUICK = 12, 3
EACH = 200
PROOF_MOST = 0.001
KNOWN = approvers(approver("ada"))


class SystemRandom:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


RANDOM: Random = SystemRandom()


class Bench:
    """One store, and actions of their own for each measurement: an approval is spent once."""

    def __init__(self, folder: str, name: str, synchronous: str) -> None:
        self.store = ApprovalsStore(os.path.join(folder, name, "approvals.sqlite"), synchronous=synchronous)
        self.desk = Desk(approvals=self.store, approvers=KNOWN, host=HOST, random=RANDOM, events=MemoryEvents())
        self._numbers = itertools.count()

    def question(self, level: str = "low") -> tuple[Question, Action]:
        more = given({"n": next(self._numbers)})
        return make_question(asked(), need(level), more, RANDOM), action_of(asked(), need(level).verdict, more)

    def waiting(self, *, lasting: bool = False) -> Iterator[Call]:
        """Calls to which somebody has said yes already."""
        for number in self._numbers:
            one = call(asked(agent=replace(asked().agent, name=f"agent {number}")), more=given({"n": number}))
            question = judge(one, self.desk)
            if isinstance(question, Question):
                accept(question, vouch(question, yes=True, user="ada", amr="tty", now=NOW, scope="always" if lasting else "once"), self.desk, NOW)
            yield one

    def close(self) -> None:
        self.store.close()


def consuming(bench: Bench, questions: list[tuple[Question, Action]], answer: Callable[[Question], Answer]) -> Callable[[], None]:
    """A proof made and consumed: answers judged, minted, verified, turned into a grant, spent."""
    ready = iter([(question, action, (answer(question),)) for question, action in questions])
    token = token_for(asked())

    def work() -> None:
        question, action, answers = next(ready)
        settled = settle(question, answers, KNOWN, NOW)
        proof = verify_proof(mint_proof(question, settled, KNOWN, INVOCATION, HOST, NOW), action, HOST.public_key, NOW, invocation=INVOCATION)
        grant = grant_from(proof, token, "")
        if not bench.store.spend("approval", grant.jti, grant.until, NOW):
            raise SystemExit("an approval was spent twice")

    return work


def seen(question: Question) -> Answer:
    return vouch(question, yes=True, user="ada", amr="tty", now=NOW)


def signed(question: Question) -> Answer:
    return sign_answer(question, approver_key("ada"), yes=True, approver="ada", amr="passphrase", now=NOW)


def figures(folder: str, rounds: int) -> Iterator[Figure]:
    """All of them. ``folder``: where the stores are that do not wait for the disk."""
    with tempfile.TemporaryDirectory() as real:
        fast, slow = Bench(folder, "fast", "OFF"), Bench(real, "slow", "FULL")
        try:
            yield from _proofs(fast, slow, rounds)
            yield from _calls(fast, rounds)
        finally:
            fast.close()
            slow.close()


def _proofs(fast: Bench, slow: Bench, rounds: int) -> Iterator[Figure]:
    count = (rounds + 1) * EACH + EACH
    works: dict[str, Callable[[], object]] = {
        "seen": consuming(fast, [fast.question() for _ in range(count)], seen),
        "signed": consuming(fast, [fast.question("high") for _ in range(count)], signed),
        "durable": consuming(slow, [slow.question() for _ in range(count)], seen),
    }
    names = itertools.count()
    works["spend"] = lambda: fast.store.spend("approval", f"name {next(names)}", NOW, NOW)
    question, action = fast.question()
    settled = settle(question, (seen(question),), KNOWN, NOW)
    works["sign"] = lambda: verify_proof(mint_proof(question, settled, KNOWN, INVOCATION, HOST, NOW), action, HOST.public_key, NOW)
    found = in_turns(works, rounds, EACH)
    yield Figure("proof made and consumed, no fsync", found["seen"], seconds_most=PROOF_MOST, note="answer seen at the terminal")
    yield Figure("the same, answer signed by an approver", found["signed"], seconds_most=PROOF_MOST, note="its signature is verified too")
    yield Figure("the same as the first, with fsync", found["durable"], note=f"as a host does it, in {tempfile.gettempdir()}")
    yield Figure("  of it: signed, verified", found["sign"])
    yield Figure("  of it: spent, no fsync", found["spend"])


def _calls(fast: Bench, rounds: int) -> Iterator[Figure]:
    """Whole calls through ``judge``: the question is read from the store, its terms are compared."""
    count = (rounds + 1) * EACH + EACH
    once = iter([*itertools.islice(fast.waiting(), count)])
    lasting = itertools.cycle([*itertools.islice(fast.waiting(lasting=True), EACH)])
    works: dict[str, Callable[[], object]] = {
        "once": lambda: judge(next(once), fast.desk),
        "always": lambda: judge(next(lasting), fast.desk),
        "ask": lambda: make_question(asked(), need(), given(), RANDOM),
    }
    found = in_turns(works, rounds, EACH)
    yield Figure("a call that somebody approved, judged", found["once"], note="stored question and answer to grant, not yet spent")
    yield Figure("a call under an approval for always, judged", found["always"], note="one taken from the budget, no fsync")
    yield Figure("a question made", found["ask"], note="text, details, digests")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = ROUNDS_QUICK if parser.parse_args().quick else ROUNDS
    for name, text in facts().items():
        print(f"{name:<22} {text}")
    print(f"\napproval (load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n{HEAD}")
    with tempfile.TemporaryDirectory() as folder:
        for figure in figures(folder, rounds):
            print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
