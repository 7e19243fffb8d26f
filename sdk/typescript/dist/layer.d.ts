export interface Layer {
    readonly version: number;
    call(request: string): string;
    serve(handler: (line: string | null) => string | Promise<string>): void;
    toBase64(bytes: Uint8Array): string;
    fromBase64(text: string): Uint8Array | null;
    encode(text: string): Uint8Array;
    decode(bytes: Uint8Array): string;
    file(name: string): Uint8Array | null;
    files(): string[];
    loading(): boolean;
    /** Did the engine run out of memory in this call? */
    outOfMemory(): boolean;
}
export declare const layer: Layer | undefined;
