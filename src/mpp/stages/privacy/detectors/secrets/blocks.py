"""Secrets that are blocks or have a grammar of their own: private keys, JSON web tokens, headers, cookies, and the key files of this project."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from mpp.model.jsontext import Json
from mpp.stages.privacy.detector import LIKELY, SURE, Detector, Hit, Place
from mpp.stages.privacy.detectors.secrets.looks import glued
from mpp.stages.privacy.detectors.secrets.values import FIRM, is_secret
from mpp.stages.privacy.detectors.secrets.wrapped import CONTINUED, unbroken
from mpp.stages.privacy.later import on_use

BLOCK_CHARS_MAX = 65_536
"""Characters of one private key. Reason: the largest RSA keys in use take a fifth of it, a PGP block with pictures more."""

BLOCK_LEAVES_MAX = 1024
"""Leaves over which one private key may lie, a line in each. Reason: as above, in lines of 64."""

TOKEN_CHARS_MAX = 65_536
"""Characters of one JSON web token. Reason: headers carry whole certificate chains."""

HEADER_CHARS_MAX = 8192
"""Characters of one header's value. Reason: the usual limit of servers."""

COOKIES_MAX = 50
"""Cookies of one header. Reason: the least that browsers must keep for a site."""

_BEGIN = on_use(r"BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?[ ]{0,2}-{4,5}")
_BLANK = on_use(r"(?:\\[nr]|\s)*")
_BASE64_RUN = on_use(r"[0-9A-Za-z+/]{24}")
# Lines of base64, parted by line ends, by escapes for them, or by what a program's text has between two strings.
_LINES = on_use(
    r"""(?>(?:(?>(?:\\[nrt]|[\s,>|\#*]|"\s*\+\s*"|["'])*)(?:[A-Za-z][A-Za-z-]{2,20}:[ ][^\n\\"]{1,80}|[0-9A-Za-z+/=]{16,}+))*)"""
    r"""(?:(?>(?:\\[nrt]|[\s,>|\#*]|"\s*\+\s*"|["'])*)[0-9A-Za-z+/]{1,76}={1,2})?""",
    re.VERBOSE,
)
_LINE = on_use(r"\s*(?:[0-9A-Za-z+/=]{1,100}|[A-Za-z][A-Za-z-]{2,20}: .{1,80})?\s*")


def _private_key(place: Place) -> Iterator[Hit]:
    """The whole block, or as much of it as there is: a log cuts at any place, and half of a key is still worth guessing."""
    text = place.text
    found = _BEGIN.match(text, place.at, place.high)
    if found is None:
        return
    start, body = place.at, found.end()
    while start > place.low and text[start - 1] == " ":
        start -= 1
    while start > place.low and text[start - 1] == "-":
        start -= 1
    end = _block_end(text, body, min(place.high, body + BLOCK_CHARS_MAX))
    if _BASE64_RUN.search(text, body, end):
        yield Hit("private_key", start, end, SURE)
    elif _BLANK.fullmatch(text, body, place.high):
        yield from _over_leaves(place, start)


def _block_end(text: str, body: int, reach: int) -> int:
    dashes = text.find("----", body, reach)
    if dashes >= 0 and text.find("END ", dashes, min(dashes + 10, reach)) >= 0:
        line = text.find("----", text.find("END ", dashes), min(dashes + 80, reach))
        end = line if line >= 0 else dashes + 4
        while end < reach and text[end] == "-":
            end += 1
        return end
    found = _LINES.match(text, body, reach)
    return found.end() if found else body


def _over_leaves(place: Place, start: int) -> Iterator[Hit]:
    """A key as a list of lines. The next block ends it, so no line is read twice."""
    arena, first = place.arena, place.leaf
    holder = arena.spots[first].holder
    lines = []
    for leaf in range(first + 1, min(len(arena.spots), first + BLOCK_LEAVES_MAX)):
        line = arena.texts[leaf]
        if arena.spots[leaf].holder is not holder or not (_LINE.fullmatch(line) or "-END" in line):
            break
        lines.append(leaf)
        if "-END" in line:
            break
    if any(_BASE64_RUN.search(arena.texts[leaf]) for leaf in lines):
        yield Hit("private_key", start, place.high, SURE)
        yield from (Hit("private_key", arena.starts[leaf], arena.end_of(leaf), SURE) for leaf in lines if arena.texts[leaf])


_PUTTY = on_use(
    r"Private-Lines: \d{1,4}(?:\\r|\\n|\s){1,8}((?>(?:[0-9A-Za-z+/=]{1,80}+(?:\\r|\\n|\s){1,8}){0,400})(?:Private-(?:MAC|Hash): [0-9a-f]{0,64}|[0-9A-Za-z+/=]{1,80})?)"
)


