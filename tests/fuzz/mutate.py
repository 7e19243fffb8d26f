"""Mutations of bytes, of JSON documents and of WebAssembly sections. All choices come from one ``Random``.

Under a coverage-guided fuzzer that ``Random`` reads the fuzzer's bytes, so the fuzzer steers the structure.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from random import Random

from mpp.model.jsontext import Json

BYTES_MAX = 64 * 1024
"""Bytes of one mutated document. Reason: repeated insertions must not make the loop slow."""

TEXTS = (
    "", "x", "\x00", "\u202e", "\ud800", "é", "a" * 300, "../x", "/etc/passwd", "CON", "__proto__", "*", "*.", "*.example.com", "com.example.hello", "0", "-1",
    "1.0.0", "wasm32-wasip1", "wasm32-wasi", "wasi-component", "python", "javascript", "layer", "low", "critical", "${workspace}/a", "${home}", "(a+)+$", "[", "a{1,1000}{1,1000}",
    "bin/main.wasm", "manifest.json", "example.com:443", "[::1]", "127.0.0.1", "/dev/dri", "GET", "ed25519", "\n", "\x7f", "A" * 64, "0" * 64,
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 7, 31, 32, 33, 64, 100, 255, 256, 4096, 65535, 65536, 2**31, 2**32, 2**53 - 1, 2**53, -(2**53), 2**64, 10**400, 0.5, -0.0, 1e308)


class FromBytes(Random):
    """A ``Random`` whose choices are read from given bytes; zeros follow their end."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._left = int.from_bytes(data, "little")

    def getrandbits(self, k: int) -> int:
        width = (k + 7) // 8 * 8
        found = self._left & ((1 << width) - 1)
        self._left >>= width
        return found >> (width - k)

    def random(self) -> float:
        return self.getrandbits(53) / 2**53


