"use strict";
/** The dialogs of VS Code, for the questions of `mpp`. */
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
exports.Dialogs = exports.WORDS = void 0;
const vscode = __importStar(require("vscode"));
const inert_1 = require("./inert");
const words_1 = require("./words");
exports.WORDS = {
    details: "Show Everything",
    no: "No",
    yes: "Yes, Once",
    terminal: "Answer in Terminal…",
};
class Dialogs {
    desk;
    texts;
    answered;
    again;
    constructor(desk, texts, answered, again) {
        this.desk = desk;
        this.texts = texts;
        this.answered = answered;
        this.again = again;
    }
    async choose(question, choices, note) {
        // The words of a question are those of `mpp`, the same on every channel; nothing of them is a heading or a button of ours.
        // Our note stands before them: what follows may be longer than the window.
        const detail = `${note}\n\n${(0, inert_1.plain)(question.text)}`;
        const items = choices.filter((one) => one !== "later").map((one) => exports.WORDS[one]);
        // Closing the dialog is no answer: the question goes on waiting.
        const chosen = await vscode.window.showWarningMessage(`MPP asks about one call (${question.ref})`, { modal: true, detail }, ...items);
        return choices.find((one) => one !== "later" && exports.WORDS[one] === chosen) ?? "later";
    }
    async open(found) {
        await this.texts.show(`question ${found.question.ref}`, (0, words_1.detailsText)(found));
        const answer = "Answer";
        void vscode.window.showInformationMessage(`Everything about question ${found.question.ref} is open.`, answer).then((chosen) => {
            if (chosen === answer)
                this.again(found.question.id);
        });
    }
    async passphrase(question) {
        const given = await vscode.window.showInputBox({
            title: `Yes to ${question.ref}`,
            prompt: "Passphrase of your approver's key. It is used for this answer and not kept.",
            password: true,
            ignoreFocusOut: true,
        });
        return given === "" ? undefined : given;
    }
    terminal(question) {
        this.desk.terminal(`mpp approve ${question.ref}`, ["approve", "answer", question.id]);
    }
    tell(words) {
        void vscode.window.showInformationMessage((0, inert_1.inert)(words));
        this.answered();
    }
}
exports.Dialogs = Dialogs;
