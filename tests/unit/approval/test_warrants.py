"""Warrants: spend, then intend, then run; each once."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import threading
from dataclasses import replace

import pytest

from mpp.errors import HostFailed, Refused
from mpp.model.agents import AgentIdentity
from mpp.model.events import Event
from mpp.model.scope import Scope
from mpp.ports import NOWHERE, Steps, Wait
from mpp.stages.approval import warrants as subject
from mpp.stages.approval.warrants import APPROVAL, Grant, Warrant, use, warrant, warranting
from mpp.stages.policy.token import held_digest, held_by, mint
from mpp.testing.tokens import KeptEvents, SpentOnce

NOW = 1_000


def token(**more: object):
    scope = Scope(**{"tools": ("greet",), "until": NOW, **more})  # type: ignore[arg-type]
    return mint(tenant="local", publisher_id="p" * 64, package_id="com.example.hello", content_hash="c" * 64, scope=scope)


def grant(**more: object) -> Grant:
    given: dict[str, object] = {
        "token": token(),
        "invocation": "0" * 32,
        "tool": "greet",
        "argument_sha256": "a" * 64,
        "agent": AgentIdentity(name="bot", level="launched"),
    }
    return Grant(**{**given, "because": "policy", **more})  # type: ignore[arg-type]


APPROVED = {"because": "approval", "approvers": ("ada",), "amr": "tty", "jti": "j1", "until": NOW}


def code(attempt: object, *given: object) -> str:
    with pytest.raises(Refused) as fault:
        attempt(*given)  # type: ignore[operator]
    assert fault.value.hint
    return fault.value.code


def test_a_grant_of_policy_becomes_a_warrant_and_its_intent_is_durable() -> None:
    events, once = KeptEvents(), SpentOnce()
    given = grant(rule="developer/low")
    issued = warrant(given, once, events, NOW)
    assert use(issued) is given
    body = {
        "publisher": "p" * 64, "package": "com.example.hello", "content": "c" * 64, "tool": "greet",
        "agent": {"name": "bot", "proof": "launched"}, "because": "policy", "rule": "developer/low", "jti": "", "token": held_digest(held_by(given.token)),
    }  # fmt: skip
    intent = Event(kind="intent", at=NOW, tenant="local", invocation="0" * 32, body=body, commit={"in": "a" * 64})
    assert events.events == events.durable == [intent]


def test_an_approval_is_spent_before_the_intent() -> None:
    seen: list[str] = []

    class Watching(SpentOnce):
        def spend(self, kind: str, name: str, until: int, now: int) -> bool:
            seen.append(f"spend {kind} {name} {until >= NOW} {now}")
            return super().spend(kind, name, until, now)

    class Telling(KeptEvents):
        def record(self, event: Event, *, durable: bool = False) -> None:
            seen.append(f"{event.kind} {durable}")

    warrant(grant(**APPROVED), Watching(), Telling(), NOW)
    assert seen == [f"spend {APPROVAL} j1 True {NOW}", "approval-spent False", "intent True"]


def test_an_approval_is_for_one_call() -> None:
    events, once = KeptEvents(), SpentOnce()
    warrant(grant(**APPROVED), once, events, NOW)
    assert code(warrant, grant(**APPROVED), once, events, NOW) == "approval.spent"
    assert events.kinds() == ["approval-spent", "intent"]
    assert events.events[0].body == {"jti": "j1", "approvers": ["ada"], "amr": "tty"}
    assert warrant(grant(**{**APPROVED, "jti": "j2"}), once, events, NOW)


@pytest.mark.parametrize(
    ("given", "now", "expected"),
    [
        (grant(), NOW + 1, "token.expired"),
        (grant(token=token(tools=("other",))), NOW, "token.tool"),
        (grant(token=token(tools=())), NOW, "token.tool"),
        (grant(**{**APPROVED, "token": token(until=None)}), NOW + 1, "approval.expired"),
        (grant(token=object()), NOW, "token.forged"),
    ],
)
def test_what_has_ended_or_is_for_something_else_spends_nothing(given: Grant, now: int, expected: str) -> None:
    events, once = KeptEvents(), SpentOnce()
    assert code(warrant, given, once, events, now) == expected
    assert events.events == []
    assert once.spend(APPROVAL, "j1", NOW, NOW)


def test_a_token_without_end_does_not_end() -> None:
    assert warrant(grant(token=token(until=None)), SpentOnce(), KeptEvents(), 10**12)


def test_where_others_are_recorded_with_it_the_order_is_the_same() -> None:
    """The approval is spent, then the intent is given to whoever records it, and there is no warrant before that is done."""
    events, once, given = KeptEvents(), SpentOnce(), list[Event]()

    def intend(event: Event) -> Steps[object]:
        assert not once.spend(APPROVAL, "j1", NOW, NOW)
        given.append(event)
        yield Wait(NOWHERE, 0.0)

    steps = warranting(grant(**APPROVED), once, events, NOW, None, intend)
    assert next(steps).fd == NOWHERE
    assert [one.kind for one in [*events.events, *given]] == ["approval-spent", "intent"]
    with pytest.raises(StopIteration) as over:
        next(steps)
    assert use(over.value.value).jti == "j1"


def test_an_intent_that_cannot_be_recorded_leaves_no_warrant() -> None:
    def intend(event: Event) -> Steps[object]:
        yield Wait(NOWHERE, 0.0)
        raise HostFailed("audit.write", "the disk is full")

    once = SpentOnce()
    steps = warranting(grant(**APPROVED), once, KeptEvents(), NOW, None, intend)
    next(steps)
    with pytest.raises(HostFailed):
        next(steps)
    assert code(warrant, grant(**APPROVED), once, KeptEvents(), NOW) == "approval.spent"


def test_without_a_record_there_is_no_warrant_and_the_approval_is_burned() -> None:
    class Full(KeptEvents):
        def record(self, event: Event, *, durable: bool = False) -> None:
            if durable:
                raise HostFailed("audit.write", "the disk is full")

    once = SpentOnce()
    with pytest.raises(HostFailed):
        warrant(grant(**APPROVED), once, Full(), NOW)
    assert code(warrant, grant(**APPROVED), once, KeptEvents(), NOW) == "approval.spent"


def test_a_warrant_is_used_once() -> None:
    issued = warrant(grant(), SpentOnce(), KeptEvents(), NOW)
    assert use(issued).tool == "greet"
    assert code(use, issued) == "token.warrant"


def test_of_many_at_once_exactly_one_uses_it() -> None:
    issued = warrant(grant(), SpentOnce(), KeptEvents(), NOW)
    start, won = threading.Barrier(8), []

    def try_it() -> None:
        start.wait()
        with contextlib.suppress(Refused):
            won.append(use(issued))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(won) == 1


def test_a_warrant_is_not_made_copied_or_carried_away() -> None:
    issued = warrant(grant(), SpentOnce(), KeptEvents(), NOW)
    for attempt in (
        Warrant,
        lambda: copy.copy(issued),
        lambda: copy.deepcopy(issued),
        lambda: pickle.dumps(issued),
        lambda: type("W", (Warrant,), {}),
    ):
        assert code(attempt) == "token.warrant"
    for other in (None, object(), object.__new__(Warrant), grant(), "warrant"):
        assert code(use, other) == "token.warrant"
    assert use(issued)


def test_grants_are_plain_values() -> None:
    given = grant(**APPROVED)
    assert replace(given, tool="other") != given
    assert (given.approvers, given.amr, given.until) == (("ada",), "tty", NOW)


LASTS = {"because": "standing", "approvers": ("ada",), "amr": "tty", "standing": "5" * 32}


def test_a_call_is_taken_from_a_budget_before_the_intent() -> None:
    events, asked = KeptEvents(), []

    def use_standing(identity: str, now: int) -> int:
        asked.append((identity, now, events.kinds()))
        return 7

    given = grant(**LASTS)
    assert use(warrant(given, SpentOnce(), events, NOW, use_standing)) is given
    assert asked == [("5" * 32, NOW, [])]
    assert events.events[0] == Event(kind="standing-used", at=NOW, tenant="local", invocation="0" * 32, body={"id": "5" * 32, "left": 7})
    assert events.kinds() == ["standing-used", "intent"]


def test_a_budget_that_is_used_up_gives_no_warrant() -> None:
    events = KeptEvents()
    assert code(lambda: warrant(grant(**LASTS), SpentOnce(), events, NOW, lambda *_: None)) == "approval.spent"
    assert events.events == []


def test_a_budget_that_nobody_counts_gives_no_warrant() -> None:
    events = KeptEvents()
    assert code(warrant, grant(**LASTS), SpentOnce(), events, NOW) == "token.warrant"
    assert events.events == []


def test_what_is_refused_costs_nothing_of_a_budget() -> None:
    asked: list[object] = []
    for given, now, expected in ((grant(**LASTS), NOW + 1, "token.expired"), (grant(**LASTS, token=token(tools=())), NOW, "token.tool")):
        assert code(lambda given=given, now=now: warrant(given, SpentOnce(), KeptEvents(), now, lambda *one: asked.append(one))) == expected
    assert asked == []


def test_what_stood_at_its_place_in_memory_is_no_warrant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a warrant is gone, and an object made by hand has its number by now."""
    issued, forged = warrant(grant(), SpentOnce(), KeptEvents(), NOW), object.__new__(Warrant)
    monkeypatch.setitem(subject._ISSUED, id(forged), subject._ISSUED[id(issued)])
    assert code(lambda: use(forged)) == "token.warrant"
    assert use(issued).tool == grant().tool


