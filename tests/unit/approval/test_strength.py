from __future__ import annotations

import pytest

from mpp.stages.approval.strength import answer_seconds, enough, needed_strength, stricter, weaker
from mpp.stages.approval.types import AMR
from mpp.stages.policy.types import Limits

LEAST = {
    "flag": set(AMR),
    "elicitation": set(AMR) - {"flag"},
    "tty": {"tty", "passphrase", "webauthn", "other-uid"},
    "passphrase": {"passphrase", "webauthn", "other-uid"},
}


@pytest.mark.parametrize("needed", [*LEAST, "webauthn", "other-uid", "", "god"])
@pytest.mark.parametrize("amr", [*AMR, "", "god"])
def test_what_is_enough(amr: str, needed: str) -> None:
    expected = LEAST.get(needed, LEAST["passphrase"] if needed in AMR else set())
    assert enough(amr, needed) == (amr in expected)


NEEDED = [
    (("low", "low"), Limits(), False, "", "flag"),
    (("medium", "low"), Limits(), False, "", "flag"),
    (("low", "high"), Limits(), False, "", "passphrase"),
    (("critical", "low"), Limits(), False, "", "passphrase"),
    (("", ), Limits(), False, "", "passphrase"),
    (("unheard of",), Limits(), False, "", "passphrase"),
    (("low",), Limits(strength="tty"), False, "", "tty"),
    (("low",), Limits(strength="flag"), False, "", "flag"),
    (("high",), Limits(strength="flag"), False, "", "passphrase"),
    (("low",), Limits(), True, "", "elicitation"),
    (("low",), Limits(strength="tty"), True, "", "tty"),
    (("low",), Limits(), False, "passphrase", "passphrase"),
    (("high",), Limits(strength="tty"), True, "flag", "passphrase"),
]  # fmt: skip


@pytest.mark.parametrize(("levels", "limits", "fleet", "least", "needed"), NEEDED)
def test_the_strictest_is_needed(levels: tuple[str, ...], limits: Limits, fleet: bool, least: str, needed: str) -> None:
    assert needed_strength(levels, limits, fleet=fleet, least=least) == needed


def test_a_claim_counts_for_no_more_than_its_key() -> None:
    assert [weaker(amr, "passphrase") for amr in AMR] == list(AMR)
    assert [weaker(amr, "tty") for amr in AMR] == ["flag", "elicitation", "tty", "tty", "tty", "tty"]


def test_policy_can_only_shorten() -> None:
    assert [answer_seconds(Limits(answer_seconds=one), 900) for one in (0, 60, 900, 5000)] == [900, 60, 900, 900]


def test_what_is_needed_is_only_raised() -> None:
    assert [stricter(one, "passphrase") for one in (*AMR, "god")] == ["passphrase"] * 4 + ["webauthn", "other-uid", "passphrase"]
    assert stricter("passphrase", "flag") == "passphrase"
