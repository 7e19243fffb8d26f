// The extension as VS Code starts it, over a fake `vscode` and a program that answers like mpp: node --test
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, afterEach, test } from "node:test";

const require = createRequire(import.meta.url);
const { load, context } = require("./fake-vscode.cjs");
const manifest = require("../package.json");

const scratch = mkdtempSync(join(tmpdir(), "mpp-editor-host-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const kept = process.env.PATH;
afterEach(() => (process.env.PATH = kept));

const ID = "0123456789abcdef0123456789abcdef";
const TEXT = "MPP asks a person: may this call run?\n  /name = \"[Yes](command:mpp.refresh)\"\n";
const question = {
  id: ID, ref: "0123", package: "com.example.hello", version: "0.1.0", tool: "greet", agent: {}, user: "ada", security_level: "low", risk: { score: 26, band: "medium" },
  needs: { strength: "flag", approvers: 1 }, text: TEXT, text_sha256: createHash("sha256").update(TEXT).digest("hex"), must_open_details: false, created: 1, expires: 2, answers: 0,
};
const answers = {
  "list --json": { ok: true, packages: [{ package_id: "com.example.hello", version: "0.1.0", alias: "hello", content_hash: "e5", state: "ok", error: null, registry: null, publisher: { id: "d6", name: "Ada", trusted: true, because: "own key" }, tools: [], capabilities_in_words: ["May send requests."] }] },
  "approve pending --json": { ok: true, questions: [question] },
  [`approve show ${ID} --details --json`]: { ok: true, question: { ...question, details: "all of it\n" }, file: null },
  [`approve answer ${ID} --deny --json`]: { ok: true, ref: "0123", answer: "no", approver: "user:ada", amr: "flag", state: "no" },
  [`approve answer ${ID} --key=/keys/ada.key --json`]: { ok: true, ref: "0123", answer: "yes", approver: "ada", amr: "tty", state: "yes" },
  [`audit show ${ID} --json`]: { ok: true, call: ID, story: [{ topic: "ran", words: "x", entry: 1 }], entries: [], checks: [] },
  "audit verify --json": { ok: true, verdict: "signed", reason: "22 of 22 entries", log_id: "ab" },
  "verify --json -- /x.mpp": { ok: false, checks: [{ number: 1, name: "archive safety", ok: false, detail: "cut" }], integrity: "refused", publisher: null, lookalikes: [], error: { code: "archive.truncated", message: "cut [x](command:y)", hint: "h" } },
  "install --json -- /x.mpp": { ok: false, error: { code: "publisher.unknown", message: "this host does not know the publisher", hint: "compare" } },
  "search --json --limit 100 -- crm": { ok: true, packages: [{ package_id: "com.example.crm", latest: "1.0.0", status: "active", title: "$(check) CRM", summary: "", publisher_name: "Eve", registry: "corp" }], errors: [] },
};
const search = "audit search --json --limit 600 --kind decision --kind intent --kind result --kind refused";
answers[search] = { ok: true, entries: [{ seq: 7, at: 7, kind: "refused", invocation: ID, body: { code: "policy.denied", package: "com.example.hello", tool: "greet" } }], pruned: 0, more: false };
answers[`${search} --decision=deny`] = { ...answers[search], entries: [] };

/** A program that notes how it was called and answers from a table. */
function standIn(folder) {
  const file = join(folder, "mpp");
  mkdirSync(folder, { recursive: true });
  const table = join(folder, "answers.json");
  writeFileSync(table, JSON.stringify(answers));
  writeFileSync(file, `#!${process.execPath}\nconst fs=require("fs");const words=process.argv.slice(2).join(" ");fs.appendFileSync(__filename+".calls",words+"\\n");` +
    `const found=JSON.parse(fs.readFileSync(${JSON.stringify(table)},"utf8"))[words];if(words==="doctor")console.log("all holds");else if(found)console.log(JSON.stringify(found));else process.exit(9);\n`);
  chmodSync(file, 0o755);
  return file;
}

const calls = (file) => (existsSync(`${file}.calls`) ? readFileSync(`${file}.calls`, "utf8").trim().split("\n") : []);
const until = async (what, words) => {
  for (let times = 0; times < 1500; times += 1) {
    const found = what();
    if (found) return found;
    await new Promise((next) => setTimeout(next, 10));
  }
  throw new Error(`not in time: ${words}`);
};

let here;
let count = 0;
beforeEach(() => {
  count += 1;
  const folder = join(scratch, String(count));
  here = { ...load(), mpp: standIn(join(folder, "bin")), workspace: join(folder, "workspace"), context: context() };
  here.theirs = standIn(join(here.workspace, ".venv", "bin"));
  here.vscode.workspace.workspaceFolders = [{ uri: here.vscode.Uri.file(here.workspace) }];
  process.env.PATH = join(folder, "bin");
});
afterEach(() => here.context.subscriptions.forEach((one) => one.dispose()));

const start = () => here.extension.activate(here.context);
const rows = (view) => here.world.views.get(view).provider.getChildren();
const run = (name, given) => here.world.commands.get(name)(given);
const said = (words) => until(() => here.world.shown.find((one) => one.words.includes(words)), words);

test("each command that is contributed is registered, and no other", () => {
  start();
  assert.deepEqual([...here.world.commands.keys()].sort(), manifest.contributes.commands.map((one) => one.command).sort());
  assert.deepEqual([...here.world.views.keys()].sort(), manifest.contributes.views.mpp.map((one) => one.id).sort());
  assert.deepEqual([...here.world.providers.keys()], manifest.contributes.mcpServerDefinitionProviders.map((one) => one.id));
});

test("in a workspace that is not trusted nothing runs, whatever is chosen; afterwards the person's own mpp does", async () => {
  here.vscode.workspace.isTrusted = false;
  here.world.settings.path = here.mpp;
  here.world.inputs.push("x");
  start();
  await until(() => here.world.context.get("mpp.state") === "untrusted", "the state");
  for (const name of here.world.commands.keys()) run(name, name.startsWith("mpp.file") ? here.vscode.Uri.file("/x.mpp") : { id: ID, entry: 7, kind: "call", below: [] });
  await said("not trusted");
  assert.deepEqual(here.world.providers.get("mpp.server").provideMcpServerDefinitions(), []);
  assert.deepEqual([...calls(here.mpp), ...calls(here.theirs), ...here.world.terminals], []);
  here.vscode.workspace.isTrusted = true;
  here.world.events.trust.fire();
  await until(() => rows("mpp.packages").length === 1 && rows("mpp.approvals").length === 1 && rows("mpp.calls").length === 1, "the lists");
  assert.deepEqual(calls(here.theirs), []);
  assert.equal(here.world.views.get("mpp.approvals").badge.value, 1);
  assert.equal(here.world.status[0].visible, true);
});

test("settings of a workspace are passed over", async () => {
  here.world.workspaceSettings = { path: here.theirs, approverKey: "/evil.key", home: "/evil", "serve.agent": "admin" };
  start();
  await until(() => rows("mpp.packages").length === 1, "the list");
  assert.deepEqual(calls(here.theirs), []);
  const [server] = here.world.providers.get("mpp.server").provideMcpServerDefinitions();
  assert.deepEqual([server.command, server.args, server.env], [here.mpp, ["serve", "--agent", "vscode", "--workspace", here.workspace], {}]);
  here.world.settings["serve.enabled"] = false;
  assert.deepEqual(here.world.providers.get("mpp.server").provideMcpServerDefinitions(), []);
});

test("the workspace's own mpp is used after a person agreed to it, and not before", async () => {
  process.env.PATH = "";
  start();
  await until(() => here.world.context.get("mpp.state") === "offer", "the offer");
  run("mpp.useWorkspaceProgram");
  const asked = await said("Use the mpp of this workspace?");
  assert.ok(asked.options.modal && asked.items[0] === "Do Not Use It", "Enter is no yes");
  assert.deepEqual(calls(here.theirs), []);
  here.world.answers.push(() => "Use It");
  run("mpp.useWorkspaceProgram");
  await until(() => calls(here.theirs).length > 0, "their program");
});

test("a question is a message first, then a dialog; Enter is no yes, closing is no answer", async () => {
  start();
  const toast = await said("A call waits for you (0123)");
  assert.equal(toast.options.modal, undefined);
  run("mpp.approvals.next");
  const dialog = await said("MPP asks about one call (0123)");
  assert.equal(dialog.options.modal, true);
  assert.ok(dialog.options.detail.startsWith("A yes is given in the terminal") && dialog.options.detail.endsWith(`\n\n${TEXT}`), "word for word");
  assert.deepEqual(dialog.items, ["Show Everything", "No", "Answer in Terminal…"]);
  assert.ok(!calls(here.mpp).some((one) => one.startsWith("approve answer")));
});

test("a yes with the approver's key, a no, and the terminal all go by mpp approve", async () => {
  here.world.settings.approverKey = "/keys/ada.key";
  start();
  await until(() => rows("mpp.approvals").length === 1, "the question");
  const [row] = rows("mpp.approvals");
  const choose = (item) => here.world.answers.push((one) => (one.options.modal && one.items.includes(item) ? item : undefined));
  choose("Yes, Once");
  run("mpp.approvals.answer", row);
  await said("Approved, for one call (0123)");
  choose("No");
  run("mpp.approvals.answer", row);
  await said("Denied (0123)");
  assert.deepEqual(calls(here.mpp).filter((one) => one.startsWith("approve answer")), [`approve answer ${ID} --key=/keys/ada.key --json`, `approve answer ${ID} --deny --json`]);
  here.world.settings.approverKey = "";
  choose("Answer in Terminal…");
  run("mpp.approvals.answer", row);
  const terminal = await until(() => here.world.terminals[0], "the terminal");
  assert.deepEqual([terminal.shellPath, terminal.shellArgs, terminal.shown], [here.mpp, ["approve", "answer", ID], true]);
  assert.ok(terminal.strictEnv && !("PYTHONPATH" in terminal.env) && terminal.env.PATH === process.env.PATH, "a workspace adds no variables");
  choose("Show Everything");
  run("mpp.approvals.answer", row);
  const text = await until(() => here.world.documents.find((one) => one.text.includes("all of it")), "the details");
  assert.equal(text.uri.scheme, "mpp-text");
});

test("the dialog comes at once where a person chose that, once for each question", async () => {
  here.world.settings["approvals.show"] = "dialog";
  start();
  await said("MPP asks about one call (0123)");
  run("mpp.refresh");
  await until(() => calls(here.mpp).filter((one) => one === "approve pending --json").length > 1, "another look");
  assert.equal(here.world.shown.filter((one) => one.words.includes("MPP asks")).length, 1);
});

test("the story of a call, the filter, the record, the doctor", async () => {
  start();
  await until(() => rows("mpp.calls").length === 1, "the call");
  run("mpp.calls.story", rows("mpp.calls")[0]);
  await until(() => here.world.documents.find((one) => one.text.includes("salted commitments")), "the story");
  here.world.inputs.push("decision=deny");
  run("mpp.calls.filter");
  await until(() => here.world.views.get("mpp.calls").message === "only decision=deny", "the filter");
  assert.equal(rows("mpp.calls").length, 0);
  here.world.inputs.push("--out=/etc/passwd");
  run("mpp.calls.filter");
  await said("a filter is one of");
  run("mpp.record.verify");
  await said("The record is signed: 22 of 22 entries");
  run("mpp.doctor");
  await until(() => here.world.documents.find((one) => one.text.includes("all holds")), "doctor");
});

test("files: a report, and a message that makes no link; what a person must decide goes to a terminal", async () => {
  start();
  const file = here.vscode.Uri.file("/x.mpp");
  run("mpp.file.verify", file);
  assert.equal((await said("Refused:")).words, "Refused: cut [x] (command:y)");
  assert.ok(here.world.documents.some((one) => one.text.includes("1 ✗ archive safety")));
  here.world.answers.push((one) => (one.items.includes("Look in Terminal") ? "Look in Terminal" : undefined));
  run("mpp.file.install", file);
  const terminal = await until(() => here.world.terminals[0], "the terminal");
  assert.deepEqual(terminal.shellArgs, ["install", "--", "/x.mpp"]);
  here.world.inputs.push("crm");
  let offered;
  here.world.picks.push((items) => void (offered = items));
  run("mpp.packages.search");
  await until(() => offered, "the hits");
  assert.deepEqual([offered[0].label, offered[0].detail, offered[0].description], ["com.example.crm 1.0.0", "$ (check) CRM", 'by "Eve", which nobody proved']);
});

test("a fault stands over its list: an empty list must not look like a quiet day", async () => {
  writeFileSync(join(here.mpp, "..", "answers.json"), JSON.stringify({ ...answers, "list --json": { ok: true, packages: 7 } }));
  start();
  await until(() => here.world.views.get("mpp.packages").message.includes("in a form that this extension does not know"), "the fault");
  assert.ok(here.world.logged.some((one) => one.includes("packages is no list")));
});

test("rows are plain text for the eye and the ear", () => {
  const item = new here.trees.Rows().getTreeItem({ label: "x", note: "y", tip: "z", icon: "package", kind: "package", id: "", entry: 0, below: [] });
  assert.deepEqual([item.label, item.tooltip, item.accessibilityInformation.label, item.iconPath.given], ["x", "z", "x, y", ["package"]]);
});
