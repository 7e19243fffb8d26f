// Try a tool without the sandbox: `import "./main.js"`, then `await call("greet", {name: "Ada"})`.

import { HostError } from "./errors.js";
import { answerHostCalls } from "./host.js";
import { fromBase64, textOf, toBase64, bytesOf } from "./bytes.js";
import { parse, write, type Json, type JsonObject } from "./json.js";
import type { Bytes } from "./services.js";
import { answer } from "./serving.js";

export { forgetTools } from "./tool.js";

/** What a call answered. */
export interface Called {
  readonly content: JsonObject[];
  readonly structured: JsonObject | undefined;
  readonly isError: boolean;
  /** The texts of its content, one after another. */
  readonly text: string;
  readonly questions: JsonObject | undefined;
}

export interface FakeAnswer {
  status?: number;
  headers?: [string, string][];
  body?: Bytes;
  url?: string;
}
type Sent = { method: string; url: string; headers: [string, string][]; body: string };

/** A host for tests: storage in memory, answers to requests by a function of yours, lines of the log in a list. */
export class FakeHost {
  readonly stored = new Map<string, string>();
  /** What the tools of the package share. */
  readonly shared = new Map<string, string>();
  readonly logged: { level: string; message: string }[] = [];
  readonly reported: JsonObject[] = [];
  readonly requests: Sent[] = [];
  http: (request: Sent) => FakeAnswer = () => {
    throw new HostError("not_granted", "this test answers no requests");
  };

  answer(method: string, params: JsonObject): unknown {
    const run = METHODS[method];
    if (!run) throw new HostError("unknown_method", `there is no method ${method}`);
    return run(this, params);
  }
}

function keysOf(host: FakeHost, scope: unknown): Map<string, string> {
  return scope === "package" ? host.shared : host.stored;
}

const METHODS: { [method: string]: (host: FakeHost, params: JsonObject) => unknown } = {
  "kv.get": (host, { key, scope }) => ({ value: keysOf(host, scope).get(key as string) ?? null }),
  "kv.set": (host, params) => {
    const key = params.key as string;
    const stored = keysOf(host, params.scope);
    if ("expect" in params && params.expect !== (stored.get(key) ?? null)) return { stored: false };
    stored.set(key, params.value as string);
    return { stored: true };
  },
  "kv.delete": (host, { key, scope }) => ({ existed: keysOf(host, scope).delete(key as string) }),
  "kv.list": (host, { prefix = "", after = "", limit = 1000, scope }) => {
    const found = [...keysOf(host, scope).keys()].filter((key) => key.startsWith(prefix as string) && (after === "" || key > (after as string))).sort();
    return { keys: found.slice(0, Number(limit)), more: found.length > Number(limit) };
  },
  "http.fetch": (host, params) => {
    const sent: Sent = { method: params.method as string, url: params.url as string, headers: (params.headers ?? []) as [string, string][], body: textOf(fromBase64((params.body ?? "") as string) ?? new Uint8Array(0)) };
    host.requests.push(sent);
    const { status = 200, headers = [], body = "", url = sent.url } = host.http(sent);
    return { status, headers, body: toBase64(bytesOf(body)), url };
  },
  log: (host, { level, message }) => (host.logged.push({ level: level as string, message: message as string }), {}),
  progress: (host, params) => (host.reported.push(params), {}),
  "context.get": () => ({ token: "token-of-a-test" }),
};

/** Call a registered tool as a host does: through a line, with its arguments checked. An error reply is thrown. */
export async function call(tool: string, given: object = {}, { host = new FakeHost(), context = {} }: { host?: FakeHost; context?: JsonObject } = {}): Promise<Called> {
  const line = write({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: given as Json, _meta: { tool, ...context } } });
  answerHostCalls((method, params) => host.answer(method, params));
  try {
    const reply = parse(await answer(line)) as { result?: JsonObject; error?: { code: number; message: string } };
    if (reply.error) throw new Error(`${reply.error.message} (${reply.error.code})`);
    return called(reply.result as JsonObject);
  } finally {
    answerHostCalls(null);
  }
}

function called(result: JsonObject): Called {
  const content = (result.content ?? []) as JsonObject[];
  const texts = content.filter((item) => item.type === "text").map((item) => item.text as string);
  return { content, structured: result.structuredContent as JsonObject | undefined, isError: result.isError === true, text: texts.join(""), questions: result.inputRequests as JsonObject | undefined };
}
