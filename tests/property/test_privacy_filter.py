"""The filter as a function: it gives JSON of the same shape, raises for nothing, changes nothing clean, and is done after once, on both engines."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mpp.model.jsontext import Json
from mpp.stages.privacy import read_message, write_message
from tests.privacies import PLANTED, filter_of, rules, said, shown
from mpp.stages.privacy import Filter, Pseudonyms, Rules, built_in
from mpp.stages.privacy.search import finds_nothing
from mpp.stages.privacy.types import Filtered

pytestmark = pytest.mark.property

WORDS = st.text(st.characters(exclude_categories=()), max_size=24)
PIECES = st.sampled_from((
    *PLANTED.values(), "[EMAIL]", "[EMAIL-bcdfghjk]", "[AKIA", "password=", "ssn,card\n", "%40", "&#64;", "\\u0040", "@", "\u200b", "a.b", "4111 ", "4111", "\n", "\x00", "\n\x00\n",
    "\x01", "\x02", " at ", " dot ", "-----BEGIN RSA PRIVATE " + "KEY-----", "Bearer ", "://a:b@", "\uff20", "\U000e0041", "[", "]", '"', "{", "~2", "\ud83d",
))  # fmt: skip
TEXTS = st.one_of(WORDS, PIECES, st.lists(PIECES, max_size=4).map("".join))
SINGLE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(10**15, 10**19), st.just(10**2000), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
MESSAGES: st.SearchStrategy[Json] = st.recursive(
    SINGLE, lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(TEXTS, inner, max_size=5)), max_leaves=24
)
ACTIONS = st.sampled_from(("pseudonym", "redact", "partial", "surrogate", "block"))


def copied(message: Json) -> Json:
    return json.loads(json.dumps(message))  # type: ignore[no-any-return]


def shape(message: Json) -> object:
    """How many keys and items there are, and where."""
    if isinstance(message, dict):
        return ["object", *(shape(item) for item in message.values())]
    return ["list", *(shape(item) for item in message)] if isinstance(message, list) else "one"


@given(MESSAGES, ACTIONS)
def test_no_message_makes_it_raise(message: Json, action: str) -> None:
    filtered = filter_of(action)(copied(message))
    assert isinstance(filtered, Filtered)
    if filtered.is_withheld:
        assert (filtered.message, filtered.report.withheld.partition(".")[0]) == (None, "privacy")
    else:
        json.loads(write_message(filtered.message))
        assert shape(filtered.message) == shape(message)


@given(MESSAGES, st.sampled_from(("pseudonym", "redact", "partial")))
@example({"2539 1288 0323 2227": 100000000000}, "pseudonym")
@example({"my 2539 1288 0323 2227": [100000000000, "100000000001"]}, "redact")
def test_twice_is_once(message: Json, action: str) -> None:
    once = filter_of(action)(copied(message))
    twice = filter_of(action)(copied(once.message))
    if not once.is_withheld:
        assert shown(twice.message) == shown(once.message)
        assert twice.report.counts == ()


@given(MESSAGES)
def test_both_engines_find_the_same(message: Json) -> None:
    one, other = filter_of(by=rules())(copied(message)), filter_of(by=rules("re2"))(copied(message))
    assert shown(one.message) == shown(other.message)
    assert (one.report.counts, one.report.stripped, one.report.withheld) == (other.report.counts, other.report.stripped, other.report.withheld)


@given(st.lists(MESSAGES, min_size=2, max_size=4))
def test_what_was_learned_of_others_changes_nothing(messages: list[Json]) -> None:
    """Keys in which nothing was found once are passed over later, under whatever they stand then."""
    learned = Rules(built_in(), lambda _: rules().scanner)
    by = Filter(learned, said(), Pseudonyms(b"k" * 32), lambda: 0.0)
    for message in messages:
        fresh = Filter(Rules(built_in(), lambda _: rules().scanner), said(), Pseudonyms(b"k" * 32), lambda: 0.0)
        assert shown(by(copied(message)).message) == shown(fresh(copied(message)).message)


LETTERS = st.text("abcdefghij klmnop,;", max_size=30)
CLEAN: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9999, 9999), st.floats(-9, 9).map(lambda one: round(one, 3)), LETTERS),
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(st.text("abcdef", min_size=1, max_size=3), inner, max_size=5)),
    max_leaves=30,
)


@given(CLEAN)
def test_what_is_clean_stays_byte_for_byte(message: Json) -> None:
    data = write_message(message)
    filtered = filter_of()(read_message(data))
    assert write_message(filtered.message) == data
    assert (filtered.report.counts, filtered.report.let_through, filtered.report.stripped, filtered.report.digests) == ((), (), 0, ())


@settings(max_examples=30)
@given(MESSAGES)
def test_a_clock_that_ran_out_withholds(message: Json) -> None:
    ticks = iter((0.0,))
    by = filter_of(clock=lambda: next(ticks, 1000.0))
    filtered = by(copied(message))
    if finds_nothing(message, by.rules):
        # A glance at a small message is bounded by its size and asks no clock.
        assert filtered.message == message
        return
    assert filtered.report.withheld in {"privacy.deadline", "privacy.limit", "privacy.text"}
    assert filtered.message is None
