// What the extension decides, without VS Code: node --test
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";

const require = createRequire(import.meta.url);
const { inert, moment, plain } = require("../dist/inert.js");
const { readObject, BadAnswer } = require("../dist/reading.js");
const { readQuestion, readPackage, readEntry } = require("../dist/documents.js");
const { Client, Refused, callsOf, readFilter, sha256 } = require("../dist/client.js");
const { Inbox, byDialog, choicesOf, noteOf } = require("../dist/approvals.js");
const { find } = require("../dist/find.js");
const { runner, surroundings, NotRun } = require("../dist/run.js");
const { Watch } = require("../dist/watch.js");
const { callRow, packageRow, questionRow } = require("../dist/rows.js");
const { verifiedText, storyText } = require("../dist/words.js");

const scratch = mkdtempSync(join(tmpdir(), "mpp-editor-logic-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

function program(name, text) {
  const file = join(scratch, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const ID = "0123456789abcdef0123456789abcdef";
const asked = (changes = {}) => {
  const text = changes.text ?? "MPP asks a person: may this call run?\n";
  return {
    id: ID, ref: "0123", package: "com.example.hello", version: "0.1.0", tool: "greet", agent: { name: "", proof: "anonymous" }, user: "ada", security_level: "low",
    risk: { score: 26, band: "medium" }, needs: { strength: "flag", approvers: 1 }, includes_consent: true, text, text_sha256: sha256(text), must_open_details: false,
    created: 1, expires: 2, answers: 0, ...changes,
  };
};
const question = (changes) => readQuestion(readObject(JSON.stringify(asked(changes))));

test("text of strangers is inert", () => {
  assert.equal(inert("[Yes](command:mpp.refresh) $(check)\nnext"), "[Yes] (command:mpp.refresh) $ (check) next");
  assert.equal(plain("a\u202eb\u200b\tc\nd\u0007\u{e0041}"), "a\\u202eb\\u200b\\u0009c\nd\\u0007\\u{e0041}");
  assert.equal(inert("x".repeat(900)).length, 400);
  assert.equal(plain("Größe 東京 ✓"), "Größe 東京 ✓");
  assert.equal(moment(0), "1970-01-01 00:00:00 UTC");
  assert.equal(moment(1e300), "at an unknown time");
});

test("an answer of another form is refused, not guessed at", () => {
  assert.throws(() => readObject("<html>"), BadAnswer);
  assert.throws(() => readObject("[]"), BadAnswer);
  assert.equal(question({}).ref, "0123");
  for (const changes of [{ id: "../../etc" }, { ref: "--help" }, { text: 7 }, { risk: null }, { needs: { strength: "flag" } }, { must_open_details: "no" }, { expires: "soon" }]) {
    assert.throws(() => readQuestion(readObject(JSON.stringify({ ...asked(), ...changes }))), BadAnswer, JSON.stringify(changes));
  }
  assert.throws(() => readObject(JSON.stringify({ many: Array(6000).fill("x") })).texts("many"), BadAnswer);
  assert.throws(() => readObject('{"many":[1]}').texts("many"), BadAnswer);
});

test("mpp's refusals keep their words; silence and another text are faults", async () => {
  const says = (out, code = 0) => new Client(async () => ({ code, out, err: "a trace" }));
  const refusal = JSON.stringify({ ok: false, error: { code: "approval.unknown", message: "no such question", hint: "look" } });
  await assert.rejects(says(refusal, 24).pending(), (fault) => fault instanceof Refused && fault.code === "approval.unknown" && fault.hint === "look");
  await assert.rejects(says("").pending(), /ended with 0 and no answer/);
  // Attack: a text that is shown and is not the one that the answer binds.
  const other = { ...asked(), text: "harmless\n" };
  await assert.rejects(says(JSON.stringify({ ok: true, questions: [other] })).pending(), /not the text that was asked/);
  // Attack: the answer is about another question than the one that was asked for.
  const detailed = JSON.stringify({ ok: true, question: { ...asked({ id: "f".repeat(32) }), details: "" } });
  await assert.rejects(says(detailed).question(ID), /another question/);
  const empty = JSON.stringify({ ok: false, error: { code: "audit.empty", message: "there is no record yet", hint: "" } });
  assert.deepEqual(await says(empty, 27).calls({}), []);
});

test("ids and words of strangers are never options of a command", async () => {
  const seen = [];
  const client = new Client(async (args) => {
    seen.push(args);
    return { code: 0, out: '{"ok":true,"checks":[],"lookalikes":[],"packages":[]}', err: "" };
  });
  for (const id of ["--help", "", "x", `${ID}0`, "0123\n"]) {
    await assert.rejects(async () => client.question(id), BadAnswer);
    await assert.rejects(async () => client.deny(id), BadAnswer);
    await assert.rejects(async () => client.approve(id, "k", undefined), BadAnswer);
    await assert.rejects(async () => client.story(id), BadAnswer);
  }
  assert.deepEqual(seen, []);
  await client.verify("--trust");
  await client.search(["--registry", "evil"]);
  await client.install("--yes");
  for (const args of seen) assert.ok(args.indexOf("--") < args.findIndex((one) => ["--trust", "--registry", "--yes"].includes(one)), args.join(" "));
  assert.throws(() => readFilter("package=--json"), Refused);
  assert.throws(() => readFilter("log=/etc"), Refused);
  assert.deepEqual(readFilter(" package=com.example.*  since=7d "), { package: "com.example.*", since: "7d" });
});

test("Enter is never a yes, and a yes comes after the details where something is left out", () => {
  for (const key of ["", "/k"]) for (const strength of ["flag", "tty", "passphrase", "webauthn", "something-new"])
    for (const mustOpen of [true, false]) for (const opened of [true, false]) {
      const found = choicesOf(question({ needs: { strength, approvers: 1 }, must_open_details: mustOpen }), key, opened);
      assert.equal(found[0], "details");
      assert.ok(found.includes("no"));
      assert.equal(found.includes("yes"), key !== "" && ["flag", "tty"].includes(strength) && (opened || !mustOpen));
      assert.equal(found.includes("terminal"), !found.includes("yes") && (opened || !mustOpen));
    }
  assert.equal(byDialog(question({ needs: { strength: "passphrase", approvers: 1 } }), "/k"), false);
  assert.match(noteOf(question({ needs: { strength: "flag", approvers: 2 } }), "/k"), /^2 of 2 people/);
  assert.match(noteOf(question({}), ""), /no approver's key/);
});

/** An inbox over a few questions, and all that happened. */
function inbox(questions, choose, { key = "/k", fault } = {}) {
  const happened = [];
  const known = new Map(questions.map((one) => [one.id, one]));
  let open = 0;
  const done = (state) => async (id) => {
    happened.push([state, id]);
    known.delete(id);
    return { ref: "0123", answer: state, approver: "ada", amr: "tty", state };
  };
  const answers = {
    question: async (id) => {
      if (!known.has(id)) throw new Refused("approval.unknown", "no such question", "");
      return { question: known.get(id), details: "all" };
    },
    approve: async (id, given, passphrase) => {
      if (fault !== undefined && passphrase === undefined) throw fault;
      happened.push(["key", given, passphrase]);
      return done("yes")(id);
    },
    deny: done("no"),
  };
  const screen = {
    choose: async (one, choices) => {
      open += 1;
      assert.equal(open, 1, "one dialog at a time");
      await new Promise((next) => setImmediate(next));
      open -= 1;
      happened.push(["asked", one.id]);
      return choose(one, choices, known);
    },
    open: async (found) => void happened.push(["opened", found.question.id]),
    passphrase: async () => "secret",
    terminal: (one) => void happened.push(["terminal", one.id]),
    tell: (words) => void happened.push(["told", words]),
  };
  return { inbox: new Inbox(answers, screen, () => key), happened };
}

const ids = ["a", "b", "c"].map((one) => one.repeat(32));
const three = ids.map((id) => question({ id }));

test("questions stand in line, each once, the oldest first", async () => {
  const { inbox: found, happened } = inbox(three, () => "no");
  await Promise.all([found.ask(ids), found.ask([...ids].reverse()), found.ask([ids[1]])]);
  assert.deepEqual(happened.filter(([what]) => what === "no").map(([, id]) => id), ids);
});

test("what was answered elsewhere while it stood in line is told, not asked", async () => {
  const { inbox: found, happened } = inbox(three, (one, _, known) => {
    known.delete(ids[1]);
    return one.id === ids[2] ? "later" : "yes";
  });
  await found.ask(ids);
  assert.deepEqual(happened.filter(([what]) => what === "asked").map(([, id]) => id), [ids[0], ids[2]]);
  assert.ok(happened.some(([what, words]) => what === "told" && words.includes("no longer waits")));
  assert.deepEqual(happened.filter(([what]) => what === "yes").map(([, id]) => id), [ids[0]], "later is no answer");
});

test("nobody is asked the next question over a text or a terminal", async () => {
  for (const choice of ["details", "terminal"]) {
    const { inbox: found, happened } = inbox(three, () => choice, { key: "" });
    await found.ask(ids);
    assert.deepEqual(happened.filter(([what]) => what === "asked").map(([, id]) => id), [ids[0]]);
    assert.deepEqual(found.fresh(three), [], "the others stand in the list; they are not announced anew");
  }
});

test("a question is announced once, and again after it went and came back", () => {
  const { inbox: found } = inbox(three, () => "later");
  assert.equal(found.fresh(three).length, 3);
  three.forEach((one) => found.mark(one));
  assert.equal(found.fresh(three).length, 0);
  assert.equal(found.fresh([]).length, 0);
  assert.equal(found.fresh(three).length, 3);
});

test("details first, then a yes counts", async () => {
  const one = question({ must_open_details: true });
  const script = ["details", "yes"];
  const { inbox: found, happened } = inbox([one], (_, choices) => {
    const next = script.shift();
    assert.ok(choices.includes(next), `${next} of ${choices}`);
    return next;
  });
  await found.ask([one.id]);
  assert.deepEqual(happened.map(([what]) => what), ["asked", "opened"]);
  await found.ask([one.id]);
  assert.ok(happened.some(([what]) => what === "yes"));
  // Attack: a screen that says yes although it was not offered.
  const { inbox: hasty, happened: nothing } = inbox([one], () => "yes");
  await assert.rejects(hasty.ask([one.id]), /before the details/);
  assert.ok(!nothing.some(([what]) => what === "yes"));
});

test("a sealed key asks for its passphrase once; other faults are told", async () => {
  const sealed = inbox([three[0]], () => "yes", { fault: new Refused("usage.passphrase", "needs a passphrase", "") });
  await sealed.inbox.ask([ids[0]]);
  assert.deepEqual(sealed.happened.filter(([what]) => what === "key"), [["key", "/k", "secret"]]);
  const weak = inbox([three[0]], () => "yes", { fault: new Refused("approval.strength", "this is not enough", "use a passphrase") });
  await weak.inbox.ask([ids[0]]);
  assert.deepEqual(weak.happened.at(-1), ["told", "this is not enough use a passphrase"]);
  const terminal = inbox([three[0]], (_, choices) => choices.at(-1), { key: "" });
  await terminal.inbox.ask([ids[0]]);
  assert.deepEqual(terminal.happened.at(-1), ["terminal", ids[0]]);
});

test("which mpp is run", () => {
  const workspace = join(scratch, "workspace");
  const own = program("bin/mpp", "true");
  const theirs = program("workspace/.venv/bin/mpp", "true");
  program("workspace/tools/mpp", "true");
  mkdirSync(join(scratch, "links"), { recursive: true });
  symlinkSync(join(workspace, "tools"), join(scratch, "links", "sneaky"));
  const places = { setting: "", path: join(scratch, "bin"), folders: [workspace], trusted: true, agreed: [], windows: false };
  const kind = (changes) => find({ ...places, ...changes });
  assert.deepEqual(kind({}), { kind: "found", program: own, from: "PATH" });
  // Attack: a folder that somebody only looks at.
  assert.deepEqual(kind({ trusted: false }), { kind: "untrusted" });
  assert.deepEqual(kind({ trusted: false, setting: own, agreed: [theirs] }), { kind: "untrusted" });
  // Attack: a PATH that leads into the workspace: as it is, as a link, as a relative folder.
  for (const path of [join(workspace, "tools"), join(scratch, "links", "sneaky"), "tools", ".", ""]) assert.deepEqual(kind({ path }), { kind: "offer", program: theirs }, path);
  const before = process.cwd();
  process.chdir(scratch);
  try {
    assert.deepEqual(kind({ path: "bin", folders: [] }).kind, "missing", "a relative folder is passed over wherever the process stands");
  } finally {
    process.chdir(before);
  }
  assert.deepEqual(kind({ path: ["", join(workspace, "tools"), join(scratch, "bin")].join(delimiter) }).program, own);
  assert.deepEqual(kind({ path: "", agreed: [theirs] }), { kind: "found", program: theirs, from: "workspace" });
  assert.deepEqual(kind({ agreed: [theirs] }).program, own, "the workspace's own never comes before the person's");
  assert.equal(kind({ path: "", folders: [] }).kind, "missing");
  assert.equal(kind({ setting: "bin/mpp" }).kind, "missing");
  assert.equal(kind({ setting: join(scratch, "bin") }).kind, "missing");
  assert.deepEqual(kind({ setting: theirs }), { kind: "found", program: theirs, from: "setting" });
});

test("a process has no shell, bounds, a deadline and an end", async () => {
  const echo = runner(program("echo", 'for one in "$@"; do printf "%s|" "$one"; done; cat; exit 7'), "/my/home");
  const mark = join(scratch, "mark");
  const words = [`; touch ${mark}`, `$(touch ${mark})`, "a b", "*"];
  const ran = await echo(words, { input: "in" });
  assert.deepEqual([ran.code, ran.out], [7, `${words.join("|")}|in`]);
  assert.ok(!existsSync(mark));
  await assert.rejects(runner(program("loud", "yes"), "")([], { bytes: 1000 }), /more than 1000 bytes/);
  await assert.rejects(runner(program("slow", "exec sleep 60"), "")(["x"], { milliseconds: 50 }), /did not answer in time/);
  const gone = new AbortController();
  const waiting = runner(program("slow", "exec sleep 60"), "")([], { signal: gone.signal });
  setTimeout(() => gone.abort(), 30);
  await assert.rejects(waiting, /nobody waits/);
  await assert.rejects(echo([], { signal: gone.signal }), NotRun);
  await assert.rejects(runner(join(scratch, "absent"), "")([]), /cannot be started/);
});

test("what a process is told of the surroundings", () => {
  const found = surroundings({ PATH: "/bin", NODE_OPTIONS: "--require x", ELECTRON_RUN_AS_NODE: "1", VSCODE_IPC: "x", PYTHONPATH: "/w", LD_PRELOAD: "x", GONE: undefined }, "/h");
  assert.deepEqual(found, { PATH: "/bin", NO_COLOR: "1", PYTHONSAFEPATH: "1", MPP_HOME: "/h" });
  assert.equal(surroundings({ MPP_HOME: "/usual" }, "").MPP_HOME, "/usual");
});

test("looking is one at a time, slower behind and after faults", async () => {
  const waits = [];
  let works = false;
  let front = true;
  let running = 0;
  let most = 0;
  const look = async () => {
    running += 1;
    most = Math.max(most, running);
    await null;
    running -= 1;
    if (!works) throw new Error("no");
  };
  const watch = new Watch(look, () => 5, () => front, { after: (milliseconds) => (waits.push(milliseconds), () => undefined) });
  for (let times = 0; times < 9; times += 1) await watch.now();
  assert.deepEqual([waits[0], waits[1], waits.at(-1)], [10_000, 20_000, 320_000]);
  works = true;
  await Promise.all([watch.now(), watch.now()]);
  assert.deepEqual([waits.at(-1), most], [5000, 1]);
  front = false;
  assert.equal(watch.pause(), 30_000);
  watch.dispose();
  const before = waits.length;
  await watch.now();
  assert.equal(waits.length, before);
});

test("rows say the verdict, the tools and what a package may do", () => {
  const made = {
    package_id: "com.example.hello", version: "0.1.0", alias: "hello", content_hash: "e5", state: "ok", error: null, registry: null,
    publisher: { id: "d6", name: "Ada [x](command:y)", trusted: true, because: "own key" }, tools: [{ name: "greet", description: "Greets\n$(check)", security_level: "low" }],
    capabilities_in_words: ["May send requests to api.example.com over HTTPS."],
  };
  const row = (changes) => packageRow(readPackage(readObject(JSON.stringify({ ...made, ...changes }))));
  const good = row({});
  assert.deepEqual([good.label, good.note, good.icon], ["com.example.hello 0.1.0", "", "package"]);
  assert.deepEqual(good.below.map((one) => one.label), ['publisher "Ada [x] (command:y)"', "hello__greet", "May send requests to api.example.com over HTTPS.", "content"]);
  assert.equal(good.below[1].note, "low: Greets $ (check)");
  const bad = row({ state: "host.package", error: { code: "host.package", message: "changed on the disk", hint: "" }, publisher: null, tools: null, capabilities_in_words: null });
  assert.deepEqual([bad.note, bad.icon, bad.below[0].label], ["host.package", "error", "not served"]);
  for (const status of ["yanked", "revoked", "quarantined"]) {
    const gone = row({ registry: { name: "corp", status, at: 1, stale: false } });
    assert.deepEqual([gone.note, gone.icon], [status, "error"]);
  }
  assert.equal(row({ registry: { name: "corp", status: "active", at: 1, stale: true } }).icon, "package");
  assert.equal(questionRow(question({})).note, "0123, low, risk 26 medium");
});

test("calls are made of their entries", () => {
  const entry = (seq, kind, body, call = ID) => readEntry(readObject(JSON.stringify({ seq, at: seq, kind, invocation: call, body })));
  const facts = { package_id: "com.example.hello", tool: "greet", agent: { name: "planner" } };
  const [refused, ran] = callsOf([
    entry(1, "decision", { effect: "allow", facts }),
    entry(2, "intent", { package: "com.example.hello", tool: "greet" }),
    entry(3, "result", { outcome: "ok" }),
    entry(4, "policy", {}, ""),
    entry(5, "refused", { code: "policy.denied", package: "com.example.x", tool: "y" }, "f".repeat(32)),
  ]);
  assert.deepEqual([ran.package, ran.tool, ran.agent, ran.effect, ran.outcome, ran.last], ["com.example.hello", "greet", "planner", "allow", "ok", 3]);
  assert.equal(callRow(refused).icon, "error");
  assert.equal(callRow(ran).icon, "pass");
  assert.match(callRow({ ...ran, outcome: "" }).note, /no end in the record/);
});

test("reports are plain text", () => {
  const verified = { ok: false, checks: [{ number: 1, name: "archive safety", ok: false, detail: "the file ends\u202e" }], integrity: "refused", publisher: undefined, lookalikes: ["com.examp1e"], package: "", error: { code: "archive.truncated", message: "m", hint: "get it again" } };
  const text = verifiedText("/x.mpp", verified);
  assert.ok(text.includes("1 ✗ archive safety") && text.includes("\\u202e") && text.includes("hint:  get it again") && text.includes("com.examp1e"));
  assert.ok(storyText({ call: ID, said: [{ topic: "ran", words: "x", entry: 8 }], entries: [] }).includes("ran  x  [entry 8]"));
});
