// Questions of a tool: they end the call. The answer comes as an argument of the next one, under the name of the question.

import type { JsonObject } from "./json.js";

export interface Question {
  method: string;
  params: JsonObject;
}

/** Thrown by `ask`; ends the call with its questions. */
export class InputRequired extends Error {
  readonly questions: { [name: string]: Question };

  constructor(questions: { [name: string]: Question }) {
    super("the tool asks for more");
    this.name = "InputRequired";
    this.questions = questions;
  }
}

/** A question of a person; `schema` is the form that they fill in. */
export const ofPerson = (message: string, schema: object): Question => ({ method: "elicitation/create", params: { message, requestedSchema: schema as JsonObject } });

/** A question of the caller's model. */
export const ofModel = (messages: string | { role: "user" | "assistant"; text: string }[], how: { maxTokens: number; systemPrompt?: string }): Question => {
  const given = typeof messages === "string" ? [{ role: "user", text: messages }] : messages;
  const params: JsonObject = { messages: given.map(({ role, text }) => ({ role, content: { type: "text", text } })), maxTokens: how.maxTokens };
  if (how.systemPrompt !== undefined) params.systemPrompt = how.systemPrompt;
  return { method: "sampling/createMessage", params };
};

/** A question for the folders that the caller works in. */
export const ofFolders = (): Question => ({ method: "roots/list", params: {} });

/** End the call with questions. Declare a parameter for each name: its answer comes there. */
export function ask(questions: { [name: string]: Question }): never {
  throw new InputRequired(questions);
}
