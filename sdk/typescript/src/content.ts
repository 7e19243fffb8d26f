// What a result is made of.

import { bytesOf, toBase64 } from "./bytes.js";
import type { JsonObject } from "./json.js";
import type { Bytes } from "./services.js";

export interface Annotations {
  audience?: ("user" | "assistant")[];
  priority?: number;
  lastModified?: string;
}
interface Marked {
  annotations?: Annotations;
  _meta?: JsonObject;
}
export interface TextItem extends Marked {
  type: "text";
  text: string;
}
export interface ImageItem extends Marked {
  type: "image";
  data: string;
  mimeType: string;
}
export interface AudioItem extends Marked {
  type: "audio";
  data: string;
  mimeType: string;
}
export interface LinkItem extends Marked {
  type: "resource_link";
  uri: string;
  name: string;
  title?: string;
  description?: string;
  mimeType?: string;
  size?: number;
}
export interface ResourceItem extends Marked {
  type: "resource";
  resource: { uri: string; mimeType?: string; text?: string; blob?: string };
}
export type ContentItem = TextItem | ImageItem | AudioItem | LinkItem | ResourceItem;

const marked = <T extends ContentItem>(item: T, annotations?: Annotations): T => (annotations ? { ...item, annotations } : item);

export const text = (words: string, annotations?: Annotations): TextItem => marked({ type: "text", text: words }, annotations);
export const image = (data: Bytes, mimeType: string, annotations?: Annotations): ImageItem => marked({ type: "image", data: toBase64(bytesOf(data)), mimeType }, annotations);
export const audio = (data: Bytes, mimeType: string, annotations?: Annotations): AudioItem => marked({ type: "audio", data: toBase64(bytesOf(data)), mimeType }, annotations);
export const link = (uri: string, name: string, more: Omit<LinkItem, "type" | "uri" | "name"> = {}): LinkItem => ({ type: "resource_link", uri, name, ...more });
/** An embedded resource: a string is its text, anything else its bytes. */
export const resource = (uri: string, content: Bytes, mimeType?: string, annotations?: Annotations): ResourceItem => {
  const about = mimeType === undefined ? { uri } : { uri, mimeType };
  return marked({ type: "resource", resource: typeof content === "string" ? { ...about, text: content } : { ...about, blob: toBase64(bytesOf(content)) } }, annotations);
};
