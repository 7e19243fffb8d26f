/** What VS Code starts: three lists, the questions that wait, the commands, and MPP as an MCP server. */

import * as vscode from "vscode";

import { Inbox } from "./approvals";
import { type Filter, readFilter, Refused } from "./client";
import { Desk, Stopped } from "./desk";
import type { Question } from "./documents";
import { inert } from "./inert";
import { SECONDS_LEAST } from "./limits";
import { callRow, packageRow, questionRow, type Row } from "./rows";
import { Dialogs } from "./screen";
import { PROVIDER, Server } from "./server";
import { Shop } from "./shop";
import { SCHEME, Texts } from "./texts";
import { Rows } from "./trees";
import { Watch } from "./watch";
import { storyText } from "./words";

/** All that is shown, and what is known of it. */
class Window {
  readonly packages = new Rows();
  readonly questions = new Rows();
  readonly calls = new Rows();
  readonly texts = new Texts();
  readonly shop: Shop;
  readonly inbox: Inbox;
  readonly server: Server;
  readonly watch: Watch;
  private readonly status: vscode.StatusBarItem;
  private readonly views: Readonly<Record<"packages" | "questions" | "calls", vscode.TreeView<Row>>>;
  private filter: Filter = {};
  private pending: readonly Question[] = [];

  constructor(
    context: vscode.ExtensionContext,
    private readonly desk: Desk,
  ) {
    const again = (): void => void this.refresh();
    this.shop = new Shop(desk, this.texts, again);
    this.server = new Server(desk);
    const answers = {
      question: (id: string) => desk.client().question(id),
      approve: (id: string, key: string, passphrase: string | undefined) => desk.client().approve(id, key, passphrase),
      deny: (id: string) => desk.client().deny(id),
    };
    this.inbox = new Inbox(answers, new Dialogs(desk, this.texts, again, (id) => this.put([id])), () => desk.setting("approverKey"));
    const after = (milliseconds: number, what: () => void): (() => void) => {
      const timer = setTimeout(what, milliseconds);
      return () => clearTimeout(timer);
    };
    const inFront = (): boolean => vscode.window.state.focused;
    this.watch = new Watch(() => this.look(), () => desk.number("approvals.seconds", SECONDS_LEAST), inFront, { after });
    this.status = vscode.window.createStatusBarItem("mpp.waiting", vscode.StatusBarAlignment.Left);
    this.status.name = "MPP: what waits";
    this.status.command = "mpp.approvals.next";
    this.views = {
      packages: vscode.window.createTreeView("mpp.packages", { treeDataProvider: this.packages }),
      questions: vscode.window.createTreeView("mpp.approvals", { treeDataProvider: this.questions }),
      calls: vscode.window.createTreeView("mpp.calls", { treeDataProvider: this.calls }),
    };
    const texts = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this.texts);
    context.subscriptions.push(this.status, ...Object.values(this.views), this.watch, texts);
  }

  /** All lists anew. */
  async refresh(): Promise<void> {
    const found = this.desk.found();
    await vscode.commands.executeCommand("setContext", "mpp.state", found.kind);
    this.server.refresh();
    if (found.kind !== "found") {
      for (const rows of [this.packages, this.questions, this.calls]) rows.set([]);
      this.shown([]);
      return;
    }
    await Promise.allSettled([this.load(), this.record(), this.watch.now()]);
  }

  async next(row?: Row): Promise<void> {
    await this.inbox.ask(row === undefined ? this.pending.map((one) => one.id) : [row.id]);
    await this.refresh();
  }

  async story(row?: Row): Promise<void> {
    const call = row?.id ?? (await asked("The story of a call", "The id of the call", /^[0-9a-f]{4,32}$/));
    if (call !== undefined) await this.texts.show(`call ${call.slice(0, 8)}`, storyText(await this.desk.client().story(call)));
  }

  async prove(row?: Row): Promise<void> {
    const entry = row?.entry ?? Number(await asked("Prove an entry of the record", "The number of the entry", /^[0-9]{1,15}$/));
    if (!Number.isSafeInteger(entry)) return;
    const where = await vscode.window.showSaveDialog({ title: `The proof of entry ${entry}`, filters: { JSON: ["json"] } });
    if (where?.scheme !== "file") return;
    const file = await this.desk.client().prove(entry, where.fsPath);
    void vscode.window.showInformationMessage(inert(`The proof of entry ${entry} is in ${file}. Anybody checks it with: mpp audit verify-proof`));
  }

  async narrow(): Promise<void> {
    const prompt = "package=com.example.* tool=… agent=… decision=allow|ask|deny|yes|no since=7d; nothing: all calls";
    const text = await vscode.window.showInputBox({ title: "Which calls", prompt });
    if (text === undefined) return;
    this.filter = readFilter(text);
    await this.record();
  }

  async held(): Promise<void> {
    const found = await this.desk.client().record();
    const words = `The record is ${found.verdict}: ${found.reason}`;
    void (found.verdict === "broken" ? vscode.window.showErrorMessage(inert(words, 1000)) : vscode.window.showInformationMessage(inert(words, 1000)));
  }

  async doctor(): Promise<void> {
    await this.texts.show("doctor", await this.desk.client().doctor());
  }

  private async load(): Promise<void> {
    await this.told(this.views.packages, async () => this.packages.set((await this.desk.client().packages()).map(packageRow)));
  }

  private async record(): Promise<void> {
    await this.told(this.views.calls, async () => {
      this.calls.set((await this.desk.client().calls(this.filter)).map(callRow));
      const words = Object.entries(this.filter).map(([name, value]: [string, string]) => `${name}=${value}`);
      return words.length === 0 ? "" : inert(`only ${words.join(" ")}`);
    });
  }

  /** One look at what waits. */
  private async look(): Promise<void> {
    if (this.desk.found().kind !== "found") return;
    await this.told(this.views.questions, async () => {
      this.pending = await this.desk.client().pending();
      this.shown(this.pending);
      await this.announce(this.inbox.fresh(this.pending));
    });
  }

  private shown(pending: readonly Question[]): void {
    this.pending = pending;
    this.questions.set(pending.map(questionRow));
    const words = pending.length === 1 ? "1 call waits for you" : `${pending.length} calls wait for you`;
    this.views.questions.badge = pending.length === 0 ? undefined : { value: pending.length, tooltip: words };
    this.status.text = `$(question) MPP: ${words}`;
    this.status.tooltip = "Look at them and answer";
    if (pending.length > 0) this.status.show();
    else this.status.hide();
  }

  /** New questions: a message that takes no key away from what somebody types, or the dialog itself where that is what they chose. */
  private async announce(fresh: readonly Question[]): Promise<void> {
    const how = this.desk.setting("approvals.show");
    if (fresh.length === 0 || how === "off") return;
    fresh.forEach((one) => this.inbox.mark(one));
    const ids = fresh.map((one) => one.id);
    if (how === "dialog") {
      this.put(ids);
      return;
    }
    const look = "Look";
    const words = fresh.length === 1 ? `A call waits for you (${ids[0]?.slice(0, 4) ?? ""}).` : `${fresh.length} calls wait for you.`;
    void vscode.window.showInformationMessage(`MPP: ${words}`, look).then((chosen) => {
      if (chosen === look) this.put(ids);
    });
  }

  private put(ids: readonly string[]): void {
    guarded(this.desk, async () => {
      await this.inbox.ask(ids);
      await this.refresh();
    });
  }

  /** A fault stands over its list until the list can be read again: an empty list must not look like a quiet day. */
  private async told(view: vscode.TreeView<Row>, what: () => Promise<string | void>): Promise<void> {
    try {
      view.message = (await what()) ?? "";
    } catch (fault) {
      const words = inert(fault instanceof Error ? fault.message : String(fault));
      view.message = words;
      this.desk.log.warn(words);
      throw fault;
    }
  }
}

