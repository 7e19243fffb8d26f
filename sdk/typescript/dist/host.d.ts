import { type JsonObject } from "./json.js";
type Answering = (method: string, params: JsonObject) => unknown;
/** For tests: answer host calls without a host. */
export declare function answerHostCalls(by: Answering | null): void;
/** One call of a method of the host. A refusal is a HostError. What is undefined is not sent. */
export declare function hostCall(method: string, params: {
    [key: string]: unknown;
}): JsonObject;
export {};
