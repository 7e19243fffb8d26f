"""The head of a request: read once, under one of our names, from a page that may, in the one form of a message."""

from __future__ import annotations

import pytest

from mpp.serve.http_headers import BadRequestError, Head, judge_form, places, read_head, shown_address
from mpp.serve.http_limits import HTTP_HEADERS_MAX

LOCAL = places("127.0.0.1", (), ())
TEAM = places("0.0.0.0", ("mpp.example.com",), ("https://console.example.com", "null-app://x"))
CARD = places("10.0.0.5", (), ())


def head(**found: str) -> Head:
    return read_head("POST", "/mcp", [(name.replace("_", "-").encode(), text.encode("latin-1")) for name, text in found.items()])


HOSTS = [
    (LOCAL, "127.0.0.1", True), (LOCAL, "127.0.0.1:8808", True), (LOCAL, "localhost:1", True), (LOCAL, "LOCALHOST", True), (LOCAL, "[::1]:8808", True),
    (LOCAL, "evil.example.com", False), (LOCAL, "localhost.evil.example.com", False), (LOCAL, "127.0.0.1.evil.example.com", False), (LOCAL, "", False),
    (LOCAL, "localhost:x", False), (LOCAL, "localhost:123456", False), (LOCAL, "a@localhost", False), (LOCAL, "localhost/x", False), (LOCAL, "localhost ", False),
    (LOCAL, "local\xe9", False), (LOCAL, "0.0.0.0", False), (LOCAL, "::1", False),
    (TEAM, "mpp.example.com", True), (TEAM, "MPP.example.com:443", True), (TEAM, "127.0.0.1", False), (TEAM, "0.0.0.0", False), (TEAM, "localhost", False),
    (CARD, "10.0.0.5:8808", True), (CARD, "localhost", False),
]  # fmt: skip


@pytest.mark.parametrize(("where", "host", "is_ours"), HOSTS)
def test_hosts(where: object, host: str, is_ours: bool) -> None:
    assert isinstance(where, type(LOCAL))
    if is_ours:
        where.judge(head(host=host))
        return
    with pytest.raises(BadRequestError) as refusal:
        where.judge(head(host=host))
    assert refusal.value.status == 403


ORIGINS = [
    (LOCAL, "http://localhost:6274", True), (LOCAL, "http://127.0.0.1", True), (LOCAL, "https://[::1]:1", True),
    (LOCAL, "http://evil.example.com", False), (LOCAL, "null", False), (LOCAL, "", False), (LOCAL, "http://localhost.evil.example.com", False),
    (LOCAL, "file://localhost", False), (LOCAL, "http://localhost/x", False), (LOCAL, "http://a@localhost", False), (LOCAL, "localhost", False),
    (TEAM, "https://console.example.com", True), (TEAM, "https://mpp.example.com", True), (TEAM, "null-app://x", True),
    (TEAM, "https://console.example.com:444", False), (TEAM, "http://localhost", False),
]  # fmt: skip


@pytest.mark.parametrize(("where", "origin", "may"), ORIGINS)
def test_origins(where: object, origin: str, may: bool) -> None:
    assert isinstance(where, type(LOCAL))
    host = "localhost" if where is LOCAL else "mpp.example.com"
    if may:
        where.judge(head(host=host, origin=origin))
        return
    with pytest.raises(BadRequestError) as refusal:
        where.judge(head(host=host, origin=origin))
    assert refusal.value.status == 403


@pytest.mark.parametrize("name", ["host", "origin", "authorization", "content-type", "mcp-session-id", "mcp-name", "mcp-param-x"])
def test_what_stands_once(name: str) -> None:
    with pytest.raises(BadRequestError) as refusal:
        read_head("POST", "/mcp", [(name.encode(), b"1"), (name.encode(), b"1")])
    assert refusal.value.status == 400


def test_other_headers_may_stand_twice_but_not_without_end() -> None:
    assert read_head("GET", "/mcp", [(b"via", b"a"), (b"via", b"b")]).found == {b"via": b"b"}
    with pytest.raises(BadRequestError) as refusal:
        read_head("GET", "/mcp", [(b"x%d" % i, b"") for i in range(HTTP_HEADERS_MAX + 1)])
    assert refusal.value.status == 431


ACCEPTS = [
    (None, True, True), ("application/json", True, False), ("text/event-stream", False, True), ("application/json, text/event-stream", True, True),
    ("*/*", True, True), ("text/*", False, True), ("application/*;q=0.5", True, False), ("image/png", False, False),
]  # fmt: skip


@pytest.mark.parametrize(("accept", "json", "stream"), ACCEPTS)
def test_what_a_client_takes(accept: str | None, json: bool, stream: bool) -> None:
    found = head() if accept is None else head(accept=accept)
    assert (found.takes_json, found.takes_stream) == (json, stream)


@pytest.mark.parametrize("kind", ["application/json", "application/json;charset=utf-8", 'APPLICATION/JSON; charset="utf-8"', "application/json; charset=UTF-8"])
def test_forms_that_are_taken(kind: str) -> None:
    judge_form(head(content_type=kind))


def test_what_is_compared_with_the_message() -> None:
    assert head(mcp_method="x", host="y", mcp_param_region="eu").texts == {"mcp-method": "x", "mcp-param-region": "eu"}
    assert head(accept="x").text(b"accept") == "x"
    assert head().text(b"accept") is None


@pytest.mark.parametrize(("address", "shown"), [("127.0.0.1", "127.0.0.1:1"), ("::1", "[::1]:1"), ("localhost", "localhost:1")])
def test_addresses_in_urls(address: str, shown: str) -> None:
    assert shown_address(address, 1) == shown
