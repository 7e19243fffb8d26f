"""Mail addresses as they are written, spelled out or half hidden, and names with passwords in URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mpp.stages.privacy.detector import Detector, Hit, LIKELY, Place, SURE, WEAK
from mpp.stages.privacy.later import on_use

LOCAL_MAX = 64
"""Characters of the part before the @. Reason: RFC 5321, 4.5.3.1.1."""

DOMAIN_MAX = 255
"""Characters of a domain. Reason: RFC 5321, 4.5.3.1.2."""

SPELLED_MAX = 96
"""Characters on either side of a spelled-out "at" or "dot". Reason: a name of three words and a domain of three fit."""

USERINFO_MAX = 256
"""Characters of a name or password in a URL. Reason: tokens that serve as passwords are about this long."""

# Read backwards from the @.
_LOCAL = on_use(r"[\w.%+'-]+")
_QUOTED = on_use(r'"[\w.+-][^"\n]{0,60}[\w.+-]"(?!\w)')
_DOMAIN = on_use(r"\w[\w-]{0,62}(?:\.\w[\w-]{0,62}){1,8}")
_LITERAL = on_use(r"\[[0-9A-Fa-f:.]{3,45}\]")
_BARE = on_use(r"[A-Za-z][A-Za-z0-9-]{1,62}")
_TOP = on_use(r"(?:xn--[0-9A-Za-z-]{1,59}|[^\W\d_]{2,63})(?![^\W_])")
_NUMBERED = on_use(r"v?[0-9]+\.[0-9]|[1-9]x\.(?:png|jpe?g|gif|webp|svg|avif)$")
_REPOSITORY = on_use(r":(?:~?/|[\w.~-]{1,100}/[\w.~-])")
_IN_URL = on_use(r"://[^\s/?#@]*$")
_CALLED = on_use(r"(?:e-?mail|mail ?to|\bupi|correo|courriel|почт)[\w ]{0,16}\W{0,4}$")
_CALLED_KEY = on_use(r"(?i)e?mail|upi")


def _look_email(place: Place) -> Iterable[Hit]:
    text, low = place.text, place.low
    sign = text.find("@", max(place.at, low), min(place.high, place.at + 3))
    if sign < 0:
        return ()
    domain = _domain(place, sign + 1)
    if not domain and not (domain := _bare(place, sign)):
        return ()
    start = _local(text, low, sign)
    if start == sign or _IN_URL.search(text, max(low, start - LOCAL_MAX), start):
        return ()
    # user@host:path names a file or a repository on a machine, not a mailbox.
    if _REPOSITORY.match(text, domain, place.high):
        return ()
    return (Hit("email", start, domain, LIKELY),)


def _local(text: str, low: int, sign: int) -> int:
    """Where the part before the @ begins."""
    window = text[max(low, sign - LOCAL_MAX - 2) : sign][::-1]
    found = _QUOTED.match(window) or _LOCAL.match(window)
    if found is None:
        return sign
    name = found[0][::-1]
    return sign - (len(name) if name[0] == '"' else len(name.lstrip(".%+'-")))


def _domain(place: Place, start: int) -> int:
    """Where the domain ends; 0 where it is none, or is the version of a package, the name of a picture or a call in code."""
    text, high = place.text, min(place.high, start + DOMAIN_MAX)
    literal = _LITERAL.match(text, start, high)
    if literal is not None:
        return literal.end()
    found = _DOMAIN.match(text, start, high)
    if found is None or _NUMBERED.match(text, start, found.end()):
        return 0
    # "a@example.com.1" and "a@example.com-office": the domain ends with its last label that can be one.
    name = found[0]
    while (top := _TOP.match(name, name.rfind(".") + 1)) is None:
        name = name[: name.rfind(".")]
        if "." not in name:
            return 0
    end = start + top.end()
    return 0 if text[end : min(end + 1, place.high)] == "(" else end


def _bare(place: Place, sign: int) -> int:
    """user@host without a dot, where a word says that it is an address."""
    found = _BARE.match(place.text, sign + 1, place.high)
    if found is None or place.text[found.end() : min(found.end() + 1, place.high)] in {"/", "@", "("}:
        return 0
    begin = _local(place.text, place.low, sign)
    before = place.text[max(place.low, begin - 32) : begin].lower()
    return found.end() if _CALLED.search(before) or _CALLED_KEY.search(place.key) else 0


_AT, _DOT = r" ?[\[({<] ?(?:at|@) ?[\])}>] ?", r" ?[\[({<] ?(?:dot|\.) ?[\])}>] ?"
_BRACKETS = on_use(rf"[\w+-]{{1,64}}(?:(?:{_DOT}|\.)[\w+-]{{1,64}}){{0,3}}{_AT}[\w-]{{1,63}}(?:(?:{_DOT}|\.| dot )[\w-]{{1,63}}){{1,4}}", re.IGNORECASE)
_SPELLED = on_use(r"(?:[\w+-]{1,64}(?: dot |\.)){0,3}[\w+-]{1,64} at [\w-]{1,63}(?: dot [\w-]{2,63}){1,3}", re.IGNORECASE)
_AT_ALL = on_use(r"[\[({< ](?:at|@)[\])}> ]", re.IGNORECASE)
_WRITE = on_use(r"mail|contact|reach|write|address|send|ping|message|correo|schreib")


def _look_spelled(place: Place) -> Iterable[Hit]:
    text = place.text
    low, high = max(place.low, place.at - SPELLED_MAX), min(place.high, place.at + SPELLED_MAX)
    window = text[low:high]
    if _AT_ALL.search(window) is None:
        return ()
    for form, sure in ((_BRACKETS, LIKELY), (_SPELLED, WEAK)):
        for found in form.finditer(window):
            start, end = found.span()
            is_here = low + start <= place.at < low + end
            if is_here and (sure == LIKELY or _WRITE.search(window[max(0, start - 48) : start].lower())):
                return (Hit("email", low + start, low + end, sure),)
    return ()


# A port is no password. An unencoded @ or / may stand in one all the same.
_USERINFO = on_use(r"([^\s/?#@:\"'<>]{0,256}):(?![0-9]{1,5}(?:[/?#,]|$))([^\s@\"'<>]{1,256}(?:@[^\s/@\"'<>]{0,64}(?=@))?)@")
_TOKEN = on_use(r"(?=[^@]{0,64}[0-9])(?=[^@]{0,64}[A-Za-z])([0-9A-Za-z_.~-]{16,256})@")
_BLANK = on_use(r"[*xX.]+|[$%{\[].*")


def _look_url(place: Place) -> Iterable[Hit]:
    text = place.text
    start = text.find("://", place.at, place.at + 4) + 3
    high = min(place.high, start + 2 * USERINFO_MAX + 2)
    found = _USERINFO.match(text, start, high)
    if found is not None:
        # A blank for the reader to fill in, such as ${PASSWORD}, is nobody's.
        return () if _BLANK.fullmatch(found[2]) else (Hit("url_credentials", start, found.end() - 1, SURE),)
    found = _TOKEN.match(text, start, high)
    return () if found is None else (Hit("url_credentials", start, found.end() - 1, LIKELY),)


DETECTORS: tuple[Detector, ...] = (
    Detector(name="email", types=("email",), probes=(r"[!-?A-~\x80-\xff]@[0-9A-Za-z\x80-\xff\[]",), look=_look_email),
    Detector(
        name="email_spelled",
        types=("email",),
        probes=(r"(?i)[\[({<_ -]dot[\])}>_ -]", r"(?i)[\[({<] ?(?:at|@) ?[\])}>]"),
        look=_look_spelled,
    ),
    Detector(
        name="url_credentials",
        types=("url_credentials",),
        probes=(r"://[!-.0-9;-?A-~\x80-\xff]{0,64}:[!-.0-~]", r"://[0-9A-Za-z_.~-]{16,64}@"),
        look=_look_url,
    ),
)