def mutate_bytes(rng: Random, data: bytes, other: bytes = b"") -> bytes:
    """One to four changes: a flipped bit, a byte, a number, an insertion, a deletion, a copy, a splice, an end."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(_STEPS)(rng, out, other or data)
    return bytes(out[:BYTES_MAX])


def _at(rng: Random, out: bytearray) -> int:
    return rng.randrange(len(out) + 1)


def _flip(rng: Random, out: bytearray, _: bytes) -> None:
    if out:
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _byte(rng: Random, out: bytearray, _: bytes) -> None:
    if out:
        out[rng.randrange(len(out))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(rng: Random, out: bytearray, _: bytes) -> None:
    at, width = _at(rng, out), rng.choice((2, 4))
    out[at : at + width] = (rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFF, rng.getrandbits(32))) & ((1 << 8 * width) - 1)).to_bytes(width, "little")


def _insert(rng: Random, out: bytearray, _: bytes) -> None:
    at = _at(rng, out)
    out[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 1, 2, 8, 40))))


def _delete(rng: Random, out: bytearray, _: bytes) -> None:
    at = _at(rng, out)
    del out[at : at + rng.choice((1, 1, 2, 8, 64, 512))]


def _copy(rng: Random, out: bytearray, _: bytes) -> None:
    start, at = _at(rng, out), _at(rng, out)
    out[at:at] = out[start : start + rng.choice((1, 4, 30, 200))]


def _splice(rng: Random, out: bytearray, other: bytes) -> None:
    start, at = rng.randrange(len(other) + 1), _at(rng, out)
    piece = other[start : start + rng.choice((1, 8, 64, 400))]
    out[at : at + len(piece)] = piece


def _cut(rng: Random, out: bytearray, _: bytes) -> None:
    del out[_at(rng, out) :]


_STEPS: tuple[Callable[[Random, bytearray, bytes], None], ...] = (_flip, _flip, _byte, _number, _insert, _delete, _copy, _splice, _cut)


def mutate_json(rng: Random, document: Json) -> Json:
    """A deep copy of ``document`` with one to three places changed."""
    box: list[Json] = [copy.deepcopy(document)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(box))
        holder, key = rng.choice(places)
        _change(rng, holder, key, [at[where] for at, where in places[:50]])  # type: ignore[index]
    return box[0]


Holder = list[Json] | dict[str, Json]


def _places(found: Json) -> list[tuple[Holder, int | str]]:
    """Every place in a document that holds a value."""
    out: list[tuple[Holder, int | str]] = []
    waiting: list[Json] = [found]
    while waiting and len(out) < 2000:
        here = waiting.pop()
        if isinstance(here, list):
            out += [(here, i) for i in range(len(here))]
            waiting += here
        elif isinstance(here, dict):
            out += [(here, key) for key in here]
            waiting += here.values()
    return out


def _change(rng: Random, holder: Holder, key: int | str, elsewhere: Sequence[Json]) -> None:
    what = rng.randrange(8)
    found = holder[key]  # type: ignore[index]
    if what == 0 and isinstance(holder, dict):
        holder.pop(str(key))
        holder[rng.choice((*TEXTS[:12], str(key) + "s", str(key)[:-1]))] = found
    elif what == 1:
        del holder[key]  # type: ignore[arg-type]
        if isinstance(holder, list) and not holder:
            holder.append(None)
    elif what == 2 and isinstance(holder, list):
        holder[:] = (holder * rng.choice((2, 3, 40)))[:45]
    elif what == 3:
        holder[key] = copy.deepcopy(rng.choice(elsewhere))  # type: ignore[index]
    elif what == 4 and isinstance(found, str):
        holder[key] = mutate_text(rng, found)  # type: ignore[index]
    elif what == 5 and isinstance(found, int):
        holder[key] = rng.choice((found + 1, found - 1, -found, rng.choice(NUMBERS)))  # type: ignore[index]
    elif what == 6:
        holder[key] = _nested(rng.choice((1, 8, 31, 32, 40)), rng.choice(("list", "dict")))  # type: ignore[index]
    else:
        holder[key] = rng.choice((None, True, False, [], {}, rng.choice(TEXTS), rng.choice(TEXTS), rng.choice(NUMBERS)))  # type: ignore[index]


def _nested(depth: int, kind: str) -> Json:
    found: Json = []
    for _ in range(depth):
        found = [found] if kind == "list" else {"x": found}
    return found


def mutate_text(rng: Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    piece = rng.choice((*TEXTS, chr(rng.randrange(0x20, 0x2FF)), text[at : at + 3]))
    return text[:at] + piece + text[at + rng.choice((0, 0, 1, 1, 5, 400)) :]


def compact(document: Json) -> bytes:
    """The canonical look of a document, also for what the canonical subset leaves out."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def mutate_document(rng: Random, data: bytes, other: bytes = b"") -> bytes:
    """A JSON text with its structure changed, in canonical look or with its bytes changed too."""
    if rng.randrange(4) == 0:
        return mutate_bytes(rng, data, other)
    text = compact(mutate_json(rng, json.loads(data)))
    # A list that is repeated inside a repeated list grows by products; readers are given what their callers let through.
    if len(text) > 4 * BYTES_MAX:
        return mutate_bytes(rng, data, other)
    return text if rng.randrange(8) else mutate_bytes(rng, text, other)


def sections(data: bytes) -> list[bytes]:
    """The sections behind a WebAssembly preamble, as far as they can be told apart."""
    out: list[bytes] = []
    at = 8
    while at < len(data):
        size, after = _leb(data, at + 1)
        out.append(data[at : after + size])
        at = after + size
    return out


def _leb(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data):
        number |= (data[at] & 0x7F) << shift
        at += 1
        shift += 7
        if data[at - 1] < 0x80:
            break
    return number, at


def mutate_wasm(rng: Random, data: bytes, other: bytes) -> bytes:
    """A module with sections dropped, doubled, moved, taken from another, or changed inside with a right length."""
    if rng.randrange(4) == 0:
        return mutate_bytes(rng, data, other)
    parts = sections(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        where = rng.randrange(len(parts) + 1)
        what = rng.randrange(5)
        if what == 0 or where == len(parts):
            parts.insert(where, rng.choice(sections(other) or [b"\0\1\0"]))
        elif what == 1:
            del parts[where]
        elif what == 2:
            parts.insert(rng.randrange(len(parts) + 1), parts.pop(where))
        else:
            _, start = _leb(parts[where], 1)
            body = mutate_bytes(rng, parts[where][start:], other)
            parts[where] = parts[where][:1] + leb(len(body)) + body
    return data[:8] + b"".join(parts)


def leb(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))
