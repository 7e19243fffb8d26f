"""Secrets are put in, looked for on the way out and taken out on the way back."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse

import pytest

from mpp.host.services.http_rules import read_url
from mpp.host.services.http_secrets import Needles, check_outgoing, clean_answer, for_target, injected
from mpp.host.services.http_types import Stopped
from tests.unit.host.http_sites import VALUE, secret

RAW = VALUE.encode()

ECHOES = {
    "itself": RAW,
    "json": json.dumps({"k": VALUE}).encode(),
    "json with escaped slashes": json.dumps({"k": VALUE}).replace("/", "\\/").encode(),
    "url": urllib.parse.quote(VALUE, safe="").encode(),
    "url in lower case": urllib.parse.quote(VALUE, safe="").lower().replace("sk-zq8", "sk-Zq8").replace("rt5", "Rt5").replace("yp2", "Yp2").encode(),
    "url with slashes": urllib.parse.quote(VALUE).encode(),
    "form": urllib.parse.quote_plus(VALUE).encode(),
    "every character of a url": "".join(f"%{byte:02x}" for byte in RAW).encode(),
    "some characters of a url": b"%73%6B" + RAW[2:],
    "hex": RAW.hex().encode(),
    "HEX": RAW.hex().upper().encode(),
    "HeX": (RAW.hex()[:9].upper() + RAW.hex()[9:]).encode(),
    "html": html.escape(VALUE).encode(),
    "html numbers": "".join(f"&#{byte};" for byte in RAW).encode(),
    "html hex": "".join(f"&#x{byte:X};" for byte in RAW).encode(),
    "unicode escapes": "".join(f"\\u{byte:04x}" for byte in RAW).encode(),
    "byte escapes": "".join(f"\\x{byte:02x}" for byte in RAW).encode(),
    "utf-16": VALUE.encode("utf-16"),
    "utf-16 big": VALUE.encode("utf-16-be"),
    **{f"base64 after {n}": base64.b64encode(b"u:p"[:n] + RAW + b"tail") for n in range(4)},
    **{f"url base64 after {n}": base64.urlsafe_b64encode(b"u:p"[:n] + RAW) for n in range(4)},
    "base64 over lines": b"\n".join(base64.b64encode(RAW)[at : at + 10] for at in range(0, 40, 10)),
    "as a header": b"Bearer " + RAW,
    "as basic": b"Basic " + base64.b64encode(b"user:" + RAW),
}  # fmt: skip


def shapes_of(value: str) -> list[bytes]:
    raw = value.encode()
    return [raw, base64.b64encode(raw)[:-4], raw.hex().encode(), raw.hex().upper().encode()]


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("around", [(b"", b""), (b'{"you sent": "', b'"}'), (b"x" * 70_000, b"y" * 70_000)], ids=["bare", "within", "far inside"])
def test_an_echo_never_comes_through(echo, around):
    needles = (Needles(secret("api.example.com")),)
    headers, body, echoed = clean_answer(needles, (("X-Echo", "none"), ("Date", "today")), around[0] + echo + around[1])
    assert echoed == ("API_KEY",)
    assert b"[secret API_KEY]" in body
    assert not any(shape in body for shape in [echo, *shapes_of(VALUE)])
    assert headers == (("X-Echo", "none"), ("Date", "today"))


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_secret_in_a_request_of_the_guest_is_refused(echo):
    needles = (Needles(secret("api.example.com")),)
    text = echo.decode("latin-1")
    for url, headers, body in (("https://x/?q=" + text, (), b""), ("https://x/", (("X", text),), b""), ("https://x/", (), b"a=1&b=" + echo)):
        # The head is text, so only what survives as text is a secret there.
        if b"\xff\xfe" in echo and not body:
            continue
        with pytest.raises(Stopped) as caught:
            check_outgoing(needles, url, headers, body)
        assert caught.value.code == "not_granted"
        assert VALUE not in caught.value.message


def test_what_is_no_secret_passes():
    needles = (Needles(secret("api.example.com")),)
    body = json.dumps({"text": "sk- is a prefix; 100% of \\u0041 &#65; %41 \\/ is no secret"}).encode() + bytes(range(256))
    check_outgoing(needles, "https://x/?q=sk-Zq8", (("A", "b"),), body)
    assert clean_answer(needles, (("A", "b"),), body) == ((("A", "b"),), body, ())


def test_an_echo_in_a_header_is_taken_out():
    needles = (Needles(secret("api.example.com")),)
    headers, _, echoed = clean_answer(needles, (("Location", "https://x/?k=" + VALUE), ("X-B", base64.b64encode(RAW).decode())), b"")
    assert headers[0] == ("Location", "https://x/?k=[secret API_KEY]")
    assert VALUE not in str(headers)
    assert base64.b64encode(RAW).decode()[:-4] not in str(headers)
    assert echoed == ("API_KEY",)


def test_a_header_named_after_a_secret_goes_whole():
    needles = (Needles(secret("api.example.com", "tok3nValue")),)
    headers, _, echoed = clean_answer(needles, (("X-tok3nValue", "1"), ("A", "b")), b"")
    assert (headers, echoed) == ((("A", "b"),), ("API_KEY",))


def test_several_secrets_are_all_taken_out():
    values = {"ONE": "first-" + "value-1", "TWO": "second-" + "value-2"}
    needles = tuple(Needles(secret("api.example.com", value, name=name)) for name, value in values.items())
    body = " ".join(values.values()).encode()
    assert clean_answer(needles, (), body) == ((), b"[secret ONE] [secret TWO]", ("ONE", "TWO"))


def test_a_very_short_value_is_not_searched_for_and_a_short_one_only_as_itself():
    assert clean_answer((Needles(secret("h.example", "abc")),), (), b"abc")[1] == b"abc"
    assert clean_answer((Needles(secret("h.example", "abcd")),), (), b"abcd YWJj")[1] == b"[secret API_KEY] YWJj"


@pytest.mark.parametrize(
    ("url", "host", "is_sent"),
    [
        ("https://api.example.com/", "api.example.com", True),
        ("https://api.example.com:443/", "api.example.com", True),
        ("https://api.example.com:8443/", "api.example.com:8443", True),
        ("https://api.example.com:8443/", "api.example.com", False),
        ("https://api.example.com/", "api.example.com:8443", False),
        ("http://api.example.com/", "api.example.com", False),
        ("http://api.example.com:443/", "api.example.com", False),
        ("https://www.api.example.com/", "api.example.com", False),
        ("https://example.com/", "api.example.com", False),
    ],
)
def test_a_secret_belongs_to_one_origin(url, host, is_sent):
    assert bool(for_target((secret(host),), read_url(url, ()))) is is_sent


def test_the_header_is_made_from_the_format():
    assert injected((secret("h.example", "abcdef"),)) == (("Authorization", "Bearer abcdef"),)


@pytest.mark.parametrize("value", ["", "a\r\nX: y", "a\nb", "a\0b", "ü", "x" * 9000, "trailing ", "\tx"])
def test_a_value_that_cannot_stand_in_a_header_is_not_sent(value):
    with pytest.raises(Stopped) as caught:
        injected((secret("h.example", value),))
    assert caught.value.code == "unavailable"
    assert not value.strip() or value.strip() not in caught.value.message


def test_two_secrets_never_fill_one_header():
    with pytest.raises(Stopped):
        injected((secret("h.example", "one-value"), secret("h.example", "two-value", name="B", header="authorization")))


def test_no_form_of_a_secret_is_printed():
    one = secret("h.example")
    assert VALUE not in f"{one} {one!r} {Needles(one)} {Needles(one)!r} {[one]}"
