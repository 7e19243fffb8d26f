// The services of the host: storage, requests, log lines, progress.
import { bytesOf, fromBase64, textOf, toBase64 } from "./bytes.js";
import { HostError } from "./errors.js";
import { hostCall } from "./host.js";
import { parse } from "./json.js";
function received(text) {
    const found = typeof text === "string" ? fromBase64(text) : null;
    if (found === null)
        throw new HostError("unavailable", "the host gave bytes that are no base64");
    return found;
}
function storeOf(scope) {
    const store = {
        get(key) {
            const { value } = hostCall("kv.get", { key, scope });
            return value === null ? null : received(value);
        },
        getText(key) {
            const found = store.get(key);
            return found === null ? null : textOf(found);
        },
        getJson(key) {
            const found = store.getText(key);
            return found === null ? null : parse(found);
        },
        set(key, value, { expect } = {}) {
            const expected = expect === undefined || expect === null ? expect : toBase64(bytesOf(expect));
            return hostCall("kv.set", { key, value: toBase64(bytesOf(value)), expect: expected, scope }).stored;
        },
        delete(key) {
            return hostCall("kv.delete", { key, scope }).existed;
        },
        list(how = {}) {
            return hostCall("kv.list", { prefix: how.prefix, after: how.after, limit: how.limit, scope });
        },
    };
    return store;
}
/** Storage that outlives the call, in this tenant: of this tool, and below `shared` of all tools of the package. Needs `capabilities.storage.kv`. */
export const kv = { ...storeOf(), shared: storeOf("package") };
/** The answer of a server. */
export class HttpResponse {
    status;
    url;
    headers;
    body;
    constructor(status, url, headers, body) {
        this.status = status;
        this.url = url;
        this.headers = headers;
        this.body = body;
    }
    get ok() {
        return this.status >= 200 && this.status <= 299;
    }
    /** The first header of that name in any case, or null. */
    header(name) {
        const wanted = name.toLowerCase();
        return this.headers.find((pair) => pair[0].toLowerCase() === wanted)?.[1] ?? null;
    }
    text() {
        return textOf(this.body);
    }
    json() {
        return parse(this.text());
    }
}
function pairs(headers) {
    if (headers === undefined)
        return undefined;
    return Symbol.iterator in headers ? [...headers] : Object.entries(headers);
}
/** Requests to hosts that the manifest names under `capabilities.network`. `fetch` of the layer goes the same way. */
export const http = {
    request(url, how = {}) {
        const found = hostCall("http.fetch", {
            method: how.method ?? "GET",
            url,
            headers: pairs(how.headers),
            body: how.body === undefined ? undefined : toBase64(bytesOf(how.body)),
            timeout_ms: how.timeoutMs,
            redirect: how.redirect,
        });
        return new HttpResponse(Number(found.status), found.url, found.headers, received(found.body));
    },
    get(url, how = {}) {
        return http.request(url, how);
    },
    post(url, body, how = {}) {
        return http.request(url, { ...how, method: "POST", body });
    },
};
// A log line or a mark of progress is not worth a call: a host that refuses one changes nothing.
function tell(method, params) {
    try {
        hostCall(method, params);
    }
    catch (fault) {
        if (!(fault instanceof HostError))
            throw fault;
    }
}
/** Log lines of the call, filtered like its result. */
export const log = {
    debug: (message) => tell("log", { level: "debug", message }),
    info: (message) => tell("log", { level: "info", message }),
    warning: (message) => tell("log", { level: "warning", message }),
    error: (message) => tell("log", { level: "error", message }),
};
/** How far the call is. */
export function progress(done, total, message) {
    tell("progress", { progress: done, total, message });
}
/**
 * The name of a secret that the manifest declares under `capabilities.secrets`. The tool never sees its value: the host puts it
 * into the header that the manifest names, in requests to the host that it is bound to.
 */
export function secret(name) {
    return Object.freeze({ secret: name });
}
/** A variable that the manifest declares under `capabilities.env_vars` and somebody granted, or null. */
export function variable(name) {
    const found = globalThis.process?.env?.[name];
    return found ?? null;
}
