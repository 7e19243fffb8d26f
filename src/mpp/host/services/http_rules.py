"""Is this request one that may leave? Pure: no name is resolved and nothing is sent here.

Spec: spec/call-contract.md; the rules themselves are in spec/manifest.md section 5. An address is read strictly and written anew,
so that what was judged is what is sent.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote

from mpp.crypto import base64text
from mpp.host.services.http_limits import HEADER_BYTES_MAX, HEADERS_MAX, REQUEST_BODY_MAX, TIMEOUT_DEFAULT_MAX, URL_CHARS_MAX
from mpp.host.services.http_types import Headers, HttpRequest, Stopped, Target
from mpp.model.capabilities import METHODS, NEVER_HEADER, NetworkRule
from mpp.model.hosts import HOST, WEB_PORTS, covers
from mpp.model.jsontext import Json
from mpp.model.limits import HOST_CHARS_MAX, TIMEOUT_MS_MAX

WITHOUT_BODY = frozenset(("GET", "HEAD"))

_URL = re.compile(r"(https?)://(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(?::([1-9][0-9]{0,4}))?(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
# What RFC 3986 allows in a path and a query, with square brackets, which many services want in queries.
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2})*")
# Attack: a server that decodes once more than we do sees another path than the one that was judged. C0 and C1 begin the
# characters above once more, in more bytes than UTF-8 allows.
_HIDDEN = re.compile(r"%(?:25)*(?:2e|2f|5c|00|3b|c[01])|//", re.IGNORECASE)
_DECODINGS = 4
_DOTS = re.compile(r"(?:\.|%2e){1,2}(?:(?:;|%3b).*)?", re.IGNORECASE)

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
_ABOUT_BODY = frozenset(("content-type", "content-language", "content-encoding", "content-disposition", "content-md5", "content-digest"))
# Attack: some frameworks let a header change the method or the path after a proxy, here our rules, has judged them.
_OVERRIDES = frozenset((
    "accept-encoding", "x-http-method", "x-http-method-override", "x-method-override", "x-original-method", "x-original-url", "x-original-uri", "x-original-host",
    "x-rewrite-url", "x-host", "x-real-ip", "http2-settings", "alt-used", "proxy",
))  # fmt: skip


def read_request(params: Json) -> HttpRequest:
    """The parameters of ``http.fetch``; a wrong one is ``Stopped``."""
    if not isinstance(params, dict) or not params.keys() <= {"method", "url", "headers", "body", "timeout_ms", "redirect"}:
        raise Stopped("bad_request", "params must be an object with method, url and, if wanted, headers, body, timeout_ms, redirect")
    method, url, redirect = params.get("method"), params.get("url"), params.get("redirect", "follow")
    if not isinstance(method, str) or not isinstance(url, str):
        raise Stopped("bad_request", "method and url must be strings")
    if not isinstance(redirect, str) or redirect not in {"follow", "manual"}:
        raise Stopped("bad_request", "redirect must be 'follow' or 'manual'")
    timeout = params.get("timeout_ms", TIMEOUT_DEFAULT_MAX)
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 1 <= timeout <= TIMEOUT_MS_MAX:
        raise Stopped("bad_request", f"timeout_ms must be an integer from 1 to {TIMEOUT_MS_MAX}")
    headers = _read_headers(params.get("headers", []))
    return HttpRequest(method=method, url=url, headers=headers, body=_read_body(params.get("body")), timeout_ms=timeout, follow=redirect == "follow")


def _read_headers(found: Json) -> Headers:
    if not isinstance(found, list) or len(found) > HEADERS_MAX:
        raise Stopped("bad_request", f"headers must be a list of at most {HEADERS_MAX} pairs")
    out: list[tuple[str, str]] = []
    for pair in found:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Stopped("bad_request", "each header must be a pair [name, value]")
        name, text = pair
        if not isinstance(name, str) or not isinstance(text, str):
            raise Stopped("bad_request", "the name and the value of a header must be strings")
        out.append((name, text))
    return tuple(out)


def _read_body(found: Json) -> bytes:
    if found is None:
        return b""
    if not isinstance(found, str):
        raise Stopped("bad_request", "body must be a string of base64")
    if len(found) > (REQUEST_BODY_MAX + 2) // 3 * 4:
        raise Stopped("too_large", f"the body has more than {REQUEST_BODY_MAX} bytes")
    body = base64text.decode(found)
    if body is None:
        raise Stopped("bad_request", "body is not base64 of the standard alphabet, padded")
    return body


def read_url(url: str, rules: tuple[NetworkRule, ...]) -> Target:
    """``url`` as a target. A host that is no public name is read only if a rule names exactly it."""
    if len(url) > URL_CHARS_MAX:
        raise Stopped("bad_request", f"the url has more than {URL_CHARS_MAX} characters")
    # Attack: a reader that cuts at a space, a tab or a backslash sees another host. IDN comes as xn--, which has one spelling.
    if not url.isascii() or not url.isprintable() or set(url) & {" ", "\\", '"', "<", ">"}:
        raise Stopped("bad_request", "the url has characters that must be percent-encoded (in a host: xn--)")
    match = _URL.fullmatch(url)
    if match is None:
        raise Stopped("bad_request", "the url must be http(s)://host[:port]/path without a user or password")
    scheme, port = match[1].lower(), int(match[3] or WEB_PORTS[match[1].lower()])
    if port > 65535:
        raise Stopped("bad_request", "the port is over 65535")
    return Target(scheme=scheme, host=_read_host(match[2].lower(), rules), port=port, path=_read_path(match[4] or "/", match[5] or ""))


def _read_host(written: str, rules: tuple[NetworkRule, ...]) -> str:
    """Attack: 127.1, 0x7f000001, 2130706433, [::ffff:127.0.0.1] and a dozen more spell this machine, and resolvers take them all."""
    if len(written) <= HOST_CHARS_MAX and HOST.fullmatch(written):
        return written
    host = _literal(written)
    if any(rule.host in {host, written} and not rule.wildcard for rule in rules):
        return host
    raise Stopped("not_declared", "the host is not declared; addresses and private names are reached only if the policy of the host names them")


def _literal(written: str) -> str:
    """The one spelling of an address; anything else as it is."""
    try:
        return str(IPv6Address(written[1:-1])) if written.startswith("[") else str(IPv4Address(written))
    except ValueError:
        return written


def _read_path(path: str, query: str) -> str:
    if _PATH.fullmatch(path) is None or _QUERY.fullmatch(query) is None:
        raise Stopped("bad_request", "the path or the query has characters that must be percent-encoded")
    if any(_DOTS.fullmatch(segment) for segment in path.split("/")):
        raise Stopped("bad_request", "the path has '.' or '..' as a segment; write it without")
    return path + query


def judge_target(method: str, target: Target, rules: tuple[NetworkRule, ...], declared: tuple[NetworkRule, ...] = ()) -> None:
    """``Stopped`` unless a rule allows the request. ``declared`` holds what was asked for, some of it perhaps not granted."""
    if method not in METHODS:
        raise Stopped("bad_request", f"the method must be one of {', '.join(METHODS)}")
    if any(_allows(rule, method, target) for rule in rules):
        return
    if any(_allows(rule, method, target) for rule in declared):
        raise Stopped("not_granted", "this request is declared, and was not granted")
    if any(_reaches(rule, target) for rule in rules):
        raise Stopped("not_declared", "the host is declared, but not for this scheme, port, method or path")
    raise Stopped("not_declared", "the host is not declared in the manifest")


def _reaches(rule: NetworkRule, target: Target) -> bool:
    return covers(rule.host, target.host, wildcard=rule.wildcard) or (not rule.wildcard and rule.host == target.name)


def _allows(rule: NetworkRule, method: str, target: Target) -> bool:
    named = _reaches(rule, target) and target.scheme in rule.schemes and target.port in rule.ports
    return named and (not rule.methods or method in rule.methods) and (not rule.paths or _below(target.path.partition("?")[0], rule.paths))


def _below(path: str, allowed: tuple[str, ...]) -> bool:
    if _hides(path):
        return False
    return any(path == one or path.startswith(one.rstrip("/") + "/") for one in allowed)


def _hides(path: str) -> bool:
    """Attack: a percent sign whose digits are encoded themselves, such as %25%32%65. What is encoded deeper than anybody needs hides too."""
    for _ in range(_DECODINGS):
        if _HIDDEN.search(path):
            return True
        path, before = unquote(path, "latin-1"), path
        if path == before:
            return False
    return True


def judge_headers(headers: Headers, taken: frozenset[str]) -> None:
    """``Stopped`` unless a guest may set these. ``taken`` are the headers, in lower case, that secrets fill.

    Attack: a line end in a value is a second header, or a second request on the same connection.
    """
    if len(headers) > HEADERS_MAX or sum(len(name) + len(text) + 4 for name, text in headers) > HEADER_BYTES_MAX:
        raise Stopped("too_large", f"there are more than {HEADERS_MAX} headers or more than {HEADER_BYTES_MAX} bytes of them")
    for name, text in headers:
        if _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(text) is None:
            raise Stopped("bad_request", "a header has a name that is no token, or a value that is not printable ASCII")
        # Attack: some servers read X_Y as X-Y.
        plain = name.lower().replace("_", "-")
        if plain in _OVERRIDES or (NEVER_HEADER.fullmatch(plain) and plain not in _ABOUT_BODY) or (plain in _ABOUT_BODY and "_" in name):
            raise Stopped("bad_request", f"the header {name} is set by the host alone")
        if plain in taken:
            raise Stopped("bad_request", f"the header {name} is filled with a secret by the host")
        if plain in {"range", "if-range"} and taken:
            # Attack: a server that echoes the secret, asked for a part of its answer, gives the secret in pieces that nobody recognises.
            raise Stopped("not_granted", f"the header {name} is not sent together with a secret")


def judge_body(method: str, body: bytes) -> None:
    if body and method in WITHOUT_BODY:
        raise Stopped("bad_request", f"{method} has no body")
    if len(body) > REQUEST_BODY_MAX:
        raise Stopped("too_large", f"the body has more than {REQUEST_BODY_MAX} bytes")
