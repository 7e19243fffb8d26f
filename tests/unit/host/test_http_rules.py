"""Which requests may leave: addresses read strictly, rules applied to what was read."""

from __future__ import annotations

import pytest

from mpp.host.services.http_limits import HEADERS_MAX, REQUEST_BODY_MAX, URL_CHARS_MAX
from mpp.host.services.http_rules import judge_body, judge_headers, judge_target, read_request, read_url
from mpp.host.services.http_types import HttpRequest, Stopped
from tests.unit.host.http_sites import rule

ANY = (rule("api.example.com"), rule("*.example.org", 443))


def code(call, *given) -> str:
    with pytest.raises(Stopped) as caught:
        call(*given)
    assert caught.value.message
    return caught.value.code


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://api.example.com", "https://api.example.com/"),
        ("HTTPS://API.Example.COM/A", "https://api.example.com/A"),
        ("http://api.example.com:80/?q=1", "http://api.example.com/?q=1"),
        ("https://api.example.com:443/a/b?x[]=1&y=%20#part", "https://api.example.com/a/b?x[]=1&y=%20"),
        ("https://api.example.com:8443/", "https://api.example.com:8443/"),
        ("https://api.example.com?q", "https://api.example.com/?q"),
        ("https://xn--bcher-kva.example.com/", "https://xn--bcher-kva.example.com/"),
        ("https://api.example.com/a.b/...x/.hidden;v=1", "https://api.example.com/a.b/...x/.hidden;v=1"),
    ],
)
def test_an_address_is_written_anew(written, read):
    assert read_url(written, ()).url == read


