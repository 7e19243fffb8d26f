"""The filter: what is replaced, what is let through, and what is withheld."""

from __future__ import annotations

import re

import pytest

from mpp.errors import HostFailed
from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, PrivacyRules
from mpp.stages.policy.privacy_rules import Allowed, Exempt, TypeAction, make_actions
from mpp.stages.privacy import Detector, Filter, Filtered, Hit, Place, Pseudonyms, Rules
from mpp.stages.privacy.filter import outside_placeholders
from mpp.stages.privacy.views import PROBES
from tests.privacies import PLANTED, filter_of, rules, shown

EMAIL, CARD = PLANTED["email"], PLANTED["credit_card"]


class Words:
    """Finds the words that it is told; a scanner that needs no engine."""

    name, digest = "words", "0"

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = tuple(word for word in words if word not in PROBES)

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
        return sorted((found.start(), number) for number, word in enumerate(self._words) for found in re.finditer(word.encode(), data))


def one(kind: str, word: str, *, sure: int = 2, wide: int = 0) -> Detector:
    """A detector that gives each place of ``word``, and so many characters on both sides."""

    def look(place: Place) -> list[Hit]:
        return [Hit(kind, max(place.low, place.at - wide), min(place.high, place.at + len(word) + wide), sure)]

    return Detector(name=kind, types=(kind,), probes=(word,), look=look)


def by(*detectors: Detector, enabled: bool = True, accepts: bool = False, exempt: tuple[Exempt, ...] = (), **more: object) -> Filter:
    table = PrivacyRules(**more)  # type: ignore[arg-type]
    said = CallPrivacy(rules=table, exempt=exempt, accepts_disabled=accepts)
    return Filter(Rules(detectors, Words) if detectors else rules(), said, Pseudonyms(b"k" * 32), lambda: 0.0, enabled=enabled)


def actions(**found: str) -> tuple[object, ...]:
    return make_actions({name: TypeAction(action=action, keep=4 if action == "partial" else 0) for name, action in found.items()})


def test_one_value_has_one_name_in_a_message() -> None:
    filtered = filter_of()({"a": EMAIL, "b": f"to {EMAIL}", EMAIL: [EMAIL]})
    names = set(re.findall(r"\[EMAIL-[a-z]{8}\]", shown(filtered.message)))
    assert (len(names), filtered.report.counts, len(filtered.report.digests)) == (1, (("email", 4),), 1)


def test_keys_that_become_one_stay_apart_and_in_order() -> None:
    message: Json = {"b@example.com": 1, "[EMAIL]": 2, "a@example.com": 3, "[EMAIL]~2": 4, "c@example.com": 5}
    filtered = filter_of("redact")(message)
    assert isinstance(filtered.message, dict)
    assert list(filtered.message) == ["[EMAIL]~3", "[EMAIL]", "[EMAIL]~4", "[EMAIL]~2", "[EMAIL]~5"] or len(filtered.message) == 5
    assert list(filtered.message.values()) == [1, 2, 3, 4, 5]


def test_what_nobody_sees_is_taken_out_of_texts_and_keys() -> None:
    filtered = filter_of()({"a\u200b": "x\u200by", "n": 5, "\u00e9": "\u00e9"})
    assert (filtered.message, filtered.report.stripped) == ({"a": "xy", "n": 5, "\u00e9": "\u00e9"}, 2)


def test_a_number_becomes_a_text_or_another_number() -> None:
    filtered = filter_of("redact")({"card": 4539148803436467, "cards": [4539148803436467], "parts": [4539, 1488, 343, 6467]})
    assert shown(filtered.message).count("[CREDIT_CARD]") == 2
    made = filter_of("surrogate")({"card": 4539148803436467}).message
    assert isinstance(made, dict)
    assert isinstance(made["card"], int)
    assert made["card"] != 4539148803436467


def test_short_numbers_that_spell_one_go_as_a_whole() -> None:
    assert filter_of("redact")({"card": [4111, 1111, 1111, 1111]}).message == {"card": ["[CREDIT_CARD]"] * 4}
    assert by(allow=(Allowed(value="4111111111111111"),))({"card": [4111, 1111, 1111, 1111]}).message == {"card": [4111, 1111, 1111, 1111]}


def test_a_number_has_no_nought_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pseudonyms, "surrogate", lambda *_: "0123")
    found = by(one("code", "99999"), actions=actions(code="surrogate"))
    assert found({"a": 99999, "b": "99999", "c": 99999}).message == {"a": 9123, "b": "0123", "c": 9123}


