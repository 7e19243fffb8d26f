"""A layer that is added never loosens the privacy filter, and the order of layers changes nothing but words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, PrivacyRules, policy_json, privacy_for, read_policy, strictest
from mpp.stages.policy.privacy_rules import ACTIONS, OUTGOING, OUTGOING_ACTIONS
from tests.policies import PUBLISHER, call, document

pytestmark = pytest.mark.property

TYPES = ("email", "iban", "github_token", "api_key")
NAMES = st.sampled_from(TYPES)
SOME = st.lists(NAMES, unique=True, max_size=3)
STEPS = st.lists(st.sampled_from(("a", "b", "*")), max_size=3)
POINTERS = STEPS.map(lambda steps: "".join(f"/{step}" for step in steps))
VALUES = ("x@example.com", "x@b.example.com", "https://example.com/", "10.1.2.3", "x")
ALLOWED = st.one_of(
    st.sampled_from(VALUES).map(lambda text: {"value": text}),
    st.sampled_from(("example.com", "*.example.com", "b.example.com")).map(lambda text: {"domain": text}),
    st.sampled_from(("10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8")).map(lambda text: {"cidr": text}),
)
EXEMPT = st.fixed_dictionaries(
    {"types": st.lists(NAMES, unique=True, min_size=1, max_size=3)},
    optional={"publisher": st.just(PUBLISHER), "tool": st.sampled_from(("send", "list")), "pointer": POINTERS},
).flatmap(lambda one: st.sampled_from(("com.example.mail", "com.example.*", "com.example.crm")).map(lambda package: {**one, "package": package}))
REVEAL = st.fixed_dictionaries(
    {"package": st.sampled_from(("com.example.mail", "com.example.crm")), "types": st.lists(NAMES, unique=True, min_size=1, max_size=2)},
    optional={"tool": st.sampled_from(("send", "list")), "pointer": POINTERS},
)
TABLES: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {},
    optional={
        "actions": st.dictionaries(st.sampled_from((*TYPES, "default")), st.sampled_from(ACTIONS), max_size=3),
        "off": SOME,
        "allow": st.lists(ALLOWED, max_size=3),
        "exempt": st.lists(EXEMPT, max_size=3),
        "accept_disabled": st.lists(st.sampled_from(("com.example.mail", "com.example.crm")), unique=True, max_size=2),
        "reveal": st.lists(REVEAL, max_size=2),
        "require": st.booleans(),
        "outgoing": st.sampled_from(OUTGOING),
        "outgoing_action": st.sampled_from(OUTGOING_ACTIONS),
        "pseudonym_minutes": st.integers(1, 60),
    },
)
GROUPS = {"github_token": ("api_key",)}
PLACES = ((), ("a",), ("a", "b"), ("b", "a", "c"))


def rules(table: dict[str, Json]) -> PrivacyRules:
    found = read_policy(document(privacy=table), "p").privacy
    assert found is not None
    return found


def grants(privacy: CallPrivacy) -> set[object]:
    """All that is let through, of what can be asked."""
    found: set[object] = {("disabled",)} if privacy.accepts_disabled else set()
    for kind in TYPES:
        of = GROUPS.get(kind, ())
        found |= {("off", kind)} if privacy.is_off(kind, *of) else set()
        found |= {("exempt", kind, place) for place in PLACES if privacy.is_exempt(place, kind, *of)}
        found |= {("reveal", kind, place) for place in PLACES if privacy.reveals(place, kind, *of)}
        found |= {("allow", kind, text) for text in VALUES if privacy.is_allowed(kind, text)}
    return found


@given(st.lists(TABLES, min_size=1, max_size=3), TABLES)
def test_another_layer_never_loosens(tables: list[dict[str, Json]], more: dict[str, Json]) -> None:
    layers = [rules(table) for table in tables]
    before, after = strictest(layers), strictest([*layers, rules(more)])
    asked = call()
    assert grants(privacy_for(after, asked)) <= grants(privacy_for(before, asked))
    for kind in TYPES:
        of = GROUPS.get(kind, ())
        assert after.action_for(kind, *of).strictness >= before.action_for(kind, *of).strictness
    assert after.require >= before.require
    assert OUTGOING.index(after.outgoing) >= OUTGOING.index(before.outgoing)
    assert OUTGOING_ACTIONS.index(after.outgoing_action) >= OUTGOING_ACTIONS.index(before.outgoing_action)
    assert after.pseudonym_minutes <= before.pseudonym_minutes


@given(st.lists(TABLES, min_size=1, max_size=3))
def test_what_all_layers_grant_is_what_each_grants(tables: list[dict[str, Json]]) -> None:
    layers = [rules(table) for table in tables]
    asked = call()
    each = set.intersection(*(grants(privacy_for(one, asked)) for one in layers))
    together = grants(privacy_for(strictest(layers), asked))
    assert together <= each
    # By places and values nothing is lost; groups and their types are compared letter by letter, so there less may be granted.
    assert {one for one in each if one[0] in {"disabled", "allow"}} <= together  # type: ignore[index]
    assert grants(privacy_for(strictest(layers[::-1]), asked)) == together
    assert strictest(layers[::-1]).digest == strictest(layers).digest


@given(TABLES)
def test_a_table_reads_again_as_itself(table: dict[str, Json]) -> None:
    one = read_policy(document(privacy=table), "p")
    assert read_policy(policy_json(one), "again") == one
    assert strictest([one.privacy]).digest == rules(table).digest
