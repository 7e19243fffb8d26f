"""Where the filter has a short way and a long one, both lead to the same."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, PrivacyRules
from mpp.stages.policy.privacy_rules import Allowed, make_actions, TypeAction
from mpp.stages.privacy import Filter, gather, Pseudonyms
from mpp.stages.privacy.views import joined
from mpp.stages.privacy.views import shapes
from tests.privacies import filter_of, rules, shown
from tests.property.test_privacy_filter import copied, MESSAGES, PIECES

pytestmark = pytest.mark.property

DIGITS = st.text("0123456789", min_size=1, max_size=4)
LISTS: st.SearchStrategy[list[Json]] = st.one_of(
    st.lists(DIGITS, max_size=40),
    st.lists(st.one_of(DIGITS, st.sampled_from(("", " 4", "4 ", "a", "sk-1", "@", "\x01", "\u0664", "4111"))), max_size=40),
    st.lists(PIECES, max_size=30),
)


def like(spelled: list[Json]) -> Json:
    return {"card_number": spelled, "results": [{"phone": spelled[:10]}]}


@given(LISTS)
@example(["4", "1"] * 10)
@example(["4539", "1488", "0343", "6467"])
def test_digits_in_a_long_row_spell_nothing(items: list[Json]) -> None:
    """A list of more items than any number is cut into is passed over before its borders are looked for."""
    arena = gather(like(items))
    short = [(view.text, view.name) for view in joined(arena)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("mpp.stages.privacy.views.joined"), "DIGIT_TEXTS_MOST", 10**9)
        assert [(view.text, view.name) for view in joined(arena)] == short


def test_the_most_items_are_those_of_a_shape() -> None:
    most = shapes.DIGIT_TEXTS_MOST
    assert [shapes.may_be_number([1] * count, "card", is_loose=False) for count in (most, most + 1)] == [True, False]


@given(MESSAGES, st.sampled_from(("pseudonym", "redact", "partial", "surrogate")))
def test_a_policy_that_lets_nothing_through_is_not_asked(message: Json, action: str) -> None:
    """Each value is asked for where policy lets some through, and none where it does not."""
    one = make_actions({"default": TypeAction(action=action, keep=4 if action == "partial" else 0)})
    asked = CallPrivacy(rules=PrivacyRules(actions=one, allow=(Allowed(type="email", value="nobody@" + "nowhere.invalid"),)))
    long = Filter(rules(), asked, Pseudonyms(b"k" * 32), lambda: 0.0)(copied(message))
    short = filter_of(action)(copied(message))
    assert shown(short.message) == shown(long.message)
    assert (short.report.counts, short.report.digests, short.report.stripped) == (long.report.counts, long.report.digests, long.report.stripped)


@given(st.lists(MESSAGES, min_size=1, max_size=3))
@example([{"text": "to ada.lovelace@" + "analytical-engine.org"}])
def test_a_scan_that_was_made_already_tells_the_same(messages: list[Json]) -> None:
    """A small message is scanned once before it is walked; where the walk gives the same text, that scan counts."""
    for message in messages:
        short = filter_of()(copied(message))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mpp.stages.privacy.filter.glance", lambda message, rules: None)
            long = filter_of()(copied(message))
        assert shown(short.message) == shown(long.message)
        assert short.report == long.report
