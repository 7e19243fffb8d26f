// One line in, one line out.

import { InputRequired } from "./asking.js";
import { ArgumentError, HostError, Rejected, ToolError } from "./errors.js";
import { JsonError, parse, write, type Json, type JsonObject } from "./json.js";
import { layer } from "./layer.js";
import { Context, ToolRequest, ToolResponse } from "./request.js";
import { checked } from "./schema.js";
import { definitions, find, theHandler } from "./tool.js";

/** Characters of a line. Reason: a host sends at most as many bytes. */
const LINE_MAX = 1_048_576;
/** Characters of a reply. Reason: a host ends a tool that writes more bytes. */
const REPLY_MAX = 4_194_304;
const PARSE = -32700;
const REQUEST = -32600;
const METHOD = -32601;
const PARAMS = -32602;
const INTERNAL = -32603;
const DESCRIBE = "mpp/describe";

const isObject = (value: Json | undefined): value is JsonObject => value !== null && typeof value === "object" && !Array.isArray(value);

class Wrong extends Error {
  readonly code: number;
  readonly id: Json;

  constructor(code: number, message: string, id: Json = null) {
    super(message);
    this.code = code;
    this.id = id;
  }
}

function errorReply(id: Json, code: number, message: string, data?: unknown): string {
  const error: JsonObject = { code, message };
  if (data !== undefined) error.data = data as Json;
  return write({ jsonrpc: "2.0", id, error });
}

interface Read {
  readonly id: Json;
  readonly request: ToolRequest;
}

function parsed(line: string | null): JsonObject {
  if (line === null) throw new Wrong(PARSE, "the line is not UTF-8");
  if (line.length > LINE_MAX) throw new Wrong(REQUEST, "the line is too long");
  try {
    const found = parse(line);
    if (!isObject(found)) throw new Wrong(REQUEST, "the line is no object");
    return found;
  } catch (fault) {
    if (fault instanceof JsonError) throw new Wrong(fault.deep ? REQUEST : PARSE, fault.message);
    throw fault;
  }
}

function identified(found: JsonObject): Json {
  const id = found.id;
  const fits = typeof id === "string" || typeof id === "bigint" || (typeof id === "number" && Number.isInteger(id));
  if (!fits) throw new Wrong(REQUEST, "there is no id that is a text or an integer");
  if (found.jsonrpc !== "2.0") throw new Wrong(REQUEST, 'jsonrpc is not "2.0"', id);
  if (typeof found.method !== "string") throw new Wrong(REQUEST, "there is no method", id);
  return id;
}

function read(line: string | null): Read {
  const found = parsed(line);
  const id = identified(found);
  if (found.method !== "tools/call") throw new Wrong(METHOD, "the method is not tools/call", id);
  const params = found.params;
  if (!isObject(params)) throw new Wrong(PARAMS, "params is no object", id);
  if (typeof params.name !== "string") throw new Wrong(PARAMS, "there is no name of a tool", id);
  const given = Object.hasOwn(params, "arguments") ? params.arguments : {};
  const meta = Object.hasOwn(params, "_meta") ? params._meta : {};
  if (!isObject(given)) throw new Wrong(PARAMS, "arguments is no object", id);
  if (!isObject(meta)) throw new Wrong(PARAMS, "_meta is no object", id);
  if (!find(params.name) && !theHandler()) throw new Wrong(PARAMS, `there is no tool ${params.name.slice(0, 100)}`, id);
  return { id, request: new ToolRequest(params.name, given, new Context(meta)) };
}

async function run(request: ToolRequest): Promise<JsonObject> {
  const found = find(request.tool);
  try {
    if (found) {
      const given = checked(request.arguments, found.definition.parameters, "") as JsonObject;
      return ToolResponse.of(await found.run(given, request.context, request)).toResult();
    }
    const handler = theHandler() as NonNullable<ReturnType<typeof theHandler>>;
    return ToolResponse.of(await handler(request)).toResult();
  } catch (fault) {
    if (fault instanceof InputRequired) return { resultType: "input_required", inputRequests: fault.questions as unknown as JsonObject };
    if (fault instanceof ToolError || fault instanceof ArgumentError) return ToolResponse.error(fault.message).toResult();
    if (fault instanceof HostError) return ToolResponse.error(`${fault.message} (${fault.code})`).toResult();
    throw fault;
  }
}

/** The reply to one line, without a line feed. It never throws for a fault of the line or of a tool. */
export async function answer(line: string | null): Promise<string> {
  let id: Json = null;
  try {
    const { id: known, request } = read(line);
    id = known;
    const reply = write({ jsonrpc: "2.0", id, result: await run(request) });
    if (reply.length > REPLY_MAX) return write({ jsonrpc: "2.0", id, result: ToolResponse.error("the answer of the tool is too large").toResult() });
    return reply;
  } catch (fault) {
    if (fault instanceof Wrong) return errorReply(fault.id, fault.code, fault.message);
    if (fault instanceof Rejected) return errorReply(id, fault.code, fault.message, fault.data);
    return failed(id, fault);
  }
}

// Attack: what was thrown is no error, or an error whose parts throw when they are read.
function failed(id: Json, fault: unknown): string {
  try {
    if (isMemory(fault)) return write({ jsonrpc: "2.0", id, result: ToolResponse.error("The tool ran out of memory.").toResult() });
    console.error(fault);
  } catch {
    // The words are lost, the reply is not.
  }
  return errorReply(id, INTERNAL, "the tool failed");
}

// Where not even an error could be made, null was thrown.
const isMemory = (fault: unknown): boolean => fault === null ? layer?.outOfMemory() === true : fault instanceof Error && fault.name === "InternalError" && fault.message === "out of memory";

/** Answer a line, or the question for the definitions of the tools that a build asks. */
export function serve(line: string | null): Promise<string> | string {
  if (line !== null && line.startsWith(`{"jsonrpc":"2.0","id":1,"method":"${DESCRIBE}"}`)) return write({ jsonrpc: "2.0", id: 1, result: { tools: definitions(), handler: theHandler() !== null } });
  return answer(line);
}

if (layer) layer.serve(serve);
