"""Secrets in files whose form says where they stand: keys as JSON objects (JWK), a ``.pgpass``, an object of Kubernetes that is called Secret, a value that is marked."""

from __future__ import annotations

from collections.abc import Iterator

from mpp.stages.privacy.arena import Spot, Spots
from mpp.stages.privacy.detector import LIKELY, SURE, Detector, Hit, Place
from mpp.stages.privacy.detectors.secrets import nested
from mpp.stages.privacy.detectors.secrets.values import MIXED, OPEN, is_secret
from mpp.stages.privacy.later import on_use

KEY_CHARS_MAX = 16_384
"""Characters of one key as JSON on either side of its kind. Reason: an RSA key of 16,384 bits has nine thousand and a chain of certificates as many."""

MEMBER_CHARS_MIN = 16
"""Characters of a private member of a key. Reason: the shortest key in use has 128 bits."""

LINE_CHARS_MAX = 512
"""Characters of a line of a password file. Reason: names of hosts have 253, and passwords of machines a hundred."""

DOCUMENT_CHARS_MAX = 65_536
"""Characters of one object on either side of its kind. Reason: a megabyte is allowed for a Secret, but only those of files come near."""

MARKED_CHARS_MAX = 4_096
"""Characters around the mark of a value in which it is looked for. Reason: a certificate fits."""

_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "k", "priv"))
_MEMBER = on_use(r'\\?"(?:d|p|q|dp|dq|qi|k|priv)\\?"\s{0,8}:\s{0,8}\\?"([\w-]{16,12000})')


def _json_key(place: Place) -> Iterator[Hit]:
    """The private members of a key: RFC 7518 section 6, RFC 8037. A public key has none of them and stays."""
    text, arena, spot = place.text, place.arena, place.arena.spots[place.leaf]
    if spot.is_key and isinstance(spot.holder, dict) and isinstance(arena.spots, Spots):
        for leaf in (arena.spots.leaf_of(spot.holder, step) for step in spot.holder if step in _PRIVATE):
            if leaf >= 0 and len(arena.texts[leaf]) >= MEMBER_CHARS_MIN:
                yield Hit("private_key", arena.starts[leaf], arena.end_of(leaf), SURE)
        return
    low, high = max(place.low, place.at - KEY_CHARS_MAX), min(place.high, place.at + KEY_CHARS_MAX)
    first, last = text.rfind("{", low, place.at), text.find("}", place.at, high)
    # Attack: an object of nothing but kinds, each of which would read all of it.
    if first >= 0 and text.find('kty"', first, place.at) < 0:
        for found in _MEMBER.finditer(text, first, high if last < 0 else last):
            yield Hit("private_key", *found.span(1), SURE)


_PASS_LINE = on_use(r"(?:[^:\s\\]|\\.){1,253}:(?:\d{2,5}|\*):(?:[^:\n\\]|\\.){1,63}:(?:[^:\n\\]|\\.){1,63}:((?:[^:\s\\]|\\.){3,128})[ \t\r]{0,4}")
"""Host, port, database, user and password; a colon within one has a backslash before it."""


def _pass_line(place: Place) -> Iterator[Hit]:
    text = place.text
    first = max(text.rfind("\n", max(place.low, place.at - LINE_CHARS_MAX), place.at) + 1, place.low)
    last = text.find("\n", place.at, min(place.high, place.at + LINE_CHARS_MAX))
    found = _PASS_LINE.fullmatch(text, first, place.high if last < 0 else last) if place.at - first < LINE_CHARS_MAX else None
    if found and is_secret(found[1], MIXED if text.startswith(":*:", place.at) else OPEN, quoted=True):
        yield Hit("password", *found.span(1), LIKELY)


_DATA = ("data", "stringData")
_SECTION = on_use(r"""([ \t]*)["']?(?:data|stringData)["']?:[ \t]{0,4}\{?[ \t\r]{0,4}""")
_ENTRY = on_use(r"""([ \t]*)["']?[\w.-]{1,253}["']?:[ \t]{1,4}["']?([^\s"',|>]{4,65536})["']?,?[ \t\r]*""")
_INDENT = on_use(r"[ \t]*")


