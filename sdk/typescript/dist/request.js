// The request that a tool sees, the response that it gives, and the context of the call.
import { text } from "./content.js";
import { hostCall } from "./host.js";
import { write } from "./json.js";
const textAt = (from, key) => (typeof from[key] === "string" ? from[key] : "");
const objectAt = (from, key) => {
    const found = from[key];
    return found !== null && typeof found === "object" && !Array.isArray(found) ? found : {};
};
/** Who calls, as the host verified it. What is not known is an empty text. */
export class Context {
    #meta;
    constructor(meta) {
        this.#meta = meta;
    }
    get invocation() {
        return textAt(this.#meta, "invocation");
    }
    get user() {
        return textAt(this.#meta, "user");
    }
    get tenant() {
        return textAt(this.#meta, "tenant");
    }
    get tool() {
        return textAt(this.#meta, "tool");
    }
    get agent() {
        const agent = objectAt(this.#meta, "agent");
        const behalf = Array.isArray(agent.behalf) ? agent.behalf : [];
        return { name: textAt(agent, "name"), proof: textAt(agent, "proof"), key: textAt(agent, "key"), issuer: textAt(agent, "issuer"), behalf };
    }
    get package() {
        const about = objectAt(this.#meta, "package");
        return { id: textAt(about, "id"), version: textAt(about, "version"), sha256: textAt(about, "sha256"), publisher: textAt(about, "publisher") };
    }
    /** The context, signed by the host for a back end that the tool may reach. */
    token(audience) {
        return hostCall("context.get", { audience }).token;
    }
}
/** One call. */
export class ToolRequest {
    /** The name of the tool. */
    tool;
    arguments;
    context;
    constructor(tool, given, context) {
        this.tool = tool;
        this.arguments = given;
        this.context = context;
    }
}
/** What a call answers with. */
export class ToolResponse {
    content;
    structured;
    isError;
    constructor(content, structured, isError) {
        this.content = content;
        this.structured = structured;
        this.isError = isError;
    }
    /** What a plain value becomes: a text as it is, an object as structured content beside its JSON, a list of items as content. */
    static of(value) {
        if (value instanceof ToolResponse)
            return value;
        if (value === undefined || value === null)
            return new ToolResponse([], undefined, false);
        if (typeof value === "string")
            return ToolResponse.success(value);
        if (Array.isArray(value) && value.length && value.every(isItem))
            return new ToolResponse(value, undefined, false);
        if (isItem(value))
            return new ToolResponse([value], undefined, false);
        const plain = typeof value === "object" && !Array.isArray(value);
        return new ToolResponse([text(write(value))], plain ? value : undefined, false);
    }
    /** A text, items, or an object. */
    static success(value) {
        return typeof value === "string" ? new ToolResponse([text(value)], undefined, false) : ToolResponse.of(value);
    }
    /** Structured content, and what people and older clients read beside it. */
    static structured(value, shown = write(value)) {
        return new ToolResponse(typeof shown === "string" ? [text(shown)] : shown, value, false);
    }
    /** The call failed, with these words for the caller. */
    static error(message) {
        return new ToolResponse([text(message)], undefined, true);
    }
    toResult() {
        const found = { content: this.content };
        if (this.structured !== undefined)
            found.structuredContent = this.structured;
        if (this.isError)
            found.isError = true;
        return found;
    }
}
const KINDS = new Set(["text", "image", "audio", "resource_link", "resource"]);
const isItem = (value) => value !== null && typeof value === "object" && KINDS.has(value.type);
