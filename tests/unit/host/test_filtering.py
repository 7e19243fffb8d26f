"""The privacy filter of a host: what is compiled once, and what a machine without an engine does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mpp.errors import HostFailed, MppError
from mpp.host.filtering import Filters, Whose
from mpp.host.system import FixedClock, SystemRandom
from mpp.model.manifest import CustomPattern, PrivacyFilters
from mpp.stages.policy import NO_PRIVACY, CallPrivacy, PrivacyRules
from mpp.stages.privacy import Scanner

ASKS = PrivacyFilters(enabled=True, patterns=("email",), custom_patterns=())
WHOSE = Whose(tenant="a", agent="b")


def filters(build: Callable[[tuple[str, ...]], Scanner]) -> Filters:
    return Filters(random=SystemRandom(), clock=FixedClock(0), seconds=lambda: 0.0, build=build, admit=lambda _: ())


def none(_: tuple[str, ...]) -> Scanner:
    raise HostFailed("privacy.engine", "no engine")


def broken(_: tuple[str, ...]) -> Scanner:
    raise HostFailed("host.cache_key", "others know the key")


def code(call: Callable[[], object]) -> str:
    with pytest.raises(MppError) as fault:
        call()
    return fault.value.code


def test_without_an_engine_nothing_runs() -> None:
    made = filters(none)
    assert code(lambda: made.bind(CallPrivacy(rules=NO_PRIVACY), ASKS, WHOSE)) == "privacy.engine"


def test_policy_may_let_it_run_and_the_report_says_so() -> None:
    made = filters(none)
    by = made.bind(CallPrivacy(rules=PrivacyRules(require=False)), ASKS, WHOSE)
    found = by({"to": "ada@example.com"})
    assert (found.message, found.report.engine, found.report.counts) == ({"to": "ada@example.com"}, "none", ())


def test_a_rule_that_demands_patterns_is_not_met_by_none() -> None:
    made = filters(none)
    assert code(lambda: made.bind(CallPrivacy(rules=PrivacyRules(require=False), demanded=("email",)), ASKS, WHOSE)) == "privacy.engine"


def test_another_fault_is_never_passed_over() -> None:
    assert code(lambda: filters(broken).rules(require=False)) == "host.cache_key"


class Ticking:
    seconds = 1_000_000

    def now(self) -> int:
        return self.seconds


class Nothing:
    name = digest = "nothing"

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
        return []


def test_rules_are_compiled_once_for_each_set_of_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.filtering.RULES_MAX", 2)
    made = filters(lambda _: Nothing())
    sets = [(CustomPattern(id=f"p{i}", regex="x" * 9, description=""),) for i in range(3)]
    first = [made.rules(one) for one in sets]
    assert made.rules(sets[2]) is first[2]
    assert made.rules(sets[0]) is not first[0]


def test_one_filter_serves_calls_under_the_very_same_rules_and_no_others() -> None:
    clock = Ticking()
    made = Filters(random=SystemRandom(), clock=clock, seconds=lambda: 0.0, build=lambda _: Nothing(), admit=lambda _: ())
    said = CallPrivacy(rules=NO_PRIVACY)
    first = made.bind(said, ASKS, WHOSE)
    assert made.bind(said, ASKS, WHOSE) is first
    # Equal is not the same: another setting is bound anew, with the same names for values.
    other = made.bind(CallPrivacy(rules=NO_PRIVACY), ASKS, WHOSE)
    assert (other is first, other.names is first.names) == (False, True)
    assert made.bind(said, PrivacyFilters(enabled=False, patterns=("email",), custom_patterns=()), WHOSE) is not first
    assert made.bind(said, ASKS, Whose(tenant="a", agent="c")).names is not first.names
    again = made.bind(said, ASKS, WHOSE)
    clock.seconds += NO_PRIVACY.pseudonym_minutes * 60
    # Attack: an agent whose calls never pause, and whose names for values never change.
    assert made.bind(said, ASKS, WHOSE).names is not again.names


def test_filters_of_names_and_rules_that_were_forgotten_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.filtering.NAMES_MAX", 2)
    monkeypatch.setattr("mpp.host.filtering.RULES_MAX", 1)
    made = filters(lambda _: Nothing())
    said = CallPrivacy(rules=NO_PRIVACY)
    bound = [made.bind(said, ASKS, Whose(tenant="a", agent=str(number))) for number in range(3)]
    assert made.bind(said, ASKS, Whose(tenant="a", agent="0")).names is not bound[0].names
    pattern = CustomPattern(id="acme_one", regex="x{9}", description="")
    made.bind(said, PrivacyFilters(enabled=True, patterns=("email",), custom_patterns=(pattern,)), WHOSE)
    assert made.bind(said, ASKS, Whose(tenant="a", agent="2")) is not bound[2]
