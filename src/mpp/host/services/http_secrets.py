"""Secrets at the network boundary: put into a header, looked for in what leaves, taken out of what comes back.

A server that is trusted with a secret can always hand it on in a form that nobody recognises. What is found here is the
echo: the value itself and its common encodings, as debug pages and error messages of services show them.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from functools import cached_property
from html import escape
from urllib.parse import quote, quote_plus

from mpp.host.services.http_limits import SECRET_VALUE_MAX, SHORTEST_ENCODED, SHORTEST_NEEDLE
from mpp.host.services.http_types import Headers, Stopped, Target
from mpp.model.capabilities import PLACEHOLDER
from mpp.model.hosts import WEB_PORTS
from mpp.model.secretvalue import SecretValue

_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_CODED = re.compile(rb"%([0-9A-Fa-f]{2})|\\u00([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|&#0{0,5}([0-9]{1,3});|&#[xX]0{0,5}([0-9A-Fa-f]{1,2});|\\(.)", re.DOTALL)
_FIRST_BITS = (0, 2, 3)
"""Characters of base64 that bytes before the value have a part in, for none, one and two such bytes."""


def for_target(secrets: tuple[SecretValue, ...], target: Target) -> tuple[SecretValue, ...]:
    """The secrets that belong to this origin. Never over plain http."""
    place = target.host if target.port == WEB_PORTS["https"] else f"{target.host}:{target.port}"
    return tuple(one for one in secrets if target.scheme == "https" and one.secret.host == place)


def taken_headers(secrets: tuple[SecretValue, ...]) -> frozenset[str]:
    return frozenset(one.secret.header.lower() for one in secrets)


def injected(secrets: tuple[SecretValue, ...]) -> Headers:
    """The headers that the secrets fill."""
    out: list[tuple[str, str]] = []
    for one in secrets:
        text = one.secret.format.replace(PLACEHOLDER, one.value)
        if not one.value or len(text) > SECRET_VALUE_MAX or _HEADER_VALUE.fullmatch(text) is None:
            raise Stopped("unavailable", f"the value of the secret {one.secret.name} cannot stand in a header")
        out.append((one.secret.header, text))
    if len(taken_headers(secrets)) != len(out):
        raise Stopped("unavailable", "two secrets fill the same header")
    return tuple(out)


class Haystack:
    """Bytes to be searched, and their other readings, each made once however many secrets are looked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def lower(self) -> bytes:
        return self.data.lower()

    @cached_property
    def decoded(self) -> bytes:
        """With escapes of addresses, JSON, HTML and programs resolved."""
        return _plain(self.data)

    @cached_property
    def decoded_twice(self) -> bytes:
        """Attack: an address inside of an address, a document inside of a document; each is escaped once more."""
        return _plain(self.decoded)

    @cached_property
    def joined(self) -> bytes:
        """Without spaces, line ends and zeros."""
        return self.data.translate(None, b" \t\r\n\0")


class Needles:
    """One secret and the forms it is recognised in."""

    def __init__(self, secret: SecretValue) -> None:
        self.name = secret.secret.name
        self.mark = f"[secret {self.name}]".encode()
        self._raw = secret.value.encode()
        self._hex = self._raw.hex().encode()
        self._forms = _forms(secret.value) if len(self._raw) >= SHORTEST_NEEDLE else ()

    def __repr__(self) -> str:
        return f"Needles({self.name})"

    def within(self, text: Haystack) -> bool:
        """Does ``text`` hold the secret in any form?"""
        return any(form in text.data for form in self._forms) or self._hidden(text)

    def redact(self, text: Haystack) -> Haystack:
        """``text`` without the secret; the same object if the secret was not in it."""
        cleaned = text.data
        for form in self._forms:
            cleaned = cleaned.replace(form, self.mark)
        after = text if cleaned == text.data else Haystack(cleaned)
        # In a form that has no fixed length the whole is withheld.
        return Haystack(self.mark) if self._hidden(after) else after

    def _hidden(self, text: Haystack) -> bool:
        if not self._forms:
            return False
        if len(self._hex) >= SHORTEST_ENCODED and self._hex in text.lower:
            return True
        if text.decoded != text.data and (self._raw in text.decoded or self._raw in text.decoded_twice):
            return True
        # Attack: an encoding that is broken over lines, as in mail.
        return len(text.joined) != len(text.data) and any(form in text.joined for form in self._forms if len(form) >= SHORTEST_ENCODED)


def _plain(data: bytes) -> bytes:
    return _CODED.sub(_decoded, data) if any(sign in data for sign in (b"%", b"\\", b"&#")) else data


def _decoded(match: re.Match[bytes]) -> bytes:
    for group in (1, 2, 3, 5):
        if match[group]:
            return bytes((int(match[group], 16),))
    if match[4]:
        return bytes((int(match[4]) & 0xFF,))
    return match[6]


def _forms(text: str) -> tuple[bytes, ...]:
    raw = text.encode()
    quoted = json.dumps(text)[1:-1]
    percent = quote(text, safe="")
    coded = {
        *(
            one.encode()
            for one in (quoted, quoted.replace("/", "\\/"), percent, percent.lower(), quote_plus(text), quote(text), escape(text), escape(text, quote=False))
        ),
        *(raw.hex().encode(), raw.hex().upper().encode()),
        *(form for before in range(3) for form in _base64(raw, before)),
        *(text.encode(f"utf-16-{order}") for order in ("le", "be")),
    }
    # The longest first: a form may stand inside another.
    return tuple(sorted({raw, *(one for one in coded if len(one) >= SHORTEST_ENCODED)}, key=lambda one: (-len(one), one)))


def _base64(raw: bytes, before: int) -> tuple[bytes, bytes]:
    """The characters that ``raw`` alone decides, when ``before`` bytes stand before it."""
    whole = bytes(before) + raw
    end = len(whole) * 8 // 6
    padded = whole + bytes(-len(whole) % 3)
    return b64encode(padded)[_FIRST_BITS[before] : end], urlsafe_b64encode(padded)[_FIRST_BITS[before] : end]


def check_outgoing(needles: tuple[Needles, ...], url: str, headers: Headers, body: bytes) -> None:
    """``Stopped`` if a guest sends a secret itself, wherever it goes.

    Attack: a tool that got hold of a value, from an echo or from its author, and carries it to another host.
    """
    head = Haystack("\n".join((url, *(f"{name}: {text}" for name, text in headers))).encode())
    whole = Haystack(body)
    for one in needles:
        if one.within(head) or one.within(whole):
            raise Stopped("not_granted", f"the request holds the secret {one.name} itself; the host alone sends it")


def clean_answer(needles: tuple[Needles, ...], headers: Headers, body: bytes) -> tuple[Headers, bytes, tuple[str, ...]]:
    """Headers and body without the secrets, and the names of those that were there."""
    echoed: list[str] = []
    whole = Haystack(body)
    for one in needles:
        cleaned, after = _clean_headers(one, headers), one.redact(whole)
        if cleaned != headers or after is not whole:
            echoed.append(one.name)
        headers, whole = cleaned, after
    return headers, whole.data, tuple(echoed)


def _clean_headers(one: Needles, headers: Headers) -> Headers:
    """A header that is named after a secret goes whole."""
    kept = (
        (name, one.redact(Haystack(text.encode("latin-1"))).data.decode("latin-1"))
        for name, text in headers
        if not one.within(Haystack(name.encode("latin-1")))
    )
    return tuple(kept)