def _spot(place: Place) -> Spot | None:
    """The spot of a leaf that is the whole word, the mark before which is where its probe began; None where the word is part of a text."""
    arena = place.arena
    return arena.spots[arena.leaf_at(place.at + 2)] if place.text[place.at] == "\x00" else None


def _named_secret(place: Place) -> Iterator[Hit]:
    """Every value of an object that its system calls a secret, whatever the value is called."""
    arena, spot = place.arena, _spot(place)
    if spot is None:
        yield from _written_secret(place)
    elif spot.step == "kind" and isinstance(spot.holder, dict) and isinstance(arena.spots, Spots):
        inside = [item for key in _DATA if isinstance(item := spot.holder.get(key), dict)]
        for leaf in (arena.spots.leaf_of(item, step) for item in inside for step in item):
            if leaf >= 0 and len(arena.texts[leaf]) > 3:
                yield Hit("secret_value", arena.starts[leaf], arena.end_of(leaf), LIKELY)


def _written_secret(place: Place) -> Iterator[Hit]:
    """The same as text, in YAML or indented JSON: the lines around that are indented as much as the kind, or more, are its object."""
    text, at = place.text, place.at
    line = max(text.rfind("\n", place.low, at) + 1, place.low)
    indent = _indent(text, line)
    low = line
    for before in reversed(text[max(place.low, line - DOCUMENT_CHARS_MAX) : line].splitlines(keepends=True)):
        # Attack: kinds only, each of which would read all lines around it.
        if (before.strip() and _indent(before, 0) < indent) or before.startswith("---") or before == text[line : line + len(before)]:
            break
        low -= len(before)
    section = -1
    for said in text[low : min(place.high, line + DOCUMENT_CHARS_MAX)].splitlines(keepends=True):
        here = _indent(said, 0)
        if low > line and (said.startswith("---") or (here < indent and said.strip())):
            return
        low += len(said)
        if not said.strip():
            continue
        section = here if here == indent and _SECTION.fullmatch(said.rstrip("\n")) else section if here > section else -1
        entry = _ENTRY.fullmatch(said.rstrip("\n")) if 0 <= section < here else None
        if entry is not None and not entry[2].startswith(("{", "[")):
            yield Hit("secret_value", low - len(said) + entry.start(2), low - len(said) + entry.end(2), LIKELY)


def _indent(text: str, at: int) -> int:
    found = _INDENT.match(text, at)
    return found.end() - at if found else 0


_VALUE = on_use(r'"value"\s{0,8}:\s{0,8}"((?>(?:[^"\\\n]|\\.){3,4096}))"')


def _marked(place: Place) -> Iterator[Hit]:
    """The value beside ``"sensitive": true``, as a tool for machines marks what it prints."""
    text, arena, spot = place.text, place.arena, _spot(place)
    if spot is None:
        first, last = (
            text.rfind("{", max(place.low, place.at - MARKED_CHARS_MAX), place.at),
            text.find("}", place.at, min(place.high, place.at + MARKED_CHARS_MAX)),
        )
        found = _VALUE.search(text, first, last) if 0 <= first < last else None
        if found:
            yield Hit("secret_value", *found.span(1), LIKELY)
    elif spot.is_key and spot.item is True and isinstance(spot.holder, dict) and isinstance(arena.spots, Spots):
        inside = spot.holder.get("value")
        for leaf in nested.every(arena, inside) if isinstance(inside, dict | list) else [arena.spots.leaf_of(spot.holder, "value")]:
            place.watch()
            if leaf >= 0 and len(arena.texts[leaf]) > 2:
                yield Hit("secret_value", arena.starts[leaf], arena.end_of(leaf), LIKELY)


DETECTORS = (
    Detector(name="marked_sensitive", types=("secret_value",), probes=(r"\x00\nsensitive\n", '"sensitive": true', '"sensitive":true'), look=_marked),
    Detector(name="json_web_key", types=("private_key",), probes=(r"kty\n", 'kty"', r'kty\\"'), look=_json_key),
    Detector(name="pgpass", types=("password",), probes=(":5432:", ":5433:", ":6432:", r":\*:"), look=_pass_line),
    Detector(
        name="kubernetes_secret",
        types=("secret_value",),
        probes=(r"\x00\nSecret\n", r"kind: Secret\n", r"kind: Secret\r", 'kind": "Secret"', 'kind":"Secret"'),
        look=_named_secret,
    ),
)
