"""What stands in the place of a value."""

from __future__ import annotations

import re

import pytest

from mpp.stages.policy import TypeAction
from mpp.stages.privacy import placeholders
from mpp.stages.privacy.placeholders import PLACEHOLDER, Pseudonyms, partial, written

KEY = b"k" * 32


def never(_: str) -> bool:
    return False


def test_one_value_has_one_name_and_two_keys_two() -> None:
    names, others = Pseudonyms(KEY), Pseudonyms(b"o" * 32)
    first = names.name("email", "ada@example.com")
    assert first == names.name("email", "ada@example.com")
    assert len({first, names.name("email", "bob@example.com"), names.name("phone", "ada@example.com"), others.name("email", "ada@example.com")}) == 4
    assert re.fullmatch(r"\[EMAIL-[bcdfghjkmnpqrstz]{8}\]", first)
    assert names.value(first) == ("email", "ada@example.com")
    assert names.value("[EMAIL-bbbbbbbb]") is None


def test_two_values_of_one_digest_get_two_names(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Pseudonyms(KEY)
    monkeypatch.setattr(Pseudonyms, "_mac", lambda _, purpose, kind, text: (purpose[-1] * 32).encode() if text else kind.encode())
    assert names.name("email", "a") != names.name("email", "b")
    found = [names.name("email", f"v{i}") for i in range(20)]
    # Sixteen turns give ten different digits at most; after that the name says nothing of the value.
    assert found[-1] == "[EMAIL]"


def test_the_oldest_values_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placeholders, "PSEUDONYMS_MAX", 2)
    names = Pseudonyms(KEY)
    made = [names.name("email", text) for text in ("a", "b", "c")]
    assert [names.value(one) is None for one in made] == [True, False, False]


def test_a_digest_for_the_record_is_keyed() -> None:
    assert Pseudonyms(KEY).digest("ssn", "1") != Pseudonyms(b"o" * 32).digest("ssn", "1")
    assert len(Pseudonyms(KEY).digest("ssn", "1")) == 24


def test_keys_differ_for_each_tenant_agent_and_time() -> None:
    made = {Pseudonyms.key_for(KEY, *whose) for whose in (("a", "b", 1), ("a", "b", 2), ("ab", "", 1), ("", "ab", 1), ("a:1", "b", 1))}
    assert len(made) == 5


@pytest.mark.parametrize(
    ("text", "keep", "shown"),
    [
        ("4111 1111 1111 1234", 4, "[CREDIT_CARD:***1234]"),
        ("4111-1111-1111-12 34", 2, "[CREDIT_CARD:***34]"),
        ("1234567", 4, "[CREDIT_CARD]"),
        ("12345678", 4, "[CREDIT_CARD:***5678]"),
        ("12345678", 0, "[CREDIT_CARD]"),
    ],
)
def test_partial_shows_the_end_of_what_is_long_enough(text: str, keep: int, shown: str) -> None:
    assert partial("credit_card", text, keep) == shown
    assert PLACEHOLDER.fullmatch(shown)


def test_each_action_writes_its_form() -> None:
    names = Pseudonyms(KEY)
    assert written(TypeAction(action="redact"), "ssn", "123-45-6789", names, never) == "[SSN]"
    assert written(TypeAction(action="partial", keep=4), "ssn", "123-45-6789", names, never) == "[SSN:***6789]"
    assert written(TypeAction(action="pseudonym"), "ssn", "123-45-6789", names, never) == names.name("ssn", "123-45-6789")
    surrogate = written(TypeAction(action="surrogate"), "ssn", "123-45-6789", names, never)
    assert re.fullmatch(r"\d{3}-\d{2}-\d{4}", surrogate)
    assert surrogate != "123-45-6789"
    assert surrogate == written(TypeAction(action="surrogate"), "ssn", "123-45-6789", names, never)


def test_a_surrogate_keeps_the_shape_and_gives_way_to_a_pseudonym() -> None:
    names = Pseudonyms(KEY)
    assert re.fullmatch(r"[A-Z][a-z]x[0-9]-[A-Z]", names.surrogate("licence", "Abß1-Z", never))
    assert names.surrogate("email", "ada@example.com", never).endswith("@example.invalid")
    assert names.surrogate("licence", "A1", lambda _: True) == names.name("licence", "A1")
