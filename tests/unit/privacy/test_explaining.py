"""What would be found, where, and what would become of it."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, PrivacyRules
from mpp.stages.policy.privacy_rules import Allowed, Exempt
from mpp.stages.privacy import Filter, Pseudonyms, explain_message
from tests.privacies import PLANTED, filter_of, rules

EMAIL, IBAN = PLANTED["email"], PLANTED["iban"]


def said(**more: object) -> Filter:
    table = PrivacyRules(**more)  # type: ignore[arg-type]
    exempt = tuple(table.exempt)
    return Filter(rules(), CallPrivacy(rules=table, exempt=exempt), Pseudonyms(b"k" * 32), lambda: 0.0)


def test_each_find_has_its_place_its_reading_and_what_is_done() -> None:
    message: Json = {"a/b": [f"x {EMAIL}"], EMAIL: 1, "hidden": EMAIL.replace("@", "%40"), "before": "[EMAIL]", "card": [4111, 1111, 1111, 1111]}
    found = explain_message(message, filter_of("redact"))
    assert {(one.where, one.type, one.view, one.action) for one in found} == {
        ("/a~1b/0", "email", "as written", "redact"), (f"/{EMAIL} (key)", "email", "as written", "redact"), ("/hidden", "email", "decoded", "redact"),
        *((f"/card/{at}", "credit_card", "joined", "redact") for at in range(4)),
    }  # fmt: skip
    assert message["hidden"] == EMAIL.replace("@", "%40")  # type: ignore[call-overload,index]


@pytest.mark.parametrize(
    ("by", "action"),
    [
        (said(off=("email",)), "let through: off"),
        (said(allow=(Allowed(value=EMAIL),)), "let through: allowed"),
        (said(exempt=(Exempt(types=("email",), pointer="/a"),)), "let through: exempt"),
        (said(), "pseudonym"),
    ],
)
def test_what_policy_lets_through_is_told_too(by: Filter, action: str) -> None:
    (found,) = explain_message({"a": EMAIL}, by)
    assert (found.text, found.action) == (EMAIL, action)


def test_a_key_is_never_exempt() -> None:
    (found,) = explain_message({EMAIL: 1}, said(exempt=(Exempt(types=("email",)),)))
    assert found.action == "pseudonym"
