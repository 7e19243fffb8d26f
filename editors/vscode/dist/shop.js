"use strict";
/** Commands about packages and files: verify, inspect, install, search. */
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
exports.Shop = void 0;
const vscode = __importStar(require("vscode"));
const client_1 = require("./client");
const inert_1 = require("./inert");
const words_1 = require("./words");
/** Refusals that a person at a terminal can answer: an unknown publisher, more rights than before. */
const FOR_A_PERSON = /^(publisher\.|consent\.|store\.|trust\.)/;
class Shop {
    desk;
    texts;
    changed;
    constructor(desk, texts, changed) {
        this.desk = desk;
        this.texts = texts;
        this.changed = changed;
    }
    async verify(uri) {
        const file = await this.file(uri);
        if (file === undefined)
            return;
        const found = await this.desk.client().verify(file);
        await this.texts.show(`verify ${base(file)}`, (0, words_1.verifiedText)(file, found));
        const words = found.ok ? `${found.package} is intact, and its publisher is trusted.` : `Refused: ${found.error?.message ?? "see the report"}`;
        void (found.ok ? vscode.window.showInformationMessage((0, inert_1.inert)(words)) : vscode.window.showWarningMessage((0, inert_1.inert)(words)));
    }
    async inspect(uri) {
        const file = await this.file(uri);
        if (file !== undefined)
            await this.texts.show(`inspect ${base(file)}`, (0, words_1.inspectedText)(file, await this.desk.client().inspect(file)));
    }
    async installFile(uri) {
        const file = await this.file(uri);
        if (file !== undefined)
            await this.install(file);
    }
    async installName() {
        const prompt = "The id of a package, perhaps with a range: com.example.hello@^0.1";
        const name = (await vscode.window.showInputBox({ title: "Install a package", prompt }))?.trim() ?? "";
        if (name !== "")
            await this.install(name);
    }
    async search() {
        const text = (await vscode.window.showInputBox({ title: "Search registries", prompt: "Words of a name, title or description" })) ?? "";
        const words = text.split(/\s+/).filter((one) => one !== "");
        if (words.length === 0)
            return;
        const hits = await this.desk.client().search(words);
        if (hits.length === 0) {
            void vscode.window.showInformationMessage("Nothing was found.");
            return;
        }
        const items = hits.map((one) => ({
            label: (0, inert_1.inert)(`${one.id} ${one.latest === "" ? one.status : one.latest}`),
            description: (0, inert_1.inert)(`by ${JSON.stringify(one.publisher)}, which nobody proved`),
            detail: (0, inert_1.inert)(one.about),
            id: one.id,
        }));
        const chosen = await vscode.window.showQuickPick(items, { title: "What a registry says; an install proves it first" });
        if (chosen !== undefined)
            await this.install(chosen.id);
    }
    async install(what) {
        try {
            const done = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: "Verifying and installing", cancellable: true }, async (_, cancel) => {
                const gone = new AbortController();
                cancel.onCancellationRequested(() => gone.abort());
                return this.desk.client().install(what, { signal: gone.signal, milliseconds: INSTALL_MS_MAX });
            });
            void vscode.window.showInformationMessage((0, inert_1.inert)(done.join("; ")));
            this.changed();
        }
        catch (fault) {
            if (!(fault instanceof client_1.Refused) || !FOR_A_PERSON.test(fault.code))
                throw fault;
            // What a person must decide is asked by `mpp` itself, at a terminal, with the words that every channel has.
            const look = "Look in Terminal";
            const chosen = await vscode.window.showWarningMessage((0, inert_1.inert)(`${fault.message}. ${fault.hint}`), look);
            if (chosen === look)
                this.desk.terminal("mpp install", ["install", "--", what]);
        }
    }
    async file(uri) {
        const open = uri ?? activeFile();
        if (open?.scheme === "file")
            return open.fsPath;
        const chosen = await vscode.window.showOpenDialog({ canSelectMany: false, filters: { "MPP packages": ["mpp"] }, title: "Choose a package" });
        return chosen?.[0]?.fsPath;
    }
}
exports.Shop = Shop;
/** Milliseconds. Reason: a package of the largest size is compiled within this. */
const INSTALL_MS_MAX = 600_000;
function activeFile() {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    const uri = input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputText ? input.uri : vscode.window.activeTextEditor?.document.uri;
    return uri?.path.endsWith(".mpp") === true ? uri : undefined;
}
function base(file) {
    return file.split(/[\\/]/).pop() ?? file;
}
