// Try a tool without the sandbox: `import "./main.js"`, then `await call("greet", {name: "Ada"})`.
import { HostError } from "./errors.js";
import { answerHostCalls } from "./host.js";
import { fromBase64, textOf, toBase64, bytesOf } from "./bytes.js";
import { parse, write } from "./json.js";
import { answer } from "./serving.js";
export { forgetTools } from "./tool.js";
/** A host for tests: storage in memory, answers to requests by a function of yours, lines of the log in a list. */
export class FakeHost {
    stored = new Map();
    /** What the tools of the package share. */
    shared = new Map();
    logged = [];
    reported = [];
    requests = [];
    http = () => {
        throw new HostError("not_granted", "this test answers no requests");
    };
    answer(method, params) {
        const run = METHODS[method];
        if (!run)
            throw new HostError("unknown_method", `there is no method ${method}`);
        return run(this, params);
    }
}
function keysOf(host, scope) {
    return scope === "package" ? host.shared : host.stored;
}
const METHODS = {
    "kv.get": (host, { key, scope }) => ({ value: keysOf(host, scope).get(key) ?? null }),
    "kv.set": (host, params) => {
        const key = params.key;
        const stored = keysOf(host, params.scope);
        if ("expect" in params && params.expect !== (stored.get(key) ?? null))
            return { stored: false };
        stored.set(key, params.value);
        return { stored: true };
    },
    "kv.delete": (host, { key, scope }) => ({ existed: keysOf(host, scope).delete(key) }),
    "kv.list": (host, { prefix = "", after = "", limit = 1000, scope }) => {
        const found = [...keysOf(host, scope).keys()].filter((key) => key.startsWith(prefix) && (after === "" || key > after)).sort();
        return { keys: found.slice(0, Number(limit)), more: found.length > Number(limit) };
    },
    "http.fetch": (host, params) => {
        const sent = { method: params.method, url: params.url, headers: (params.headers ?? []), body: textOf(fromBase64((params.body ?? "")) ?? new Uint8Array(0)) };
        host.requests.push(sent);
        const { status = 200, headers = [], body = "", url = sent.url } = host.http(sent);
        return { status, headers, body: toBase64(bytesOf(body)), url };
    },
    log: (host, { level, message }) => (host.logged.push({ level: level, message: message }), {}),
    progress: (host, params) => (host.reported.push(params), {}),
    "context.get": () => ({ token: "token-of-a-test" }),
};
/** Call a registered tool as a host does: through a line, with its arguments checked. An error reply is thrown. */
export async function call(tool, given = {}, { host = new FakeHost(), context = {} } = {}) {
    const line = write({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: given, _meta: { tool, ...context } } });
    answerHostCalls((method, params) => host.answer(method, params));
    try {
        const reply = parse(await answer(line));
        if (reply.error)
            throw new Error(`${reply.error.message} (${reply.error.code})`);
        return called(reply.result);
    }
    finally {
        answerHostCalls(null);
    }
}
function called(result) {
    const content = (result.content ?? []);
    const texts = content.filter((item) => item.type === "text").map((item) => item.text);
    return { content, structured: result.structuredContent, isError: result.isError === true, text: texts.join(""), questions: result.inputRequests };
}