BAD_URLS = [
    "", "api.example.com", "//api.example.com/", "ftp://api.example.com/", "file:///etc/passwd", "https:/api.example.com/", "https:///", "https://",
    "https://user@api.example.com/", "https://user:word@api.example.com/", "https://api.example.com@evil.test/", "https://api.example.com:x/",
    "https://api.example.com:0/", "https://api.example.com:99999/", "https://api.example.com:/", "https://api.example.com:+1/", "https://api.example.com:08/",
    "https://api.example.com\\@evil.test/", "https://api.example.com/\\evil", "https://api.example.com/a b", "https://api.example.com/\t", "https://api.example.com/\r\nX: y",
    "https://api.example.com/\n", " https://api.example.com/", "https://api.example.com/ ", "https://api.example.com/\0", "https://api.example.com/\x7f",
    "https://bücher.example.com/", "https://api.example.com/ü", "https://api。example。com/", "https://api.example.com/%", "https://api.example.com/%2", "https://api.example.com/%zz",
    "https://api.example.com/<x>", "https://api.example.com/{x}", "https://api.example.com/?a|b", 'https://api.example.com/"', "https://api.example.com/^", "https://api.example.com/`",
    "https://api.example.com/..", "https://api.example.com/a/../b", "https://api.example.com/./", "https://api.example.com/%2e%2e/x", "https://api.example.com/.%2E/x",
    "https://api.example.com/a/..;/b", "https://api.example.com/a/..;x=1/b", "https://api.example.com/%2e%3bx/b", "https://api.example.com/[x]", "https://api_example.com/",
    "https://api.example.com/" + "a" * URL_CHARS_MAX, "https://%61pi.example.com/", "https://api.example.com%2f@evil.test/", "https://[::1", "https://[::1%25eth0]/", "https://[v1.x]/",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_what_can_be_read_in_two_ways_is_refused(url):
    assert code(read_url, url, ANY) in {"bad_request", "not_declared"}


ADDRESSES = [
    "127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "127.000.000.001", "00000127.0.0.1",
    "10.0.0.5", "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "1.1.1.1", "256.256.256.256", "1.2.3.4.5", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:4860:4860::8888]", "[fd00:ec2::254]", "localhost", "localhost.", "api.example.com.",
    "api.example.com..", ".api.example.com", "api..example.com", "-api.example.com", "api-.example.com", "a.b.c.123", "host", "api.example.0x7f", "x" * 64 + ".example.com",
]  # fmt: skip


@pytest.mark.parametrize("host", ADDRESSES)
def test_an_address_or_a_private_name_in_any_notation_is_not_declared(host):
    assert code(read_url, f"https://{host}/", ANY) in {"not_declared", "bad_request"}


def test_an_address_is_read_only_as_a_rule_names_it():
    rules = (rule("127.0.0.1"), rule("::1"), rule("localhost"))
    assert read_url("http://127.0.0.1/", rules).place == "127.0.0.1:80"
    assert read_url("http://localhost/", rules).host == "localhost"
    target = read_url("http://[0:0::1]:8080/x", (rule("::1", 8080),))
    assert (target.host, target.place, target.authority, target.url) == ("::1", "[::1]:8080", "[::1]:8080", "http://[::1]:8080/x")
    judge_target("GET", target, (rule("[::1]", 8080),))
    for other in ("127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost."):
        assert code(read_url, f"http://{other}/", rules) == "not_declared"
    assert code(read_url, "http://localhost/", (rule("*.localhost"),)) == "not_declared"


@pytest.mark.parametrize(
    ("rules", "method", "url", "wanted"),
    [
        ((rule("api.example.com"),), "GET", "https://api.example.com/", ""),
        ((rule("api.example.com"),), "GET", "https://example.com/", "not_declared"),
        ((rule("api.example.com"),), "GET", "https://x.api.example.com/", "not_declared"),
        ((rule("api.example.com"),), "GET", "https://evilapi.example.com/", "not_declared"),
        ((rule("api.example.com"),), "GET", "https://api.example.com.evil.net/", "not_declared"),
        ((rule("*.example.com"),), "GET", "https://a.b.example.com/", ""),
        ((rule("*.example.com"),), "GET", "https://example.com/", "not_declared"),
        ((rule("*.example.com"),), "GET", "https://badexample.com/", "not_declared"),
        ((rule("api.example.com", 443, schemes=("https",)),), "GET", "http://api.example.com:443/", "not_declared"),
        ((rule("api.example.com", 443),), "GET", "https://api.example.com:8443/", "not_declared"),
        ((rule("api.example.com", methods=("GET",)),), "POST", "https://api.example.com/", "not_declared"),
        ((rule("api.example.com", methods=("GET",)),), "GET", "https://api.example.com/", ""),
        ((rule("api.example.com"),), "TRACE", "https://api.example.com/", "bad_request"),
        ((rule("api.example.com"),), "CONNECT", "https://api.example.com/", "bad_request"),
        ((rule("api.example.com"),), "get", "https://api.example.com/", "bad_request"),
        ((rule("api.example.com"),), "GET /x HTTP/1.1\r\n", "https://api.example.com/", "bad_request"),
        # One rule allows the method, another the path: that is no rule for both.
        ((rule("api.example.com", methods=("GET",)), rule("api.example.com", paths=("/v1",))), "POST", "https://api.example.com/v2", "not_declared"),
    ],
)
def test_a_rule_allows_exactly_what_it_says(rules, method, url, wanted):
    if wanted:
        assert code(judge_target, method, read_url(url, rules), rules) == wanted
    else:
        judge_target(method, read_url(url, rules), rules)


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/x", "/v1?x=/../..", "/v1/x?y=//z", "/v1/%61", "/v1/a;b"])
def test_a_path_allows_itself_and_what_is_below(path):
    rules = (rule("api.example.com", paths=("/v1",)),)
    judge_target("GET", read_url("https://api.example.com" + path, rules), rules)


PATHS = [
    "/", "", "/v", "/v10", "/v1x", "/V1", "/v2", "//v1", "/v1//x", "/v1/%2e%2e%2fv2", "/v1/x%2f..%2f..%2fv2", "/v1%2fx", "/v1/%5c..%5cv2", "/v1/..%2fv2", "/%76%31", "/v1%00/x",
    "/v1/%252e%252e/v2", "/v1/%252fv2", "/v1/%25252e", "/v1/.%2e%2f", "/v2/v1", "/v1%3b/x", "/v1;x/y",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_leads_out_of_a_path(path):
    rules = (rule("api.example.com", paths=("/v1",)),)
    assert code(judge_target, "GET", read_url("https://api.example.com" + path, rules), rules) == "not_declared"


def test_the_root_path_allows_all_plain_paths():
    rules = (rule("api.example.com", paths=("/",)),)
    judge_target("GET", read_url("https://api.example.com/any/thing", rules), rules)


def test_what_was_declared_and_not_granted_is_told_apart():
    granted, declared = (rule("api.example.com"),), (rule("api.example.com"), rule("files.example.com"))
    assert code(judge_target, "GET", read_url("https://files.example.com/", granted), granted, declared) == "not_granted"
    assert code(judge_target, "GET", read_url("https://third.example.com/", granted), granted, declared) == "not_declared"


FORBIDDEN = [
    "Host", "host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Trailer", "Proxy-Authorization", "Proxy-Connection", "Expect", "Keep-Alive", "Via", "Forwarded",
    "X-Forwarded-For", "X-Forwarded-Host", "Accept-Encoding", "X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "X-Original-URL", "X-Rewrite-URL", "HTTP2-Settings", "Proxy",
    "Content-Range", "Content_Length", "Transfer_Encoding", "X_Forwarded_For", "Content_Type", "Sec-Fetch-Mode",
]  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_headers_of_the_transport_are_the_hosts(name):
    assert code(judge_headers, ((name, "1"),), frozenset()) == "bad_request"


@pytest.mark.parametrize("name", ["", " X", "X ", "X:", "X:Y", "X\r\nY", "X\tY", "Ü", "X\0", "(x)", "x" * 101, "X\n"])
def test_a_header_name_is_a_token(name):
    assert code(judge_headers, ((name, "1"),), frozenset()) == "bad_request"


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb", "a\rb", "a\0b", "\x7f", "ü", " a", "a ", "\ta", "a\x0bb", "\r\n x", "a\n"])
def test_a_header_value_is_one_printable_line(text):
    assert code(judge_headers, (("X-A", text),), frozenset()) == "bad_request"


def test_ordinary_headers_pass():
    judge_headers(
        (("Accept", "text/html, */*;q=0.1"), ("Content-Type", "application/json"), ("X-Empty", ""), ("Range", "bytes=0-9"), ("a", "tab\tinside")), frozenset()
    )


def test_a_header_that_a_secret_fills_is_the_hosts():
    assert code(judge_headers, (("authoriZation", "x"),), frozenset({"authorization"})) == "bad_request"
    assert code(judge_headers, (("X_Api_Key", "x"),), frozenset({"x-api-key"})) == "bad_request"
    assert code(judge_headers, (("Range", "bytes=0-0"),), frozenset({"authorization"})) == "not_granted"


def test_headers_and_bodies_are_bounded():
    assert code(judge_headers, (("X", "1"),) * (HEADERS_MAX + 1), frozenset()) == "too_large"
    assert code(judge_headers, (("X", "1" * 20_000),), frozenset()) == "too_large"
    assert code(judge_body, "GET", b"x") == code(judge_body, "HEAD", b"x") == "bad_request"
    assert code(judge_body, "POST", bytes(REQUEST_BODY_MAX + 1)) == "too_large"
    judge_body("DELETE", b"x")


def test_parameters_are_read():
    found = read_request({"method": "POST", "url": "u", "headers": [["a", "b"]], "body": "aGk=", "timeout_ms": 5, "redirect": "manual"})
    assert found == HttpRequest(method="POST", url="u", headers=(("a", "b"),), body=b"hi", timeout_ms=5, follow=False)
    assert read_request({"method": "GET", "url": "u", "body": None}) == HttpRequest(method="GET", url="u")
    assert read_request({"method": "GET", "url": "u"}) == HttpRequest(method="GET", url="u")


@pytest.mark.parametrize(
    "params",
    [
        None, [], "x", {}, {"method": "GET"}, {"method": 1, "url": "u"}, {"method": "GET", "url": None}, {"method": "GET", "url": "u", "extra": 1},
        {"method": "GET", "url": "u", "redirect": "error"}, {"method": "GET", "url": "u", "redirect": []}, {"method": "GET", "url": "u", "timeout_ms": 0},
        {"method": "GET", "url": "u", "timeout_ms": True}, {"method": "GET", "url": "u", "timeout_ms": 1.5}, {"method": "GET", "url": "u", "timeout_ms": 10**9},
        {"method": "GET", "url": "u", "headers": {"a": "b"}}, {"method": "GET", "url": "u", "headers": [["a"]]}, {"method": "GET", "url": "u", "headers": ["ab"]},
        {"method": "GET", "url": "u", "headers": [["a", 1]]}, {"method": "GET", "url": "u", "headers": [["a", "b"]] * (HEADERS_MAX + 1)},
        {"method": "GET", "url": "u", "body": 1}, {"method": "GET", "url": "u", "body": "aGk"}, {"method": "GET", "url": "u", "body": "a Gk="}, {"method": "GET", "url": "u", "body": "aGl="},
    ],
)  # fmt: skip
def test_wrong_parameters_are_bad_requests(params):
    assert code(read_request, params) == "bad_request"


def test_a_body_beyond_the_limit_is_not_even_decoded():
    assert code(read_request, {"method": "POST", "url": "u", "body": "A" * (REQUEST_BODY_MAX * 2)}) == "too_large"
