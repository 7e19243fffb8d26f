// Calls the tool without the sandbox and without the network: npm run setup, then npm test.
// @ts-expect-error: Node's own types are not needed for a tool
import assert from "node:assert/strict";
// @ts-expect-error: Node's own types are not needed for a tool
import { test } from "node:test";
import { call, FakeHost } from "mpp-sdk/testing";
import "../app/main.js";

test("finds issues", async () => {
  const host = new FakeHost();
  host.http = () => ({ body: JSON.stringify({ items: [{ number: 7, title: "It breaks", html_url: "https://example.com/7" }] }) });
  const { text } = await call("find_issues", { repository: "ada/engine", words: "breaks" }, { host });
  assert.equal(text, "#7 It breaks");
  assert.match(host.requests[0]!.url, /repo%3Aada%2Fengine/);
});

test("says what the server said", async () => {
  const host = new FakeHost();
  host.http = () => ({ status: 503 });
  const { isError, text } = await call("find_issues", { repository: "ada/engine", words: "x" }, { host });
  assert.equal(isError, true);
  assert.equal(text, "the server answered 503");
});
