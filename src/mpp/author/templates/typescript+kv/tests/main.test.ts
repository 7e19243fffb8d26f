// Calls the tool without the sandbox, with storage in memory: npm run setup, then npm test.
// @ts-expect-error: Node's own types are not needed for a tool
import assert from "node:assert/strict";
// @ts-expect-error: Node's own types are not needed for a tool
import { test } from "node:test";
import { call, FakeHost } from "mpp-sdk/testing";
import "../app/main.js";

test("keeps notes", async () => {
  const host = new FakeHost();
  await call("notes", { action: "add", name: "a", text: "one" }, { host });
  await call("notes", { action: "add", name: "a", text: "two" }, { host });
  assert.equal((await call("notes", { action: "read", name: "a" }, { host })).text, "one\ntwo");
  assert.equal((await call("notes", { action: "list" }, { host })).text, "a");
});

test("says what is missing", async () => {
  assert.equal((await call("notes", { action: "read", name: "b" })).text, "there is no note b");
  assert.equal((await call("notes", { action: "add", name: "b" })).text, "the text is missing");
});
