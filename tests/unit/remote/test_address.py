"""Addresses of registries, and where redirects may lead."""

from __future__ import annotations

import pytest

from mpp.errors import Refused, RemoteFailed
from mpp.remote.address import check_base, origin_of, redirected


@pytest.mark.parametrize("url", ["https://registry.example.com/", "http://127.0.0.1:8765", "http://localhost", "http://[::1]:1", "https://a.example/sub"])
def test_these_are_taken(url: str) -> None:
    assert check_base(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://registry.example.com", "ftp://example.com", "https://", "registry.example.com", "https://user:pw@example.com", "https://example.com/\x1b[2J",
        "https://example.com/ a", "https://exämple.com", "https://example.com?q=1", "https://example.com/#x", "https://example.com:port", f"https://{'a' * 2000}",
        "http://127.0.0.1.example.com",
    ],
)  # fmt: skip
def test_these_are_not(url: str) -> None:
    with pytest.raises(Refused) as caught:
        check_base(url)
    assert caught.value.code == "usage.address"
    assert "pw" not in caught.value.where


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://A.example/x") == origin_of("https://a.example:443") == ("https", "a.example", 443)
    assert origin_of("http://localhost") == ("http", "localhost", 80)


def test_a_redirect_may_stay_safe() -> None:
    assert redirected("https://a.example/x/y", "../z") == "https://a.example/z"
    assert redirected("https://a.example/x", "https://s3.example/y") == "https://s3.example/y"
    assert redirected("http://127.0.0.1:1/x", "/y") == "http://127.0.0.1:1/y"


@pytest.mark.parametrize(
    ("url", "moved"),
    [
        ("https://a.example/x", "http://a.example/x"), ("https://a.example/x", "http://127.0.0.1/x"), ("https://a.example/x", "https://localhost/x"),
        ("https://a.example/x", "file:///etc/passwd"), ("https://a.example/x", "https://u:p@b.example/"), ("https://127.0.0.1/x", "http://127.0.0.1/x"),
    ],
)  # fmt: skip
def test_a_redirect_that_leads_down_is_refused(url: str, moved: str) -> None:
    with pytest.raises(RemoteFailed) as caught:
        redirected(url, moved)
    assert caught.value.code == "remote.redirect"