def test_a_warrant_that_is_gone_leaves_nothing() -> None:
    gc.collect()
    before = len(subject._ISSUED)
    many = [warrant(grant(), SpentOnce(), KeptEvents(), NOW) for _ in range(50)]
    assert len(subject._ISSUED) == before + 50
    many[0].__del__()
    assert code(use, many[0]) == "token.warrant"
    del many
    gc.collect()
    assert len(subject._ISSUED) == before


def test_an_intent_names_the_agent_that_calls_and_not_the_one_that_stood_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: an agent that is gone, and another one at its place in memory, whose calls would be written down as those of the first."""
    first, second = grant(agent=AgentIdentity(name="first")), grant(agent=AgentIdentity(name="second"))
    events = KeptEvents()
    warrant(first, SpentOnce(), events, NOW)
    ((key, kept),) = ((key, row) for key, row in subject._INTENTS.items() if row[1] is first.agent)
    monkeypatch.setitem(subject._INTENTS, (key[0], key[1], id(second.agent), *key[3:]), kept)
    warrant(second, SpentOnce(), events, NOW)
    assert [one.body["agent"]["name"] for one in events.events] == ["first", "second"]


def test_intents_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "INTENTS_KNOWN_MAX", 3)
    kept = [grant(agent=AgentIdentity(name=str(number))) for number in range(10)]
    for one in kept:
        warrant(one, SpentOnce(), KeptEvents(), NOW)
    assert len(subject._INTENTS) <= 3
