import { type ContentItem } from "./content.js";
import { type JsonObject } from "./json.js";
export interface Agent {
    readonly name: string;
    /** How sure the host is: anonymous, launched, token or signed. */
    readonly proof: string;
    readonly key: string;
    readonly issuer: string;
    readonly behalf: ReadonlyArray<{
        readonly kind: string;
        readonly name: string;
        readonly proof: string;
    }>;
}
/** Who calls, as the host verified it. What is not known is an empty text. */
export declare class Context {
    #private;
    constructor(meta: JsonObject);
    get invocation(): string;
    get user(): string;
    get tenant(): string;
    get tool(): string;
    get agent(): Agent;
    get package(): {
        readonly id: string;
        readonly version: string;
        readonly sha256: string;
        readonly publisher: string;
    };
    /** The context, signed by the host for a back end that the tool may reach. */
    token(audience: string): string;
}
/** One call. */
export declare class ToolRequest {
    /** The name of the tool. */
    readonly tool: string;
    readonly arguments: JsonObject;
    readonly context: Context;
    constructor(tool: string, given: JsonObject, context: Context);
}
/** What a call answers with. */
export declare class ToolResponse {
    readonly content: readonly ContentItem[];
    readonly structured: JsonObject | undefined;
    readonly isError: boolean;
    private constructor();
    /** What a plain value becomes: a text as it is, an object as structured content beside its JSON, a list of items as content. */
    static of(value: unknown): ToolResponse;
    /** A text, items, or an object. */
    static success(value: string | ContentItem[] | object): ToolResponse;
    /** Structured content, and what people and older clients read beside it. */
    static structured(value: object, shown?: string | ContentItem[]): ToolResponse;
    /** The call failed, with these words for the caller. */
    static error(message: string): ToolResponse;
    toResult(): JsonObject;
}
