"""Calls: what the host answers to a guest while it runs, through the import and through the file."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.make.case import Call, Case, run
from conformance.make.guests import AFTER_TEXT, ANSWER, asks, BEFORE_TEXT, Guest, made, numbers, ROOM
from conformance.make.runs import called, META, numbered, STORES
from conformance.make.runs_inside import opened, value
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

WEB: dict[str, Json] = {"capabilities>network": [{"host": "api.example.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v1"]}]}
RAW = -(2**30)
HOST = "(i32.load (i32.const 32))"


def find_folder() -> str:
    """Let ``$a`` be the folder ``/mpp``."""
    name = "(i32.and (i32.eq (i32.load (i32.const 36)) (i32.const 4)) (i32.eqz (call $fd_prestat_dir_name (local.get $a) (i32.const 40) (i32.const 4))))"
    known = f"(i32.and {name} (i32.eq (i32.load (i32.const 40)) (i32.const {int.from_bytes(b'/mpp', 'little')})))"
    return f"(local.set $a (i32.const 2)) (loop $next (local.set $a (i32.add (local.get $a) (i32.const 1))) (if (call $fd_prestat_get (local.get $a) (i32.const 32)) (then (unreachable))) (br_if $next (i32.eqz {known})))"


def moved(name: str, fd: str, span: str) -> str:
    """``fd_read`` or ``fd_write`` of one span; its count goes to 8."""
    at, _, size = span.partition(") (")
    return f"(i32.store (i32.const 0) {at})) (i32.store (i32.const 4) ({size}) (call ${name} {fd} (i32.const 0) (i32.const 1) (i32.const 8))"


def error(code: str) -> Json:
    """An answer that says no; the words are the host's own."""
    return {"error": {"code": code, "message": "~.+"}}


def ok(result: Json) -> Json:
    return {"result": result}


def request(name: str, **params: Json) -> str:
    return json.dumps({"method": name, "params": params})


A, B = "YQ==", "Yg=="
LARGE = "A" * 1400

# Requests with the answers that they must get, one after another.
STEPS: tuple[tuple[str, Json], ...] = (
    (request("kv.get", key="a"), ok({"value": None})),
    (request("kv.set", key="a", value=A), ok({"stored": True})),
    (request("kv.get", key="a"), ok({"value": A})),
    (request("kv.set", key="a", value=B), ok({"stored": True})),
    (request("kv.get", key="a"), ok({"value": B})),
    (request("kv.set", key="b", value=""), ok({"stored": True})),
    (request("kv.get", key="b"), ok({"value": ""})),
    (request("kv.delete", key="a"), ok({"existed": True})),
    (request("kv.delete", key="a"), ok({"existed": False})),
    (request("kv.get", key="a"), ok({"value": None})),
)
EXPECTS: tuple[tuple[str, Json], ...] = (
    (request("kv.set", key="a", value=A, expect=B), ok({"stored": False})),
    (request("kv.set", key="a", value=A, expect=None), ok({"stored": True})),
    (request("kv.set", key="a", value=B, expect=None), ok({"stored": False})),
    (request("kv.get", key="a"), ok({"value": A})),
    (request("kv.set", key="a", value=B, expect=A), ok({"stored": True})),
    (request("kv.get", key="a"), ok({"value": B})),
)
SCOPES = (
    (request("kv.set", key="a", value=A, scope="package"), ok({"stored": True})),
    (request("kv.get", key="a"), ok({"value": None})),
    (request("kv.set", key="a", value=B, scope="tool"), ok({"stored": True})),
    (request("kv.get", key="a", scope="package"), ok({"value": A})),
    (request("kv.list", scope="package"), ok({"keys": ["a"], "more": False})),
    (request("kv.delete", key="a", scope="package"), ok({"existed": True})),
    (request("kv.get", key="a"), ok({"value": B})),
)
LISTED: tuple[tuple[str, Json], ...] = (
    *((request("kv.set", key=key, value=""), ok({"stored": True})) for key in ("b", "a/2", "a/1", "\u00e9", "Z", "\U0001f44b", "\uff5e", "e\u0301")),
    (request("kv.list"), ok({"keys": ["Z", "a/1", "a/2", "b", "e\u0301", "\u00e9", "\uff5e", "\U0001f44b"], "more": False})),
    (request("kv.list", prefix="a/"), ok({"keys": ["a/1", "a/2"], "more": False})),
    (request("kv.list", limit=2), ok({"keys": ["Z", "a/1"], "more": True})),
    (request("kv.list", after="a/1", limit=2), ok({"keys": ["a/2", "b"], "more": True})),
    (request("kv.list", prefix="a/", after="a/2"), ok({"keys": [], "more": False})),
)
QUOTA: tuple[tuple[str, Json], ...] = (
    (request("kv.set", key="a", value=A), ok({"stored": True})),
    (request("kv.set", key="a", value=LARGE), error("quota")),
    (request("kv.get", key="a"), ok({"value": A})),
    (request("kv.set", key="k" * 513, value=""), error("too_large")),
    (request("kv.set", key="\u00e9" * 257, value=""), error("too_large")),
    (request("kv.list"), ok({"keys": ["a"], "more": False})),
)

