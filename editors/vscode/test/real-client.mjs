// The extension's client against a real mpp and a real home: node real-client.mjs MPP HOME KEY. Prints one JSON object; a Python test reads it.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Client, Refused } = require("../dist/client.js");
const { Inbox } = require("../dist/approvals.js");
const { runner } = require("../dist/run.js");
const { callRow, packageRow, questionRow } = require("../dist/rows.js");
const { inspectedText, storyText, verifiedText } = require("../dist/words.js");

const [mpp, home, key, file, proof] = process.argv.slice(2);
const client = new Client(runner(mpp, home));
const told = [];
const asked = [];

// The person says yes to Gwen and no to whoever else.
const screen = {
  choose: async (question, choices, note) => {
    asked.push({ text: question.text, choices, note });
    return question.text.includes('"Gwen"') && choices.includes("yes") ? "yes" : "no";
  },
  open: async () => undefined,
  passphrase: async () => undefined,
  terminal: () => undefined,
  tell: (words) => told.push(words),
};

const pending = await client.pending();
await new Inbox(client, screen, () => key).ask(pending.map((one) => one.id));
const calls = await client.calls({});
const refused = await client.approve(pending[0].id, key, undefined).catch((fault) => (fault instanceof Refused ? fault.code : String(fault)));
const refusal = (fault) => (fault instanceof Refused ? fault.code : String(fault));
const [packages, left, denied, story, verified, inspected, record, search] = await Promise.all([
  client.packages(),
  client.pending(),
  client.calls({ decision: "deny" }),
  client.story(calls.at(-1).id),
  client.verify(file),
  client.inspect(file),
  client.record(),
  client.search(["hello"]).catch(refusal),
]);
console.log(
  JSON.stringify({
    packages: packages.map(packageRow),
    pending: pending.map(questionRow),
    asked,
    told,
    refused,
    left: left.length,
    calls: calls.map(callRow),
    denied: denied.length,
    story: storyText(story),
    verified: verifiedText(file, verified),
    inspected: inspectedText(file, inspected),
    record: record.verdict,
    proof: await client.prove(calls[0].last, proof),
    search,
  }),
);
