"""Addresses of machines: IP, versions 4 and 6, and MAC. Whether a private one may pass is the policy's business."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mpp.stages.privacy.detector import Detector, Hit, LIKELY, Place
from mpp.stages.privacy.detectors.nearby import is_word
from mpp.stages.privacy.later import on_use

_HEAD_MAX = 3
"""Characters from the beginning of a probe to the address, at most. Reason: one, which may have several bytes."""

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = on_use(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?![0-9A-Za-z_])(?!\.[0-9])(?:/(?:3[0-2]|[12]?[0-9])(?![0-9/])(?!\.[0-9]))?")
_ZEROS = on_use(r"(?!10\.|127\.|172\.|192\.|169\.|0\.)[0-9]+\.[0-9]+\.0\.0(?!/)")
_SUFFIX = on_use(r"[-+~]?[A-Za-z]|[-+~][0-9]{1,2}(?:[A-Za-z.~+]|\b(?!\.))")
_VERSION = on_use(
    r"(?:\b(?:version|ver|v|release|build|rev|revision|firmware|assembly|section|clause|chapter|oid|driver|package|sdk|runtime|kernel|object ?identifier)s?\W{0,3}|\b(?:rfc|iso|ecma|din)[ -]?[0-9]{1,6},? |§ ?|[=~><!^]=? ?|(?:^|[\s;(\"'])[a-z][\w.-]{0,30}/)$"
)
_OID = on_use(r"2\.5\.(?:4|29)\.|1\.3\.(?:6\.1|14\.3)$")
"""Arcs of X.500 names, of extensions of certificates and of the internet: they stand in certificates in dozens."""

_EQUALS = on_use(r"(?<![=~><!^])= ?$|^= ?$")
_VERSION_KEY = on_use(r"(?i)version|release|build|firmware|oid|revision|section")
_SPOKEN = on_use(
    r"(?<![a-z])(?:ips?|ipv[46]|addr(?:ess)?(?:es)?|hosts?|hostname|servers?|client|remote|gateway|subnet|dns|peer|listen|inet6?|cidr|loopback)(?![a-z])"
)
_HUMP = on_use(r"(?<=[a-z])(?=[A-Z])")

_V6 = on_use(r"[0-9A-Fa-f:]{2,40}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f:]{2,40}")
_V6_TAIL = on_use(r"(?:%[0-9A-Za-z]{1,16})?(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9])(?![0-9]))?")
_MAC = on_use(
    r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z_])(?!\1[0-9A-Fa-f])|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![0-9A-Za-z_])(?!\.[0-9A-Fa-f])"
)
_MAC_SPOKEN = on_use(r"\bmac(?:\b|addr|_)|\bhw|hardware|ether|bssid|physical|wlan|bluetooth")


def _spoken(place: Place) -> bool:
    """Words or the key say that it is the address of a machine."""
    name = _HUMP.sub(" ", place.key[:64]).lower()
    return _SPOKEN.search(place.before()) is not None or _SPOKEN.search(name) is not None


def _look_v4(place: Place) -> Iterable[Hit]:
    text = place.text
    found = _start(_V4, place)
    if found is None:
        return ()
    start, end = found.span()
    before = text[max(place.low, start - 34) : start].lower()
    if before[-1:] == "-" and before[-2:-1].isalnum():
        return ()
    if _VERSION.search(before) and not _EQUALS.search(before):
        return ()
    if _SUFFIX.match(text, end, place.high) or _VERSION_KEY.search(place.key):
        return ()
    if (_ZEROS.match(text, start, place.high) or _OID.match(text, start, end)) and not _spoken(place):
        return ()
    return (Hit("ip_address", start, end, LIKELY),)


def _start(form: re.Pattern[str], place: Place) -> re.Match[str] | None:
    """A match that begins right behind the character that the probe begins with."""
    text, at = place.text, max(place.at, place.low)
    for begin in range(at, at + _HEAD_MAX):
        if begin > place.low and (is_word(text[begin - 1]) or text[begin - 1] in "._"):
            continue
        found = form.match(text, begin, place.high)
        if found is not None:
            return found
    return None


def _look_v6(place: Place) -> Iterable[Hit]:
    text = place.text
    found = _start(_V6, place)
    if found is None:
        return ()
    start, written = found.start(), found[0]
    if written.endswith(":") and not written.endswith("::"):
        written = written[:-1]
    end = start + len(written)
    after = text[end : min(place.high, end + 1)]
    if after.isalnum() or after in {"_", ":"} or text[start - 1 : start] == ":" or not is_v6(written):
        return ()
    tail = _V6_TAIL.match(text, end, place.high)
    stop = end if tail is None else tail.end()
    if not _is_plain(written, is_net=stop > end) and not (_spoken(place) or text[max(place.low, start - 3) : start] == "//["):
        return ()
    return (Hit("ip_address", start, stop, LIKELY),)


def is_v6(written: str) -> bool:
    """RFC 4291, section 2.2: eight groups, one stretch of zeros left out, the last two groups perhaps as version 4."""
    head, gap, rest = written.partition("::")
    if "::" in rest or rest.startswith(":"):
        return False
    groups = [one for part in (head, rest) if part for one in part.split(":")]
    count = len(groups)
    if groups and "." in groups[-1]:
        if not _V4.fullmatch(groups[-1]):
            return False
        groups.pop()
        count += 1
    if not all(0 < len(one) <= 4 and "." not in one for one in groups):
        return False
    return count < 8 if gap else count == 8


def _is_plain(written: str, *, is_net: bool) -> bool:
    """No slice, no name with colons, no clock: it has a group of three or four and, where groups are left out, a figure and company."""
    groups = [one for one in written.split(":") if one]
    if "." in groups[-1]:
        return True
    is_long = any(len(one) > 2 for one in groups)
    if "::" not in written:
        return is_long
    return is_long and any(map(str.isdigit, written)) and (len(groups) > 1 or is_net)


def _look_mac(place: Place) -> Iterable[Hit]:
    found = _start(_MAC, place)
    # Tables of collation keys, "[*0411.0020.0002]", have the form too.
    if found is None or place.text[found.start() - 1] in ":-[*":
        return ()
    # Six pairs of figures with hyphens are a date and a time; three fours with points may be a version.
    if found[1] != ":" and not any(map(str.isalpha, found[0])) and not _MAC_SPOKEN.search(place.before() + place.key.lower()):
        return ()
    return (Hit("mac_address", found.start(), found.end(), LIKELY),)


DETECTORS: tuple[Detector, ...] = (
    Detector(name="ipv4", types=("ip_address",), probes=(r"[^0-9A-Za-z.][0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",), look=_look_v4),
    Detector(
        name="ipv6",
        types=("ip_address",),
        probes=(
            r"[^0-9A-Za-z:.][0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}",
            r"[^0-9A-Za-z:.][0-9A-Fa-f]{1,4}::[0-9A-Fa-f/]",
            r"[^0-9A-Za-z:.]::[0-9A-Fa-f]",
        ),
        look=_look_v6,
    ),
    Detector(
        name="mac",
        types=("mac_address",),
        probes=(
            r"[^0-9A-Za-z:.\-][0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:",
            r"[^0-9A-Za-z:.\-][0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-",
            r"[^0-9A-Za-z:.\-][0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        ),
        look=_look_mac,
    ),
)
