// Calls to the host.

import { HostError } from "./errors.js";
import { parse, write, type Json, type JsonObject } from "./json.js";
import { layer } from "./layer.js";

type Answering = (method: string, params: JsonObject) => unknown;
let answering: Answering | null = null;

/** For tests: answer host calls without a host. */
export function answerHostCalls(by: Answering | null): void {
  answering = by;
}

function reached(method: string, params: JsonObject): JsonObject {
  if (answering) return answering(method, params) as JsonObject;
  if (!layer) throw new HostError("unavailable", "there is no host: the tool does not run in the sandbox");
  let text: string;
  try {
    text = layer.call(write({ method, params }));
  } catch (fault) {
    throw new HostError("unavailable", fault instanceof Error ? fault.message : String(fault));
  }
  const answer = parse(text) as { result?: Json; error?: { code: string; message: string } };
  if (answer.error) throw new HostError(answer.error.code, answer.error.message);
  return answer.result as JsonObject;
}

/** One call of a method of the host. A refusal is a HostError. What is undefined is not sent. */
export function hostCall(method: string, params: { [key: string]: unknown }): JsonObject {
  const sent: JsonObject = {};
  for (const key of Object.keys(params)) if (params[key] !== undefined) sent[key] = params[key] as Json;
  return reached(method, sent);
}
