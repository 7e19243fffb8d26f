export type Json = null | boolean | number | bigint | string | Json[] | {
    [key: string]: Json;
};
export type JsonObject = {
    [key: string]: Json;
};
/** Levels of nesting in a line. Reason: a host allows as many; guests must not run out of stack. */
export declare const LEVELS_MAX = 32;
export declare class JsonError extends Error {
    /** Was the text JSON, only deeper than a line may be? */
    readonly deep: boolean;
    constructor(message: string, deep?: boolean);
}
/** Read a text strictly. Integers beyond 2^53 become bigint. */
export declare function parse(text: string): Json;
/** Write a value as JSON; bigint as its digits. What JSON cannot hold is an error that names its place. */
export declare function write(value: unknown): string;
