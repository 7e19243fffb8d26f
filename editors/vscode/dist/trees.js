"use strict";
/** The three lists. Labels and tips are plain text, never markdown: what a stranger named stays a name. */
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
exports.Rows = void 0;
const vscode = __importStar(require("vscode"));
class Rows {
    rows = [];
    changed = new vscode.EventEmitter();
    onDidChangeTreeData = this.changed.event;
    set(rows) {
        this.rows = rows;
        this.changed.fire(undefined);
    }
    getChildren(row) {
        return [...(row === undefined ? this.rows : row.below)];
    }
    getTreeItem(row) {
        const state = row.below.length > 0 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
        const item = new vscode.TreeItem(row.label, state);
        item.description = row.note;
        item.tooltip = row.tip;
        item.iconPath = new vscode.ThemeIcon(row.icon);
        item.contextValue = `mpp.${row.kind}`;
        item.accessibilityInformation = { label: row.note === "" ? row.label : `${row.label}, ${row.note}` };
        if (row.kind === "question")
            item.command = { command: "mpp.approvals.answer", title: "Answer", arguments: [row] };
        if (row.kind === "call")
            item.command = { command: "mpp.calls.story", title: "Show the Story", arguments: [row] };
        return item;
    }
}
exports.Rows = Rows;
