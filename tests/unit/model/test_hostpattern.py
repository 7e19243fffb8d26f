"""Patterns of hosts: what each reaches, what is refused, and which host a text names."""

from __future__ import annotations

import pytest

from mpp.model.fields import Faults
from mpp.model.hostpattern import HOST_LABELS_MAX, HOST_PATTERN_MAX, URL_CHARS_MAX, HostPattern, HostSet, Place, domains_of, place_of, read_host_pattern
from tests.policies import network


def read(written: str, *, wildcard: bool = True) -> tuple[HostPattern | None, list[str]]:
    faults = Faults("policy")
    found = read_host_pattern(written, "/h", faults, wildcard=wildcard)
    return found, [one.hint for one in faults.found]


SOUND = [
    ("api.example.com", HostPattern(host="api.example.com")),
    ("api.example.com:8443", HostPattern(host="api.example.com", port=8443)),
    ("*.example.com", HostPattern(host="example.com", wildcard=True)),
    ("*.example.com:65535", HostPattern(host="example.com", wildcard=True, port=65535)),
    ("*", HostPattern(host="", wildcard=True)),
    ("localhost", HostPattern(host="localhost")),
    ("db.internal:5432", HostPattern(host="db.internal", port=5432)),
    ("_dmarc.example.com", HostPattern(host="_dmarc.example.com")),
    ("my_db", HostPattern(host="my_db")),
    ("10.0.0.5", HostPattern(host="10.0.0.5")),
    ("10.0.0.5:80", HostPattern(host="10.0.0.5", port=80)),
    ("[::1]", HostPattern(host="[::1]")),
    ("[fd00::5]:8080", HostPattern(host="[fd00::5]", port=8080)),
    ("xn--bcher-kva.example", HostPattern(host="xn--bcher-kva.example")),
]


@pytest.mark.parametrize(("written", "pattern"), SOUND, ids=[written for written, _ in SOUND])
def test_a_sound_pattern_is_read_and_written_again(written: str, pattern: HostPattern) -> None:
    assert read(written) == (pattern, [])
    assert pattern.written() == written


WRONG = [
    ("API.example.com", "lower case: api.example.com"),
    ("api.example.com.", "dot at the end"),
    ("b\u00fccher.example", "xn--"),
    ("https://api.example.com", "the host only"),
    ("api.example.com/v1", "the host only"),
    ("user@example.com", "the host only"),
    ("api.example.com:0", "from 1 to 65535"),
    ("api.example.com:65536", "from 1 to 65535"),
    ("api.example.com:https", "from 1 to 65535"),
    ("api.example.com:", "from 1 to 65535"),
    ("api.example.com:08", "from 1 to 65535"),
    ("[::1]8080", "from 1 to 65535"),
    ("a*.example.com", "whole first label"),
    ("api.*.com", "whole first label"),
    ("*.*.example.com", "whole first label"),
    ("**.example.com", "whole first label"),
    ("*.com", "whole first label"),
    ("*.", "whole first label"),
    ("*.10.0.0.5", "whole first label"),
    ("*.internal", "one by one"),
    ("*.corp.internal", "one by one"),
    ("*.localtest.me", "one by one"),
    ("*.a.nip.io", "one by one"),
    ("127.1", "write a name"),
    ("0x7f.1", "write a name"),
    ("2130706433", "write a name"),
    ("10.0.0.256", "write a name"),
    ("010.0.0.1", "write a name"),
    ("[0:0:0:0:0:0:0:1]", "write a name"),
    ("[::g]", "write a name"),
    ("[:::]", "write a name"),
    ("[::1", "write a name"),
    ("::1", "write a name"),
    ("a..b", "write a name"),
    ("-a.example.com", "write a name"),
    ("ab--c.example.com", "write a name"),
    ("", "write a name"),
    (".".join("a" * (HOST_LABELS_MAX + 1)), "labels"),
    ("a" * 260, "characters"),
    ("a" * (HOST_PATTERN_MAX + 1), "characters"),
]


@pytest.mark.parametrize(("written", "hint"), WRONG, ids=[written[:30] or "empty" for written, _ in WRONG])
def test_a_wrong_pattern_is_refused_with_a_hint(written: str, hint: str) -> None:
    found, hints = read(written)
    assert found is None
    assert len(hints) == 1
    assert hint in hints[0]


@pytest.mark.parametrize("written", ["*", "*.example.com"])
def test_where_no_wildcard_may_stand(written: str) -> None:
    found, hints = read(written, wildcard=False)
    assert found is None
    assert hints


def test_where_no_wildcard_may_stand_a_host_may() -> None:
    assert read("10.0.0.5:8080", wildcard=False) == (HostPattern(host="10.0.0.5", port=8080), [])


def patterns(*written: str) -> HostSet:
    found = [read(one)[0] for one in written]
    return HostSet(one for one in found if one is not None)


