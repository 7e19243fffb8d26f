"use strict";
/** Read-only texts: a scheme of our own, served from memory. Nobody can write to them, and they have no scripts. */
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
exports.Texts = exports.SCHEME = void 0;
const vscode = __importStar(require("vscode"));
const limits_1 = require("./limits");
exports.SCHEME = "mpp-text";
class Texts {
    kept = new Map();
    changed = new vscode.EventEmitter();
    onDidChange = this.changed.event;
    provideTextDocumentContent(uri) {
        return this.kept.get(uri.path) ?? "This text is no longer kept. Ask for it again.\n";
    }
    async show(title, text) {
        // The title is the name of the tab; what is not a plain letter is left out of it.
        const path = `/${title.replace(/[^A-Za-z0-9 ._-]/g, "_").slice(0, 80)}.txt`;
        this.kept.delete(path);
        this.kept.set(path, text);
        for (const old of [...this.kept.keys()].slice(0, -limits_1.TEXTS_KEPT))
            this.kept.delete(old);
        const uri = vscode.Uri.from({ scheme: exports.SCHEME, path });
        this.changed.fire(uri);
        const document = await vscode.workspace.openTextDocument(uri);
        await vscode.window.showTextDocument(document, { preview: true });
    }
}
exports.Texts = Texts;
