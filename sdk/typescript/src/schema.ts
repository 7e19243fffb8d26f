// Schemas: small builders that TypeScript reads types from, and the check of arguments against them.

import { ArgumentError } from "./errors.js";
import type { Json, JsonObject } from "./json.js";

declare const TYPE: unique symbol;

/** A JSON Schema whose values have the type T. */
export interface Schema<T> extends JsonObject {
  readonly [TYPE]: T;
}
/** A property that may be left out. */
export interface Optional<T> {
  readonly optional: Schema<T>;
}
export type Infer<S> = S extends Schema<infer T> ? T : never;
type Properties = { [name: string]: Schema<any> | Optional<any> };
type Simplify<T> = { [K in keyof T]: T[K] } & {};
export type InferProperties<P extends Properties> = Simplify<
  { [K in keyof P as P[K] extends Optional<any> ? never : K]: P[K] extends Schema<infer T> ? T : never } & {
    [K in keyof P as P[K] extends Optional<any> ? K : never]?: P[K] extends Optional<infer T> ? T : never;
  }
>;

export interface About {
  title?: string;
  description?: string;
  examples?: Json[];
}
type StringRules = About & { minLength?: number; maxLength?: number; pattern?: string; format?: string };
type NumberRules = About & { minimum?: number; maximum?: number; exclusiveMinimum?: number; exclusiveMaximum?: number; multipleOf?: number };
type ListRules = About & { minItems?: number; maxItems?: number; uniqueItems?: boolean };

const made = <T>(value: JsonObject, rules: object): Schema<T> => ({ ...value, ...rules }) as Schema<T>;

/** Builders of schemas. */
export const t = {
  string: (rules: StringRules = {}): Schema<string> => made({ type: "string" }, rules),
  /** An integer that JavaScript holds exactly: up to 2^53 - 1. */
  integer: (rules: NumberRules = {}): Schema<number> => made({ type: "integer" }, rules),
  /** An integer of 64 bits, as bigint. */
  int64: (rules: About = {}): Schema<bigint> => made({ type: "integer", format: "int64" }, rules),
  number: (rules: NumberRules = {}): Schema<number> => made({ type: "number" }, rules),
  boolean: (rules: About = {}): Schema<boolean> => made({ type: "boolean" }, rules),
  choice: <const V extends string | number>(values: readonly V[], rules: About = {}): Schema<V> => made({ enum: [...values] }, rules),
  list: <T>(items: Schema<T>, rules: ListRules = {}): Schema<T[]> => made({ type: "array", items }, rules),
  map: <T>(values: Schema<T>, rules: About = {}): Schema<{ [key: string]: T }> => made({ type: "object", additionalProperties: values }, rules),
  object: <P extends Properties>(properties: P, rules: About = {}): Schema<InferProperties<P>> => made(objectSchema(properties), rules),
  nullable: <T>(schema: Schema<T>): Schema<T | null> => made({ anyOf: [schema, { type: "null" }] }, {}),
  any: (rules: About = {}): Schema<any> => made({}, rules),
  /** Any JSON Schema, whose values have the type that you say: `t.of<Point>({...})`. */
  of: <T>(schema: object): Schema<T> => made(schema as JsonObject, {}),
};

/** A property that may be left out; with `value`, that is what it is then. */
export function optional<T>(schema: Schema<T>): Optional<T>;
export function optional<T>(schema: Schema<T>, value: T): Schema<T>;
export function optional<T>(schema: Schema<T>, ...value: [T?]): Optional<T> | Schema<T> {
  return value.length ? made<T>({ ...schema, default: value[0] as Json }, {}) : { optional: schema };
}

const isOptional = (value: Schema<any> | Optional<any>): value is Optional<any> => typeof value.optional === "object" && value.optional !== null && Object.keys(value).length === 1;

/** The schema of an object with these properties and no others. */
export function objectSchema(properties: Properties): JsonObject {
  const found: JsonObject = {};
  const required: string[] = [];
  for (const name of Object.keys(properties)) {
    const given = properties[name] as Schema<any> | Optional<any>;
    const schema: JsonObject = isOptional(given) ? given.optional : given;
    found[name] = schema;
    if (!isOptional(given) && !("default" in schema)) required.push(name);
  }
  const made: JsonObject = { type: "object", properties: found };
  if (required.length) made.required = required;
  made.additionalProperties = false;
  return made;
}

// ---- the check of arguments: kinds, choices, what is required, what is left out. The host has checked the whole schema before. ----

