// Bytes and base64, with the layer's own functions where they are there.
import { layer } from "./layer.js";
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** The UTF-8 bytes of a text; bytes as they are. */
export function bytesOf(data) {
    if (typeof data === "string")
        return encoder.encode(data);
    return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
/** The text of UTF-8 bytes; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes) {
    return layer ? layer.decode(bytes) : decoder.decode(bytes);
}
/** Bytes as base64: standard alphabet, padded. */
export function toBase64(bytes) {
    if (layer)
        return layer.toBase64(bytes);
    let found = "";
    for (let i = 0; i < bytes.length; i += 8192)
        found += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(found);
}
/** The bytes of a base64 text, or null for what is no canonical base64. */
export function fromBase64(text) {
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
        return null;
    if (layer)
        return layer.fromBase64(text);
    const found = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return toBase64(found) === text ? found : null;
}
