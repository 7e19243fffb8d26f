// Calls the tools without the sandbox, over a folder of this test: npm run setup, then npm test.
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { call } from "mpp-sdk/testing";
import { place } from "../app/main.js";

place.folder = mkdtempSync("/tmp/mpp-files-");
writeFileSync(`${place.folder}/a.txt`, "one two\nthree");

test("counts words", async () => {
  assert.deepEqual((await call("count_words", { name: "a.txt" })).structured, { lines: 2, words: 3 });
});

test("names the files", async () => {
  assert.deepEqual((await call("list_files")).structured, { names: ["a.txt"] });
});

test("takes no path", async () => {
  assert.equal((await call("count_words", { name: "../a.txt" })).text, "that is no name of a file");
});
