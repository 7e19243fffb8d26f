"""Reads the YAML ``permissions`` block of the oldest texts on MPP and says it as capabilities of a manifest. Of YAML it knows what that block needs, and refuses the rest.

Known: mappings by indentation, lists as ``[a, b]`` or as lines that begin with ``-``, plain and quoted texts, comments. No anchors, tags, several documents or texts of several lines.
"""

from __future__ import annotations

import re

from mpp.author.migrating.limits import PERMISSIONS_BYTES_MAX, PERMISSIONS_LINES_MAX
from mpp.errors import Refused
from mpp.model.capabilities import read_capabilities
from mpp.model.fields import near
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

BLOCK = "permissions"

# Where each list goes: the block, its key, and the place among the capabilities.
_PLACES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("filesystem", "read"): ("filesystem", "read"),
    ("filesystem", "write"): ("filesystem", "write"),
    ("network", "outbound"): ("network",),
    ("env",): ("env_vars",),
}

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?:[ ]+(.*))?")
_PLAIN = re.compile(r"[A-Za-z0-9_./~$*][^\[\]{},#&!|>'\"%@`:]*(?::[^\s\[\]{},#'\":]+)*")
_QUOTED = re.compile(r"\"([^\"\\]*)\"|'([^']*)'")


@value
class Line:
    number: int
    indent: int
    text: str


@value
class Permissions:
    capabilities: dict[str, Json]
    others: tuple[str, ...]
    """Keys beside the block at the top of the file, which are passed over."""


def read_permissions(data: bytes, where: str) -> Permissions:
    """The block as capabilities, judged by the reader of manifests."""
    lines = _lines(data, where)
    top = [line for line in lines if line.indent == 0]
    names = [_key(line, where)[0] for line in top]
    if names.count(BLOCK) != 1:
        raise Refused("usage.file", f"the file has not exactly one block {BLOCK!r} at its top", where=where, hint="give a file with a line `permissions:`")
    at = names.index(BLOCK)
    if _key(top[at], where)[1]:
        raise _wrong(top[at], where, f"nothing stands behind {BLOCK!r} on its line")
    end = top[at + 1].number if at + 1 < len(top) else PERMISSIONS_LINES_MAX + 1
    found = _lists([line for line in lines if top[at].number < line.number < end], where)
    capabilities = _placed(found)
    _, faults = read_capabilities(capabilities, "/capabilities", newer=False, optional=frozenset())
    if faults:
        raise Refused.of(faults)
    return Permissions(capabilities=capabilities, others=tuple(name for name in names if name != BLOCK))


def _lines(data: bytes, where: str) -> list[Line]:
    if len(data) > PERMISSIONS_BYTES_MAX or data.count(b"\n") >= PERMISSIONS_LINES_MAX:
        raise Refused(
            "usage.file", f"the file has more than {PERMISSIONS_BYTES_MAX} bytes or {PERMISSIONS_LINES_MAX} lines", where=where, hint="give a smaller file"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("usage.file", "the file is not UTF-8", where=where, hint="save it as UTF-8") from None
    out: list[Line] = []
    for number, raw in enumerate(text.split("\n"), 1):
        bare = _without_comment(raw.rstrip("\r"))
        line = Line(number=number, indent=len(bare) - len(bare.lstrip(" ")), text=bare.strip(" "))
        if "\t" in bare:
            raise _wrong(line, where, "a tab stands in it")
        if line.text and not (line.text == "---" and not out):
            out.append(line)
    return out


def _without_comment(text: str) -> str:
    """Up to a ``#`` that begins a comment: at the start or after a space, outside of quotes."""
    quote = ""
    for at, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "#" and (at == 0 or text[at - 1] == " "):
            return text[:at].rstrip()
    return text.rstrip()


def _lists(lines: list[Line], where: str) -> dict[tuple[str, ...], list[str]]:
    """Each list with the keys that lead to it."""
    out: dict[tuple[str, ...], list[str]] = {}
    open_: list[tuple[int, str]] = []
    for line in lines:
        if line.text.startswith("- ") or line.text == "-":
            # A list may stand as deep as its key, or deeper.
            while open_ and open_[-1][0] > line.indent:
                open_.pop()
            path = tuple(name for _, name in open_)
            if path not in out or path not in _PLACES:
                raise _wrong(line, where, "a list item without a list that is known")
            out[path].append(_text(line, line.text[1:].strip(), where))
            continue
        while open_ and open_[-1][0] >= line.indent:
            open_.pop()
        key, rest = _key(line, where)
        open_.append((line.indent, key))
        path = tuple(name for _, name in open_)
        _known(line, path, where)
        if path in out:
            raise _wrong(line, where, "the key stands twice")
        out[path] = _flow(line, rest, where) if rest else []
    return out


def _known(line: Line, path: tuple[str, ...], where: str) -> None:
    if not any(place[: len(path)] == path for place in _PLACES):
        names = sorted({place[len(path) - 1] for place in _PLACES if len(place) >= len(path) and place[: len(path) - 1] == path[:-1]})
        raise _wrong(line, where, f"the key {shown('.'.join(path))!r} is not known", near(path[-1], names) or f"known here: {', '.join(names) or 'none'}")


def _key(line: Line, where: str) -> tuple[str, str]:
    found = _KEY.fullmatch(line.text)
    if found is None:
        raise _wrong(line, where, "this is no `key:` and no list item")
    return found[1], found[2] or ""


def _flow(line: Line, text: str, where: str) -> list[str]:
    if not (text.startswith("[") and text.endswith("]")):
        raise _wrong(line, where, "a list in brackets is expected, on one line")
    inside, out = text[1:-1].strip(), []
    while inside:
        found = _QUOTED.match(inside) or _PLAIN.match(inside)
        if found is None:
            raise _wrong(line, where, "a text of this list cannot be read")
        out.append(_text(line, found[0].strip(), where))
        inside = inside[found.end() :].strip()
        if inside and not inside.startswith(","):
            raise _wrong(line, where, "a comma is expected between texts")
        inside = inside[1:].strip()
    return out


def _text(line: Line, text: str, where: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return quoted[1] if quoted[1] is not None else quoted[2]
    if _PLAIN.fullmatch(text) is None:
        raise _wrong(line, where, "a text that is plain or in quotes is expected")
    return text


def _placed(found: dict[tuple[str, ...], list[str]]) -> dict[str, Json]:
    files: dict[str, Json] = {"read": [], "write": []}
    out: dict[str, Json] = {"network": [], "filesystem": files, "env_vars": []}
    for path, texts in found.items():
        place = _PLACES.get(path)
        if place is not None and place[0] == "filesystem":
            files[place[-1]] = [*texts]
        elif place is not None:
            out[place[0]] = [*texts]
    return out


def _wrong(line: Line, where: str, message: str, hint: str = "") -> Refused:
    more = "read is: key: [a, b], or a key and below it lines that begin with -"
    return Refused("usage.file", f"{message}: {shown(line.text)!r}", where=f"{where}:{line.number}", hint=hint or more)