# Pattern, declared: does a request exist that both reach; does the pattern reach all that is declared?
PAIRS = [
    ("api.example.com", "api.example.com", True, True),
    ("api.example.com", "example.com", False, False),
    ("api.example.com", "xapi.example.com", False, False),
    ("example.com", "api.example.com", False, False),
    ("*.example.com", "api.example.com", True, True),
    ("*.example.com", "a.b.example.com", True, True),
    ("*.example.com", "example.com", False, False),
    ("*.example.com", "badexample.com", False, False),
    ("*.example.com", "example.com.evil.org", False, False),
    ("*.example.com", "*.example.com", True, True),
    ("*.example.com", "*.b.example.com", True, True),
    ("*.b.example.com", "*.example.com", True, False),
    ("api.example.com", "*.example.com", True, False),
    ("example.com", "*.example.com", False, False),
    ("a.b.example.com", "*.example.com", True, False),
    ("api.example.org", "*.example.com", False, False),
    ("*.example.org", "*.example.com", False, False),
    ("*.badexample.com", "*.example.com", False, False),
    ("*", "api.example.com:9", True, True),
    ("*", "*.example.com", True, True),
    # A pattern without a port: each port to forbid, 443 to allow.
    ("api.example.com", "api.example.com:8443", True, False),
    ("api.example.com:8443", "api.example.com:8443", True, True),
    ("api.example.com:8443", "api.example.com", False, False),
    ("*.example.com:8443", "api.example.com:8443", True, True),
    ("*.example.com", "*.example.com:8443", True, False),
]


@pytest.mark.parametrize(("pattern", "declared", "touches", "holds"), PAIRS, ids=[f"{a}-{b}" for a, b, _, _ in PAIRS])
def test_what_a_pattern_reaches_of_what_is_declared(pattern: str, declared: str, touches: bool, holds: bool) -> None:
    hosts, rule = patterns(pattern), network(declared)
    assert (hosts.touches(rule), hosts.holds(rule)) == (touches, holds)


def test_several_patterns_together_hold_several_ports() -> None:
    rule = network("api.example.com", ports=(443, 8443))
    assert patterns("api.example.com", "*.example.com:8443").holds(rule)
    assert not patterns("api.example.com", "*.example.com:8444").holds(rule)
    assert not patterns().touches(rule)


def test_ports_of_a_host() -> None:
    hosts = patterns("api.example.com", "*.example.com:8443", "*.org:1")
    assert hosts.ports_of("api.example.com") == {0, 8443}
    assert hosts.ports_of("x.example.com") == {8443}
    assert hosts.ports_of("example.com") == set()
    assert patterns("*").ports_of("anything") is None


def test_domains_above_a_host() -> None:
    assert domains_of("a.b.example.com") == ["b.example.com", "example.com", "com"]
    assert domains_of("localhost") == domains_of("10.0.0.5") == domains_of("[::1]") == []


NAMED = [
    ("https://api.example.com/x?y#z", Place("api.example.com", 443)),
    ("HTTPS://API.Example.COM", Place("api.example.com", 443)),
    ("http://api.example.com", Place("api.example.com", 80)),
    ("https://api.example.com:8443/", Place("api.example.com", 8443)),
    ("https://api.example.com?x", Place("api.example.com", 443)),
    ("https://api.example.com#@evil.example.org", Place("api.example.com", 443)),
    ("api.example.com", Place("api.example.com", 0)),
    ("api.example.com:8443", Place("api.example.com", 8443)),
    ("localhost:8080", Place("localhost", 8080)),
    ("http://10.0.0.5/", Place("10.0.0.5", 80)),
    ("https://[::1]:8443/", Place("[::1]", 8443)),
]


@pytest.mark.parametrize(("text", "place"), NAMED, ids=[text for text, _ in NAMED])
def test_the_host_that_a_text_names(text: str, place: Place) -> None:
    assert place_of(text) == place


UNCLEAR = [
    "", "https://user@api.example.com/", "https://api.example.com@evil.example.org", "https://api.example.com\\@evil.example.org", "https://api.example.com.",
    "https://api.example.com:/", "https://api.example.com:0", "https://api.example.com:99999", "https://api.example.com:x", "https://b\u00fccher.example", "https://api.example.com%2eevil.org",
    "https://api.example.com\t", " https://api.example.com", "https:// api.example.com", "//api.example.com/x", "ftp://api.example.com", "api.example.com/x", "javascript:alert(1)",
    "https:/api.example.com", "https:api.example.com", "http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://0177.0.0.1/", "http://[::1", "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "https://api\u3002example\u3002com/", "https://\uff41pi.example.com", "https://", "https://*.example.com", "mailto:a@example.com", "https://" + "a" * URL_CHARS_MAX,
    "https://api.example.com\n.evil.org", "https://api.example.com\x00",
]  # fmt: skip


@pytest.mark.parametrize("text", UNCLEAR, ids=[ascii(text[:40]) for text in UNCLEAR])
def test_what_two_readers_could_read_in_two_ways_names_no_host(text: str) -> None:
    assert place_of(text) is None
