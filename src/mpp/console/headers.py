"""The headers of every answer, and what a request must look like before anything of it is believed."""

from __future__ import annotations

from collections.abc import Iterable

from mpp.console.limits import PATH_CHARS_MAX, QUERY_CHARS_MAX
from mpp.model.value import value

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Attack: whatever markup of a stranger would slip through, it runs nothing, loads nothing, sends no form elsewhere and moves no address."""

SECURITY: tuple[tuple[str, str], ...] = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    # Not "no-referrer": with it browsers do not say where a form comes from. Here the name of the page goes to this console alone.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
NO_STORE = "no-store"
"""Pages name calls and people; none is kept by a browser or anything between."""

METHODS = ("GET", "HEAD", "POST")
FORM = "application/x-www-form-urlencoded"
OURS = frozenset(("same-origin", "none"))
"""What a browser says of a request that one of our own pages made, or a person at the address line."""


@value
class Head:
    """What is read of the head of a request."""

    method: str
    path: str
    host: str
    """Empty where there is none, or more than one."""
    origin: str | None
    site: str
    """Where a browser says that the request comes from; empty where it says nothing."""
    dest: str
    cookies: tuple[str, ...]
    """All cookies of the console's name, as they came."""
    kind: str
    """The media type of the body."""


def read_head(method: str, path: str, headers: Iterable[tuple[bytes, bytes]], cookie_name: str) -> Head:
    found: dict[str, list[str]] = {}
    for name, item in headers:
        found.setdefault(name.decode("latin-1").lower(), []).append(item.decode("latin-1"))

    def only(name: str) -> str:
        # Attack: a header twice, of which this reader takes the one and another the other.
        items = found.get(name, [])
        return items[0] if len(items) == 1 else ""

    origins = found.get("origin", [])
    return Head(
        method=method,
        path=path,
        host=only("host").lower(),
        origin=None if not origins else only("origin"),
        site=only("sec-fetch-site") if "sec-fetch-site" in found else "",
        dest=only("sec-fetch-dest"),
        cookies=tuple(_cookies(found.get("cookie", []), cookie_name)),
        kind=only("content-type").partition(";")[0].strip().lower(),
    )


def _cookies(lines: list[str], wanted: str) -> Iterable[str]:
    for line in lines:
        for pair in line.split(";"):
            name, _, item = pair.strip().partition("=")
            if name == wanted:
                yield item


def cookie_name(port: int) -> str:
    """Attack: browsers send cookies to all ports of a host; the console at another port must not take ours for its own."""
    return f"mpp-console-{port}"


def hosts_of(port: int) -> frozenset[str]:
    """Attack: a name of a stranger that leads to this machine (DNS rebinding): its pages would be of the same origin as ours."""
    return frozenset((f"127.0.0.1:{port}", f"localhost:{port}"))


def judge_head(head: Head, raw_path: bytes, query: bytes, port: int) -> int:
    """The status of a refusal; 0 if there is nothing to refuse yet."""
    if head.host not in hosts_of(port):
        return 421
    if head.method not in METHODS:
        return 405
    if len(raw_path) > PATH_CHARS_MAX or len(query) > QUERY_CHARS_MAX:
        return 414
    return 400 if _is_odd(raw_path) else 0


def _is_odd(raw_path: bytes) -> bool:
    """Attack: paths of which two readers see two different things. None of ours has dots for folders, two slashes, backslashes or escaped ones."""
    low = raw_path.lower()
    if not low.startswith(b"/") or any(part in low for part in (b"//", b"\\", b"%2f", b"%5c", b"%00", b";")):
        return True
    return any(part.replace(b"%2e", b".") in {b".", b".."} for part in low.split(b"/"))


def judge_form(head: Head) -> int:
    """What holds of every form before its body is read."""
    # Attack: a page elsewhere, or at another port of this machine, that sends a form in the name of whoever looks at it.
    if head.origin != f"http://{head.host}" or (head.site and head.site != "same-origin"):
        return 403
    return 0 if head.kind == FORM else 415


def is_from_here(head: Head) -> bool:
    """May the cookie count? Attack: a page at another port of this machine, for which browsers send our cookie along."""
    return not head.site or head.site in OURS


def is_use(head: Head) -> bool:
    """Did a person ask, and not a script of a page that was left open?"""
    return head.dest != "empty"
