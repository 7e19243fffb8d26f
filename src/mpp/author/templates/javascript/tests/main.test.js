// Calls the tool as a host does, without the sandbox: npm run setup, then npm test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "mpp-sdk/testing";
import "../app/main.js";

test("greets", async () => {
  const { text, structured } = await call("greet", { name: "Ada" });
  assert.equal(text, "Hello, Ada!");
  assert.deepEqual(structured, { greeting: "Hello, Ada!" });
});

test("says what is wrong", async () => {
  const { isError, text } = await call("greet", { name: " " });
  assert.equal(isError, true);
  assert.equal(text, "the name is empty");
});