async function asked(title: string, prompt: string, form: RegExp): Promise<string | undefined> {
  const found = (await vscode.window.showInputBox({ title, prompt, validateInput: (text) => (form.test(text) ? undefined : "This has another form.") }))?.trim();
  return found !== undefined && form.test(found) ? found : undefined;
}

/** The edge: each fault becomes one message, and none is lost. */
function guarded(desk: Desk, what: () => Promise<void>): void {
  void what().catch((fault: unknown) => {
    const words = fault instanceof Error ? fault.message : String(fault);
    desk.log.error(inert(words));
    const hint = fault instanceof Refused && fault.hint !== "" ? ` ${fault.hint}` : "";
    void (fault instanceof Stopped ? vscode.window.showWarningMessage(inert(words)) : vscode.window.showErrorMessage(inert(`${words}${hint}`)));
  });
}

function isRow(found: unknown): found is Row {
  return typeof found === "object" && found !== null && "kind" in found && "below" in found && "entry" in found;
}

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("MPP", { log: true });
  const desk = new Desk(context.workspaceState, log);
  const window = new Window(context, desk);
  const row = (found: unknown): Row | undefined => (isRow(found) ? found : undefined);
  const uri = (found: unknown): vscode.Uri | undefined => (found instanceof vscode.Uri ? found : undefined);
  const commands: Readonly<Record<string, (found: unknown) => Promise<void>>> = {
    "mpp.refresh": () => window.refresh(),
    "mpp.useWorkspaceProgram": async () => {
      if (await desk.agree()) await window.refresh();
    },
    "mpp.file.verify": (found) => window.shop.verify(uri(found)),
    "mpp.file.inspect": (found) => window.shop.inspect(uri(found)),
    "mpp.file.install": (found) => window.shop.installFile(uri(found)),
    "mpp.packages.install": () => window.shop.installName(),
    "mpp.packages.search": () => window.shop.search(),
    "mpp.approvals.next": () => window.next(),
    "mpp.approvals.answer": (found) => window.next(row(found)),
    "mpp.calls.story": (found) => window.story(row(found)),
    "mpp.calls.prove": (found) => window.prove(row(found)),
    "mpp.calls.filter": () => window.narrow(),
    "mpp.record.verify": () => window.held(),
    "mpp.console": async () => void desk.terminal("mpp console", ["console"]),
    "mpp.doctor": () => window.doctor(),
  };
  for (const [name, what] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, (found: unknown) => guarded(desk, async () => what(found))));
  }
  const again = (): void => void window.refresh();
  context.subscriptions.push(
    log,
    vscode.workspace.onDidGrantWorkspaceTrust(again),
    vscode.workspace.onDidChangeWorkspaceFolders(again),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("mpp")) again();
    }),
    vscode.window.onDidCloseTerminal((terminal) => {
      if (terminal.name.startsWith("mpp ")) again();
    }),
    vscode.window.onDidChangeWindowState((state) => {
      if (state.focused) void window.watch.now();
    }),
    vscode.lm.registerMcpServerDefinitionProvider(PROVIDER, window.server),
  );
  again();
}

/** All that runs is in the subscriptions, which VS Code ends. */
export function deactivate(): void {
  return undefined;
}
