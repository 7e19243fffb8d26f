// Schemas: small builders that TypeScript reads types from, and the check of arguments against them.
import { ArgumentError } from "./errors.js";
const made = (value, rules) => ({ ...value, ...rules });
/** Builders of schemas. */
export const t = {
    string: (rules = {}) => made({ type: "string" }, rules),
    /** An integer that JavaScript holds exactly: up to 2^53 - 1. */
    integer: (rules = {}) => made({ type: "integer" }, rules),
    /** An integer of 64 bits, as bigint. */
    int64: (rules = {}) => made({ type: "integer", format: "int64" }, rules),
    number: (rules = {}) => made({ type: "number" }, rules),
    boolean: (rules = {}) => made({ type: "boolean" }, rules),
    choice: (values, rules = {}) => made({ enum: [...values] }, rules),
    list: (items, rules = {}) => made({ type: "array", items }, rules),
    map: (values, rules = {}) => made({ type: "object", additionalProperties: values }, rules),
    object: (properties, rules = {}) => made(objectSchema(properties), rules),
    nullable: (schema) => made({ anyOf: [schema, { type: "null" }] }, {}),
    any: (rules = {}) => made({}, rules),
    /** Any JSON Schema, whose values have the type that you say: `t.of<Point>({...})`. */
    of: (schema) => made(schema, {}),
};
export function optional(schema, ...value) {
    return value.length ? made({ ...schema, default: value[0] }, {}) : { optional: schema };
}
const isOptional = (value) => typeof value.optional === "object" && value.optional !== null && Object.keys(value).length === 1;
/** The schema of an object with these properties and no others. */
export function objectSchema(properties) {
    const found = {};
    const required = [];
    for (const name of Object.keys(properties)) {
        const given = properties[name];
        const schema = isOptional(given) ? given.optional : given;
        found[name] = schema;
        if (!isOptional(given) && !("default" in schema))
            required.push(name);
    }
    const made = { type: "object", properties: found };
    if (required.length)
        made.required = required;
    made.additionalProperties = false;
    return made;
}
// ---- the check of arguments: kinds, choices, what is required, what is left out. The host has checked the whole schema before. ----
const LEAST_64 = -(2n ** 63n);
const MOST_64 = 2n ** 63n - 1n;
function kindOf(value) {
    if (value === null)
        return "null";
    if (Array.isArray(value))
        return "array";
    if (typeof value === "bigint")
        return "integer";
    if (typeof value === "number")
        return Number.isInteger(value) ? "integer" : "number";
    return typeof value;
}
const WORDS = { string: "a text", integer: "an integer", number: "a number", boolean: "true or false", array: "a list", object: "an object", null: "null" };
const words = (kinds) => kinds.map((kind) => WORDS[kind] ?? kind).join(" or ");
const own = (value, key) => (Object.hasOwn(value, key) ? value[key] : undefined);
function fits(kinds, value) {
    const kind = kindOf(value);
    return kinds.includes(kind) || (kind === "integer" && kinds.includes("number"));
}
function checkedInteger(value, schema, at) {
    if (schema.format === "int64") {
        const found = BigInt(value);
        if (found < LEAST_64 || found > MOST_64)
            throw new ArgumentError(`the argument '${at}' does not fit in 64 bits`);
        return found;
    }
    if (typeof value === "bigint")
        throw new ArgumentError(`the argument '${at}' is too large: an integer up to 2^53 is wanted`);
    return value;
}
function equal(a, b) {
    if (typeof a === "object" || typeof b === "object")
        return JSON.stringify(a) === JSON.stringify(b);
    return a === b || (typeof a !== "string" && typeof b !== "string" && a == b && kindOf(a) === kindOf(b));
}
function checkedChoice(value, schema, at) {
    if (Array.isArray(schema.enum) && !schema.enum.some((item) => equal(item, value))) {
        const shown = schema.enum.slice(0, 20).map((item) => JSON.stringify(item));
        throw new ArgumentError(`the argument '${at}' is none of ${shown.join(", ")}`);
    }
}
/** The value with defaults filled in, or an ArgumentError that names the place. */
export function checked(value, schema, at) {
    if (schema === null || typeof schema !== "object" || Array.isArray(schema))
        return value;
    if (Array.isArray(schema.anyOf))
        return anyOf(value, schema.anyOf, at);
    checkedChoice(value, schema, at);
    const given = own(schema, "type");
    const kinds = given === undefined ? [] : Array.isArray(given) ? given : [given];
    if (kinds.length && !fits(kinds, value))
        throw new ArgumentError(`the argument '${at}' is ${words([kindOf(value)])}; ${words(kinds)} is wanted`);
    if (kindOf(value) === "integer" && kinds.includes("integer"))
        return checkedInteger(value, schema, at);
    // Numbers of any kind are computed with: they are what JavaScript has.
    if (typeof value === "bigint" && kinds.includes("number"))
        return Number(value);
    if (Array.isArray(value))
        return schema.items === undefined ? value : value.map((item, i) => checked(item, schema.items, `${at}/${i}`));
    if (value !== null && typeof value === "object")
        return checkedObject(value, schema, at);
    return value;
}
function anyOf(value, schemas, at) {
    let fault;
    for (const schema of schemas) {
        try {
            return checked(value, schema, at);
        }
        catch (found) {
            fault ??= found;
        }
    }
    throw fault;
}
function checkedObject(value, schema, at) {
    const properties = own(schema, "properties");
    const place = (name) => (at ? `${at}/${name}` : name);
    const found = { ...value };
    for (const name of own(schema, "required") ?? [])
        if (!Object.hasOwn(value, name))
            throw new ArgumentError(`the argument '${place(name)}' is missing`);
    for (const name of Object.keys(properties ?? {})) {
        const rule = properties[name];
        if (Object.hasOwn(value, name))
            found[name] = checked(value[name], rule, place(name));
        else if (rule !== null && typeof rule === "object" && !Array.isArray(rule) && "default" in rule)
            found[name] = rule.default;
    }
    const rest = own(schema, "additionalProperties");
    for (const name of Object.keys(value)) {
        if (properties && Object.hasOwn(properties, name))
            continue;
        if (rest === false)
            throw new ArgumentError(`there is no argument '${place(name)}'`);
        if (typeof rest === "object")
            found[name] = checked(value[name], rest, place(name));
    }
    return found;
}
