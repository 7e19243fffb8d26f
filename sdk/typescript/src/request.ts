// The request that a tool sees, the response that it gives, and the context of the call.

import { text, type ContentItem } from "./content.js";
import { hostCall } from "./host.js";
import { write, type Json, type JsonObject } from "./json.js";

export interface Agent {
  readonly name: string;
  /** How sure the host is: anonymous, launched, token or signed. */
  readonly proof: string;
  readonly key: string;
  readonly issuer: string;
  readonly behalf: ReadonlyArray<{ readonly kind: string; readonly name: string; readonly proof: string }>;
}

const textAt = (from: JsonObject, key: string): string => (typeof from[key] === "string" ? (from[key] as string) : "");
const objectAt = (from: JsonObject, key: string): JsonObject => {
  const found = from[key];
  return found !== null && typeof found === "object" && !Array.isArray(found) ? found : {};
};

/** Who calls, as the host verified it. What is not known is an empty text. */
export class Context {
  readonly #meta: JsonObject;

  constructor(meta: JsonObject) {
    this.#meta = meta;
  }

  get invocation(): string {
    return textAt(this.#meta, "invocation");
  }
  get user(): string {
    return textAt(this.#meta, "user");
  }
  get tenant(): string {
    return textAt(this.#meta, "tenant");
  }
  get tool(): string {
    return textAt(this.#meta, "tool");
  }
  get agent(): Agent {
    const agent = objectAt(this.#meta, "agent");
    const behalf = Array.isArray(agent.behalf) ? (agent.behalf as unknown as Agent["behalf"]) : [];
    return { name: textAt(agent, "name"), proof: textAt(agent, "proof"), key: textAt(agent, "key"), issuer: textAt(agent, "issuer"), behalf };
  }
  get package(): { readonly id: string; readonly version: string; readonly sha256: string; readonly publisher: string } {
    const about = objectAt(this.#meta, "package");
    return { id: textAt(about, "id"), version: textAt(about, "version"), sha256: textAt(about, "sha256"), publisher: textAt(about, "publisher") };
  }
  /** The context, signed by the host for a back end that the tool may reach. */
  token(audience: string): string {
    return hostCall("context.get", { audience }).token as string;
  }
}

/** One call. */
export class ToolRequest {
  /** The name of the tool. */
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly context: Context;

  constructor(tool: string, given: JsonObject, context: Context) {
    this.tool = tool;
    this.arguments = given;
    this.context = context;
  }
}

/** What a call answers with. */
export class ToolResponse {
  readonly content: readonly ContentItem[];
  readonly structured: JsonObject | undefined;
  readonly isError: boolean;

  private constructor(content: readonly ContentItem[], structured: JsonObject | undefined, isError: boolean) {
    this.content = content;
    this.structured = structured;
    this.isError = isError;
  }

  /** What a plain value becomes: a text as it is, an object as structured content beside its JSON, a list of items as content. */
  static of(value: unknown): ToolResponse {
    if (value instanceof ToolResponse) return value;
    if (value === undefined || value === null) return new ToolResponse([], undefined, false);
    if (typeof value === "string") return ToolResponse.success(value);
    if (Array.isArray(value) && value.length && value.every(isItem)) return new ToolResponse(value, undefined, false);
    if (isItem(value)) return new ToolResponse([value], undefined, false);
    const plain = typeof value === "object" && !Array.isArray(value);
    return new ToolResponse([text(write(value))], plain ? (value as JsonObject) : undefined, false);
  }

  /** A text, items, or an object. */
  static success(value: string | ContentItem[] | object): ToolResponse {
    return typeof value === "string" ? new ToolResponse([text(value)], undefined, false) : ToolResponse.of(value);
  }

  /** Structured content, and what people and older clients read beside it. */
  static structured(value: object, shown: string | ContentItem[] = write(value)): ToolResponse {
    return new ToolResponse(typeof shown === "string" ? [text(shown)] : shown, value as JsonObject, false);
  }

  /** The call failed, with these words for the caller. */
  static error(message: string): ToolResponse {
    return new ToolResponse([text(message)], undefined, true);
  }

  toResult(): JsonObject {
    const found: JsonObject = { content: this.content as unknown as Json[] };
    if (this.structured !== undefined) found.structuredContent = this.structured;
    if (this.isError) found.isError = true;
    return found;
  }
}

const KINDS = new Set(["text", "image", "audio", "resource_link", "resource"]);
const isItem = (value: unknown): value is ContentItem => value !== null && typeof value === "object" && KINDS.has((value as { type?: unknown }).type as string);
