"""A minute's worth that fills steadily, for a token and its tenant; and so many at once."""

from __future__ import annotations

import pytest

from mpp.serve import http_rates
from mpp.serve.http_rates import Crowd, Rates


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


def test_a_crowd_has_two_bounds() -> None:
    crowd = Crowd(most=3, each=2)
    assert [crowd.enter("a"), crowd.enter("a"), crowd.enter("a")] == [0, 0, 429]
    assert [crowd.enter("b"), crowd.enter("b")] == [0, 503]
    crowd.leave("a")
    assert crowd.enter("b") == 0
    for name in "abb":
        crowd.leave(name)
    assert (crowd.count, dict(crowd._of)) == (0, {})
