// The SDK outside of the sandbox: what it reads, writes, checks, and how tools are tried.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as sdk from "mpp-sdk";
import { call, FakeHost, forgetTools } from "mpp-sdk/testing";

const { answer, ask, definitions, hostCall, kv, log, ofPerson, optional, parseJson, Rejected, serve, t, tool, toolHandler, ToolError, ToolResponse, writeJson } = sdk;
const line = (name, given) => JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: given } });
beforeEach(forgetTools);

test("JSON is read strictly", () => {
  assert.deepEqual(parseJson(' {"a":[1,2.5,-0,"\\u00e9",null,true]} '), { a: [1, 2.5, -0, "é", null, true] });
  assert.equal(parseJson("9007199254740993"), 9007199254740993n);
  const odd = parseJson('{"__proto__":1}');
  assert.equal(Object.getPrototypeOf(odd), Object.prototype);
  assert.deepEqual(Object.keys(odd), ["__proto__"]);
  for (const text of ["", "{", "[1,]", '{"a":1,"a":2}', '"\\ud800"', '"\\x"', "01", "1e999", "nul", "'a'", '{"a" 1}', "1 2", '"a', '"\\u12"', "\u00a01"])
    assert.throws(() => parseJson(text), sdk.JsonError, text);
  assert.throws(() => parseJson("[".repeat(33) + "]".repeat(33)), (fault) => fault.deep);
});

test("JSON is written with every digit, and what is no JSON is named", () => {
  assert.equal(writeJson({ a: [1n << 63n, 0.5, "\ud800", undefined ?? null], b: undefined, d: new Date(0) }), '{"a":[9223372036854775808,0.5,"\ufffd",null],"d":"1970-01-01T00:00:00.000Z"}');
  assert.equal(writeJson(1e20), "1e+20");
  assert.throws(() => writeJson({ a: { b: NaN } }), /a\/b is NaN/);
  assert.throws(() => writeJson([() => 1]), /function/);
  const ring = {};
  ring.me = ring;
  assert.throws(() => writeJson(ring), /holds itself/);
  let deep = 0;
  for (let i = 0; i < 100; i++) deep = [deep];
  assert.throws(() => writeJson(deep), /too deep/);
});

test("definitions are those of a manifest", () => {
  tool({ name: "a", title: "A", description: "d", parameters: { x: t.string({ minLength: 1 }), y: optional(t.list(t.choice([1, 2])), [1]), z: optional(t.nullable(t.int64())) }, returns: t.object({}), securityLevel: "high" }, () => "");
  tool({ name: "b", description: "d" }, () => "");
  tool({ name: "c", description: "d", parameters: { type: "object", properties: { q: true } } }, () => "");
  assert.deepEqual(definitions(), [
    {
      name: "a",
      title: "A",
      description: "d",
      parameters: {
        type: "object",
        properties: { x: { type: "string", minLength: 1 }, y: { type: "array", items: { enum: [1, 2] }, default: [1] }, z: { anyOf: [{ type: "integer", format: "int64" }, { type: "null" }] } },
        required: ["x"],
        additionalProperties: false,
      },
      returns: { type: "object", properties: {}, additionalProperties: false },
      security_level: "high",
    },
    { name: "b", description: "d", parameters: { type: "object", properties: {}, additionalProperties: false }, security_level: "low" },
    { name: "c", description: "d", parameters: { type: "object", properties: { q: true } }, security_level: "low" },
  ]);
  const described = JSON.parse(serve('{"jsonrpc":"2.0","id":1,"method":"mpp/describe"}'));
  assert.equal(described.result.tools.length, 3);
  assert.equal(described.result.handler, false);
});

test("tools that cannot be are refused where they are written", () => {
  assert.throws(() => tool({ name: "a b", description: "d" }, () => ""), /is no name/);
  assert.throws(() => tool({ name: "a" }, () => ""), /no description/);
  assert.throws(() => tool({ name: "a", description: "d" }), /no function/);
  assert.throws(() => tool({ name: "a", description: "d", securityLevel: "none" }, () => ""), /securityLevel/);
  tool({ name: "a", description: "d" }, () => "");
  assert.throws(() => tool({ name: "A", description: "d" }, () => ""), /two tools/);
  assert.throws(() => toolHandler(1), /function/);
});

test("arguments are checked, and defaults filled in", async () => {
  const inner = t.object({ n: t.integer(), m: optional(t.number(), 2) });
  tool({ name: "a", description: "d", parameters: { o: inner, l: optional(t.list(t.boolean())), k: optional(t.map(t.string())), b: optional(t.int64()) } }, (given) => writeJson(given));
  assert.equal((await call("a", { o: { n: 1 } })).text, '{"o":{"n":1,"m":2}}');
  assert.equal((await call("a", { o: { n: 1, m: 3n }, b: 7, k: { x: "y" } })).text, '{"o":{"n":1,"m":3},"b":7,"k":{"x":"y"}}');
  for (const [given, words] of [
    [{}, "'o' is missing"],
    [{ o: 1 }, "'o' is an integer; an object"],
    [{ o: { n: "1" } }, "'o/n' is a text; an integer"],
    [{ o: { n: 1n << 60n } }, "'o/n' is too large"],
    [{ o: { n: 1 }, l: [true, 1] }, "'l/1' is an integer; true or false"],
    [{ o: { n: 1 }, k: { x: 1 } }, "'k/x'"],
    [{ o: { n: 1 }, b: 1n << 63n }, "does not fit in 64 bits"],
    [{ o: { n: 1 }, zz: 1 }, "there is no argument 'zz'"],
  ]) {
    const { isError, text } = await call("a", given);
    assert.ok(isError && text.includes(words), `${text} has not ${words}`);
  }
});

