/** What a tool could not do for its caller. Its message is shown: the call fails with it. */
export declare class ToolError extends Error {
    constructor(message: string);
}
/** The tool cannot handle the request: the reply is an error with a code, and no result. */
export declare class Rejected extends Error {
    readonly code: number;
    readonly data: unknown;
    constructor(code: number, message: string, data?: unknown);
}
/** An argument has another form than its schema says. */
export declare class ArgumentError extends ToolError {
    constructor(message: string);
}
/** The codes that a host answers with. One that is not here counts as `unavailable` and is kept as it is. */
export type HostCode = "bad_request" | "unknown_method" | "not_declared" | "not_granted" | "quota" | "too_large" | "timeout" | "deadline" | "unresolvable" | "blocked_address" | "connect" | "tls" | "protocol" | "redirect" | "unavailable" | (string & {});
/** The host refused or could not do what the tool asked for. If nobody catches it, the call fails with its words. */
export declare class HostError extends Error {
    readonly code: HostCode;
    constructor(code: HostCode, message: string);
}
