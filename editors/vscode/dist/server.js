"use strict";
/** MPP as an MCP server of the editor: the tools of the installed packages, over `mpp serve`. */
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
exports.Server = exports.PROVIDER = void 0;
exports.serveArgs = serveArgs;
const vscode = __importStar(require("vscode"));
exports.PROVIDER = "mpp.server";
const AGENT = /^[a-z0-9][a-z0-9._-]{0,63}$/;
function serveArgs(agent, folders) {
    const named = AGENT.test(agent) ? agent : "vscode";
    // With several folders nobody knows which one a tool means: then it gets none.
    const [only, ...more] = folders;
    return ["serve", "--agent", named, ...(only !== undefined && more.length === 0 ? ["--workspace", only] : [])];
}
class Server {
    desk;
    changed = new vscode.EventEmitter();
    onDidChangeMcpServerDefinitions = this.changed.event;
    constructor(desk) {
        this.desk = desk;
    }
    refresh() {
        this.changed.fire();
    }
    provideMcpServerDefinitions() {
        const found = this.desk.found();
        if (found.kind !== "found" || !this.desk.flag("serve.enabled"))
            return [];
        const folders = (vscode.workspace.workspaceFolders ?? []).filter((one) => one.uri.scheme === "file").map((one) => one.uri.fsPath);
        const home = this.desk.setting("home");
        const args = serveArgs(this.desk.setting("serve.agent"), folders);
        return [new vscode.McpStdioServerDefinition("MPP", found.program, args, home === "" ? {} : { MPP_HOME: home })];
    }
}
exports.Server = Server;
