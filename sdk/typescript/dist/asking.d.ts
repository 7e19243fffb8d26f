import type { JsonObject } from "./json.js";
export interface Question {
    method: string;
    params: JsonObject;
}
/** Thrown by `ask`; ends the call with its questions. */
export declare class InputRequired extends Error {
    readonly questions: {
        [name: string]: Question;
    };
    constructor(questions: {
        [name: string]: Question;
    });
}
/** A question of a person; `schema` is the form that they fill in. */
export declare const ofPerson: (message: string, schema: object) => Question;
/** A question of the caller's model. */
export declare const ofModel: (messages: string | {
    role: "user" | "assistant";
    text: string;
}[], how: {
    maxTokens: number;
    systemPrompt?: string;
}) => Question;
/** A question for the folders that the caller works in. */
export declare const ofFolders: () => Question;
/** End the call with questions. Declare a parameter for each name: its answer comes there. */
export declare function ask(questions: {
    [name: string]: Question;
}): never;
