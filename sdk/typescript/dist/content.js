// What a result is made of.
import { bytesOf, toBase64 } from "./bytes.js";
const marked = (item, annotations) => (annotations ? { ...item, annotations } : item);
export const text = (words, annotations) => marked({ type: "text", text: words }, annotations);
export const image = (data, mimeType, annotations) => marked({ type: "image", data: toBase64(bytesOf(data)), mimeType }, annotations);
export const audio = (data, mimeType, annotations) => marked({ type: "audio", data: toBase64(bytesOf(data)), mimeType }, annotations);
export const link = (uri, name, more = {}) => ({ type: "resource_link", uri, name, ...more });
/** An embedded resource: a string is its text, anything else its bytes. */
export const resource = (uri, content, mimeType, annotations) => {
    const about = mimeType === undefined ? { uri } : { uri, mimeType };
    return marked({ type: "resource", resource: typeof content === "string" ? { ...about, text: content } : { ...about, blob: toBase64(bytesOf(content)) } }, annotations);
};