def _putty_key(place: Place) -> Iterator[Hit]:
    found = _PUTTY.match(place.text, place.at, min(place.high, place.at + BLOCK_CHARS_MAX))
    if found and found[1]:
        yield Hit("private_key", found.start(1), found.end(1), SURE)


_JWT = on_use(r"(e[wy][0-9A-Za-z_-]{14,16384})\.([0-9A-Za-z_-]{8,65536})(?:\.[0-9A-Za-z_-]*){0,3}")
_DOTS = 2
"""Dots of a signed token."""
_JWT_LETTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.")


def _web_token(place: Place) -> Iterator[Hit]:
    """Header and claims at the least; the header must be JSON that names an algorithm."""
    text, at = place.text, place.at
    # Attack: "eyJ" over and over. Only a beginning that no character of the form stands before is read, so nothing is read twice.
    if at > place.low and text[at - 1] in _JWT_LETTERS and (glued(text, at) or text[at - 1] in "-_."):
        return
    found = _JWT.match(text, at, min(place.high, at + TOKEN_CHARS_MAX))
    goes_on = found is None or found[0].count(".") < _DOTS or CONTINUED.match(text, found.end(), place.high) is not None
    whole = unbroken(text, at, min(place.high, at + TOKEN_CHARS_MAX)) if goes_on else None
    parts = _JWT.match(whole.text) if whole else None
    if whole and parts and _has_algorithm(parts[1]):
        yield Hit("jwt", at, whole.end(parts.end()), SURE)
    elif found and _has_algorithm(found[1]):
        yield Hit("jwt", at, found.end(), SURE)


def _has_algorithm(header: str) -> bool:
    return '"alg"' in _decoded(header)


