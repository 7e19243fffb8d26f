/** What a tool could not do for its caller. Its message is shown: the call fails with it. */
export class ToolError extends Error {
    constructor(message) {
        super(message);
        this.name = "ToolError";
    }
}
/** The tool cannot handle the request: the reply is an error with a code, and no result. */
export class Rejected extends Error {
    code;
    data;
    constructor(code, message, data) {
        super(message);
        this.name = "Rejected";
        this.code = code;
        this.data = data;
    }
}
/** An argument has another form than its schema says. */
export class ArgumentError extends ToolError {
    constructor(message) {
        super(message);
        this.name = "ArgumentError";
    }
}
/** The host refused or could not do what the tool asked for. If nobody catches it, the call fails with its words. */
export class HostError extends Error {
    code;
    constructor(code, message) {
        super(message);
        this.name = "HostError";
        this.code = code;
    }
}
