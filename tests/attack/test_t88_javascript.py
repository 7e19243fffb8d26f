"""T88, a hostile or broken tool in JavaScript on the real layer: each call ends in a clear failure or in one valid reply, within its time, and the next one works.

It recurses, loops, allocates, prints, replaces what JavaScript is made of, and throws what nobody can show. Skipped without the layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.stages.sandbox import Run
from tests.javascripted import Engine, MIB, bare, reply, with_sdk

GOOD = "return 'good'"
MEMORY_WORDS = "The tool ran out of memory."


@pytest.fixture(scope="module")
def engine(javascript_layer: Path) -> Iterator[Engine]:
    made = Engine(javascript_layer)
    yield made
    with made.tool(with_sdk(GOOD)) as tool:
        assert text_of(tool.call()) == "good"
    made.close()


def attacked(engine: Engine, body: str, *, seconds: float = 20.0, memory: int = 64 * MIB) -> Run:
    """One call of a tool with this body."""
    with engine.tool(with_sdk(body), memory=memory) as tool:
        return tool.call(seconds=seconds)


def text_of(run: Run) -> str:
    result = reply(run)["result"]
    assert isinstance(result, dict)
    content = result["content"]
    assert isinstance(content, list)
    first = content[0]
    assert isinstance(first, dict)
    return str(first["text"])


RECURSIONS = {
    "calls": "const f = () => f() + 1; f()",
    "many arguments": "const f = (...a) => f(1, 2, 3, ...a.slice(0, 8)); f()",
    "callbacks": "const f = () => [1].map(f); f()",
    "replacers": "const f = () => 'a'.replace(/a/, f); f()",
    "sorting": "const f = () => [1, 2].sort(f); f()",
    "constructors": "class A { constructor() { new B() } } class B extends A {} new B()",
    "getters": "const o = { get a() { return this.a } }; o.a",
    "texts": "const o = { toString() { return '' + this } }; '' + o",
    "generators": "function* g() { yield* g() } [...g()]",
    "iterators": "const o = { [Symbol.iterator]() { return [...o] } }; [...o]",
    "species": "class A extends Array { static get [Symbol.species]() { return new A(1).map((x) => x) && A } } new A(1).map((x) => x)",
    "proxies read": "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x",
    "proxies written": "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x = 1",
    "proxies asked": "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); Object.keys(p)",
    "proxies of classes": "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); Object.getPrototypeOf(p)",
    "written JSON": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
    "joining": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a)",
    "flattening": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)",
    "cloning": "let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; structuredClone(a)",
    "async": "const f = async () => await f(); await f()",
    "tags": "const f = () => f`x`; f()",
    "dates": "const o = { valueOf: () => new Date(o) }; new Date(o)",
}
PARSED = {
    "read JSON": "JSON.parse('['.repeat(1e5))",
    "objects in JSON": "JSON.parse('{\"a\":'.repeat(1e5))",
    "parentheses": "eval('('.repeat(1e5))",
    "lists": "eval('['.repeat(1e5))",
    "objects": "eval('x={a:'.repeat(1e5))",
    "blocks": "eval('{'.repeat(1e5))",
    "functions": "eval('(function(){'.repeat(400) + '})'.repeat(400))",
    "arrows": "eval('a=>'.repeat(1e5) + '1')",
    "negations": "eval('!'.repeat(1e5) + '1')",
    "powers": "eval('1**'.repeat(1e5) + '1')",
    "choices": "eval('1?'.repeat(1e5) + 'x')",
    "templates": "eval('`${'.repeat(1e5))",
    "classes": "eval('(class{a='.repeat(1e5))",
    "indices": "eval('a['.repeat(1e5))",
    "patterns": "new RegExp('(?:'.repeat(1e4) + 'a' + ')*'.repeat(1e4))",
    "looks ahead": "new RegExp('(?='.repeat(3000) + 'a' + ')'.repeat(3000)).test('a')",
}


@pytest.fixture(scope="module")
def catching(engine: Engine) -> Iterator[object]:
    """One tool that runs what it is given and says how it ended: most attacks need no tool of their own."""
    source = """import { tool, t } from "mpp-sdk";
        const run = Object.getPrototypeOf(async () => {}).constructor;
        tool({ name: "go", description: "x", parameters: { code: t.string() } }, async ({ code }) => {
          try { await run(code)(); return "ended" } catch (e) { return `${e.name}: ${e.message}` } });"""
    files = {**with_sdk(""), "app/main.js": source.encode()}
    with engine.tool(files, memory=256 * MIB) as tool:
        yield tool


@pytest.mark.parametrize("name", RECURSIONS)
def test_deep_recursion_is_an_error_and_no_trap(catching: object, name: str) -> None:
    run = catching.call(given={"code": RECURSIONS[name]})  # type: ignore[attr-defined]
    assert text_of(run) == "RangeError: Maximum call stack size exceeded"


@pytest.mark.parametrize("name", PARSED)
def test_deep_texts_are_an_error_and_no_trap(catching: object, name: str) -> None:
    run = catching.call(given={"code": PARSED[name]})  # type: ignore[attr-defined]
    assert text_of(run).startswith(("SyntaxError: ", "RangeError: ")), text_of(run)


def test_an_error_of_recursion_that_nobody_catches_is_a_reply(engine: Engine) -> None:
    run = attacked(engine, "const f = () => f(); f()")
    assert reply(run)["error"] == {"code": -32603, "message": "the tool failed"}
    assert b"RangeError: Maximum call stack size exceeded" in run.stderr


@pytest.mark.parametrize(
    "body", ["for (;;);", "const f = () => Promise.resolve().then(f); await f(); await new Promise(() => {})", "/^(a+)+$/.test('a'.repeat(40) + 'b')"]
)
def test_loops_end_at_the_deadline(engine: Engine, body: str) -> None:
    run = attacked(engine, body, seconds=1.0, memory=32 * MIB)
    assert (run.fault is not None and run.fault.code == "tool.deadline") or "error" in reply(run) or text_of(run) == MEMORY_WORDS
    assert run.seconds < 60


@pytest.mark.parametrize(
    "body",
    [
        "const a = []; for (;;) a.push(new Uint8Array(1 << 20))",
        "const a = []; for (;;) a.push({ a: [1, 2, 3] })",
        "const a = []; try { for (;;) a.push({}) } catch { for (;;) a.push({}) }",
        "const a = []; for (;;) a.push('x'.repeat(1e5) + a.length)",
    ],
)
def test_memory_that_runs_out_is_said(engine: Engine, body: str) -> None:
    run = attacked(engine, body, memory=32 * MIB)
    assert text_of(run) == MEMORY_WORDS
    assert reply(run)["result"]["isError"] is True  # type: ignore[index, call-overload]


def test_memory_that_runs_out_without_the_sdk_is_said_too(engine: Engine) -> None:
    with engine.tool(bare("const a = []; for (;;) a.push({})"), memory=32 * MIB) as tool:
        assert text_of(tool.line(b"x\n")) == MEMORY_WORDS


def test_noise_does_not_reach_the_reply(engine: Engine) -> None:
    run = attacked(engine, "for (let i = 0; i < 2e4; i++) console.log('noise'.repeat(10)); console.table([1]); return 'good'")
    assert text_of(run) == "good"
    assert run.stderr.startswith(b"noise")
    assert run.stderr_cut > 0


REPLACED = {
    "JSON": "JSON.parse = () => { throw 1 }; JSON.stringify = () => 'evil'; globalThis.JSON = null",
    "Promise": "Promise.prototype.then = () => { throw 1 }; globalThis.Promise = null",
    "everything": "for (const k of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[k] } catch {} }",
    "lists": "Array.prototype.push = () => { throw 1 }; Array.prototype.join = () => 'evil'; Array.prototype.map = null; Array.prototype[Symbol.iterator] = () => { throw 2 }",
    "texts": "String.prototype.slice = () => 'evil'; String.prototype.replace = () => 'evil'; RegExp.prototype.test = () => true; RegExp.prototype.exec = () => null",
    "objects": "Object.keys = () => []; Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'evil' })",
    "setters": "for (const k of ['0', 'jsonrpc', 'result', 'content', 'id', 'text']) Object.defineProperty(Object.prototype, k, { set() {}, get: () => 'evil' })",
    "maps": "Map.prototype.get = () => ({ run: () => 'evil' }); Map.prototype.has = () => true",
    "the host's functions": "const l = globalThis[Symbol.for('mpp.layer')]; try { l.call = () => '{}' } catch {} globalThis[Symbol.for('mpp.layer')] = null; l.serve(() => 'evil')",
    "timers": "globalThis.setTimeout = null; globalThis.queueMicrotask = null; globalThis.console = { error() { throw 1 } }",
}


@pytest.mark.parametrize("name", REPLACED)
def test_a_tool_that_replaces_the_language_hurts_itself_alone(engine: Engine, name: str) -> None:
    with engine.tool(with_sdk(f"{REPLACED[name]}; return 'good'")) as tool:
        first, second = tool.call(), tool.call()
    for run in (first, second):
        found = reply(run)
        assert found["jsonrpc"] == "2.0"
        assert found["id"] == 1
        assert "error" in found or text_of(run) == "good"
    assert first.stdout == second.stdout, "each call begins from the image"


@pytest.mark.parametrize("name", REPLACED)
def test_replacing_it_while_loading_gives_a_reply_or_a_clear_failure(engine: Engine, name: str) -> None:
    files = with_sdk("return 'good'")
    files["app/main.js"] += f"\n{REPLACED[name]};".encode()
    with engine.tool(files) as tool:
        run = tool.call()
    assert run.fault is None
    # A tool that breaks even what reads its lines breaks its own reply; the host refuses it then. It is still one line and an end.
    assert run.exit_code == 0
    assert run.stdout.count(b"\n") == 1


THROWN = {
    "null": "throw null",
    "a symbol": "throw Symbol('x')",
    "a proxy": "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })",
    "an error with traps": "const e = new Error('x'); for (const k of ['stack', 'message', 'name']) Object.defineProperty(e, k, { get() { throw 1 } }); throw e",
    "a tool error with traps": "const e = new ToolError('x'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e",
    "a large text": "throw 'x'.repeat(1e6)",
    "a promise": "throw Promise.reject(new Error('x'))",
    "a ring": "const a = {}; a.a = a; throw a",
}


@pytest.mark.parametrize("name", THROWN)
def test_what_is_thrown_is_a_reply(engine: Engine, name: str) -> None:
    assert reply(attacked(engine, THROWN[name]))["error"] == {"code": -32603, "message": "the tool failed"}


RETURNED = {
    "a ring": "const a = {}; a.a = a; return a",
    "a function": "return () => 1",
    "no number": "return { a: NaN }",
    "a trap": "return new Proxy({}, { ownKeys() { throw 1 } })",
    "a getter": "return { get a() { throw new Error('x') } }",
    "what never comes": "return { then() {} }",
    "much": "return 'x'.repeat(5e6)",
    "a deep list": "let a = []; for (let i = 0; i < 1e4; i++) a = [a]; return { a }",
}


@pytest.mark.parametrize("name", RETURNED)
def test_what_is_returned_is_a_reply(engine: Engine, name: str) -> None:
    found = reply(attacked(engine, RETURNED[name]))
    result = found.get("result")
    assert "error" in found or (isinstance(result, dict) and result["isError"] is True)


def test_half_characters_and_line_ends_stay_inside_of_the_line(engine: Engine) -> None:
    assert text_of(attacked(engine, "return 'a\\ud800\\u2028\\n\\r\\0b'")) == "a\ufffd\u2028\n\r\0b"


def test_rejections_and_timers_that_nobody_waits_for_do_not_end_the_call(engine: Engine) -> None:
    run = attacked(
        engine,
        "for (let i = 0; i < 100; i++) Promise.reject(new Error('lost')); setTimeout(() => { throw new Error('late') }); await new Promise((d) => setTimeout(d, 5)); return 'good'",
    )
    assert text_of(run) == "good"
    assert run.stderr.count(b"lost") == 10
    assert b"90 more promises were rejected" in run.stderr
    assert b"a timer failed: Error: late" in run.stderr


def test_a_loop_while_loading_ends_there_and_in_the_call(engine: Engine) -> None:
    with engine.tool({"app/main.js": b"for (;;);"}, seconds=4.0) as tool:
        run = tool.line(b"x\n", seconds=1.0)
    assert run.fault is not None
    assert run.fault.code == "tool.deadline"


def test_memory_that_runs_out_while_loading_is_a_failure_with_words(engine: Engine) -> None:
    files = {"app/main.js": b"const a = []; for (;;) a.push(new Uint8Array(1 << 20)); export const mppMain = () => 'x';"}
    with engine.tool(files, memory=32 * MIB) as tool:
        # The host loads it in the call then, where it runs out again.
        assert text_of(tool.line(b"x\n")) == MEMORY_WORDS
