// Tools: what an author registers.
import { objectSchema } from "./schema.js";
const registered = new Map();
let handler = null;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const LEVELS = ["low", "medium", "high", "critical"];
/** A JSON Schema has keywords of its own; a table of properties has schemas. */
function schemaOf(given) {
    if (given === undefined)
        return objectSchema({});
    if (given.type === "object" || "$ref" in given || "$defs" in given)
        return given;
    return objectSchema(given);
}
/** Register a tool. The handler gets checked arguments with defaults filled in. */
export function tool(options, run) {
    const { name, description, title, returns, securityLevel = "low" } = options;
    if (typeof name !== "string" || !NAME.test(name))
        throw new TypeError(`${JSON.stringify(name)} is no name of a tool: 1 to 64 letters, digits, _, . and -`);
    if (typeof description !== "string" || description === "")
        throw new TypeError(`the tool ${name} has no description`);
    if (typeof run !== "function")
        throw new TypeError(`the tool ${name} has no function`);
    if (!LEVELS.includes(securityLevel))
        throw new TypeError(`the tool ${name} has a securityLevel that is none of ${LEVELS.join(", ")}`);
    if ([...registered.keys()].some((other) => other.toLowerCase() === name.toLowerCase()))
        throw new TypeError(`there are two tools ${name}`);
    const parameters = schemaOf(options.parameters);
    const definition = { name, ...(title === undefined ? {} : { title }), description, parameters, ...(returns === undefined ? {} : { returns }), security_level: securityLevel };
    const made = { definition, run };
    registered.set(name, made);
    return made;
}
/** One function for all tools: it sees the name. The definitions stand in manifest.json then. */
export function toolHandler(run) {
    if (typeof run !== "function")
        throw new TypeError("toolHandler wants a function");
    handler = run;
}
export const find = (name) => registered.get(name) ?? null;
export const theHandler = () => handler;
/** The definitions of all registered tools, as they stand in a manifest. */
export const definitions = () => [...registered.values()].map((one) => one.definition);
/** For tests: forget all tools. */
export function forgetTools() {
    registered.clear();
    handler = null;
}
