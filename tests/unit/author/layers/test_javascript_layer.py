"""The JavaScript layer as a tool finds it: modules, the web's functions, files of its package, time and chance of the run. Skipped without the layer."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.author.languages import layer_child
from mpp.author.languages.javascript_describe import bundle_of, engine_folder
from mpp.host.drive import drive
from tests.javascripted import Engine, Loaded, MIB, NoHost, bare, module, reply, with_sdk


@pytest.fixture(scope="module")
def engine(javascript_layer: Path) -> Iterator[Engine]:
    made = Engine(javascript_layer)
    yield made
    made.close()


def said(engine: Engine, body: str, **files: bytes) -> object:
    """What the expression of a tool without SDK gives, as JSON."""
    named = {name.replace("__", "/"): data for name, data in files.items()}
    with engine.tool({**bare(f"return JSON.stringify(await (async () => {{ {body} }})()) ?? 'undefined'"), **named}) as tool:
        return json.loads(tool.said("hello"))


def test_without_image_it_says_so_and_ends_with_70(engine: Engine) -> None:
    worker = drive(engine.zygote.spawn({"memory_bytes": 64 * MIB, "component": False, "folders": [], "devices": []}, (engine.fd,)))
    try:
        run = Loaded(worker, NoHost(), 64 * MIB).line(b"x\n")
    finally:
        worker.kill()
    assert (run.exit_code, run.stdout) == (70, b"")
    assert b"mpp_initialize" in run.stderr


def test_a_tool_is_loaded_once_and_answers_each_call_alike(engine: Engine) -> None:
    files = {"app/main.js": b"let n = 0; console.log('loading'); export const mppMain = (line) => `${++n} ${line}`;"}
    with engine.tool(files) as tool:
        runs = [tool.line(b"a\n"), tool.line(b"b\n")]
    # Attack: state of one call that the next one sees.
    assert [run.stdout for run in runs] == [b"1 a\n", b"1 b\n"]
    assert [run.stderr for run in runs] == [b"", b""]


def test_time_and_chance_are_those_of_the_run(engine: Engine) -> None:
    body = "return JSON.stringify([start, first, Date.now(), Math.random(), crypto.randomUUID(), performance.now() < 1000])"
    files = {"app/main.js": f"const start = Date.now(), first = Math.random(); export function mppMain() {{ {body} }}".encode()}
    with engine.tool(files) as tool:
        one, two = json.loads(tool.said()), json.loads(tool.said())
    assert one[:2] == two[:2], "what was drawn while loading is part of the image"
    assert one[2] > one[0]
    assert one[3] != two[3]
    assert one[4] != two[4]
    assert one[5] is True


def test_variables_are_those_of_the_run(engine: Engine) -> None:
    files = {"app/main.js": b"const early = process.env.WORD; export const mppMain = () => `${early} ${process.env.WORD} ${process.env.OTHER}`;"}
    with engine.tool(files) as tool:
        run = tool.line(b"x\n", env=((b"WORD", "grün".encode()),))
    assert run.stdout.decode() == "undefined grün undefined\n"


MODULES = {
    "app/main.js": b"""import def, { named } from "./older.cjs"; import data from "./table.json" with { type: "json" }; import esm from "esm/part"; import cjs from "cjs";
        import local from "#inner"; import { readFileSync } from "node:fs";
        export async function mppMain() {
          const late = await import("./late.mjs");
          return JSON.stringify([def.a, named, data.k, esm, cjs, local, late.default, import.meta.url, readFileSync("/package/app/table.json", "utf8")]);
        }""",
    "app/older.cjs": b"exports.a = require('./sub').v; exports.named = module.id;",
    "app/sub/index.js": b"export const v = 1;",
    "app/table.json": b'{"k": 2}',
    "app/late.mjs": b"export default 'late';",
    "app/inner.js": b"export default 'inner';",
    "package.json": b'{"type": "module", "imports": {"#inner": "./app/inner.js"}}',
    "node_modules/esm/package.json": b'{"type": "module", "exports": {"./*": {"require": "./no.js", "import": "./lib/*.js"}}}',
    "node_modules/esm/lib/part.js": b"import x from 'cjs'; export default 'esm ' + x;",
    "node_modules/cjs/package.json": b'{"main": "main"}',
    "node_modules/cjs/main.js": b"var importsKeys = 1;\n  module.exports = 'cjs';",
}


def test_modules_are_found_as_elsewhere(engine: Engine) -> None:
    files = {**MODULES, "app/older.cjs": b"exports.a = require('./sub.cjs').v; exports.named = module.id;", "app/sub.cjs": b"exports.v = 1;"}
    with engine.tool(files) as tool:
        found = json.loads(tool.said())
    assert found == [1, "app/older.cjs", 2, "esm cjs", "cjs", "inner", "late", "file:///package/app/main.js", '{"k": 2}']


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"import './nope.js';", "cannot find"),
        (b"import 'node:http';", "node:http is not there in the sandbox"),
        (b"import 'left-pad';", "left-pad"),
        (b"import '../../etc/passwd';", "cannot find"),
        (b"export const x = ;", "SyntaxError"),
        (b"throw new Error('at load')", "at load"),
        (b"await new Promise(() => {})", "what never comes"),
        (b"export const a = 1;", "has no tool"),
        (b"import d from './bad.json';", "is no JSON"),
    ],
)
def test_a_tool_that_does_not_load_says_why(engine: Engine, source: bytes, words: str) -> None:
    # The host loads it in the call then, where it fails again: with words, and with a reply.
    with engine.tool({"app/main.js": source, "app/bad.json": b"{"}) as tool:
        run = tool.line(b"x\n")
    assert "error" in reply(run)
    assert words in run.stderr.decode() + run.stdout.decode()


TEXT = [
    ("return [...new TextEncoder().encode('é\\ud800')]", [195, 169, 239, 191, 189]),
    ("return new TextDecoder().decode(new Uint8Array([0xff, 65, 0xe2, 0x82, 66]))", "\ufffdA\ufffdB"),
    ("try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xc0, 0x80])) } catch (e) { return e.name }", "TypeError"),
    ("const d = new TextDecoder(); return d.decode(new Uint8Array([0xf0, 0x9f]), { stream: true }) + d.decode(new Uint8Array([0x98, 0x80]))", "\U0001f600"),
    ("return new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65]))", "A"),
    ("return [btoa('h\\xe9'), atob('aMOp').length, atob(' Y Q == ')]", ["aOk=", 4 - 1, "a"]),
    ("try { btoa('\\u0100') } catch (e) { return e.name }", "InvalidCharacterError"),
    ("try { atob('A') } catch (e) { return e.name }", "InvalidCharacterError"),
]


@pytest.mark.parametrize(("body", "wanted"), TEXT)
def test_text_and_bytes(engine: Engine, body: str, wanted: object) -> None:
    assert said(engine, body) == wanted


ADDRESSES = [
    ("https://EXAMPLE.com:443/a/../b?x=1 2#é", "", "https://example.com/b?x=1%202#%C3%A9"),
    ("../x?y", "http://a.b/c/d/e", "http://a.b/c/x?y"),
    ("//h/p", "https://a/b", "https://h/p"),
    ("?q", "https://a/b?c#d", "https://a/b?q"),
    ("#f", "https://a/b?c#d", "https://a/b?c#f"),
    ("http://0x7f.1/", "", "http://127.0.0.1/"),
    ("http://[1:0:0::7]:80/", "", "http://[1::7]/"),
    ("http://[::ffff:1.2.3.4]/", "", "http://[::ffff:102:304]/"),
    ("http://a%2eb/%2e%2e/c", "", "http://a.b/c"),
    ("HTTP:\\\\a\\b", "", "http://a/b"),
    ("mailto:a@b", "", "mailto:a@b"),
    ("file:///a/./b", "", "file:///a/b"),
    ("http://u:p w@h/", "", "http://u:p%20w@h/"),
    ("http://a b/", "", None),
    ("http://é.com/", "", None),
    ("http://1.2.3.256/", "", None),
    ("http://a:99999/", "", None),
    ("http:///x", "", "http://x/"),
    ("no scheme", "", None),
]


def test_addresses(engine: Engine) -> None:
    given = json.dumps([[text, base or None] for text, base, _ in ADDRESSES])
    found = said(engine, f"return {given}.map(([a, b]) => URL.parse(a, b ?? undefined)?.href ?? null)")
    assert found == [wanted for _, _, wanted in ADDRESSES]


def test_parts_of_an_address_can_be_changed(engine: Engine) -> None:
    body = """const u = new URL("https://x.y/p?a=1&b=2&a=3"); u.searchParams.append("c d", "e&f"); u.searchParams.delete("b"); u.hash = "z"; u.pathname = "/q r";
        u.port = "8443"; const one = u.href; u.search = "?k=v"; return [one, u.searchParams.get("k"), u.host, u.origin, [...new URLSearchParams({ a: "1 2" })], String(new URLSearchParams("a=b&c"))]"""
    assert said(engine, body) == ["https://x.y:8443/q%20r?a=1&a=3&c+d=e%26f#z", "v", "x.y:8443", "https://x.y:8443", [["a", "1 2"]], "a=b&c="]


def test_clones(engine: Engine) -> None:
    body = """const a = { d: new Date(0), m: new Map([[1, { x: 1 }]]), s: new Set([1]), u: new Uint8Array([1, 2]), e: new RangeError("r"), n: [undefined, null] }; a.self = a;
        const b = structuredClone(a); const buffer = new ArrayBuffer(8); structuredClone(buffer, { transfer: [buffer] });
        let refused; try { structuredClone(() => 1) } catch (e) { refused = e.name }
        return [b !== a, b.self === b, b.d.getTime(), b.m.get(1).x, b.s.has(1), [...b.u], b.e instanceof RangeError, b.n.length, buffer.byteLength, refused]"""
    assert said(engine, body) == [True, True, 0, 1, True, [1, 2], True, 2, 0, "DataCloneError"]


def test_timers_run_in_order(engine: Engine) -> None:
    body = """const seen = []; setTimeout(() => seen.push("c"), 8); setTimeout(() => seen.push("a"), 0); queueMicrotask(() => seen.push("m"));
        const gone = setTimeout(() => seen.push("x"), 1); clearTimeout(gone); let n = 0; const every = setInterval(() => { if (++n === 3) clearInterval(every) }, 1);
        await new Promise((done) => setTimeout(done, 12)); return [seen, n]"""
    assert said(engine, body) == [["m", "a", "c"], 3]


def test_requests_go_through_the_host(engine: Engine) -> None:
    host = NoHost(
        {"http.fetch": {"status": 201, "headers": [["Content-Type", "text/plain"], ["x-a", "1"], ["X-A", "2"]], "body": "aMOp", "url": "https://a.b/c"}}
    )
    body = """const r = await fetch("https://a.b/c?d", { method: "post", headers: { "X-Q": "1" }, body: "hé", signal: AbortSignal.timeout(5000) });
        return JSON.stringify([r.status, r.ok, r.url, r.redirected, r.headers.get("x-a"), await r.text(), r.bodyUsed])"""
    with engine.tool(bare(body), calls=host) as tool:
        assert json.loads(tool.said()) == [201, True, "https://a.b/c", True, "1, 2", "hé", True]
    method, params = host.asked[0]
    assert method == "http.fetch"
    assert isinstance(params, dict)
    limit = params.pop("timeout_ms")
    assert isinstance(limit, int)
    assert 0 < limit <= 5000
    assert params == {"method": "POST", "url": "https://a.b/c?d", "headers": [["content-type", "text/plain;charset=UTF-8"], ["x-q", "1"]], "body": "aMOp"}


def test_a_refused_request_is_an_error_with_a_code(engine: Engine) -> None:
    body = "try { await fetch('https://a.b/') } catch (e) { return [e.name, e.code, e.cause.code] }"
    assert said(engine, body) == ["TypeError", "not_declared", "not_declared"]
    assert said(engine, "try { new Headers({ 'a b': '1' }) } catch (e) { return e.name }") == "TypeError"
    assert said(engine, "try { new Request('https://a/', { body: 'x' }) } catch (e) { return e.name }") == "TypeError"


def test_folders_that_were_not_granted_are_not_there(engine: Engine) -> None:
    body = """const fs = await import("node:fs"); const seen = [];
        for (const run of [() => fs.readFileSync("/etc/passwd"), () => fs.readdirSync("/"), () => fs.writeFileSync("/x", "y"), () => fs.statSync("/tmp"), () => fs.readFileSync("/package/../etc/passwd")])
          try { run(); seen.push("done") } catch (e) { seen.push(e.code) }
        return seen"""
    assert said(engine, body) == ["ENOENT"] * 5


def test_the_console_writes_to_standard_error(engine: Engine) -> None:
    body = "console.log('%s is %d', 'x', 4, { a: [1, new Map([['k', 1n]])], f() {} }); console.error(new Error('e').message); return 'reply'"
    with engine.tool(bare(body)) as tool:
        run = tool.line(b"x\n")
    assert run.stdout == b"reply\n"
    assert run.stderr == b'x is 4 { a: [ 1, Map(1) { "k" => 1n } ], f: [Function: f] }\ne\n'


def test_parts_of_node_are_there(engine: Engine) -> None:
    body = """const path = (await import("path")).default; const { EventEmitter } = await import("events"); const util = await import("node:util"); const assert = (await import("assert")).default;
        const e = new EventEmitter(); const got = []; e.once("a", (x) => got.push(x)); e.emit("a", 1); e.emit("a", 2); let failed; try { assert.strictEqual(1, 2) } catch (x) { failed = x.code }
        return [path.join("/a", "../b", "c"), path.resolve("x"), path.basename("/a/b.js", ".js"), path.extname("a.b.c"), path.relative("/a/b", "/a/c/d"), path.dirname("/a/b"), got, failed, util.format("%j", { a: 1 })]"""
    assert said(engine, body) == ["/b/c", "/x", "b", ".c", "../c/d", "/a", [1], "ERR_ASSERTION", '{"a":1}']


def test_what_a_tool_gives_is_kept_in_line(engine: Engine) -> None:
    with engine.tool(with_sdk("return 'ok'")) as tool:
        assert json.loads(tool.line(b"\xff\n").stdout)["error"]["code"] == -32700
        assert json.loads(tool.call().stdout)["result"]["content"] == [{"type": "text", "text": "ok"}]


def test_a_tool_that_is_not_loaded_beforehand_is_loaded_in_the_call(javascript_layer: Path) -> None:
    bundle = bundle_of("app/main.js", bare("return 'late ' + line.trim()")).replace(b" 1 ", b" 0 ", 1)
    assert answered(module(javascript_layer), bundle, "x") == b"late x\n"


def answered(wasm: bytes, bundle: bytes, line: str) -> bytes:
    """Through the small system that builds use."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "m").write_bytes(wasm)
        Path(folder, "b").write_bytes(bundle)
        command = [sys.executable, "-I", "-S", "-B", layer_child.__file__, engine_folder(), f"{folder}/m", f"{folder}/b", line, folder]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
