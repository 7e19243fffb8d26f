/** The reply to one line, without a line feed. It never throws for a fault of the line or of a tool. */
export declare function answer(line: string | null): Promise<string>;
/** Answer a line, or the question for the definitions of the tools that a build asks. */
export declare function serve(line: string | null): Promise<string> | string;
