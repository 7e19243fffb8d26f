"""How a secret with its issuer's mark is judged: by the form from the table, by what stands before it, and by whether somebody drew it at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from zlib import crc32

from mpp.model.value import value
from mpp.stages.privacy.detector import LIKELY, SURE, Detector, Hit, Place
from mpp.stages.privacy.detectors.secrets import forms
from mpp.stages.privacy.detectors.secrets.table import FORMS
from mpp.stages.privacy.detectors.secrets.values import is_sample
from mpp.stages.privacy.detectors.secrets.wrapped import CONTINUED, unbroken
from mpp.stages.privacy.later import Later
from mpp.stages.privacy.later import on_use

REACH = 4096
"""Characters that a form may take. Reason: the longest forms of the table end before."""

BESIDE_CHARS = 160
"""Characters on both sides of an access key id in which its secret key is looked for. Reason: two lines of a credentials file, or a row of a table."""

BESIDE_LEAVES = 6
"""Leaves on both sides of an access key id in which its secret key is looked for. Reason: an object with three fields between them."""

_WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKED = on_use(r"(?:gh[pours]|npm)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})")


def glued(text: str, at: int) -> bool:
    """A word goes on into ``at``, so nothing begins there. Both characters of an escape (a backslash and n, or %3D) are no word."""
    if at == 0 or text[at - 1] not in _WORD:
        return False
    is_escape = text[at - 2 : at - 1] == "\\" and text[at - 1] in "nrt"
    is_percent = text[at - 3 : at - 2] == "%"
    return not (is_escape or is_percent)


def checksum(token: str) -> bool | None:
    """Whether the last six characters are the CRC-32 of the thirty before them, in base 62; None for tokens of another form."""
    found = _CHECKED.fullmatch(token)
    if found is None:
        return None
    rest, written = crc32(found[1].encode()), ""
    while rest:
        rest, digit = divmod(rest, 62)
        written = _BASE62[digit] + written
    return written.rjust(6, "0") == found[2]


def _issuer(kind: str, written: tuple[str, ...]) -> Detector:
    rows = [(next(forms.parts(form.replace("|", ""))).text, Later(forms.expression(form))) for form in written]

    def look(place: Place) -> Iterator[Hit]:
        text, at = place.text, place.at
        if text[at] in _WORD and glued(text, at):
            return
        reach = min(place.high, at + REACH)
        found = [match for head, row in rows if text.startswith(head, at) and (match := row.form.match(text, at, reach))]
        if not found or CONTINUED.match(text, max(match.end() for match in found), reach):
            yield from broken(place, kind, [row for head, row in rows if text.startswith(head, at)])
        if found:
            best = max(found, key=lambda match: match.end(1))
            if not is_sample(best[1]):
                yield Hit(kind, best.start(1), best.end(1), LIKELY if checksum(best[1]) is False else SURE)

    probes = tuple(dict.fromkeys(forms.probe(form) for form in written))
    return Detector(name=kind, types=(kind,), probes=probes, look=look)


def broken(place: Place, kind: str, forms_here: Iterable[Later]) -> Iterator[Hit]:
    """A token of one of these forms that begins here and goes on in the next line."""
    at = place.at
    whole = unbroken(place.text, at, min(place.high, at + REACH))
    if whole is None:
        return
    for row in forms_here:
        found = row.form.match(whole.text)
        if found and whole.is_broken(*found.span(1)) and not is_sample(found[1]):
            yield Hit(kind, at + found.start(1), whole.end(found.end(1)), LIKELY if checksum(found[1]) is False else SURE)


@value
class Middle:
    """A form that has its mark in the middle: the probe finds the mark, the look goes back over ``letters``, ``back`` of them at most."""

    type: str
    probe: str
    letters: str
    back: int
    form: str
    context: str = ""
    """Words of which one must stand before it or in its key; empty where the form is enough."""
    example: str
    """For tests, in the language of the table."""


MIDDLES = (
    Middle(
        type="telegram_token", probe=r"[0-9]:AA[0-9A-Za-z_-]{32}", letters="d", back=10, form=r"\d{8,10}:AA[\w-]{32,36}(?![\w-])", example="{d:10}:AA{b:33}"
    ),
    Middle(
        type="azure_client_secret",
        probe=r"[0-9]Q~[0-9A-Za-z_.~-]{31}",
        letters="t",
        back=3,
        form=r"[\w.~-]{3}\dQ~[\w.~-]{31,34}",
        example="{w:3}8Q~{b:34}",
    ),
    Middle(
        type="terraform_token",
        probe=r"\.atlasv1\.[0-9A-Za-z_-]{20}",
        letters="w",
        back=14,
        form=r"\w{14}\.atlasv1\.[\w=-]{50,90}",
        example="{w:14}.atlasv1.{b:67}",
    ),
    Middle(
        type="discord_token",
        probe=r"\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27}",
        letters="b",
        back=30,
        form=r"[MNO][\w-]{22,29}\.[\w-]{6}\.[\w-]{27,45}",
        example="MT{w:22}.{b:6}.{b:38}",
    ),
    Middle(
        type="mailgun_key",
        probe=r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}",
        letters="x",
        back=0,
        form=r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w-])",
        example="{x:32}-{x:8}-{x:8}",
    ),
    Middle(type="mailchimp_key", probe=r"[0-9a-f]{32}-us[0-9]", letters="x", back=0, form=r"[0-9a-f]{32}-us\d{1,2}(?!\w)", example="{x:32}-us12"),
    Middle(type="azure_sas", probe=r"[?&;]sig=[0-9A-Za-z%+/]{30}", letters="d", back=0, form=r".sig=([\w%+/]{40,120}(?:=|%3[Dd])?)", example="?sig={w:43}%3D"),
    Middle(type="twilio_key", probe=r"AC[0-9a-f]{32}", letters="w", back=0, form=r"AC[0-9a-f]{32}(?!\w)", context="twilio", example="AC{x:32}"),
    Middle(
        type="twitter_token",
        probe=r"AAAAAAAAAAAAAAAAAAAAA[0-9A-Za-z%]{30}",
        letters="w",
        back=0,
        form=r"A{19,22}[\w%]{50,120}",
        example="AAAAAAAAAAAAAAAAAAAAAM{w:60}%3D{w:30}",
    ),
)
"""Marks in the middle, or none but the lengths."""


def _middle(row: Middle) -> Detector:
    later, edge = Later(row.form, re.ASCII), Later(f"[{forms.CLASSES[row.letters]}]")

    def look(place: Place) -> Iterator[Hit]:
        text, start, form, before = place.text, place.at, later.form, edge.form
        floor = max(place.low, start - row.back)
        while start > floor and before.match(text[start - 1]):
            start -= 1
        if start < place.at and text[start - 1 : start] == "\\" and text[start] in "nrt":
            start += 1
        found = form.match(text, start, min(place.high, place.at + REACH))
        if found is None or (start > place.low and before.match(text[start - 1]) and not _escaped(text, start)):
            return
        if not row.context or row.context in place.before() or row.context in place.key.lower():
            yield Hit(row.type, *found.span(form.groups), SURE)

    return Detector(name=f"{row.type}_form", types=(row.type,), probes=(row.probe,), look=look)


def _escaped(text: str, at: int) -> bool:
    return text[at - 1] in _WORD and not glued(text, at)


_SECRET_KEY = on_use(r"(?<![0-9A-Za-z+/=])[0-9A-Za-z+/]{40}(?![0-9A-Za-z+/=])")
_MIXED: tuple[Callable[[str], object], ...] = (on_use("[a-z]").search, on_use("[A-Z]").search, on_use("[0-9]").search)


def _beside_key_id(place: Place) -> Iterator[Hit]:
    """The secret key that stands beside an access key id: forty characters of base64 say nothing, forty beside an id say enough."""
    text, at = place.text, place.at
    if glued(text, at):
        return
    end = min(place.high, at + 20)
    for low, high in ((max(place.low, at - BESIDE_CHARS), at), (end, min(place.high, end + BESIDE_CHARS))):
        yield from _secret_keys(text, low, high)
    arena, leaf = place.arena, place.leaf
    for other in range(max(0, leaf - BESIDE_LEAVES), min(len(arena.spots), leaf + BESIDE_LEAVES + 1)):
        # The length first: to ask where a leaf stands costs more, and few have just this one.
        if len(arena.texts[other]) == 40 and other != leaf and arena.spots[other].holder is arena.spots[leaf].holder:
            yield from _secret_keys(text, arena.starts[other], arena.end_of(other))


def _secret_keys(text: str, low: int, high: int) -> Iterator[Hit]:
    for found in _SECRET_KEY.finditer(text, low, high):
        if all(search(found[0]) for search in _MIXED):
            yield Hit("aws_secret_key", *found.span(), LIKELY)


DETECTORS = (
    *(_issuer(kind, written) for kind, written in FORMS.items()),
    *(_middle(row) for row in MIDDLES),
    Detector(name="aws_secret_key", types=("aws_secret_key",), probes=tuple(f"{name}[0-9A-Z]{{16}}" for name in ("AKIA", "ASIA")), look=_beside_key_id),
)
