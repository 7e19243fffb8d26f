"""The rules for the privacy filter for one call: which grants are for it, what a rule demands all the same, and what a person is told."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.stages.policy import CallPrivacy, TypeAction, privacy_for, unfiltered
from mpp.stages.policy.limits import UNFILTERED_LINES_MAX
from tests.policies import PUBLISHER, call
from tests.unit.policy.test_privacy_reading import rules

MAIL = "com.example.mail"
ENABLED, DISABLED = (PrivacyFilters(enabled=enabled, patterns=(), custom_patterns=()) for enabled in (True, False))


def one(demanded: tuple[str, ...] = (), *, changes: dict[str, object] | None = None, **table: Json) -> CallPrivacy:
    return privacy_for(rules(**table), call(**(changes or {})), demanded)


FOR_THIS: list[tuple[dict[str, Json], dict[str, object], bool]] = [
    ({"package": MAIL}, {}, True),
    ({"package": "com.example.*"}, {}, True),
    ({"package": "com.example.mail.*"}, {}, False),
    ({"package": "com.example.mai"}, {}, False),
    # Anybody may call a package by this id.
    ({"package": MAIL}, {"bound": False}, False),
    ({"publisher": PUBLISHER}, {"bound": False}, True),
    ({"publisher": "ef" * 32}, {}, False),
    ({"publisher": PUBLISHER, "package": "com.example.crm"}, {}, False),
    ({"package": MAIL, "tool": "send"}, {}, True),
    ({"package": MAIL, "tool": "list"}, {}, False),
    ({"package": MAIL, "tool": "list"}, {"tool": ""}, True),
]


@pytest.mark.parametrize(("entry", "changes", "counts"), FOR_THIS)
def test_an_exemption_is_for_whom_it_names(entry: dict[str, Json], changes: dict[str, object], counts: bool) -> None:
    found = one(changes=changes, exempt=[{**entry, "types": ["email"]}])
    assert (found.is_exempt(("a",), "email"), bool(found.exempt)) == (counts, counts)


PLACES: list[tuple[str, tuple[str, ...], bool]] = [
    ("", (), True),
    ("", ("a", "b"), True),
    ("/a", ("a",), True),
    ("/a", ("a", "b"), True),
    ("/a", ("ab",), False),
    ("/a", (), False),
    ("/contacts/*/email", ("contacts", "0", "email"), True),
    ("/contacts/*/email", ("contacts", "0", "phone"), False),
    ("/x~1y/~0", ("x/y", "~"), True),
]


@pytest.mark.parametrize(("pointer", "steps", "reaches"), PLACES)
def test_a_pointer_reaches_its_place_and_all_below(pointer: str, steps: tuple[str, ...], reaches: bool) -> None:
    assert one(exempt=[{"package": MAIL, "pointer": pointer, "types": ["email"]}]).is_exempt(steps, "email") is reaches
    assert one(reveal=[{"package": MAIL, "pointer": pointer, "types": ["email"]}]).reveals(steps, "email") is reaches


def test_types_and_groups_are_both_asked_for() -> None:
    found = one(exempt=[{"package": MAIL, "types": ["api_key"]}], reveal=[{"package": MAIL, "types": ["api_key"]}], off=["national_id"])
    assert found.is_exempt((), "github_token", "api_key")
    assert found.reveals((), "github_token", "api_key")
    assert found.is_off("ssn", "national_id")
    assert not found.is_exempt((), "email")
    assert not found.reveals((), "email")
    assert not found.is_off("email")


def test_what_a_rule_demands_is_searched_for() -> None:
    table: dict[str, Json] = {"off": ["ssn"], "exempt": [{"package": MAIL, "types": ["email", "github_token"]}], "accept_disabled": [MAIL]}
    assert one(**table).is_off("ssn", "national_id")
    found = one(("national_id", "email", "api_key"), **table)
    assert not found.is_off("ssn", "national_id")
    assert not found.is_exempt((), "email")
    assert not found.is_exempt((), "github_token", "api_key")
    assert found.demands("ssn", "national_id")
    assert not found.demands("iban")


def test_what_one_layer_turns_on_is_not_off() -> None:
    assert not one(off=["national_id"], on=["ssn"]).is_off("ssn", "national_id")


def test_pseudonyms_are_turned_back_for_bound_packages_only() -> None:
    reveal: list[Json] = [{"package": MAIL, "tool": "send", "types": ["email"]}]
    assert one(reveal=reveal).reveals((), "email")
    for changes in ({"bound": False}, {"package_id": "com.example.other"}, {"tool": "list"}):
        assert not one(changes=changes, reveal=reveal).reveals((), "email")


def test_the_publisher_decides_where_policy_says_so() -> None:
    assert one(accept_disabled=[MAIL]).accepts_disabled
    assert not one(accept_disabled=[MAIL], changes={"bound": False}).accepts_disabled
    assert not one(accept_disabled=["com.example.crm"]).accepts_disabled


def test_values_and_actions_are_those_of_the_rules() -> None:
    found = one(allow=[{"type": "email", "value": "a@example.com"}], actions={"email": "redact"})
    assert found.is_allowed("email", "a@example.com")
    assert not found.is_allowed("email", "b@example.com")
    assert found.action_for("email") == TypeAction(action="redact")


def test_a_person_is_told_what_is_not_filtered() -> None:
    table: dict[str, Json] = {
        "exempt": [{"package": MAIL, "tool": "send", "pointer": "/contacts/*/email", "types": ["email", "phone"]}, {"package": "com.example.crm", "types": ["ssn"]}],
        "accept_disabled": [MAIL],
        "reveal": [{"package": MAIL, "types": ["email"]}],
        "off": ["iban"],
    }  # fmt: skip
    exempt = "not filtered here: email, phone at /contacts/*/email of send (by policy)"
    reveal = "told who stands behind pseudonyms: email (by policy)"
    assert unfiltered(one(**table), ENABLED) == (exempt, reveal)
    assert unfiltered(one(**table), DISABLED) == ("not filtered here: all of its answers (as its publisher asks, by policy)", exempt, reveal)
    assert unfiltered(one(("email",), **table), DISABLED) == (
        "not filtered here: all of its answers, but for email (as its publisher asks, by policy)",
        exempt.replace("email, phone at", "phone at"),
        reveal,
    )
    assert unfiltered(one(("email", "phone"), **table), ENABLED) == (reveal,)
    assert unfiltered(one(off=["iban"]), DISABLED) == ()


def test_of_many_exemptions_some_are_told_and_the_others_counted() -> None:
    many: list[Json] = [{"package": MAIL, "pointer": f"/{i}", "types": ["email"]} for i in range(UNFILTERED_LINES_MAX + 3)]
    found = unfiltered(one(exempt=many), ENABLED)
    assert len(found) == UNFILTERED_LINES_MAX
    assert found[-1] == "not filtered here: 4 more exemptions (by policy)"
