"""Placeholders in arguments: turned back where policy grants it, refused where it does not, and hidden again in what the tool says."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.policy import Reveal
from mpp.stages.privacy import Hiding, Plain, Pseudonyms, has_placeholder, reveal_arguments
from mpp.stages.privacy.limits import REVEALS_MAX
from tests.unit.privacy.leaving import MAIL, by

ALL = (Reveal(types=("email",), package="com.example.crm"),)
AT_TO = (Reveal(types=("email",), package="com.example.crm", pointer="/to"),)


@pytest.fixture
def names() -> Pseudonyms:
    return Pseudonyms(b"k" * 32)


def turned(message: Json, names: Pseudonyms, reveals: tuple[Reveal, ...] = ALL) -> Plain:
    return reveal_arguments(message, by(names=names, reveals=reveals))


def refused(message: Json, names: Pseudonyms, reveals: tuple[Reveal, ...] = ALL) -> tuple[str, str]:
    with pytest.raises(Refused) as fault:
        turned(message, names, reveals)
    assert MAIL not in str(fault.value) + fault.value.faults[0].hint
    return fault.value.code, fault.value.where


def test_a_granted_placeholder_is_turned_back(names: Pseudonyms) -> None:
    name = names.name("email", MAIL)
    found = turned({"to": f"Ada <{name}>, and {name}", "list": [1, name], "other": "[x]"}, names)
    assert found.message == {"to": f"Ada <{MAIL}>, and {MAIL}", "list": [1, MAIL], "other": "[x]"}
    assert [(one.type, one.where) for one in found.revealed] == [("email", "arguments/to"), ("email", "arguments/to"), ("email", "arguments/list/1")]
    assert {one.digest for one in found.revealed} == {names.digest("email", MAIL)}
    assert found.values == {MAIL: name}
    assert MAIL not in repr(found)


def test_one_where_it_is_not_granted_is_refused(names: Pseudonyms) -> None:
    name, phone = names.name("email", MAIL), names.name("phone", "+1 202 555 0143")
    assert turned({"to": name}, names, AT_TO).values == {MAIL: name}
    assert refused({"to": name}, names, ()) == ("privacy.reveal", "arguments/to")
    assert refused({"cc": name}, names, AT_TO) == ("privacy.reveal", "arguments/cc")
    assert refused({"to": phone}, names) == ("privacy.reveal", "arguments/to")
    assert refused({name: "x"}, names) == ("privacy.reveal", f"arguments/{name}")


def test_one_that_nobody_knows_is_refused(names: Pseudonyms) -> None:
    """Of another process, tenant, agent or hour: those names are made with another key."""
    name = Pseudonyms(b"o" * 32).name("email", MAIL)
    assert refused({"to": name}, names) == ("privacy.forgotten", "arguments/to")


@pytest.mark.parametrize("text", ["[EMAIL]", "[EMAIL:***1234]", "[CREDIT_CARD:***1111]", "[TICKET-bcdfghjk]", "[a]", "[", "[EMAIL-abcdefgh]"])
def test_what_never_stood_for_one_value_stays(names: Pseudonyms, text: str) -> None:
    found = turned({"q": text}, names)
    assert found == Plain(message={"q": text}, revealed=(), values={})


def test_values_of_one_call_are_bounded(names: Pseudonyms) -> None:
    rows: list[Json] = [names.name("email", f"user{i}@example.org") for i in range(REVEALS_MAX + 1)]
    assert len(turned({"to": rows[1:]}, names).values) == REVEALS_MAX
    rows = [names.name("email", f"user{i}@example.org") for i in range(REVEALS_MAX + 1)]
    assert refused({"to": rows}, names) == ("privacy.limit", "arguments")


def test_a_text_with_a_placeholder_is_told_apart() -> None:
    assert has_placeholder('{"to": "[EMAIL-bcdfghjk]"}')
    assert not has_placeholder('{"to": "[1, 2]"}')
    assert not has_placeholder("plain")


# --- what the tool says after that


def said(message: Json, names: Pseudonyms, *values: str) -> Json:
    filtered = Hiding(by(names=names), {one: names.name("name", one) for one in values})(message)
    return filtered.message


def test_what_was_turned_back_is_hidden_again(names: Pseudonyms) -> None:
    """A name has no form by which anybody would find it."""
    one, longer = "Ada", "Ada Lovelace"
    found = said({"a": f"Hello {longer}, dear {one}", "b": [7, one, "x"], one: 1, "c": 5}, names, one, longer)
    first, second = names.name("name", one), names.name("name", longer)
    assert found == {"a": f"Hello {second}, dear {first}", "b": [7, first, "x"], first: 1, "c": 5}
    assert said({"a": "nothing"}, names, one) == {"a": "nothing"}
    assert said("Ada", names, one) == first
    assert said({"n": 123456789}, names, "123456789") == {"n": names.name("name", "123456789")}


def test_what_is_too_large_is_withheld_as_ever(names: Pseudonyms) -> None:
    deep: Json = "Ada"
    for _ in range(300):
        deep = [deep]
    filtered = Hiding(by(names=names), {"Ada": names.name("name", "Ada")})(deep)
    assert (filtered.message, filtered.report.withheld) == (None, "privacy.limit")
