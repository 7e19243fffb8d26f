"use strict";
/** What the extension asks of `mpp`, each as one process with `--json`. */
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
exports.Client = exports.Refused = void 0;
exports.sha256 = sha256;
exports.callsOf = callsOf;
exports.readFilter = readFilter;
const node_crypto_1 = require("node:crypto");
const documents = __importStar(require("./documents"));
const limits_1 = require("./limits");
const reading_1 = require("./reading");
/** A refusal of `mpp`, in its own words. */
class Refused extends Error {
    code;
    hint;
    constructor(code, message, hint) {
        super(message);
        this.code = code;
        this.hint = hint;
        this.name = "Refused";
    }
}
exports.Refused = Refused;
const EMPTY = new Set(["audit.empty"]);
const HEX = /^[0-9a-f]{4,32}$/;
const WORD = /^[^\s-]\S{0,199}$/u;
/** Attack: an id that is an option of the command; ids come from rows, which other extensions can make up. */
function hex(id) {
    if (!HEX.test(id))
        throw new reading_1.BadAnswer("id", "is no id");
    return id;
}
function sha256(text) {
    return (0, node_crypto_1.createHash)("sha256").update(text, "utf8").digest("hex");
}
class Client {
    run;
    constructor(run) {
        this.run = run;
    }
    packages(how) {
        return this.ask(["list", "--json"], (found) => found.objects("packages", documents.readPackage), how);
    }
    async pending(how) {
        const found = await this.ask(["approve", "pending", "--json"], (answer) => answer.objects("questions", documents.readQuestion), how);
        found.forEach(whole);
        return found;
    }
    async question(id, how) {
        const found = await this.ask(["approve", "show", hex(id), "--details", "--json"], documents.readDetailed, how);
        whole(found.question);
        // Attack: a ref is short and is given away again; the whole id names one question for ever.
        if (found.question.id !== id)
            throw new reading_1.BadAnswer("question.id", "is that of another question");
        return found;
    }
    /** A yes to this one call, signed with the key of an approver. A passphrase travels through a pipe, never as an argument. */
    async approve(id, key, passphrase, how = {}) {
        const args = ["approve", "answer", hex(id), `--key=${key}`, "--json"];
        if (passphrase === undefined)
            return this.ask(args, documents.readAnswered, how);
        return this.ask([...args, "--passphrase-file", "/dev/stdin"], documents.readAnswered, { ...how, input: `${passphrase}\n` });
    }
    async deny(id, how) {
        return this.ask(["approve", "answer", hex(id), "--deny", "--json"], documents.readAnswered, how);
    }
    async calls(filter, how) {
        const kinds = ["decision", "intent", "result", "refused"].flatMap((kind) => ["--kind", kind]);
        const words = Object.entries(filter).flatMap(([name, value]) => (value === "" ? [] : [`--${name}=${value}`]));
        const args = ["audit", "search", "--json", "--limit", String(limits_1.ENTRIES_READ), ...kinds, ...words];
        try {
            return callsOf(await this.ask(args, (found) => found.objects("entries", documents.readEntry), how));
        }
        catch (fault) {
            if (fault instanceof Refused && EMPTY.has(fault.code))
                return [];
            throw fault;
        }
    }
    async story(call, how) {
        return this.ask(["audit", "show", hex(call), "--json"], documents.readStory, how);
    }
    prove(entry, file, how) {
        return this.ask(["audit", "prove", String(entry), `--out=${file}`, "--json"], (found) => found.text("file"), how);
    }
    record(how) {
        return this.report(["audit", "verify", "--json"], documents.readHeld, how);
    }
    verify(file, how) {
        return this.report(["verify", "--json", "--", file], documents.readVerified, how);
    }
    inspect(file, how) {
        return this.report(["inspect", "--json", "--", file], documents.readInspected, how);
    }
    search(words, how) {
        const args = ["search", "--json", "--limit", String(limits_1.HITS_MAX), "--", ...words];
        return this.report(args, (found) => found.objects("packages", documents.readHit), how);
    }
    /** What was done, in words; a person who must decide is asked at a terminal, so that it is refused here. */
    install(what, how) {
        const read = (found) => found.objects("packages", (one) => `${one.text("package_id")} ${one.text("version")}: ${one.text("change")}`);
        return this.ask(["install", "--json", "--", what], read, how);
    }
    async doctor(how) {
        const ran = await this.run(["doctor"], how);
        return ran.out === "" ? ran.err : ran.out;
    }
    async ask(args, read, how) {
        const found = answered(await this.run(args, how));
        if (!found.flag("ok"))
            throw refusal(found);
        return read(found);
    }
    /** As ``ask``, for commands whose answer is a report also where it is not a good one. */
    async report(args, read, how) {
        const found = answered(await this.run(args, how));
        try {
            return read(found);
        }
        catch (fault) {
            if (fault instanceof reading_1.BadAnswer && !found.flag("ok") && found.has("error"))
                throw refusal(found);
            throw fault;
        }
    }
}
exports.Client = Client;
function answered(ran) {
    if (ran.out.trim() === "")
        throw new Refused("editor.no_answer", `mpp ended with ${ran.code} and no answer`, ran.err.trim().slice(0, 400));
    return (0, reading_1.readObject)(ran.out);
}
function refusal(found) {
    const fault = documents.readFault(found.object("error"));
    return new Refused(fault.code, fault.message, fault.hint);
}
/** Attack: a text that is shown and is not the one that the answer binds. */
function whole(question) {
    if (sha256(question.text) !== question.textSha256)
        throw new reading_1.BadAnswer("question.text", "is not the text that was asked");
}
function callsOf(entries) {
    const calls = new Map();
    for (const one of entries) {
        if (one.call === "")
            continue;
        const before = calls.get(one.call);
        calls.set(one.call, {
            id: one.call,
            at: before?.at ?? one.at,
            package: before?.package || one.package,
            tool: before?.tool || one.tool,
            agent: before?.agent || one.agent,
            outcome: one.outcome || (before?.outcome ?? ""),
            effect: one.effect || (before?.effect ?? ""),
            last: one.seq,
        });
    }
    return [...calls.values()].sort((a, b) => b.last - a.last).slice(0, limits_1.CALLS_SHOWN);
}
/** A filter as somebody types it: `package=com.example.* decision=deny since=7d`. */
function readFilter(text) {
    const names = ["package", "tool", "agent", "decision", "since"];
    const found = {};
    for (const word of text.split(/\s+/).filter((one) => one !== "")) {
        const [name = "", value = ""] = word.split("=", 2);
        if (!names.includes(name) || !WORD.test(value))
            throw new Refused("editor.filter", `a filter is one of ${names.join(", ")}, with = and a word`, "package=com.example.* decision=deny");
        found[name] = value;
    }
    return found;
}