const LEAST_64 = -(2n ** 63n);
const MOST_64 = 2n ** 63n - 1n;

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint") return "integer";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

const WORDS: { [kind: string]: string } = { string: "a text", integer: "an integer", number: "a number", boolean: "true or false", array: "a list", object: "an object", null: "null" };
const words = (kinds: string[]): string => kinds.map((kind) => WORDS[kind] ?? kind).join(" or ");

const own = (value: JsonObject, key: string): Json | undefined => (Object.hasOwn(value, key) ? value[key] : undefined);

function fits(kinds: string[], value: Json): boolean {
  const kind = kindOf(value);
  return kinds.includes(kind) || (kind === "integer" && kinds.includes("number"));
}

function checkedInteger(value: Json, schema: JsonObject, at: string): Json {
  if (schema.format === "int64") {
    const found = BigInt(value as number | bigint);
    if (found < LEAST_64 || found > MOST_64) throw new ArgumentError(`the argument '${at}' does not fit in 64 bits`);
    return found;
  }
  if (typeof value === "bigint") throw new ArgumentError(`the argument '${at}' is too large: an integer up to 2^53 is wanted`);
  return value;
}

function equal(a: Json, b: Json): boolean {
  if (typeof a === "object" || typeof b === "object") return JSON.stringify(a) === JSON.stringify(b);
  return a === b || (typeof a !== "string" && typeof b !== "string" && a == b && kindOf(a) === kindOf(b));
}

function checkedChoice(value: Json, schema: JsonObject, at: string): void {
  if (Array.isArray(schema.enum) && !schema.enum.some((item) => equal(item, value))) {
    const shown = schema.enum.slice(0, 20).map((item) => JSON.stringify(item));
    throw new ArgumentError(`the argument '${at}' is none of ${shown.join(", ")}`);
  }
}

/** The value with defaults filled in, or an ArgumentError that names the place. */
export function checked(value: Json, schema: Json | undefined, at: string): Json {
  if (schema === null || typeof schema !== "object" || Array.isArray(schema)) return value;
  if (Array.isArray(schema.anyOf)) return anyOf(value, schema.anyOf, at);
  checkedChoice(value, schema, at);
  const given = own(schema, "type");
  const kinds = given === undefined ? [] : Array.isArray(given) ? (given as string[]) : [given as string];
  if (kinds.length && !fits(kinds, value)) throw new ArgumentError(`the argument '${at}' is ${words([kindOf(value)])}; ${words(kinds)} is wanted`);
  if (kindOf(value) === "integer" && kinds.includes("integer")) return checkedInteger(value, schema, at);
  // Numbers of any kind are computed with: they are what JavaScript has.
  if (typeof value === "bigint" && kinds.includes("number")) return Number(value);
  if (Array.isArray(value)) return schema.items === undefined ? value : value.map((item, i) => checked(item, schema.items, `${at}/${i}`));
  if (value !== null && typeof value === "object") return checkedObject(value, schema, at);
  return value;
}

function anyOf(value: Json, schemas: Json[], at: string): Json {
  let fault: unknown;
  for (const schema of schemas) {
    try {
      return checked(value, schema, at);
    } catch (found) {
      fault ??= found;
    }
  }
  throw fault;
}

function checkedObject(value: JsonObject, schema: JsonObject, at: string): JsonObject {
  const properties = own(schema, "properties") as { [name: string]: Json } | undefined;
  const place = (name: string): string => (at ? `${at}/${name}` : name);
  const found: JsonObject = { ...value };
  for (const name of (own(schema, "required") as string[] | undefined) ?? []) if (!Object.hasOwn(value, name)) throw new ArgumentError(`the argument '${place(name)}' is missing`);
  for (const name of Object.keys(properties ?? {})) {
    const rule = (properties as { [name: string]: Json })[name];
    if (Object.hasOwn(value, name)) found[name] = checked(value[name] as Json, rule, place(name));
    else if (rule !== null && typeof rule === "object" && !Array.isArray(rule) && "default" in rule) found[name] = rule.default as Json;
  }
  const rest = own(schema, "additionalProperties");
  for (const name of Object.keys(value)) {
    if (properties && Object.hasOwn(properties, name)) continue;
    if (rest === false) throw new ArgumentError(`there is no argument '${place(name)}'`);
    if (typeof rest === "object") found[name] = checked(value[name] as Json, rest, place(name));
  }
  return found;
}