ELSEWHERE = tuple(request("http.fetch", method="GET", url=url) for url in ("https://other.example.com/v1", "http://api.example.com/v1", "https://api.example.com:8443/v1", "https://api.example.com/v2"))
BAD_FORMS = ("{", "[]", '"kv.get"', "{}", '{"method":1}', '{"method":"kv.list","params":[]}', '{"method":"kv.list","more":1}', '{"method":"kv.list","method":"kv.list"}', b'{"method":"\xff"}', '\ufeff{"method":"kv.list"}')
BAD_PARAMS = (request("kv.get"), request("kv.get", key=1), request("kv.get", key=""), request("kv.get", key="a\0"), request("kv.get", key="a", other=1), request("kv.set", key="a"), request("kv.set", key="a", value="YQ"), request("kv.set", key="a", value="YR=="), request("kv.list", limit=0), request("kv.list", limit=1001), request("kv.list", limit=True), request("kv.get", key="a", scope="other"), request("kv.list", scope=""), request("kv.delete", key="a", scope=None), '{"method":"kv.get","params":{"key":"\\ud800"}}')


def _calls() -> Iterator[Case]:
    rows: tuple[tuple[str, str, str, tuple[tuple[str | bytes, Json], ...], dict[str, Json]], ...] = (
        ("kv", "Values are stored, replaced, read and removed", "C-60 C-61 C-62", STEPS, STORES),
        ("kv-expect", "A value is stored only if the present one is expected", "C-61", EXPECTS, STORES),
        ("kv-scope", "What the tools of a package share is apart from what each keeps", "C-70", SCOPES, STORES),
        ("kv-list", "Keys are listed in the order of their bytes", "C-63 C-70", LISTED, STORES),
        ("kv-quota", "More than the package may store, and keys that are too long", "C-70", QUOTA, STORES),
        ("kv-undeclared", "Storage without a declaration is as if absent", "C-56", tuple((asked, error("not_declared")) for asked in (request("kv.get", key="a"), request("kv.set", key="a", value=A), request("kv.delete", key="a"), request("kv.list"))), {}),
        ("kv-params", "Parameters that are not what the method takes", "C-50 C-70", tuple((asked, error("bad_request")) for asked in BAD_PARAMS), STORES),
        ("http-undeclared", "A request without any declaration", "C-56", ((request("http.fetch", method="GET", url="https://example.com/"), error("not_declared")),), {}),
        ("http-elsewhere", "Requests to another host, scheme, port or path than was declared", "C-56 C-71", tuple((asked, error("not_declared")) for asked in ELSEWHERE), WEB),
        ("context", "The context of the call", "C-65", ((request("context.get"), ok(META)), ('{"method":"context.get"}', ok(META)), (request("context.get", tool="other"), error("bad_request"))), {}),
        ("log", "Log lines at every level", "C-66", tuple((request("log", level=level, message="hi\u001b[2J\n"), ok({})) for level in ("debug", "info", "warning", "error")), {}),
        ("log-params", "Log lines that are none", "C-66", tuple((asked, error("bad_request")) for asked in (request("log", level="fatal", message="a"), request("log", level="info"), request("log", level="info", message=1), request("log", level="info", message="a", time=1))), {}),
        ("progress", "Progress, with and without an end", "C-67", tuple((asked, ok({})) for asked in (request("progress", progress=0), request("progress", progress=0.5, total=1), request("progress", progress=2, total=2, message="done"))), {}),
        ("progress-params", "Progress that is none", "C-67", tuple((asked, error("bad_request")) for asked in (request("progress"), request("progress", progress="1"), request("progress", progress=True), request("progress", progress=1, message=2))), {}),
        ("unknown", "Methods that are not there", "C-50", tuple((request(name), error("unknown_method")) for name in ("", "exec", "kv.drop", "KV.get", "kv", "context.set", "http.fetch2", "approve")), STORES),
        ("form", "Requests that are not what the contract says", "C-50", tuple((asked, error("bad_request")) for asked in BAD_FORMS), STORES),
    )
    for name, title, clauses, asked, changes in rows:
        yield run(f"host-{name}", title, clauses, called(asks(*(one for one, _ in asked)), changes), Call(text=[answer for _, answer in asked]))


