"use strict";
/** One `mpp` process: no shell, bounded output, a deadline, and an end when nobody wants the answer any more. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.NotRun = void 0;
exports.surroundings = surroundings;
exports.runner = runner;
const node_child_process_1 = require("node:child_process");
const node_os_1 = require("node:os");
const limits_1 = require("./limits");
class NotRun extends Error {
    constructor(words) {
        super(words);
        this.name = "NotRun";
    }
}
exports.NotRun = NotRun;
/** Variables of the editor's own process that change what a program does. Attack: NODE_OPTIONS or a shell's start-up file from a workspace's terminal. */
const DROPPED = /^(VSCODE_|ELECTRON_|NODE_|BASH_ENV$|ENV$|PYTHONSTARTUP$|PYTHONPATH$|PYTHONHOME$|LD_PRELOAD$|DYLD_)/;
function surroundings(env, home) {
    const kept = {};
    for (const [name, value] of Object.entries(env))
        if (value !== undefined && !DROPPED.test(name))
            kept[name] = value;
    return { ...kept, NO_COLOR: "1", PYTHONSAFEPATH: "1", ...(home === "" ? {} : { MPP_HOME: home }) };
}
/** A group of its own: what `mpp` started ends with it, and there is no terminal on which it could ask behind our back. */
const OWN_GROUP = process.platform !== "win32";
function signal(child, name) {
    try {
        if (OWN_GROUP && child.pid !== undefined)
            process.kill(-child.pid, name);
        else
            child.kill(name);
    }
    catch {
        // It has ended already.
    }
}
/** Ends a process and what it started: first as a request, then by force. */
function end(child) {
    signal(child, "SIGTERM");
    setTimeout(() => {
        if (child.exitCode === null && child.signalCode === null)
            signal(child, "SIGKILL");
        // Attack: a child of it that got away still holds the pipes, and nobody would ever be told of the end.
        child.stdout?.destroy();
        child.stderr?.destroy();
    }, limits_1.LEAVE_MS_MAX).unref();
}
/** Runs one program. Attack: a program of a workspace; the caller says which program, and `find` never takes one that nobody agreed to. */
function runner(program, home) {
    return (args, how = {}) => new Promise((done, failed) => {
        if (how.signal?.aborted === true) {
            failed(new NotRun("nobody waits for the answer any more"));
            return;
        }
        const env = surroundings(process.env, home);
        // The person's own folder: what lies in a workspace is no matter of `mpp` here, and every file is named in full.
        const child = (0, node_child_process_1.spawn)(program, [...args], { cwd: (0, node_os_1.homedir)(), env, shell: false, stdio: ["pipe", "pipe", "pipe"], windowsHide: true, detached: OWN_GROUP });
        const most = how.bytes ?? limits_1.ANSWER_BYTES_MAX;
        const out = [];
        const err = [];
        let size = 0;
        let over;
        const stop = (words) => {
            over ??= new NotRun(words);
            end(child);
        };
        const take = (into) => (piece) => {
            size += piece.length;
            if (size > most)
                stop(`mpp ${args[0] ?? ""} said more than ${most} bytes`);
            else
                into.push(piece);
        };
        const gone = () => stop("nobody waits for the answer any more");
        const late = setTimeout(() => stop(`mpp ${args[0] ?? ""} did not answer in time`), how.milliseconds ?? limits_1.ANSWER_MS_MAX);
        const settle = () => {
            clearTimeout(late);
            how.signal?.removeEventListener("abort", gone);
        };
        how.signal?.addEventListener("abort", gone, { once: true });
        child.stdout.on("data", take(out));
        child.stderr.on("data", take(err));
        // A program that ends before it has read its input is no fault of its own.
        child.stdin.on("error", () => undefined);
        child.on("error", (fault) => {
            settle();
            failed(over ?? new NotRun(`mpp cannot be started: ${fault.message}`));
        });
        child.on("close", (code) => {
            settle();
            if (over !== undefined)
                failed(over);
            else
                done({ code: code ?? -1, out: Buffer.concat(out).toString("utf8"), err: Buffer.concat(err).toString("utf8") });
        });
        child.stdin.end(how.input ?? "");
    });
}
