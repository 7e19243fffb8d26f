"""JSON in and out: strict reading of untrusted bytes, and the canonical form of signed documents.

Spec: spec/keys.md section 2 (canonical JSON). The canonical form is the RFC 8785 subset in which no
number is a float, each integer fits 53 bits and each key is ASCII; for that subset the standard
library's encoder gives exactly the RFC 8785 bytes (held by tests against an independent encoder).
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TypeAlias

from mpp.errors import Refused
from mpp.limits import JSON_DEPTH_MAX, JSON_INT_MAX, JSON_VALUES_MAX, TEXT_SHOWN_MAX

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


class _DuplicateKeyError(ValueError):
    """A key stands twice in one object; two readers could pick different ones."""


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _DuplicateKeyError(twice)
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _no_constant(text: str) -> float:
    raise ValueError(text)


_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_OTHER_ESCAPES = re.compile(rb"\\[^u]", re.DOTALL)
_LONE_HALF = re.compile(rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F])")
"""Where each backslash begins the escape of a character by its number: a first half without a second one, or a second one without a first."""

_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)


def read(data: bytes, *, family: str, where: str) -> Json:
    """Read one JSON document strictly: UTF-8, no duplicate key, no NaN, bounded depth, nothing after it.

    The caller bounds ``len(data)``. Refusals are ``<family>.json``.
    """
    code = family + ".json"
    # Attack: two bytes of text make a list of eighty in memory. Commas inside texts count too; no real document comes near.
    opened = data.count(b"[") + data.count(b"{")
    if data.count(b",") + opened > JSON_VALUES_MAX:
        raise Refused(code, f"has more than {JSON_VALUES_MAX} values", where=where, hint="make the document smaller")
    if _lone_surrogate(data):
        raise Refused(code, "escapes half of a character", where=where, hint="write both halves, or the character itself")
    try:
        found: Json = _DECODER.decode(data.decode("utf-8"))
    except _DuplicateKeyError as fault:
        raise Refused(code, "an object has the same key twice", where=f"{where}: {shown(str(fault))}", hint="keep one of them") from None
    except RecursionError:
        raise _too_deep(code, where) from None
    except UnicodeError:
        raise Refused(code, "the text is not UTF-8", where=where, hint="save the file as UTF-8 without a byte-order mark") from None
    except json.JSONDecodeError as fault:
        raise Refused(
            code, f"not JSON: {fault.msg}", where=f"{where}: line {fault.lineno}, column {fault.colno}", hint="mend the JSON syntax at that place"
        ) from None
    except ValueError:
        raise Refused(code, "a number is out of range or not a number", where=where, hint="use finite numbers of ordinary size") from None
    # Most documents do not open as many brackets as they may nest.
    if opened > JSON_DEPTH_MAX and _depth_over(found, JSON_DEPTH_MAX):
        raise _too_deep(code, where)
    return found


def _lone_surrogate(data: bytes) -> bool:
    """Is there an escape such as ``\\ud800`` without its other half? It reads as a string that no UTF-8 writer can write."""
    # Attack: a million escapes, each a step of ours. Two patterns pass over all of them. A blank stays of the others, so that no halves meet that were apart.
    return _HALF.search(data) is not None and _LONE_HALF.search(_OTHER_ESCAPES.sub(b" ", data)) is not None


def _too_deep(code: str, where: str) -> Refused:
    return Refused(code, f"nested deeper than {JSON_DEPTH_MAX} levels", where=where, hint="flatten the document")


def _depth_over(found: Json, left: int) -> bool:
    if not isinstance(found, (dict, list)):
        return False
    if left == 0:
        return True
    inner = found.values() if isinstance(found, dict) else found
    return any(_depth_over(item, left - 1) for item in inner)


def canonical(document: Json) -> bytes:
    """The one byte form of a signed document. Raises ValueError for what the subset leaves out."""
    _check_subset(document)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def _check_subset(document: Json) -> None:
    if isinstance(document, dict):
        for key, item in document.items():
            if not key.isascii():
                raise ValueError("a key of a signed document is not ASCII")
            _check_subset(item)
    elif isinstance(document, list):
        for item in document:
            _check_subset(item)
    elif isinstance(document, float):
        raise ValueError("a signed document holds no floats")  # noqa: TRY004 - one error type for the subset
    elif isinstance(document, int) and abs(document) > JSON_INT_MAX:
        raise ValueError("an integer of a signed document is over 53 bits")


def read_canonical(data: bytes, *, family: str, where: str) -> Json:
    """Read a signed document and insist that its bytes are the canonical ones.

    Attack: two byte forms of one document would give one signature to two files.
    """
    found = read(data, family=family, where=where)
    try:
        again = canonical(found)
    except ValueError as fault:
        raise Refused(family + ".json", str(fault), where=where, hint="write it with a conforming signer") from None
    if again != data:
        raise Refused(family + ".json", "the JSON is not in canonical form", where=where, hint="write it with a conforming signer")
    return found


def shown(text: str, most: int = TEXT_SHOWN_MAX) -> str:
    """An untrusted text made safe to quote: ASCII printable, bounded."""
    safe = text.encode("ascii", "backslashreplace").decode("ascii")
    safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in safe[: 4 * most])
    return safe if len(safe) <= most else safe[: most - 3] + "..."
