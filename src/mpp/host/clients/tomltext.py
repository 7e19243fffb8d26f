"""TOML as people write it: which lines belong to which table, so that a table is added or taken out and every other byte stays."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping

from mpp.errors import Refused
from mpp.host.clients.limits import CONFIG_DEPTH_MAX
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

_PIECE = re.compile(
    r'"""[^"\\]*+(?:(?:\\[\s\S]|"{1,2}(?!"))[^"\\]*+)*"{3,5}|'
    r"'''[^']*+(?:'{1,2}(?!')[^']*+)*'{3,5}|"
    r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"|'
    r"'[^'\n]*+'|#[^\n]*+|[\[\]{}\n]|[^\"'#\[\]{}\n]++"
)
_KEY = re.compile(r"""[ \t]*+([A-Za-z0-9_-]+|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"|'[^'\n]*+')[ \t]*+(\.?)""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@value
class Statement:
    """A header of a table or a ``key = value``, with the lines that it takes."""

    path: tuple[str, ...]
    """Its whole path, from the root."""
    start: int
    end: int


def read_toml(text: str, where: str) -> dict[str, Json]:
    """What the text means. Dates become text, because no server needs one."""
    if max(text.count("["), text.count("{")) > CONFIG_DEPTH_MAX * 1000:
        raise Refused("host.client_syntax", "too many brackets", where=where, hint="make the file smaller")
    try:
        found = _plain(tomllib.loads(text), CONFIG_DEPTH_MAX)
    except tomllib.TOMLDecodeError as fault:
        # Its words name the line and no value.
        raise Refused("host.client_syntax", f"not TOML: {shown(str(fault), 160)}", where=where, hint="mend the file at that place") from None
    except (RecursionError, ValueError):
        raise Refused("host.client_syntax", f"nested deeper than {CONFIG_DEPTH_MAX} levels", where=where, hint="flatten the file") from None
    return found if isinstance(found, dict) else {}


def _plain(item: object, depth: int) -> Json:
    if depth == 0:
        raise ValueError("depth")
    if isinstance(item, dict):
        return {str(key): _plain(one, depth - 1) for key, one in item.items()}
    if isinstance(item, list):
        return [_plain(one, depth - 1) for one in item]
    return item if isinstance(item, bool | int | float | str) else str(item)


def statements(text: str) -> Iterator[Statement]:
    """The statements of a text that ``read_toml`` has taken."""
    at = 0
    table: tuple[str, ...] = ()
    while at < len(text):
        end = _line_end(text, at)
        first = text[at:end].lstrip(" \t")
        if first.startswith("["):
            table = _dotted(first.lstrip("["))
            yield Statement(path=table, start=at, end=end)
        elif first.strip("\r\n") and not first.startswith("#"):
            yield Statement(path=(*table, *_dotted(first)), start=at, end=end)
        at = end


def _line_end(text: str, at: int) -> int:
    """Behind the line end of the statement at ``at``: the first that stands in no bracket and in no text."""
    depth = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            return len(text)
        at, piece = found.end(), found[0]
        if piece == "\n" and depth == 0:
            return at
        depth += (piece in "[{") - (piece in "]}") if len(piece) == 1 else 0
    return at


def _dotted(text: str) -> tuple[str, ...]:
    path: list[str] = []
    at = 0
    while (found := _KEY.match(text, at)) is not None:
        path.append(_name(found[1]))
        at = found.end()
        if not found[2]:
            break
    return tuple(path)


def _name(written: str) -> str:
    if written[0] == '"':
        return str(tomllib.loads(f"k = {written}")["k"])
    return written[1:-1] if written[0] == "'" else written


def without_tables(text: str, paths: frozenset[tuple[str, ...]]) -> str:
    """The text without everything below ``paths``. Comments on lines of their own stay."""
    pieces: list[str] = []
    at = 0
    for one in statements(text):
        if not any(one.path[: len(path)] == path for path in paths):
            continue
        kept = text[at : one.start]
        # The blank line that sets a table off goes with it.
        blank = re.search(r"(?:\A|\n)(\r?\n)\Z", kept)
        pieces.append(kept[: blank.start(1)] if blank and _is_header(text, one) else kept)
        at = one.end
    return "".join(pieces) + text[at:]


def _is_header(text: str, one: Statement) -> bool:
    return text[one.start : one.end].lstrip(" \t").startswith("[")


def with_table(text: str, path: tuple[str, ...], items: Mapping[str, Json], where: str) -> str:
    """The text with a table at its end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lead = "" if not text else newline if text.endswith("\n") else newline * 2
    lines = [f"[{'.'.join(map(_key, path))}]", *(f"{_key(key)} = {_value(item, where)}" for key, item in items.items())]
    return text + lead + "".join(line + newline for line in lines)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(item: Json, where: str) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, list):
        return f"[{', '.join(_value(one, where) for one in item)}]"
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one, where)}" for key, one in item.items()) + " }" if item else "{}"
    raise Refused("host.client_form", "TOML has no null", where=where, hint="put the server back by hand")
