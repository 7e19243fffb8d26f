"""What a call sends to its tool: searched, turned back, and judged as what the tool is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from mpp.errors import Refused
from mpp.host.filtering import Filters, Whose
from mpp.host.leaving import PLACE_CHARS_MAX, REVEALS_TOLD_MAX, Sent, callee_of, reveal_event, send
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters, ToolDefinition
from mpp.stages.gatekeeper import VerifiedPackage, verify
from mpp.stages.policy import CallPrivacy, PrivacyRules, Reveal
from mpp.stages.privacy import Filter, Hiding, Pseudonyms, Revealed
from mpp.stages.sandbox import read_arguments
from mpp.testing import packages
from mpp.testing.keys import publisher
from tests.unit.privacy.leaving import AWS, MAIL, rules

WHO, ID = publisher(), "com.example.hello"
WHOSE = Whose(tenant="local", agent="")
REVEALING = PrivacyRules(reveal=(Reveal(types=("email",), package=ID),))


class Bound:
    """In the place of a host's filters: few detectors, and counts what it binds."""

    def __init__(self) -> None:
        self.names, self.count = Pseudonyms(b"k" * 32), 0

    def bind(self, said: CallPrivacy, filters: PrivacyFilters, whose: Whose) -> Filter:
        self.count += 1
        return Filter(rules(), said, self.names, time.monotonic)


@pytest.fixture
def bound() -> Bound:
    return Bound()


@pytest.fixture(scope="module")
def package() -> VerifiedPackage:
    return verify(packages.signed(WHO), packages.trusting(WHO), packages.NOW)


Send = Callable[..., Sent]


@pytest.fixture
def sending(bound: Bound, package: VerifiedPackage) -> Send:
    def made(data: bytes, said: PrivacyRules = REVEALING, schema: bytes = b"") -> Sent:
        tool = package.manifest.tool_definitions[0]
        chosen: ToolDefinition = replace(tool, parameters=schema) if schema else tool
        return send(read_arguments(data), chosen, package, said, WHOSE, cast("Filters", bound))

    return made


def refused(attempt: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as fault:
        attempt()
    assert not any(one in f"{fault.value} {fault.value.faults}" for one in (AWS, MAIL))
    return fault.value


def test_clean_arguments_stay_the_same_object(sending: Send, bound: Bound) -> None:
    sent = sending(b'{"name":"Ada"}')
    assert sent.given is sent.shown
    assert (sent.differs, sent.found, sent.values, bound.count) == (False, (), {}, 1)
    assert isinstance(sent.through(bound.bind(CallPrivacy(rules=REVEALING), cast("PrivacyFilters", None), WHOSE)), Filter)


def test_where_nothing_is_to_be_done_no_filter_is_made(sending: Send, bound: Bound) -> None:
    sent = sending(f'{{"name":"{AWS}"}}'.encode(), PrivacyRules(outgoing="none"))
    assert (sent.given is sent.shown, bound.count) == (True, 0)
    assert refused(lambda: sending(b'{"name":5}', PrivacyRules(outgoing="none"))).code == "call.arguments"


def test_a_placeholder_is_turned_back_also_where_nothing_is_searched(sending: Send, bound: Bound) -> None:
    name = bound.names.name("email", MAIL)
    for said in (REVEALING, replace(REVEALING, outgoing="none"), replace(REVEALING, outgoing_action="redact")):
        sent = sending(f'{{"name":"{name}"}}'.encode(), said)
        assert (sent.given.found, sent.shown.found, dict(sent.values)) == ({"name": MAIL}, {"name": name}, {MAIL: name})
        assert sent.given.sha256 != sent.shown.sha256
        assert MAIL not in repr(sent)
        assert isinstance(sent.through(bound.bind(CallPrivacy(rules=said), cast("PrivacyFilters", None), WHOSE)), Hiding)


def test_what_only_looks_like_a_placeholder_stays(sending: Send) -> None:
    sent = sending(b'{"name":"[EMAIL]"}')
    assert (sent.given is sent.shown, sent.differs) == (True, False)


def test_a_key_beside_a_placeholder(sending: Send, bound: Bound) -> None:
    name = bound.names.name("email", MAIL)
    data = f'{{"name":"{name} {AWS}"}}'.encode()
    assert refused(lambda: sending(data)).where == "arguments/name"
    sent = sending(data, replace(REVEALING, outgoing_action="redact"))
    assert sent.given.found == {"name": f"{MAIL} [AWS_ACCESS_KEY]"}
    assert sent.shown.found == {"name": f"{name} [AWS_ACCESS_KEY]"}
    assert [one.type for one in sent.found] == ["aws_access_key"]


def test_what_policy_grants_is_no_find(sending: Send, bound: Bound) -> None:
    name = bound.names.name("aws_access_key", AWS)
    sent = sending(f'{{"name":"{name}"}}'.encode(), PrivacyRules(reveal=(Reveal(types=("api_key",), package=ID),)))
    assert sent.given.found == {"name": AWS}


SHORT = b'{"type":"object","properties":{"name":{"type":"string","maxLength":8,"enum":["a","ada@example.orh"]}}}'
AT = b'{"type":"object","properties":{"name":{"type":"string","pattern":"@"}}}'


def test_the_schema_judges_what_the_tool_is_given_and_quotes_nothing(sending: Send, bound: Bound) -> None:
    data = f'{{"name":"{bound.names.name("email", MAIL)}"}}'.encode()
    assert sending(data, schema=AT).given.found == {"name": MAIL}
    fault = refused(lambda: sending(data, schema=SHORT))
    assert (fault.code, fault.where) == ("call.arguments", "arguments")
    assert fault.__suppress_context__


def test_grants_go_by_the_bound_package(package: VerifiedPackage) -> None:
    one = callee_of(package, "greet")
    assert (one.package_id, one.publisher_id, one.tool, one.bound) == (ID, package.publisher_id, "greet", package.trusted_because in {"pinned", "own key"})


def test_the_event_has_no_value_and_is_bounded(sending: Send) -> None:
    sent = replace(sending(b'{"name":"x"}'), revealed=(Revealed("email", "arguments/" + "k" * 1000, "0" * 24),) * (REVEALS_TOLD_MAX + 1))
    event = reveal_event(sent, tenant="t", invocation="i", package_id=ID, tool="greet", at=7)
    rows = event.body["revealed"]
    assert isinstance(rows, list)
    assert (event.kind, event.at, event.body["count"], len(rows)) == ("reveal", 7, REVEALS_TOLD_MAX + 1, REVEALS_TOLD_MAX)
    first: Json = rows[0]
    assert isinstance(first, dict)
    assert len(str(first["where"])) == PLACE_CHARS_MAX