def _decoded(text: str) -> str:
    """Base64 of either alphabet as text; empty where it is none."""
    try:
        return urlsafe_b64decode(text.translate(_TO_URL).rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


_TO_URL = str.maketrans("+/", "-_")
_SCHEME = on_use(r"(?:bearer|basic)(?:[ \t]|%20|\+){1,3}([0-9A-Za-z_.~+/=%:-]{8,8192})", re.IGNORECASE)


def _scheme(place: Place) -> Iterator[Hit]:
    """``Bearer`` with something drawn, ``Basic`` with a name and a password in base64."""
    text, at = place.text, place.at
    found = None if glued(text, at) else _SCHEME.match(text, at, min(place.high, at + HEADER_CHARS_MAX))
    if found is None:
        return
    given = found[1].rstrip(".:")
    is_basic = text[at + 1] in "aA"
    good = ":" in _decoded(given) and _decoded(given).isprintable() if is_basic else len(given) >= 12 and is_secret(given, FIRM, quoted=True)
    if good:
        yield Hit("auth_header", found.start(1), found.start(1) + len(given), LIKELY)


_COOKIE_NAME = on_use(r"""(?:set-)?cookie2?["']?\s{0,2}[:=]\s{0,2}["']?""", re.IGNORECASE)
_COOKIE = on_use(r"""([\w.$-]{1,80})=([^;,\s"'\\]{8,4096})(?:;[ ]{0,2})?|[^;"'\n\\]{1,200};[ ]{0,2}""")
_OPEN_COOKIES = frozenset(("expires", "path", "domain", "max-age", "samesite", "version", "priority"))
_ATTRIBUTE = on_use("; ?(?:httponly|samesite=)", re.IGNORECASE)
LINE_CHARS = 2000
"""Characters before a header in which others are counted. Reason: with the limit below, it bounds how often a line is read."""

HEADERS_OF_A_LINE = 4
"""Headers with cookies that one line may have. Reason: a command with a request and its answer has two."""

COOKIE_CHARS_MIN = 16
"""Characters of a cookie that may be a session. Reason: shorter ones are settings."""


def _cookies(place: Place) -> Iterator[Hit]:
    """The cookies of a header, in its text or in the leaf after its name."""
    text, arena = place.text, place.arena
    spot = arena.spots[place.leaf]
    if spot.is_key:
        after = place.leaf + 1
        is_value = after < len(arena.spots) and arena.spots[after].holder is spot.holder and arena.spots[after].step == spot.step
        if is_value and text[place.low : place.high].lower() in {"cookie", "set-cookie", "cookies"}:
            yield from _cookie_values(text, arena.starts[after], arena.end_of(after))
        return
    found = _COOKIE_NAME.match(text, place.at, place.high)
    # Attack: one line of headers only, each of which would read the rest of the line.
    if found and place.before(LINE_CHARS).rpartition("\n")[2].count("cookie") < HEADERS_OF_A_LINE:
        yield from _cookie_values(text, found.end(), place.high)


def _set_cookie(place: Place) -> Iterator[Hit]:
    """A cookie alone in its leaf, known by its attributes: one of a list of headers."""
    if place.at - place.low <= HEADER_CHARS_MAX and not _ATTRIBUTE.search(place.text, place.low, place.at):
        yield from _cookie_values(place.text, place.low, place.at)


def _cookie_values(text: str, at: int, high: int) -> Iterator[Hit]:
    high = min(high, at + HEADER_CHARS_MAX)
    line = text.find("\n", at, high)
    high = high if line < 0 else line
    for _ in range(COOKIES_MAX):
        found = _COOKIE.match(text, at, high)
        if found is None:
            return
        given = found[2] or ""
        if len(given) >= COOKIE_CHARS_MIN and found[1].lower() not in _OPEN_COOKIES and is_secret(given, FIRM, quoted=True):
            yield Hit("session_cookie", found.start(2), found.end(2), LIKELY)
        at = found.end()


_SEED = on_use(r"""\\?"(?:seed|box)\\?"\s{0,4}:\s{0,4}\\?"([0-9A-Za-z+/]{43,64}={0,2})""")
KEY_FILE_CHARS = 800
"""Characters on both sides of ``mpp_key`` that are read. Reason: a key file of this project has fewer."""


def _key_file(place: Place) -> Iterator[Hit]:
    """The private half in a key file of this project, as text and as an object. A sealed one too: its passphrase can be guessed at leisure.

    Spec: spec/keys.md K-60 and K-61.
    """
    text = place.text
    low, high = max(place.low, place.at - KEY_FILE_CHARS), min(place.high, place.at + KEY_FILE_CHARS)
    near = text[low:high]
    found = (_SEED.search(text, place.at, high) or _SEED.search(text, low, place.at)) if '"seed' in near or '"box' in near else None
    if found:
        yield Hit("mpp_private_key", *found.span(1), SURE)
    spot = place.arena.spots[place.leaf]
    if spot.is_key and isinstance(spot.holder, dict):
        yield from _fields(place, spot.holder, "seed")
        yield from _fields(place, spot.holder.get("sealed"), "box")


KEY_FILE_LEAVES = 128
"""Leaves after ``mpp_key`` in which the sealed part is looked for. Reason: the walk gives an object inside after the fields beside it; a key file has few."""


def _fields(place: Place, holder: Json, name: str) -> Iterator[Hit]:
    if not isinstance(holder, dict) or name not in holder:
        return
    arena = place.arena
    after, before = range(place.leaf, min(len(arena.spots), place.leaf + KEY_FILE_LEAVES)), range(place.leaf - 1, max(-1, place.leaf - KEY_FILE_LEAVES), -1)
    for leaf in (*after, *before):
        spot = arena.spots[leaf]
        if spot.holder is holder and spot.step == name and not spot.is_key:
            yield Hit("mpp_private_key", arena.starts[leaf], arena.end_of(leaf), SURE)
            return


_CURL = on_use(r"""(?:-u|--user)[ =]{1,2}["']?[\w.@+-]{1,64}:([^\s"'$<{:]{4,128})""")
_ORACLE = on_use(r"jdbc:oracle:\w{2,8}:[\w.]{1,64}/([^@\s\"']{1,128})@")


def _curl_user(place: Place) -> Iterator[Hit]:
    found = _CURL.match(place.text, place.at, place.high)
    if found and "curl" in place.before(300):
        yield Hit("password", *found.span(1), LIKELY)


def _oracle(place: Place) -> Iterator[Hit]:
    found = _ORACLE.match(place.text, place.at, place.high)
    if found:
        yield Hit("password", *found.span(1), LIKELY)


DETECTORS = (
    Detector(name="private_key", types=("private_key",), probes=(r"BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY",), look=_private_key),
    Detector(name="putty_key", types=("private_key",), probes=("Private-Lines: ",), look=_putty_key),
    Detector(
        name="jwt", types=("jwt",), probes=("eyJ[0-9A-Za-z_-]{12}", "eyAi[0-9A-Za-z_-]{12}", "ewog[0-9A-Za-z_-]{12}", "ew0K[0-9A-Za-z_-]{12}"), look=_web_token
    ),
    Detector(name="auth_scheme", types=("auth_header",), probes=(r"(?i)bearer[ \t%+]", r"(?i)basic[ %+][0-9A-Za-z+/]{7}"), look=_scheme),
    Detector(name="cookie", types=("session_cookie",), probes=("(?i)cookie",), look=_cookies),
    Detector(name="set_cookie", types=("session_cookie",), probes=("(?i); ?httponly", "(?i); ?samesite="), look=_set_cookie),
    Detector(name="mpp_key_file", types=("mpp_private_key",), probes=("mpp_key",), look=_key_file),
    Detector(name="curl_user", types=("password",), probes=(r"-u [0-9A-Za-z\"']", "--user[ =]"), look=_curl_user),
    Detector(name="oracle_url", types=("password",), probes=("jdbc:oracle:",), look=_oracle),
)