def _import() -> Iterator[Case]:
    plain, store, look = request("kv.get", key="a"), request("kv.set", key="a", value=A, expect=None), '{"result":{"value":null}}'

    def ask(guest: Guest, words: str, place: str = ROOM) -> str:
        return f"(call $call {guest.text(words)} {place})"

    def fetch(room: str) -> str:
        return f"(call $call (i32.const 0) (i32.const 0) (i32.const {ANSWER}) {room})"

    none = f"(i32.const {ANSWER}) (i32.const 0)"
    need = "(i32.sub (i32.const 0) (local.get $b))"
    # $b is the answer to a call without room; it must be a negative length.
    short = "(local.set $b {0}) (if (i32.or (i32.ge_s (local.get $b) (i32.const 0)) (i32.lt_s (local.get $b) (i32.const -200))) (then (unreachable)))"
    absent = f"(i64.eq (i64.load (i32.const {ANSWER})) (i64.const {int.from_bytes(look.encode()[:8], 'little')}))"
    rows: tuple[tuple[str, str, str, bytes, tuple[int, ...]], ...] = (
        ("fetch", "An answer that does not fit is kept, and fetched once", "C-51 C-52", made(lambda g: (short.format(ask(g, plain, none)), (f"(i32.eq {fetch(need)} {need})", absent, fetch(need)))), (1, 1, RAW - 3)),
        ("fetch-short", "An answer stays until there is room for it", "C-52", made(lambda g: (short.format(ask(g, plain, none)), (f"(i32.eq {fetch(f'(i32.sub {need} (i32.const 1))')} (local.get $b))", f"(i32.eq {fetch(need)} {need})"))), (1, 1)),
        ("fetch-nothing", "Nothing is kept before the first call", "C-53", numbers(fetch("(i32.const 100)")), (RAW - 3,)),
        ("fetch-dropped", "The next request drops what was kept", "C-52", made(lambda g: (short.format(ask(g, plain, none)), (f"(i32.gt_s {ask(g, plain)} (i32.const 0))", fetch("(i32.const 100)")))), (1, RAW - 3)),
        ("once", "A request whose answer did not fit is executed once", "C-52", made(lambda g: (short.format(ask(g, store, none)), (f"(i32.gt_s {fetch(need)} (i32.const 0))", f"(i32.eq (i32.load8_u (i32.const {ANSWER + 20})) (i32.const 116))", value(f"(drop {ask(g, store)})", f"(i32.eq (i32.load8_u (i32.const {ANSWER + 20})) (i32.const 102))")))), (1, 1, 1)),
        ("room", "An answer fills its room exactly", "C-51", made(lambda g: (short.format(ask(g, plain, none)), (f"(i32.eq (call $call {g.text(plain)} (i32.const {ANSWER}) {need}) {need})",))), (1,)),
        ("span-request", "A request outside of memory", "C-53", numbers(f"(call $call (i32.const 655350) (i32.const 11) {ROOM})", f"(call $call (i32.const -1) (i32.const 2) {ROOM})", f"(call $call (i32.const 64) (i32.const -1) {ROOM})"), (RAW - 1,) * 3),
        ("span-answer", "Room outside of memory, and a request that is not executed for it", "C-53", made(lambda g: ("", (ask(g, store, "(i32.const 655350) (i32.const 11)"), ask(g, store, "(i32.const 64) (i32.const -1)"), f"(i32.gt_s {ask(g, plain)} (i32.const 0))", absent))), (RAW - 1, RAW - 1, 1, 1)),
        ("long", "A request that is too long", "C-50 C-53", numbers(f"(call $call (i32.const 0) (i32.const {12 * 2**20 + 1}) {ROOM})", pages=200), (RAW - 2,)),
    )
    for name, title, clauses, code, found in rows:
        yield run(f"import-{name}", title, clauses, called(code, STORES), Call(result=numbered(*found)))
    guest = Guest()
    last = guest.text("{}")
    many = f"(local.set $b (i32.const 10001)) (loop $next (local.set $a (call $call {last} {ROOM})) (br_if $next (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))"
    code = guest.build(many + guest.put(BEFORE_TEXT) + f"(call $quote (i32.const {ANSWER}) (local.get $a))" + guest.put(AFTER_TEXT))
    yield run("import-10001", "The host call after the 10,000th", "C-55", called(code), Call(text=error("quota")))


