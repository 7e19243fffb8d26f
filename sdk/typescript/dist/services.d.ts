import { type Json } from "./json.js";
export type Bytes = string | Uint8Array | ArrayBuffer;
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
    set(key: string, value: Bytes, how?: {
        expect?: Bytes | null;
    }): boolean;
    /** Remove a key. @returns whether it was there */
    delete(key: string): boolean;
    /** Keys in ascending order, at most 1,000. */
    list(how?: {
        prefix?: string;
        after?: string;
        limit?: number;
    }): {
        keys: string[];
        more: boolean;
    };
}
/** Storage that outlives the call, in this tenant: of this tool, and below `shared` of all tools of the package. Needs `capabilities.storage.kv`. */
export declare const kv: Store & {
    shared: Store;
};
export interface HttpOptions {
    method?: string;
    headers?: Iterable<[string, string]> | {
        [name: string]: string;
    };
    body?: Bytes;
    timeoutMs?: number;
    redirect?: "follow" | "manual";
}
/** The answer of a server. */
export declare class HttpResponse {
    readonly status: number;
    readonly url: string;
    readonly headers: ReadonlyArray<readonly [string, string]>;
    readonly body: Uint8Array;
    constructor(status: number, url: string, headers: ReadonlyArray<readonly [string, string]>, body: Uint8Array);
    get ok(): boolean;
    /** The first header of that name in any case, or null. */
    header(name: string): string | null;
    text(): string;
    json<T = Json>(): T;
}
/** Requests to hosts that the manifest names under `capabilities.network`. `fetch` of the layer goes the same way. */
export declare const http: {
    request(url: string, how?: HttpOptions): HttpResponse;
    get(url: string, how?: Omit<HttpOptions, "method">): HttpResponse;
    post(url: string, body: Bytes, how?: Omit<HttpOptions, "method" | "body">): HttpResponse;
};
/** Log lines of the call, filtered like its result. */
export declare const log: {
    debug: (message: string) => void;
    info: (message: string) => void;
    warning: (message: string) => void;
    error: (message: string) => void;
};
/** How far the call is. */
export declare function progress(done: number, total?: number, message?: string): void;
/**
 * The name of a secret that the manifest declares under `capabilities.secrets`. The tool never sees its value: the host puts it
 * into the header that the manifest names, in requests to the host that it is bound to.
 */
export declare function secret(name: string): {
    readonly secret: string;
};
/** A variable that the manifest declares under `capabilities.env_vars` and somebody granted, or null. */
export declare function variable(name: string): string | null;
