"""What leaves for a tool or for another host: what is found in it, and what becomes of it then."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from itertools import count
from urllib.parse import quote, quote_plus

import pytest

from mpp.model.jsontext import Json
from mpp.stages.policy import Allowed, CallPrivacy, PrivacyRules
from mpp.stages.privacy import Detector, Filter, Hit, Leaving, LeavingJudged, Outgoing, Pseudonyms, Rules, choose, outgoing_arguments, outgoing_request
from mpp.stages.privacy.limits import RUNS_MAX
from mpp.stages.privacy.outgoing import nothing_granted
from mpp.stages.privacy.outgoing_http import printable
from tests.unit.privacy.leaving import AWS, MAIL, OTHER, PEM, by

URL = "https://api.example.com/v1/things"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def arguments(message: Json, **more: object) -> Outgoing:
    found = outgoing_arguments(message, by(**more))  # type: ignore[arg-type]
    if found.fault is not None:
        assert found.message is None
        assert AWS not in str(found.fault) + found.fault.hint
    return found


def request(url: str = URL, *headers: tuple[str, str], body: bytes = b"", granted=nothing_granted, **more: object) -> LeavingJudged:
    found = outgoing_request(Leaving(url=url, headers=headers, body=body), by(**more), granted)  # type: ignore[arg-type]
    if found.fault is not None:
        assert found.request is None
        assert AWS not in str(found.fault) + found.fault.hint
    return found


# --- arguments


PLACES: list[tuple[Json, str]] = [
    ({"q": AWS}, "arguments/q"),
    ({"q": f"use {AWS} please"}, "arguments/q"),
    ({"a": {"b": [1, AWS]}}, "arguments/a/b/1"),
    ({"q": base64.b64encode(AWS.encode()).decode()}, "arguments/q"),
    ({"q": quote(AWS).replace("A", "%41")}, "arguments/q"),
    ({"q": f"[{AWS}]"}, "arguments/q"),
    ({"q": PEM}, "arguments/q"),
    ({"parts": [AWS[:4], AWS[4:]]}, "arguments/parts/0"),
    ({AWS: 1}, "arguments/[AWS_ACCESS_KEY]"),
    ({AWS: {"x": PEM}}, "arguments/[AWS_ACCESS_KEY]"),
]


@pytest.mark.parametrize(("message", "where"), PLACES)
def test_a_secret_in_arguments_is_refused(message: Json, where: str) -> None:
    found = arguments(message)
    assert found.fault is not None
    assert (found.fault.code, found.fault.where) == ("privacy.outgoing", where)
    assert "mpp secret set" in found.fault.faults[0].hint
    assert {one.where for one in found.found} >= {where.removeprefix("arguments")}
    assert all(len(one.digest) == 24 for one in found.found)


def test_several_are_counted_and_one_that_stands_twice_is_one() -> None:
    found = arguments({"a": AWS, "b": AWS, "c": OTHER})
    assert found.fault is not None
    assert found.fault.message.endswith("aws_access_key, and 1 more")
    assert [(one.type, one.where) for one in found.found] == [("aws_access_key", "/a"), ("aws_access_key", "/c")]


HARMLESS: list[Json] = [
    {}, {"q": "where is Ada?"}, {"mail": MAIL, "ip": "8.8.8.8"}, {"password": "hunter2" * 2}, {"q": "[AWS_ACCESS_KEY]"}, {"q": "[AWS_ACCESS_KEY-bcdfghjk]"},
]  # fmt: skip


@pytest.mark.parametrize("message", HARMLESS)
def test_what_is_no_sure_secret_passes_as_the_same_object(message: Json) -> None:
    found = arguments(message)
    assert found == Outgoing(message=message)
    assert found.message is message


def test_policy_says_what_is_searched() -> None:
    assert arguments({"q": AWS}, outgoing="none") == Outgoing(message={"q": AWS})
    assert arguments({"q": MAIL}, outgoing="all").found[0].type == "email"
    assert arguments({"q": MAIL}, outgoing="all", off=("email",)).fault is None
    assert arguments({"q": MAIL}, outgoing="all", off=("email",), demanded=("email",)).fault is not None
    assert arguments({"q": MAIL}, outgoing="all", allow=(Allowed(value=MAIL),)).fault is None
    assert arguments({"q": AWS}, off=("api_key",)).fault is None


def test_a_publisher_who_wants_no_filter_has_no_say() -> None:
    assert arguments({"q": AWS}, enabled=False).fault is not None


def test_types_that_are_off_by_default_are_off_here_too() -> None:
    place: Json = {"q": "coordinates: 37.7749, -122.4194"}
    assert arguments(place, outgoing="all").fault is None
    assert arguments(place, outgoing="all", on=("geo_location",)).fault is not None
    assert arguments(place, outgoing="all", demanded=("geo_location",)).fault is not None


def test_redacted_arguments_hold_placeholders() -> None:
    found = arguments({"a": f"x {AWS} y", "b": [AWS[:4], AWS[4:]], "n": 5}, action="redact")
    assert found.fault is None
    assert found.message == {"a": "x [AWS_ACCESS_KEY] y", "b": ["[AWS_ACCESS_KEY]", "[AWS_ACCESS_KEY]"], "n": 5}
    assert [one.type for one in found.found] == ["aws_access_key"]
    assert arguments({"q": "fine"}, action="redact") == Outgoing(message={"q": "fine"})


def with_detectors(*detectors: Detector, action: str = "redact") -> Filter:
    said = CallPrivacy(rules=PrivacyRules(outgoing="all", outgoing_action=action))
    return Filter(Rules(detectors, lambda expressions: choose(expressions, None)), said, Pseudonyms(b"k" * 32), time.monotonic)


def hitting(kind: str, probe: str, size: int, sure: int) -> Detector:
    return Detector(name=kind, types=(kind,), probes=(probe,), look=lambda place: (Hit(kind, place.at, place.at + size, sure),))


def test_overlapping_finds_are_one_under_the_surest() -> None:
    both = with_detectors(hitting("email", "AAAA", 8, 2), hitting("iban", "BBBB", 4, 3))
    assert outgoing_arguments({"q": "xAAAABBBByBBBB"}, both).message == {"q": "x[IBAN]y[IBAN]"}


def test_what_stands_in_a_placeholder_is_no_find() -> None:
    found = outgoing_arguments({"q": "[EMAIL-bcdfghjk] EMAIL"}, with_detectors(hitting("email", "EMAIL", 5, 3)))
    assert found.message == {"q": "[EMAIL-bcdfghjk] [EMAIL]"}


def test_a_short_number_that_is_part_of_a_find_is_replaced() -> None:
    """Some of its items are no leaves: they are too short to stand for somebody."""
    there = hitting("ssn", "536-22-8104", 11, 3)
    found = outgoing_arguments({"ssn": [536, 22, 8104]}, with_detectors(there))
    assert found.message == {"ssn": ["[SSN]", "[SSN]", "[SSN]"]}
    assert outgoing_arguments({"ssn": [536, 22, 8104]}, with_detectors(there, action="block")).fault is not None


def test_a_key_cannot_be_replaced() -> None:
    found = arguments({AWS: 1}, action="redact")
    assert found.fault is not None
    assert found.fault.where == "arguments/[AWS_ACCESS_KEY]"


def test_what_keeps_showing_something_new_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.stages.privacy.outgoing._replace", lambda _: None)
    found = arguments({"q": AWS}, action="redact")
    assert found.fault is not None
    assert found.fault.code == "privacy.outgoing"


def test_what_cannot_be_searched_does_not_leave() -> None:
    deep: Json = "x"
    for _ in range(300):
        deep = [deep]
    found = arguments({"q": deep})
    assert found.fault is not None
    assert (found.fault.code, found.fault.where, found.fault.faults[0].hint) == ("privacy.limit", "arguments", "send less at once")
    clock = count(step=10)
    late = arguments({"q": AWS * 3}, monotonic=lambda: float(next(clock)))
    assert late.fault is not None
    assert late.fault.code == "privacy.deadline"


# --- requests


def key_in_json(text: str = AWS) -> bytes:
    return json.dumps({"a": {"key": text}}).encode()


REQUESTS: dict[str, tuple[tuple[str, tuple[tuple[str, str], ...], bytes], str]] = {
    "path": ((f"{URL}/{AWS}", (), b""), "request/url"),
    "query": ((f"{URL}?key={AWS}&b=c", (), b""), "request/url"),
    "escaped": ((f"{URL}?key={AWS.replace('A', '%41')}", (), b""), "request/url"),
    "host": ((f"https://{AWS}.example.com/", (), b""), "request/url"),
    "query with plus": ((f"{URL}?key={quote_plus(PEM)}", (), b""), "request/url"),
    "header": ((URL, (("X-Key", AWS),), b""), "request/headers/X-Key"),
    "basic": ((URL, (("Authorization", "Basic " + base64.b64encode(f"user:{AWS}".encode()).decode()),), b""), "request/headers/Authorization"),
    "name of a header": ((URL, ((AWS, "x"),), b""), "request/headers/[AWS_ACCESS_KEY]"),
    "json": ((URL, (), key_in_json()), "request/body/a/key"),
    "json list": ((URL, (), json.dumps([{"p": AWS[:4]}, AWS]).encode()), "request/body/1"),
    "json escaped": ((URL, (), key_in_json().replace(b"AKIA", b"\\u0041KIA")), "request/body/a/key"),
    "json twice": ((URL, (), b'{"a": "' + AWS.encode() + b'", "a": "x"}'), "request/body"),
    "text": ((URL, (), f"hello {AWS}".encode()), "request/body"),
    "looks like json": ((URL, (), f"{{hello {AWS}".encode()), "request/body"),
    "base64": ((URL, (), base64.b64encode(f"key {AWS}".encode())), "request/body"),
    "form": ((URL, FORM, f"key={quote_plus(PEM)}&b=c".encode()), "request/body"),
    "binary": ((URL, (), bytes(range(256)) + AWS.encode() + b"\xff"), "request/body"),
    "utf-16": ((URL, (), b"\xff\xfe" + f"key {AWS}".encode("utf-16-le")), "request/body"),
}


@pytest.mark.parametrize("action", ["block", "redact"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_secret_in_a_request_does_not_leave(name: str, action: str) -> None:
    (url, headers, body), where = REQUESTS[name]
    found = request(url, *headers, body=body, action=action)
    assert found.found
    if action == "block":
        assert found.fault is not None
        assert (found.fault.code, found.fault.where) == ("privacy.outgoing", where)
    elif found.request is not None:
        after = found.request
        for text in (after.url, *(text for pair in after.headers for text in pair), after.body.decode("latin-1")):
            assert AWS not in text
            assert outgoing_request(Leaving(url=URL, body=text.encode()), by(), nothing_granted).fault is None
    else:
        assert name in {"name of a header", "binary", "utf-16"}


def test_redacted_requests() -> None:
    after = request(f"{URL}?key={AWS}", ("X-Key", f"a {AWS}"), ("X-Other", "b"), body=f"text {AWS}, {AWS}".encode(), action="redact").request
    assert after == Leaving(
        url=f"{URL}?key=%5BAWS_ACCESS_KEY%5D", headers=(("X-Key", "a [AWS_ACCESS_KEY]"), ("X-Other", "b")), body=b"text [AWS_ACCESS_KEY], [AWS_ACCESS_KEY]"
    )
    after = request(URL, *FORM, body=f"a={AWS}&b=c".encode(), action="redact").request
    assert after is not None
    assert after.body == b"a=%5BAWS_ACCESS_KEY%5D&b=c"
    after = request(URL, ("X-Key", AWS), body=b'{"n": 1,  "a": "' + AWS.encode() + b'"}', action="redact").request
    assert after is not None
    assert after.body == b'{"n":1,"a":"[AWS_ACCESS_KEY]"}'


def test_a_request_that_is_redacted_in_vain_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.stages.privacy.outgoing_http.replaced", lambda text, *_: text)
    assert request(f"{URL}?{AWS}", action="redact").fault is not None
    assert request(URL, body=json.dumps({AWS: 1}).encode(), action="redact").fault is not None


CLEAN: list[tuple[str, tuple[tuple[str, str], ...], bytes]] = [
    (URL, (), b""),
    (f"{URL}?q=a+b", (("Accept", "*/*"),), b'{"name": "Ada"}'),
    (URL, FORM, b"a=b+c"),
    (URL, (), bytes(range(256)) * 10),
    ("not an address", (), b"[1, 2"),
]


@pytest.mark.parametrize(("url", "headers", "body"), CLEAN)
@pytest.mark.parametrize("action", ["block", "redact"])
def test_a_clean_request_is_the_same_object(url: str, headers: tuple[tuple[str, str], ...], body: bytes, action: str) -> None:
    asked = Leaving(url=url, headers=headers, body=body)
    found = outgoing_request(asked, by(action=action), nothing_granted)
    assert found == LeavingJudged(request=asked)
    assert found.request is asked


def test_what_is_granted_is_no_find() -> None:
    granted = {AWS}.__contains__
    assert request(URL, ("X-Key", AWS), body=key_in_json(), granted=granted).fault is None
    assert request(URL, ("X-Key", OTHER), granted=granted).fault is not None


def test_nothing_is_searched_where_policy_says_so() -> None:
    assert request(f"{URL}?{AWS}", outgoing="none").fault is None


def test_all_is_everything_but_the_host_itself() -> None:
    assert request(f"{URL}?to={MAIL}", outgoing="all").fault is not None
    assert request("https://8.8.8.8/x", outgoing="all").fault is None
    assert request("https://8.8.8.8/x?from=9.9.9.9", outgoing="all").fault is not None
    assert request("https://example.com/8.8.8.8", outgoing="all").fault is not None
    assert request(body=b"8.8.8.8", outgoing="all").fault is not None


def test_readable_parts_are_bounded() -> None:
    assert list(printable(b"\x01short\x02long enough at least\n\x03" + "and in wide letters".encode("utf-16-le"))) == [
        "long enough at least\n",
        "and in wide letters",
    ]
    found = request(body=(b"x" * 12 + b"\xff") * (RUNS_MAX + 1))
    assert found.fault is not None
    assert (found.fault.code, found.fault.where) == ("privacy.limit", "request/body")


def test_no_text_of_a_request_is_in_its_words() -> None:
    asked = Leaving(url=AWS, headers=(("a", AWS),), body=AWS.encode())
    assert AWS not in repr(asked)
    assert AWS not in repr(outgoing_request(asked, by(), nothing_granted))
    assert replace(asked, url="x").headers == asked.headers
