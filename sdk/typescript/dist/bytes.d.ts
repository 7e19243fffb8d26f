/** The UTF-8 bytes of a text; bytes as they are. */
export declare function bytesOf(data: string | Uint8Array | ArrayBuffer): Uint8Array;
/** The text of UTF-8 bytes; what is no UTF-8 becomes U+FFFD. */
export declare function textOf(bytes: Uint8Array): string;
/** Bytes as base64: standard alphabet, padded. */
export declare function toBase64(bytes: Uint8Array): string;
/** The bytes of a base64 text, or null for what is no canonical base64. */
export declare function fromBase64(text: string): Uint8Array | null;
