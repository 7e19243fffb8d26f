// The services of the host: storage, requests, log lines, progress.

import { bytesOf, fromBase64, textOf, toBase64 } from "./bytes.js";
import { HostError } from "./errors.js";
import { hostCall } from "./host.js";
import { parse, type Json } from "./json.js";

export type Bytes = string | Uint8Array | ArrayBuffer;

function received(text: unknown): Uint8Array {
  const found = typeof text === "string" ? fromBase64(text) : null;
  if (found === null) throw new HostError("unavailable", "the host gave bytes that are no base64");
  return found;
}

/** Keys and what is stored under them. */
export interface Store {
  /** The bytes under a key, or null. */
  get(key: string): Uint8Array | null;
  /** The text under a key, or null. */
  getText(key: string): string | null;
  /** The JSON under a key, or null. */
  getJson<T = Json>(key: string): T | null;
  /**
   * Store bytes or a text. With `expect`, only if what is there equals it, or, for null, if nothing is there.
   * @returns whether it was stored
   */
  set(key: string, value: Bytes, how?: { expect?: Bytes | null }): boolean;
  /** Remove a key. @returns whether it was there */
  delete(key: string): boolean;
  /** Keys in ascending order, at most 1,000. */
  list(how?: { prefix?: string; after?: string; limit?: number }): { keys: string[]; more: boolean };
}

function storeOf(scope?: "package"): Store {
  const store: Store = {
    get(key) {
      const { value } = hostCall("kv.get", { key, scope });
      return value === null ? null : received(value);
    },
    getText(key) {
      const found = store.get(key);
      return found === null ? null : textOf(found);
    },
    getJson<T = Json>(key: string) {
      const found = store.getText(key);
      return found === null ? null : (parse(found) as T);
    },
    set(key, value, { expect } = {}) {
      const expected = expect === undefined || expect === null ? expect : toBase64(bytesOf(expect));
      return hostCall("kv.set", { key, value: toBase64(bytesOf(value)), expect: expected, scope }).stored as boolean;
    },
    delete(key) {
      return hostCall("kv.delete", { key, scope }).existed as boolean;
    },
    list(how = {}) {
      return hostCall("kv.list", { prefix: how.prefix, after: how.after, limit: how.limit, scope }) as unknown as { keys: string[]; more: boolean };
    },
  };
  return store;
}

/** Storage that outlives the call, in this tenant: of this tool, and below `shared` of all tools of the package. Needs `capabilities.storage.kv`. */
export const kv: Store & { shared: Store } = { ...storeOf(), shared: storeOf("package") };

export interface HttpOptions {
  method?: string;
  headers?: Iterable<[string, string]> | { [name: string]: string };
  body?: Bytes;
  timeoutMs?: number;
  redirect?: "follow" | "manual";
}

/** The answer of a server. */
export class HttpResponse {
  readonly status: number;
  readonly url: string;
  readonly headers: ReadonlyArray<readonly [string, string]>;
  readonly body: Uint8Array;

  constructor(status: number, url: string, headers: ReadonlyArray<readonly [string, string]>, body: Uint8Array) {
    this.status = status;
    this.url = url;
    this.headers = headers;
    this.body = body;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  /** The first header of that name in any case, or null. */
  header(name: string): string | null {
    const wanted = name.toLowerCase();
    return this.headers.find((pair) => pair[0].toLowerCase() === wanted)?.[1] ?? null;
  }

  text(): string {
    return textOf(this.body);
  }

  json<T = Json>(): T {
    return parse(this.text()) as T;
  }
}

function pairs(headers: HttpOptions["headers"]): [string, string][] | undefined {
  if (headers === undefined) return undefined;
  return Symbol.iterator in headers ? [...(headers as Iterable<[string, string]>)] : Object.entries(headers as { [name: string]: string });
}

/** Requests to hosts that the manifest names under `capabilities.network`. `fetch` of the layer goes the same way. */
export const http = {
  request(url: string, how: HttpOptions = {}): HttpResponse {
    const found = hostCall("http.fetch", {
      method: how.method ?? "GET",
      url,
      headers: pairs(how.headers),
      body: how.body === undefined ? undefined : toBase64(bytesOf(how.body)),
      timeout_ms: how.timeoutMs,
      redirect: how.redirect,
    });
    return new HttpResponse(Number(found.status), found.url as string, found.headers as [string, string][], received(found.body));
  },
  get(url: string, how: Omit<HttpOptions, "method"> = {}): HttpResponse {
    return http.request(url, how);
  },
  post(url: string, body: Bytes, how: Omit<HttpOptions, "method" | "body"> = {}): HttpResponse {
    return http.request(url, { ...how, method: "POST", body });
  },
};

// A log line or a mark of progress is not worth a call: a host that refuses one changes nothing.
function tell(method: string, params: { [key: string]: unknown }): void {
  try {
    hostCall(method, params);
  } catch (fault) {
    if (!(fault instanceof HostError)) throw fault;
  }
}

/** Log lines of the call, filtered like its result. */
export const log = {
  debug: (message: string): void => tell("log", { level: "debug", message }),
  info: (message: string): void => tell("log", { level: "info", message }),
  warning: (message: string): void => tell("log", { level: "warning", message }),
  error: (message: string): void => tell("log", { level: "error", message }),
};

/** How far the call is. */
export function progress(done: number, total?: number, message?: string): void {
  tell("progress", { progress: done, total, message });
}

/**
 * The name of a secret that the manifest declares under `capabilities.secrets`. The tool never sees its value: the host puts it
 * into the header that the manifest names, in requests to the host that it is bound to.
 */
export function secret(name: string): { readonly secret: string } {
  return Object.freeze({ secret: name });
}

/** A variable that the manifest declares under `capabilities.env_vars` and somebody granted, or null. */
export function variable(name: string): string | null {
  const found = (globalThis as { process?: { env?: { [name: string]: string | undefined } } }).process?.env?.[name];
  return found ?? null;
}
