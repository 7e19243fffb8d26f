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
type Properties = {
    [name: string]: Schema<any> | Optional<any>;
};
type Simplify<T> = {
    [K in keyof T]: T[K];
} & {};
export type InferProperties<P extends Properties> = Simplify<{
    [K in keyof P as P[K] extends Optional<any> ? never : K]: P[K] extends Schema<infer T> ? T : never;
} & {
    [K in keyof P as P[K] extends Optional<any> ? K : never]?: P[K] extends Optional<infer T> ? T : never;
}>;
export interface About {
    title?: string;
    description?: string;
    examples?: Json[];
}
type StringRules = About & {
    minLength?: number;
    maxLength?: number;
    pattern?: string;
    format?: string;
};
type NumberRules = About & {
    minimum?: number;
    maximum?: number;
    exclusiveMinimum?: number;
    exclusiveMaximum?: number;
    multipleOf?: number;
};
type ListRules = About & {
    minItems?: number;
    maxItems?: number;
    uniqueItems?: boolean;
};
/** Builders of schemas. */
export declare const t: {
    string: (rules?: StringRules) => Schema<string>;
    /** An integer that JavaScript holds exactly: up to 2^53 - 1. */
    integer: (rules?: NumberRules) => Schema<number>;
    /** An integer of 64 bits, as bigint. */
    int64: (rules?: About) => Schema<bigint>;
    number: (rules?: NumberRules) => Schema<number>;
    boolean: (rules?: About) => Schema<boolean>;
    choice: <const V extends string | number>(values: readonly V[], rules?: About) => Schema<V>;
    list: <T>(items: Schema<T>, rules?: ListRules) => Schema<T[]>;
    map: <T>(values: Schema<T>, rules?: About) => Schema<{
        [key: string]: T;
    }>;
    object: <P extends Properties>(properties: P, rules?: About) => Schema<InferProperties<P>>;
    nullable: <T>(schema: Schema<T>) => Schema<T | null>;
    any: (rules?: About) => Schema<any>;
    /** Any JSON Schema, whose values have the type that you say: `t.of<Point>({...})`. */
    of: <T>(schema: object) => Schema<T>;
};
/** A property that may be left out; with `value`, that is what it is then. */
export declare function optional<T>(schema: Schema<T>): Optional<T>;
export declare function optional<T>(schema: Schema<T>, value: T): Schema<T>;
/** The schema of an object with these properties and no others. */
export declare function objectSchema(properties: Properties): JsonObject;
/** The value with defaults filled in, or an ArgumentError that names the place. */
export declare function checked(value: Json, schema: Json | undefined, at: string): Json;
export {};