@pytest.mark.parametrize(
    ("table", "counts", "let"),
    [
        ({"off": ("email",)}, (), ()),
        ({"allow": (Allowed(value=EMAIL),)}, (), ()),
        ({"exempt": (Exempt(types=("email",), pointer="/a"),)}, (("email", 1),), (("email", 2),)),
        ({"enabled": False}, (("email", 3),), ()),
        ({"enabled": False, "accepts": True}, (), ()),
    ],
)
def test_only_the_host_lets_something_through(table: dict[str, object], counts: object, let: object) -> None:
    report = by(**table)({"a": [EMAIL, EMAIL], EMAIL: 1}).report  # type: ignore[arg-type]
    assert (report.counts, report.let_through) == (counts, let)


def test_the_strictest_of_what_overlaps_counts() -> None:
    mild, strict = one("mild", "value", wide=3, sure=3), one("strict", "value")
    found = by(mild, strict, actions=actions(strict="redact"))
    assert found({"a": "the value is"}).message == {"a": "t[STRICT]"}
    assert by(strict, one("other", "is"), actions=actions(default="redact"))({"a": "value is"}).message == {"a": "[STRICT] [OTHER]"}


def test_a_surrogate_under_a_telling_key_stays_one() -> None:
    """It has the form of what it stands for, so a detector that goes by the key alone finds it again."""
    filtered = filter_of("surrogate")({"card": "4539148803436467", "password": "hunter2xx", "phone": "+1 415 555 2671", "mail": [EMAIL, EMAIL]})
    assert (filtered.report.withheld, sum(count for _, count in filtered.report.counts)) == ("", 5)
    assert not [value for value in ("4539148803436467", "hunter2xx", "415 555 2671", EMAIL) if value in shown(filtered.message)]
    less = Detector(name="code", types=("code",), probes=("[a-z]",), look=lambda place: [Hit("code", place.low + ("value" not in place.text), place.high)])
    assert re.fullmatch(r"[a-z]\[CODE-[a-z]{8}\]", str(by(less, actions=actions(code="surrogate"))("value").message))


def test_policy_blocks() -> None:
    filtered = by(one("code", "value"), actions=actions(code="block"))({"a": "value"})
    assert (filtered.message, filtered.report.withheld) == (None, "privacy.blocked")


def test_what_shows_something_new_each_time_is_withheld() -> None:
    def look(place: Place) -> list[Hit]:
        return [Hit("code", place.at, place.at + 1)]

    detector = Detector(name="code", types=("code",), probes=("[a-z]",), look=look)
    assert by(detector)({"A": "z"}).report.withheld == ""
    again = Detector(name="again", types=("again",), probes=("A",), look=lambda place: [Hit("again", place.low, place.low + 1)])
    found = Filter(Rules((again,), Words), CallPrivacy(rules=PrivacyRules()), _Same(b"k" * 32), lambda: 0.0)
    assert found({"": "A"}).report.withheld == "privacy.again"


class _Same(Pseudonyms):
    """Puts something in the place of a value that is found again."""

    def name(self, kind: str, text: str) -> str:
        return "AA"


def test_an_engine_that_fails_withholds() -> None:
    class Broken(Words):
        def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
            raise HostFailed("privacy.engine", "out of memory")

    found = Filter(Rules((one("code", "x"),), Broken), CallPrivacy(rules=PrivacyRules()), Pseudonyms(b"k" * 32), lambda: 0.0)
    assert found("x") == Filtered(message=None, report=found("x").report)
    assert found("x").report.withheld == "privacy.engine"


@pytest.mark.parametrize("message", [[1 << 16_000], "\ud800", {"\ud800": 1}, [[]] * 2, True, None, 1.5, "", {"": ""}, [1e300], -(10**30)], ids=range(11))
def test_it_raises_for_no_message(message: Json) -> None:
    assert filter_of()(message).report.withheld in {"", "privacy.limit", "privacy.text"}


def test_only_placeholders_of_known_types_are_passed_over() -> None:
    key = "AKIA" + "Q3EGRLX7PHNTBVZ2"
    assert key not in shown(filter_of()([f"[{key}]"]).message)
    types = frozenset(("email",))
    text = "x[EMAIL]y[OTHER]z[EMAIL-bcdfghjk]"
    assert [text[start:end] for start, end in outside_placeholders(0, len(text), text, types)] == ["x", "y[OTHER]z"]
    assert list(outside_placeholders(2, 5, text, types)) == []
    assert list(outside_placeholders(0, 1, text, types)) == [(0, 1)]
    assert list(outside_placeholders(0, 3, "abc", types)) == [(0, 3)]


def test_digests_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.stages.privacy.filter.DIGESTS_MAX", 2)
    report = filter_of()([f"a{at}@example.com" for at in range(5)]).report
    assert (len(report.digests), report.counts) == (2, (("email", 5),))
