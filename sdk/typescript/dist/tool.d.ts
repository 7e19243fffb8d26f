import type { Json, JsonObject } from "./json.js";
import type { Context, ToolRequest, ToolResponse } from "./request.js";
import { type Infer, type InferProperties, type Optional, type Schema } from "./schema.js";
export type Level = "low" | "medium" | "high" | "critical";
export type Result = string | object | ToolResponse | void | null | undefined | number | boolean | bigint;
type Properties = {
    [name: string]: Schema<any> | Optional<any>;
};
export interface Definition {
    readonly name: string;
    readonly description: string;
    readonly title?: string;
    readonly parameters: JsonObject;
    readonly returns?: JsonObject;
    readonly security_level: Level;
}
export interface ToolOptions<P> {
    /** 1 to 64 letters, digits, `_`, `.` and `-`. */
    name: string;
    /** What it does, for models and people. */
    description: string;
    title?: string;
    /** Properties made with `t`, a schema made with `t.object`, or any JSON Schema of an object. */
    parameters?: P;
    /** The schema of what the tool gives back as structured content. */
    returns?: JsonObject;
    /** How much harm a call can do; `low` if left out. */
    securityLevel?: Level;
}
type Run = (given: any, context: Context, request: ToolRequest) => Result | Promise<Result>;
export interface Registered {
    readonly definition: Definition;
    readonly run: Run;
}
type Arguments<P> = P extends Schema<infer T> ? T : P extends Properties ? InferProperties<P> : JsonObject;
declare let handler: ((request: ToolRequest) => Result | Promise<Result>) | null;
/** Register a tool. The handler gets checked arguments with defaults filled in. */
export declare function tool<const P extends Properties | JsonObject = {}>(options: ToolOptions<P>, run: (given: Arguments<P>, context: Context, request: ToolRequest) => Result | Promise<Result>): Registered;
/** One function for all tools: it sees the name. The definitions stand in manifest.json then. */
export declare function toolHandler(run: (request: ToolRequest) => Result | Promise<Result>): void;
export declare const find: (name: string) => Registered | null;
export declare const theHandler: () => typeof handler;
/** The definitions of all registered tools, as they stand in a manifest. */
export declare const definitions: () => Definition[];
/** For tests: forget all tools. */
export declare function forgetTools(): void;
export type { Infer, Json };
