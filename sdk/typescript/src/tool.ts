// Tools: what an author registers.

import type { Json, JsonObject } from "./json.js";
import type { Context, ToolRequest, ToolResponse } from "./request.js";
import { objectSchema, type Infer, type InferProperties, type Optional, type Schema } from "./schema.js";

export type Level = "low" | "medium" | "high" | "critical";
export type Result = string | object | ToolResponse | void | null | undefined | number | boolean | bigint;
type Properties = { [name: string]: Schema<any> | Optional<any> };

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

const registered = new Map<string, Registered>();
let handler: ((request: ToolRequest) => Result | Promise<Result>) | null = null;

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const LEVELS = ["low", "medium", "high", "critical"];

/** A JSON Schema has keywords of its own; a table of properties has schemas. */
function schemaOf(given: Properties | JsonObject | undefined): JsonObject {
  if (given === undefined) return objectSchema({});
  if (given.type === "object" || "$ref" in given || "$defs" in given) return given as JsonObject;
  return objectSchema(given as Properties);
}

/** Register a tool. The handler gets checked arguments with defaults filled in. */
export function tool<const P extends Properties | JsonObject = {}>(options: ToolOptions<P>, run: (given: Arguments<P>, context: Context, request: ToolRequest) => Result | Promise<Result>): Registered {
  const { name, description, title, returns, securityLevel = "low" } = options;
  if (typeof name !== "string" || !NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a tool: 1 to 64 letters, digits, _, . and -`);
  if (typeof description !== "string" || description === "") throw new TypeError(`the tool ${name} has no description`);
  if (typeof run !== "function") throw new TypeError(`the tool ${name} has no function`);
  if (!LEVELS.includes(securityLevel)) throw new TypeError(`the tool ${name} has a securityLevel that is none of ${LEVELS.join(", ")}`);
  if ([...registered.keys()].some((other) => other.toLowerCase() === name.toLowerCase())) throw new TypeError(`there are two tools ${name}`);
  const parameters = schemaOf(options.parameters);
  const definition: Definition = { name, ...(title === undefined ? {} : { title }), description, parameters, ...(returns === undefined ? {} : { returns }), security_level: securityLevel };
  const made: Registered = { definition, run };
  registered.set(name, made);
  return made;
}

/** One function for all tools: it sees the name. The definitions stand in manifest.json then. */
export function toolHandler(run: (request: ToolRequest) => Result | Promise<Result>): void {
  if (typeof run !== "function") throw new TypeError("toolHandler wants a function");
  handler = run;
}

export const find = (name: string): Registered | null => registered.get(name) ?? null;
export const theHandler = (): typeof handler => handler;
/** The definitions of all registered tools, as they stand in a manifest. */
export const definitions = (): Definition[] => [...registered.values()].map((one) => one.definition);
/** For tests: forget all tools. */
export function forgetTools(): void {
  registered.clear();
  handler = null;
}
export type { Infer, Json };
