"""A minute's worth that fills steadily, for a token and its tenant; and so many at once."""

from __future__ import annotations

import asyncio

import pytest

from mpp.serve import http_rates
from mpp.serve.http_rates import Crowd, Rates, Turn


def test_a_minutes_worth_may_be_asked_at_once_and_comes_back_steadily() -> None:
    rates = Rates()
    assert [rates.wait((("a", 3),), 0.0) for _ in range(4)] == [0, 0, 0, 20]
    assert rates.wait((("a", 3),), 19.0) == 1
    assert rates.wait((("a", 3),), 20.0) == 0
    assert [rates.wait((("a", 3),), 1000.0) for _ in range(4)] == [0, 0, 0, 20]


def test_a_tenant_has_a_bound_of_its_own_and_a_refusal_costs_nothing() -> None:
    rates = Rates()
    assert rates.wait((("a", 9), ("tenant", 2)), 0.0) == 0
    assert rates.wait((("b", 9), ("tenant", 2)), 0.0) == 0
    assert rates.wait((("a", 9), ("tenant", 2)), 0.0) == 30
    assert rates.wait((("a", 9), ("other", 2)), 0.0) == 0
    assert rates._spent["a"].left == 7


def test_without_a_rate_nothing_is_counted() -> None:
    rates = Rates()
    assert [rates.wait((("a", 0), ("tenant", 0)), 0.0) for _ in range(1000)] == [0] * 1000
    assert not rates._spent


def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_rates, "HTTP_RATES_KEPT_MAX", 2)
    rates = Rates()
    for name in "abca":
        rates.wait(((name, 10),), 0.0)
    assert list(rates._spent) == ["c", "a"]


def entered(crowd: Crowd, name: str) -> int:
    found = crowd.enter(name)
    return found if isinstance(found, int) else 0


def test_a_crowd_has_two_bounds() -> None:
    crowd = Crowd(most=3, each=2)
    assert [entered(crowd, name) for name in "aaabb"] == [0, 0, 429, 0, 503]
    crowd.leave("a")
    assert entered(crowd, "b") == 0
    for name in "abb":
        crowd.leave(name)
    assert (crowd.count, crowd._of) == (0, {})


def test_turns_are_given_in_order_and_none_is_lost() -> None:
    async def go() -> list[str]:
        turn, order = Turn(1), []

        async def one(name: str) -> None:
            await turn.take()
            order.append(name)
            await asyncio.sleep(0)
            turn.give()

        tasks = [asyncio.create_task(one(name)) for name in "abcde"]
        await asyncio.sleep(0)
        # One that waits goes away; and one in the moment in which it is its turn.
        tasks[2].cancel()
        turn.give()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await one("f")
        return order

    found = asyncio.run(go())
    assert (found[0], found[-1]) == ("a", "f")
    assert [name for name in found if name in "de"] == ["d", "e"]
    assert "c" not in found
