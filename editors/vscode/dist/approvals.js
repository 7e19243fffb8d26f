"use strict";
/** Questions that wait for a person: one dialog at a time, never a yes by default, each answer by `mpp approve`. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.Inbox = void 0;
exports.byDialog = byDialog;
exports.noteOf = noteOf;
exports.choicesOf = choicesOf;
const client_1 = require("./client");
/** Strengths that a dialog can give. `mpp` itself decides; where this is wrong, it refuses. */
const BY_DIALOG = ["flag", "elicitation", "tty"];
/** Whether a yes can be given in a dialog: with the key of an approver, where no passphrase at a terminal is called for. */
function byDialog(question, key) {
    return key !== "" && BY_DIALOG.includes(question.strength);
}
function noteOf(question, key) {
    const several = question.approvers > 1 ? `${question.approvers - question.answers} of ${question.approvers} people still have to say yes. ` : "";
    if (byDialog(question, key))
        return `${several}A yes is signed with your approver's key and lets this one call run once.`;
    const why = key === "" ? "no approver's key is set (mpp.approverKey)" : "it needs a passphrase that is typed at a terminal";
    return `${several}A yes is given in the terminal: ${why}.`;
}
/** The choices of one dialog, the harmless ones first: what Enter takes is never a yes. */
function choicesOf(question, key, opened) {
    // Attack: the one value that counts stands where the text had no room for it. Spec: approval H-29.
    if (question.mustOpenDetails && !opened)
        return ["details", "no"];
    return ["details", "no", byDialog(question, key) ? "yes" : "terminal"];
}
class Inbox {
    answers;
    screen;
    key;
    waiting = [];
    seen = new Set();
    opened = new Set();
    busy = false;
    constructor(answers, screen, key) {
        this.answers = answers;
        this.screen = screen;
        this.key = key;
    }
    /** Those that were never put before the person, the oldest first; what no longer waits is forgotten. */
    fresh(pending) {
        const there = new Set(pending.map((one) => one.id));
        for (const ids of [this.seen, this.opened])
            for (const id of ids)
                if (!there.has(id))
                    ids.delete(id);
        return pending.filter((one) => !this.seen.has(one.id));
    }
    mark(question) {
        this.seen.add(question.id);
    }
    /** Puts questions before the person, after those that stand in line already. */
    async ask(ids) {
        for (const id of ids) {
            if (!this.waiting.includes(id))
                this.waiting.push(id);
            this.seen.add(id);
        }
        // Attack: two dialogs at once, so that the answer to one is taken by the other.
        if (this.busy)
            return;
        this.busy = true;
        try {
            for (let id = this.waiting.shift(); id !== undefined; id = this.waiting.shift()) {
                // Who reads a text or types at a terminal is not asked the next question over it; the others go on waiting.
                if (!(await this.one(id)))
                    return;
            }
        }
        finally {
            this.busy = false;
            this.waiting.length = 0;
        }
    }
    /** Whether the next one may be put. */
    async one(id) {
        try {
            // Read anew: meanwhile it may have been answered elsewhere, or be too old.
            return await this.put(await this.answers.question(id));
        }
        catch (fault) {
            if (!(fault instanceof client_1.Refused))
                throw fault;
            this.screen.tell(fault.code === "approval.unknown" ? "This question no longer waits for an answer." : `${fault.message} ${fault.hint}`);
            return true;
        }
    }
    async put(found) {
        const { question } = found;
        const key = this.key();
        const opened = this.opened.has(question.id);
        const choice = await this.screen.choose(question, choicesOf(question, key, opened), noteOf(question, key));
        if (choice === "later")
            return true;
        if (choice === "details") {
            // A dialog would hide the text: the question is put off, and comes again when the person says so.
            await this.screen.open(found);
            this.opened.add(question.id);
            return false;
        }
        if (choice === "no") {
            this.told(await this.answers.deny(question.id));
        }
        else if (question.mustOpenDetails && !opened) {
            throw new Error("a yes before the details were open");
        }
        else if (choice === "terminal") {
            this.screen.terminal(question);
            return false;
        }
        else {
            await this.yes(question, key);
        }
        return true;
    }
    async yes(question, key) {
        try {
            this.told(await this.answers.approve(question.id, key, undefined));
        }
        catch (fault) {
            // The key is sealed: its passphrase is asked for once, and kept nowhere.
            if (!(fault instanceof client_1.Refused && fault.code === "usage.passphrase"))
                throw fault;
            const passphrase = await this.screen.passphrase(question);
            if (passphrase !== undefined)
                this.told(await this.answers.approve(question.id, key, passphrase));
        }
    }
    told(answered) {
        const words = { yes: "Approved, for one call", no: "Denied", waiting: "Answered; another approver must say yes, too" }[answered.state] ?? answered.state;
        this.screen.tell(`${words} (${answered.ref}).`);
    }
}
exports.Inbox = Inbox;
