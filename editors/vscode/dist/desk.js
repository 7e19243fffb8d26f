"use strict";
/** The one place that knows which `mpp` is asked, and that nothing runs before the workspace is trusted. */
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
exports.Desk = exports.Stopped = void 0;
const node_os_1 = require("node:os");
const vscode = __importStar(require("vscode"));
const client_1 = require("./client");
const find_1 = require("./find");
const inert_1 = require("./inert");
const run_1 = require("./run");
/** Why nothing was asked, in words for a person. */
class Stopped extends Error {
    constructor(words) {
        super(words);
        this.name = "Stopped";
    }
}
exports.Stopped = Stopped;
const AGREED = "agreedPrograms";
class Desk {
    kept;
    log;
    constructor(kept, log) {
        this.kept = kept;
        this.log = log;
    }
    /** A setting that only the person's own settings can have (scope "machine"): what a workspace says of it is passed over. */
    setting(name) {
        const found = vscode.workspace.getConfiguration("mpp").inspect(name);
        const value = found?.globalValue ?? found?.defaultValue;
        return typeof value === "string" ? value : "";
    }
    flag(name) {
        const found = vscode.workspace.getConfiguration("mpp").inspect(name);
        return (found?.globalValue ?? found?.defaultValue) === true;
    }
    number(name, least) {
        const found = vscode.workspace.getConfiguration("mpp").inspect(name);
        const value = found?.globalValue ?? found?.defaultValue;
        return typeof value === "number" && Number.isFinite(value) ? Math.max(least, value) : least;
    }
    found() {
        const folders = (vscode.workspace.workspaceFolders ?? []).filter((one) => one.uri.scheme === "file").map((one) => one.uri.fsPath);
        const agreed = this.kept.get(AGREED);
        return (0, find_1.find)({
            setting: this.setting("path"),
            path: process.env["PATH"] ?? "",
            folders,
            trusted: vscode.workspace.isTrusted,
            agreed: Array.isArray(agreed) ? agreed.filter((one) => typeof one === "string") : [],
            windows: process.platform === "win32",
        });
    }
    program() {
        const found = this.found();
        if (found.kind === "found")
            return found.program;
        if (found.kind === "untrusted")
            throw new Stopped("This workspace is not trusted, so nothing of MPP runs in it.");
        if (found.kind === "offer")
            throw new Stopped("mpp is not on the PATH. This workspace has one of its own: choose MPP: Use the mpp of This Workspace.");
        throw new Stopped(`mpp was not found: ${found.words}. Install model-package-protocol, or set mpp.path.`);
    }
    client() {
        return new client_1.Client((0, run_1.runner)(this.program(), this.setting("home")));
    }
    /** Asks whether the workspace's own program may be used; true where one can be used now. */
    async agree() {
        const found = this.found();
        if (found.kind !== "offer")
            return found.kind === "found";
        const yes = "Use It";
        const detail = `${(0, inert_1.inert)(found.program)}\n\nWhoever made this folder chose that program. It would show you questions and answer for you. Use it only in a folder of your own.`;
        const chosen = await vscode.window.showWarningMessage("Use the mpp of this workspace?", { modal: true, detail }, "Do Not Use It", yes);
        if (chosen !== yes)
            return false;
        await this.kept.update(AGREED, [found.program]);
        return true;
    }
    /** `mpp` in a terminal of the editor, without a shell in between: what is typed there is typed at a real terminal. */
    terminal(name, args) {
        const { NO_COLOR: _, ...env } = (0, run_1.surroundings)(process.env, this.setting("home"));
        const terminal = vscode.window.createTerminal({
            name,
            shellPath: this.program(),
            shellArgs: [...args],
            cwd: (0, node_os_1.homedir)(),
            // Attack: settings of a trusted workspace add variables to each terminal, and mpp would load code of its author.
            env: { ...env, TERM: "xterm-256color" },
            strictEnv: true,
            isTransient: true,
        });
        terminal.show();
        return terminal;
    }
}
exports.Desk = Desk;