def _file() -> Iterator[Case]:
    plain = request("kv.get", key="a")

    def write(guest: Guest, words: str) -> str:
        return moved("fd_write", HOST, guest.text(words))

    read = moved("fd_read", HOST, ROOM)

    def ready(guest: Guest) -> str:
        return find_folder() + f"(if {opened(guest, 'host')} (then (unreachable)))"

    guest = Guest()
    asked = ready(guest) + f"(if {value(*_split(write(guest, plain + chr(10))))} (then (unreachable)))"
    # The answer may come in pieces; it ends with a line feed.
    whole = f"(local.set $b (i32.const {ANSWER})) (loop $next (i32.store (i32.const 0) (local.get $b)) (i32.store (i32.const 4) (i32.const 1000)) (if (call $fd_read {HOST} (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))) (local.set $b (i32.add (local.get $b) (i32.load (i32.const 8)))) (br_if $next (i32.ne (i32.load8_u (i32.sub (local.get $b) (i32.const 1))) (i32.const 10))))"
    code = guest.build(asked + whole + guest.put(BEFORE_TEXT) + f"(call $quote (i32.const {ANSWER}) (i32.sub (local.get $b) (i32.const {ANSWER})))" + guest.put(AFTER_TEXT))
    yield run("file", "A request and its answer through /mpp/host", "C-54", called(code, STORES), Call(text=ok({"value": None})))
    yield run("file-undeclared", "The file is there without any right, and gives none", "C-54 C-56", called(code), Call(text=error("not_declared")))
    rows: tuple[tuple[str, str, bytes, tuple[int, ...]], ...] = (
        ("end", "Reading without a request is the end of the file", made(lambda g: (ready(g), (value(_split(read)[0], f"(i32.add {_split(read)[1]} (i32.load (i32.const 8)))"),))), (0,)),
        ("busy", "A second request before the answer was read", made(lambda g: (ready(g), (value(*_split(write(g, plain + chr(10)))), value(*_split(write(g, plain + chr(10))))))), (0, 10)),
        ("seek", "The file cannot seek", made(lambda g: (ready(g), (f"(i32.eqz (call $fd_seek {HOST} (i64.const 1) (i32.const 0) (i32.const 64)))",))), (0,)),
        ("other", "No other file stands beside it", made(lambda g: (find_folder(), tuple(f"(i32.eqz {opened(g, name)})" for name in ("guest", "HOST", "host/", "host/..", "../mpp/host", ".")))), (0,) * 6),
    )
    for name, title, code, found in rows:
        yield run(f"file-{name}", title, "C-54", called(code, STORES), Call(result=numbered(*found)))


def _split(words: str) -> tuple[str, str]:
    """What is done first, and the call that gives the value."""
    first, _, last = words.rpartition("(call $fd_")
    return first, "(call $fd_" + last


def cases() -> Iterator[Case]:
    """All cases of host calls."""
    yield from _calls()
    yield from _import()
    yield from _file()
