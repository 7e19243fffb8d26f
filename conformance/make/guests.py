"""Guests for the vectors of ``run``: small core modules, written as WebAssembly text, that answer what they saw.

They are assembled by the engine's own assembler, whose major version is pinned, so they have the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable

from wasmtime import wat2wasm

WASI = {
    "fd_read": "iiii:i",
    "fd_write": "iiii:i",
    "fd_seek": "iIii:i",
    "fd_prestat_get": "ii:i",
    "fd_prestat_dir_name": "iii:i",
    "path_open": "iiiiiIIii:i",
    "args_get": "ii:i",
    "args_sizes_get": "ii:i",
    "environ_sizes_get": "ii:i",
    "random_get": "ii:i",
    "clock_time_get": "iIi:i",
    "poll_oneoff": "iiii:i",
    "sock_recv": "iiiiii:i",
    "sock_send": "iiiii:i",
    "proc_exit": "i:",
}
NAMES = {"i": " i32", "I": " i64"}

OUT, TWO, LINE_FEED, DASH = 0, 16, 24, 26
"""Places below 64: the span of a write and its count, room for two bytes, and two texts of the helpers."""

TEXTS = 1024
"""Where the texts of a guest begin."""

ANSWER, ANSWER_BYTES = 65536, 65536
"""Where answers of the host go."""

ROOM = f"(i32.const {ANSWER}) (i32.const {ANSWER_BYTES})"
"""That place as operands."""

INPUT, INPUT_BYTES = 2 * 65536, 8 * 65536
"""Where standard input goes."""

PAGES = 10

HELPERS = f"""
(func $put (param $at i32) (param $size i32)
  (loop $more (if (local.get $size) (then
    (i32.store (i32.const {OUT}) (local.get $at)) (i32.store (i32.const {OUT + 4}) (local.get $size))
    (if (call $fd_write (i32.const 1) (i32.const {OUT}) (i32.const 1) (i32.const {OUT + 8})) (then (unreachable)))
    (local.set $at (i32.add (local.get $at) (i32.load (i32.const {OUT + 8}))))
    (local.set $size (i32.sub (local.get $size) (i32.load (i32.const {OUT + 8}))))
    (br $more)))))
(func $take (result i32) (local $have i32)
  (loop $more
    (i32.store (i32.const {OUT}) (i32.add (i32.const {INPUT}) (local.get $have))) (i32.store (i32.const {OUT + 4}) (i32.sub (i32.const {INPUT_BYTES}) (local.get $have)))
    (if (call $fd_read (i32.const 0) (i32.const {OUT}) (i32.const 1) (i32.const {OUT + 8})) (then (unreachable)))
    (local.set $have (i32.add (local.get $have) (i32.load (i32.const {OUT + 8}))))
    (br_if $more (i32.load (i32.const {OUT + 8}))))
  (local.get $have))
"""
"""``$put`` writes to standard output, ``$take`` reads standard input whole."""

WRITERS = f"""
(func $number (param $n i32) (local $at i32)
  (if (i32.lt_s (local.get $n) (i32.const 0)) (then (call $put (i32.const {DASH}) (i32.const 1)) (local.set $n (i32.sub (i32.const 0) (local.get $n)))))
  (local.set $at (i32.const 64))
  (loop $next
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (br_if $next (local.tee $n (i32.div_u (local.get $n) (i32.const 10)))))
  (call $put (local.get $at) (i32.sub (i32.const 64) (local.get $at))))
(func $quote (param $at i32) (param $size i32) (local $end i32) (local $from i32) (local $byte i32)
  (local.set $end (i32.add (local.get $at) (local.get $size))) (local.set $from (local.get $at))
  (loop $next (if (i32.lt_u (local.get $at) (local.get $end)) (then
    (local.set $byte (i32.load8_u (local.get $at)))
    (if (i32.or (i32.lt_u (local.get $byte) (i32.const 32)) (i32.or (i32.eq (local.get $byte) (i32.const 34)) (i32.eq (local.get $byte) (i32.const 92)))) (then
      (call $put (local.get $from) (i32.sub (local.get $at) (local.get $from)))
      (if (i32.eq (local.get $byte) (i32.const 10)) (then (call $put (i32.const {LINE_FEED}) (i32.const 2))) (else
        (if (i32.lt_u (local.get $byte) (i32.const 32)) (then (unreachable)))
        (i32.store8 (i32.const {TWO}) (i32.const 92)) (i32.store8 (i32.const {TWO + 1}) (local.get $byte)) (call $put (i32.const {TWO}) (i32.const 2))))
      (local.set $from (i32.add (local.get $at) (i32.const 1)))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $next))))
  (call $put (local.get $from) (i32.sub (local.get $end) (local.get $from))))
(func $hex (param $at i32) (param $size i32) (local $end i32) (local $half i32)
  (local.set $end (i32.add (local.get $at) (local.get $size)))
  (loop $next
    (local.set $half (i32.shr_u (i32.load8_u (local.get $at)) (i32.const 4)))
    (i32.store8 (i32.const {TWO}) (i32.add (local.get $half) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $half) (i32.const 10)))))
    (local.set $half (i32.and (i32.load8_u (local.get $at)) (i32.const 15)))
    (i32.store8 (i32.const {TWO + 1}) (i32.add (local.get $half) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $half) (i32.const 10)))))
    (call $put (i32.const {TWO}) (i32.const 2))
    (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end)))))