test("answers of all kinds", async () => {
  const kinds = { text: () => "t", none: () => undefined, number: () => 3, object: () => ({ a: 1 }), list: () => [1], items: () => [sdk.text("x"), sdk.link("https://a.b/", "n")], item: () => sdk.resource("u:1", "r"), failed: () => ToolResponse.error("no") };
  tool({ name: "a", description: "d", parameters: { kind: t.string() } }, async ({ kind }) => kinds[kind]());
  const got = {};
  for (const kind of Object.keys(kinds)) got[kind] = await call("a", { kind });
  assert.equal(got.text.text, "t");
  assert.deepEqual(got.none.content, []);
  assert.equal(got.number.text, "3");
  assert.deepEqual([got.object.text, got.object.structured], ['{"a":1}', { a: 1 }]);
  assert.deepEqual([got.list.text, got.list.structured], ["[1]", undefined]);
  assert.deepEqual(got.items.content.map((item) => item.type), ["text", "resource_link"]);
  assert.equal(got.item.content[0].resource.text, "r");
  assert.equal(got.failed.isError, true);
});

test("what is thrown becomes a reply", async () => {
  const throws = { tool: () => new ToolError("words"), reject: () => new Rejected(-1, "m", { d: 1 }), plain: () => new Error("secret"), nothing: () => null };
  tool({ name: "a", description: "d", parameters: { kind: t.string() } }, ({ kind }) => {
    if (kind === "ask") ask({ who: ofPerson("Who?", { type: "object" }) });
    throw throws[kind]();
  });
  const said = console.error;
  console.error = () => {};
  try {
    assert.deepEqual(JSON.parse(await answer(line("a", { kind: "tool" }))).result, { content: [{ type: "text", text: "words" }], isError: true });
    assert.deepEqual(JSON.parse(await answer(line("a", { kind: "reject" }))).error, { code: -1, message: "m", data: { d: 1 } });
    for (const kind of ["plain", "nothing"]) assert.deepEqual(JSON.parse(await answer(line("a", { kind }))).error, { code: -32603, message: "the tool failed" });
  } finally {
    console.error = said;
  }
  assert.deepEqual((await call("a", { kind: "ask" })).questions.who.params.message, "Who?");
});

test("one handler for all tools", async () => {
  toolHandler(({ tool: name, arguments: given, context }) => ToolResponse.success(`${name} ${given.x} ${context.user}`));
  assert.equal((await call("any", { x: 1 }, { context: { user: "ada" } })).text, "any 1 ada");
});

test("a host for tests", async () => {
  const host = new FakeHost();
  tool({ name: "a", description: "d" }, () => {
    assert.equal(kv.set("k", "v", { expect: null }), true);
    assert.equal(kv.set("k", "w", { expect: "x" }), false);
    assert.deepEqual(kv.list(), { keys: ["k"], more: false });
    assert.equal(kv.getText("k"), "v");
    assert.equal(kv.getJson("none"), null);
    assert.equal(kv.shared.getText("k"), null);
    assert.equal(kv.shared.set("s", "all", { expect: null }), true);
    assert.deepEqual(kv.shared.list(), { keys: ["s"], more: false });
    assert.deepEqual(kv.list(), { keys: ["k"], more: false });
    assert.equal(kv.shared.delete("s"), true);
    assert.equal(kv.delete("k"), true);
    log.info("l");
    assert.throws(() => hostCall("no.such", {}), (fault) => fault.code === "unknown_method");
    return sdk.http.post("https://a.b/", "é", { headers: { x: "y" } }).text();
  });
  host.http = (sent) => ({ body: `${sent.method} ${sent.body} ${sent.headers}` });
  assert.equal((await call("a", {}, { host })).text, "POST é x,y");
  assert.deepEqual(host.logged, [{ level: "info", message: "l" }]);
});

test("without a host each call says so", () => {
  assert.throws(() => kv.get("a"), (fault) => fault instanceof sdk.HostError && fault.code === "unavailable");
  log.warning("nobody listens");
});

test("bytes", () => {
  assert.equal(sdk.toBase64(new Uint8Array([0, 255])), "AP8=");
  assert.deepEqual(sdk.fromBase64("AP8="), new Uint8Array([0, 255]));
  for (const wrong of ["A", "AP8", "AP9=", "A===", "_-8=", "AA==AA=="]) assert.equal(sdk.fromBase64(wrong), null, wrong);
});
