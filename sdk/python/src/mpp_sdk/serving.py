"""One request line in, one reply line out. Spec: spec/call-contract.md C-1 to C-9 and C-20 to C-27."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

from mpp_sdk import _reply, _tools
from mpp_sdk._types import INT_LEAST, INT_MOST

LINE_BYTES_MAX = 1_048_576
"""Bytes of a request line with its line feed. Reason: call contract C-6."""
READ_BYTES = 1 << 16
"""Bytes asked for at a time. Reason: most lines come in one piece."""
SHOWN_CHARS_MAX = 200
"""Characters of a fault in an error. Reason: a fault may quote the line."""

LEVELS_MAX = 32
"""Levels of a line. Reason: call contract C-6."""

PARSE, REQUEST, METHOD, PARAMS = -32_700, -32_600, -32_601, -32_602
"""Codes of JSON-RPC 2.0."""

# What makes a line worth reading with care: long numbers, great exponents, halves of characters, and words that are no JSON.
_ODD = re.compile(rb"\d{19}|[eE]\+?\d{3}|\\u[dD]|NaN|Infinity")


_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_TOO_DEEP = f"a request has at most {LEVELS_MAX} levels of lists and objects"


class BadLine(Exception):
    """The line is no request."""

    def __init__(self, code: int, message: str, reply_id: str = "null") -> None:
        super().__init__(message)
        self.code, self.message, self.reply_id = code, message, reply_id


def serve() -> int:
    """Answer the one request on standard input. Gives the exit code of the process."""
    reply = answer(read_line())
    data = reply.encode("utf-8") + b"\n"
    while data:
        data = data[os.write(1, data) :]
    try:  # noqa: SIM105 - contextlib would be loaded for it
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # a tool closed it; its log lines are its own affair
    return 0


def read_line() -> bytes:
    """All of standard input, of which a host writes one line; what is beyond the limit is not kept."""
    parts = []
    size = 0
    while size <= LINE_BYTES_MAX:
        part = os.read(0, READ_BYTES)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def answer(line: bytes) -> str:
    """The reply line to one request line, without its line feed. Prints of a tool go to standard error: standard output belongs to the reply."""
    out = sys.stdout
    sys.stdout = sys.stderr
    reply_id = "null"
    try:
        name, arguments, meta, reply_id = request(line)
        found = _tools.call(name, arguments, meta)
        if found is None:
            raise BadLine(PARAMS, "this package has no tool of that name", reply_id)
        return f'{{"jsonrpc":"2.0","id":{reply_id},{_fitting(found)}}}'
    except BadLine as fault:
        return f'{{"jsonrpc":"2.0","id":{fault.reply_id},{_reply.error(fault.code, fault.message)}}}'
    finally:
        sys.stdout = out


def _fitting(found: str) -> str:
    """What came of the call, as UTF-8 and no longer than a host reads."""
    try:
        size = len(found.encode("utf-8"))
    except UnicodeEncodeError:
        # Halves of characters: two that belong together become one, and one alone becomes U+FFFD.
        found = found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        size = len(found.encode("utf-8"))
    if size > _reply.BYTES_MAX:
        return _reply.failed(f"the answer has {size} bytes, more than {_reply.BYTES_MAX}: give back less, or a part of it")
    return found


def request(line: bytes) -> tuple[str, dict[str, Any], dict[str, Any], str]:
    """The tool's name, its arguments, the context, and the id as JSON."""
    found = parse(line)
    reply_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(reply_id, (str, int)) or isinstance(reply_id, bool):
        raise BadLine(REQUEST, 'a request is an object with an "id" that is a string or an integer')
    shown = json.dumps(reply_id, ensure_ascii=False)
    if found.get("jsonrpc") != "2.0":
        raise BadLine(REQUEST, '"jsonrpc" must be "2.0"', shown)
    if not isinstance(found.get("method"), str):
        raise BadLine(REQUEST, 'a request has a "method"', shown)
    if found["method"] != "tools/call":
        raise BadLine(METHOD, 'the only method is "tools/call"', shown)
    params = found.get("params")
    if not isinstance(params, dict) or not isinstance(params.get("name"), str):
        raise BadLine(PARAMS, '"params" must be an object with the "name" of a tool', shown)
    arguments, meta = params.get("arguments", {}), params.get("_meta", {})
    if not isinstance(arguments, dict) or not isinstance(meta, dict):
        raise BadLine(PARAMS, '"arguments" and "_meta" must be objects', shown)
    return params["name"], arguments, meta, shown


def parse(line: bytes) -> Any:
    """The line as strict JSON: no key twice, no number without end, no half of a character, nothing after it."""
    if len(line) > LINE_BYTES_MAX:
        raise BadLine(REQUEST, f"the line has more than {LINE_BYTES_MAX} bytes")
    if b"\n" in line[:-1]:
        raise BadLine(PARSE, "a request is one line")
    # Attack: a line that exhausts the stack. Counted before the parser, which calls itself for each level, sees it.
    if line.count(b"[") + line.count(b"{") > LEVELS_MAX and _depth(line) > LEVELS_MAX:
        raise BadLine(REQUEST, _TOO_DEEP)
    try:
        text = line.decode("utf-8")
        found = (_careful if _ODD.search(line) is not None else _plain)(text)
        if b"\\u" in line:
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise BadLine(PARSE, "not JSON: not UTF-8, or a surrogate stands alone") from None
    except RecursionError:
        raise BadLine(REQUEST, _TOO_DEEP) from None
    except ValueError as fault:
        raise BadLine(PARSE, f"not JSON: {str(fault)[:SHOWN_CHARS_MAX]}") from None
    return found


def _depth(line: bytes) -> int:
    """How deep lists and objects stand in each other, up to the first place where the line is no JSON."""
    depth = deepest = 0
    for bracket in _TEXT.sub(b"", line).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Attack: two readers that see two calls.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _integer(digits: str) -> int:
    found = int(digits) if len(digits) <= len(str(INT_MOST)) else INT_MOST + 1
    if not INT_LEAST <= found <= INT_MOST:
        raise ValueError("an integer is below -2^63 or above 2^64 - 1")
    return found


def _finite(digits: str) -> float:
    found = float(digits)
    if found - found != 0.0:
        raise ValueError("a number is too great")
    return found


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


_plain = json.JSONDecoder(object_pairs_hook=_once).decode
_careful = json.JSONDecoder(object_pairs_hook=_once, parse_int=_integer, parse_float=_finite, parse_constant=_no_constant).decode