"""
"""They write a number, the inside of a JSON text, and hex digits, all by ``$put``."""

BEFORE_TEXT = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"'
AFTER_TEXT = '"}]}}\n'
BEFORE_NUMBERS = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"n":['
AFTER_NUMBERS = "]}}}\n"


def literal(raw: bytes) -> str:
    """Bytes as a string of WebAssembly text."""
    return '"' + "".join(f"\\{byte:02x}" for byte in raw) + '"'


class Guest:
    """A guest in the making: its texts find places in memory, its code is WebAssembly text."""

    def __init__(self) -> None:
        self._at = TEXTS
        # The line feed as JSON writes it, and the sign of a number.
        self._data = [f"(data (i32.const {at}) {literal(raw)})" for at, raw in ((LINE_FEED, b"\\n"), (DASH, b"-"))]

    def text(self, words: str | bytes) -> str:
        """Place and length of a text, as two operands."""
        raw = words.encode() if isinstance(words, str) else words
        at = self._at
        self._at += len(raw)
        self._data.append(f"(data (i32.const {at}) {literal(raw)})")
        return f"(i32.const {at}) (i32.const {len(raw)})"

    def put(self, words: str | bytes) -> str:
        return f"(call $put {self.text(words)})"

    @property
    def data(self) -> str:
        """All texts, as data segments."""
        return "".join(self._data)

    def build(self, body: str, *, more: str = "", pages: int = PAGES) -> bytes:
        """The module. ``$a`` to ``$d`` and ``$l`` are locals of its ``_start``."""
        text = f'{_imports()} (memory (export "memory") {pages}) {HELPERS} {WRITERS} {self.data} {more}'
        return bytes(
            wat2wasm(f'(module {text} (func $main (export "_start") (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $l i64) {body}))')
        )


def _imports() -> str:
    listed = [("wasi_snapshot_preview1", name, kind) for name, kind in WASI.items()] + [("mpp_host", "call", "iiii:i")]
    return "".join(f'(import "{module}" "{name}" (func ${name} {_type(kind)}))' for module, name, kind in listed)


def _type(kind: str) -> str:
    given, _, back = kind.partition(":")
    return "".join(f"({word}{''.join(NAMES[letter] for letter in letters)})" for word, letters in (("param", given), ("result", back)) if letters)


def says(words: str | bytes, body: str = "", *, more: str = "") -> bytes:
    """A guest that writes this and then does ``body``."""
    guest = Guest()
    return guest.build(guest.put(words) + body, more=more)


def does(body: str, *, more: str = "", pages: int = PAGES) -> bytes:
    """A guest that only does this."""
    return Guest().build(body, more=more, pages=pages)


def numbers(*found: str, first: str = "", more: str = "", pages: int = PAGES) -> bytes:
    """A guest that answers with the values of these expressions, as ``structuredContent.n``."""
    guest = Guest()
    comma = guest.text(",")
    body = f" (call $put {comma}) ".join(f"(call $number {one})" for one in found)
    return guest.build(first + guest.put(BEFORE_NUMBERS) + body + guest.put(AFTER_NUMBERS), more=more, pages=pages)


def made(write: Callable[[Guest], tuple[str, tuple[str, ...]]]) -> bytes:
    """As ``numbers``, for a guest that needs texts: ``write`` gives what it does first, and the expressions."""
    guest = Guest()
    first, found = write(guest)
    comma = guest.text(",")
    body = f" (call $put {comma}) ".join(f"(call $number {one})" for one in found)
    return guest.build(first + guest.put(BEFORE_NUMBERS) + body + guest.put(AFTER_NUMBERS))


def echoes() -> bytes:
    """A guest whose answer is its standard input, as a text."""
    guest = Guest()
    return guest.build(guest.put(BEFORE_TEXT) + f"(call $quote (i32.const {INPUT}) (call $take))" + guest.put(AFTER_TEXT))


def asks(*requests: str | bytes) -> bytes:
    """A guest that makes these host calls and answers with the list of their answers, as a text."""
    guest = Guest()
    body = [guest.put(BEFORE_TEXT + "[")]
    for number, request in enumerate(requests):
        body.append(guest.put(",") if number else "")
        body.append(f"(local.set $a (call $call {guest.text(request)} {ROOM}))")
        body.append(f"(if (i32.lt_s (local.get $a) (i32.const 0)) (then (unreachable))) (call $quote (i32.const {ANSWER}) (local.get $a))")
    return guest.build("".join(body) + guest.put("]" + AFTER_TEXT))
