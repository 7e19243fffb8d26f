"use strict";
/** What VS Code starts: three lists, the questions that wait, the commands, and MPP as an MCP server. */
var __createBinding = (this && this.__createBinding) || (Object.create ? (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    var desc = Object.getOwnPropertyDescriptor(m, k);
    if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
      desc = { enumerable: true, get: function() { return m[k]; } };
    }
    Object.defineProperty(o, k2, desc);
}) : (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    o[k2] = m[k];
}));
var __setModuleDefault = (this && this.__setModuleDefault) || (Object.create ? (function(o, v) {
    Object.defineProperty(o, "default", { enumerable: true, value: v });
}) : function(o, v) {
    o["default"] = v;
});
var __importStar = (this && this.__importStar) || (function () {
    var ownKeys = function(o) {
        ownKeys = Object.getOwnPropertyNames || function (o) {
            var ar = [];
            for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k;
            return ar;
        };
        return ownKeys(o);
    };
    return function (mod) {
        if (mod && mod.__esModule) return mod;
        var result = {};
        if (mod != null) for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== "default") __createBinding(result, mod, k[i]);
        __setModuleDefault(result, mod);
        return result;
    };
})();
Object.defineProperty(exports, "__esModule", { value: true });
exports.activate = activate;
exports.deactivate = deactivate;
const vscode = __importStar(require("vscode"));
const approvals_1 = require("./approvals");
const client_1 = require("./client");
const desk_1 = require("./desk");
const inert_1 = require("./inert");
const limits_1 = require("./limits");
const rows_1 = require("./rows");
const screen_1 = require("./screen");
const server_1 = require("./server");
const shop_1 = require("./shop");
const texts_1 = require("./texts");
const trees_1 = require("./trees");
const watch_1 = require("./watch");
const words_1 = require("./words");
/** All that is shown, and what is known of it. */
class Window {
    desk;
    packages = new trees_1.Rows();
    questions = new trees_1.Rows();
    calls = new trees_1.Rows();
    texts = new texts_1.Texts();
    shop;
    inbox;
    server;
    watch;
    status;
    views;
    filter = {};
    pending = [];
    constructor(context, desk) {
        this.desk = desk;
        const again = () => void this.refresh();
        this.shop = new shop_1.Shop(desk, this.texts, again);
        this.server = new server_1.Server(desk);
        const answers = {
            question: (id) => desk.client().question(id),
            approve: (id, key, passphrase) => desk.client().approve(id, key, passphrase),
            deny: (id) => desk.client().deny(id),
        };
        this.inbox = new approvals_1.Inbox(answers, new screen_1.Dialogs(desk, this.texts, again, (id) => this.put([id])), () => desk.setting("approverKey"));
        const after = (milliseconds, what) => {
            const timer = setTimeout(what, milliseconds);
            return () => clearTimeout(timer);
        };
        const inFront = () => vscode.window.state.focused;
        this.watch = new watch_1.Watch(() => this.look(), () => desk.number("approvals.seconds", limits_1.SECONDS_LEAST), inFront, { after });
        this.status = vscode.window.createStatusBarItem("mpp.waiting", vscode.StatusBarAlignment.Left);
        this.status.name = "MPP: what waits";
        this.status.command = "mpp.approvals.next";
        this.views = {
            packages: vscode.window.createTreeView("mpp.packages", { treeDataProvider: this.packages }),
            questions: vscode.window.createTreeView("mpp.approvals", { treeDataProvider: this.questions }),
            calls: vscode.window.createTreeView("mpp.calls", { treeDataProvider: this.calls }),
        };
        const texts = vscode.workspace.registerTextDocumentContentProvider(texts_1.SCHEME, this.texts);
        context.subscriptions.push(this.status, ...Object.values(this.views), this.watch, texts);
    }
    /** All lists anew. */
    async refresh() {
        const found = this.desk.found();
        await vscode.commands.executeCommand("setContext", "mpp.state", found.kind);
        this.server.refresh();
        if (found.kind !== "found") {
            for (const rows of [this.packages, this.questions, this.calls])
                rows.set([]);
            this.shown([]);
            return;
        }
        await Promise.allSettled([this.load(), this.record(), this.watch.now()]);
    }
    async next(row) {
        await this.inbox.ask(row === undefined ? this.pending.map((one) => one.id) : [row.id]);
        await this.refresh();
    }
    async story(row) {
        const call = row?.id ?? (await asked("The story of a call", "The id of the call", /^[0-9a-f]{4,32}$/));
        if (call !== undefined)
            await this.texts.show(`call ${call.slice(0, 8)}`, (0, words_1.storyText)(await this.desk.client().story(call)));
    }
    async prove(row) {
        const entry = row?.entry ?? Number(await asked("Prove an entry of the record", "The number of the entry", /^[0-9]{1,15}$/));
        if (!Number.isSafeInteger(entry))
            return;
        const where = await vscode.window.showSaveDialog({ title: `The proof of entry ${entry}`, filters: { JSON: ["json"] } });
        if (where?.scheme !== "file")
            return;
        const file = await this.desk.client().prove(entry, where.fsPath);
        void vscode.window.showInformationMessage((0, inert_1.inert)(`The proof of entry ${entry} is in ${file}. Anybody checks it with: mpp audit verify-proof`));
    }
    async narrow() {
        const prompt = "package=com.example.* tool=… agent=… decision=allow|ask|deny|yes|no since=7d; nothing: all calls";
        const text = await vscode.window.showInputBox({ title: "Which calls", prompt });
        if (text === undefined)
            return;
        this.filter = (0, client_1.readFilter)(text);
        await this.record();
    }
    async held() {
        const found = await this.desk.client().record();
        const words = `The record is ${found.verdict}: ${found.reason}`;
        void (found.verdict === "broken" ? vscode.window.showErrorMessage((0, inert_1.inert)(words, 1000)) : vscode.window.showInformationMessage((0, inert_1.inert)(words, 1000)));
    }
    async doctor() {
        await this.texts.show("doctor", await this.desk.client().doctor());
    }
    async load() {
        await this.told(this.views.packages, async () => this.packages.set((await this.desk.client().packages()).map(rows_1.packageRow)));
    }
    async record() {
        await this.told(this.views.calls, async () => {
            this.calls.set((await this.desk.client().calls(this.filter)).map(rows_1.callRow));
            const words = Object.entries(this.filter).map(([name, value]) => `${name}=${value}`);
            return words.length === 0 ? "" : (0, inert_1.inert)(`only ${words.join(" ")}`);
        });
    }
    /** One look at what waits. */
    async look() {
        if (this.desk.found().kind !== "found")
            return;
        await this.told(this.views.questions, async () => {
            this.pending = await this.desk.client().pending();
            this.shown(this.pending);
            await this.announce(this.inbox.fresh(this.pending));
        });
    }
    shown(pending) {
        this.pending = pending;
        this.questions.set(pending.map(rows_1.questionRow));
        const words = pending.length === 1 ? "1 call waits for you" : `${pending.length} calls wait for you`;
        this.views.questions.badge = pending.length === 0 ? undefined : { value: pending.length, tooltip: words };
        this.status.text = `$(question) MPP: ${words}`;
        this.status.tooltip = "Look at them and answer";
        if (pending.length > 0)
            this.status.show();
        else
            this.status.hide();
    }
    /** New questions: a message that takes no key away from what somebody types, or the dialog itself where that is what they chose. */
    async announce(fresh) {
        const how = this.desk.setting("approvals.show");
        if (fresh.length === 0 || how === "off")
            return;
        fresh.forEach((one) => this.inbox.mark(one));
        const ids = fresh.map((one) => one.id);
        if (how === "dialog") {
            this.put(ids);
            return;
        }
        const look = "Look";
        const words = fresh.length === 1 ? `A call waits for you (${ids[0]?.slice(0, 4) ?? ""}).` : `${fresh.length} calls wait for you.`;
        void vscode.window.showInformationMessage(`MPP: ${words}`, look).then((chosen) => {
            if (chosen === look)
                this.put(ids);
        });
    }
    put(ids) {
        guarded(this.desk, async () => {
            await this.inbox.ask(ids);
            await this.refresh();
        });
    }
    /** A fault stands over its list until the list can be read again: an empty list must not look like a quiet day. */
    async told(view, what) {
        try {
            view.message = (await what()) ?? "";
        }
        catch (fault) {
            const words = (0, inert_1.inert)(fault instanceof Error ? fault.message : String(fault));
            view.message = words;
            this.desk.log.warn(words);
            throw fault;
        }
    }
}
async function asked(title, prompt, form) {
    const found = (await vscode.window.showInputBox({ title, prompt, validateInput: (text) => (form.test(text) ? undefined : "This has another form.") }))?.trim();
    return found !== undefined && form.test(found) ? found : undefined;
}
/** The edge: each fault becomes one message, and none is lost. */
function guarded(desk, what) {
    void what().catch((fault) => {
        const words = fault instanceof Error ? fault.message : String(fault);
        desk.log.error((0, inert_1.inert)(words));
        const hint = fault instanceof client_1.Refused && fault.hint !== "" ? ` ${fault.hint}` : "";
        void (fault instanceof desk_1.Stopped ? vscode.window.showWarningMessage((0, inert_1.inert)(words)) : vscode.window.showErrorMessage((0, inert_1.inert)(`${words}${hint}`)));
    });
}
function isRow(found) {
    return typeof found === "object" && found !== null && "kind" in found && "below" in found && "entry" in found;
}
function activate(context) {
    const log = vscode.window.createOutputChannel("MPP", { log: true });
    const desk = new desk_1.Desk(context.workspaceState, log);
    const window = new Window(context, desk);
    const row = (found) => (isRow(found) ? found : undefined);
    const uri = (found) => (found instanceof vscode.Uri ? found : undefined);
    const commands = {
        "mpp.refresh": () => window.refresh(),
        "mpp.useWorkspaceProgram": async () => {
            if (await desk.agree())
                await window.refresh();
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
        context.subscriptions.push(vscode.commands.registerCommand(name, (found) => guarded(desk, async () => what(found))));
    }
    const again = () => void window.refresh();
    context.subscriptions.push(log, vscode.workspace.onDidGrantWorkspaceTrust(again), vscode.workspace.onDidChangeWorkspaceFolders(again), vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("mpp"))
            again();
    }), vscode.window.onDidCloseTerminal((terminal) => {
        if (terminal.name.startsWith("mpp "))
            again();
    }), vscode.window.onDidChangeWindowState((state) => {
        if (state.focused)
            void window.watch.now();
    }), vscode.lm.registerMcpServerDefinitionProvider(server_1.PROVIDER, window.server));
    again();
}
/** All that runs is in the subscriptions, which VS Code ends. */
function deactivate() {
    return undefined;
}
