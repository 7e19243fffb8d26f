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
    resource: {
        uri: string;
        mimeType?: string;
        text?: string;
        blob?: string;
    };
}
export type ContentItem = TextItem | ImageItem | AudioItem | LinkItem | ResourceItem;
export declare const text: (words: string, annotations?: Annotations) => TextItem;
export declare const image: (data: Bytes, mimeType: string, annotations?: Annotations) => ImageItem;
export declare const audio: (data: Bytes, mimeType: string, annotations?: Annotations) => AudioItem;
export declare const link: (uri: string, name: string, more?: Omit<LinkItem, "type" | "uri" | "name">) => LinkItem;
/** An embedded resource: a string is its text, anything else its bytes. */
export declare const resource: (uri: string, content: Bytes, mimeType?: string, annotations?: Annotations) => ResourceItem;
export {};
