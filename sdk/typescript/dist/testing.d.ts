import { type JsonObject } from "./json.js";
import type { Bytes } from "./services.js";
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
type Sent = {
    method: string;
    url: string;
    headers: [string, string][];
    body: string;
};
/** A host for tests: storage in memory, answers to requests by a function of yours, lines of the log in a list. */
export declare class FakeHost {
    readonly stored: Map<string, string>;
    /** What the tools of the package share. */
    readonly shared: Map<string, string>;
    readonly logged: {
        level: string;
        message: string;
    }[];
    readonly reported: JsonObject[];
    readonly requests: Sent[];
    http: (request: Sent) => FakeAnswer;
    answer(method: string, params: JsonObject): unknown;
}
/** Call a registered tool as a host does: through a line, with its arguments checked. An error reply is thrown. */
export declare function call(tool: string, given?: object, { host, context }?: {
    host?: FakeHost;
    context?: JsonObject;
}): Promise<Called>;
