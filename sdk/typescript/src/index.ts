/** Write tools for MPP in TypeScript or JavaScript. */

export { ask, InputRequired, ofFolders, ofModel, ofPerson, type Question } from "./asking.js";
export { fromBase64, textOf, toBase64 } from "./bytes.js";
export { audio, image, link, resource, text, type Annotations, type AudioItem, type ContentItem, type ImageItem, type LinkItem, type ResourceItem, type TextItem } from "./content.js";
export { ArgumentError, HostError, Rejected, ToolError, type HostCode } from "./errors.js";
export { hostCall } from "./host.js";
export { JsonError, parse as parseJson, write as writeJson, type Json, type JsonObject } from "./json.js";
export { Context, ToolRequest, ToolResponse, type Agent } from "./request.js";
export { objectSchema, optional, t, type Infer, type Optional, type Schema } from "./schema.js";
export { http, HttpResponse, kv, log, progress, secret, variable, type Bytes, type HttpOptions, type Store } from "./services.js";
export { answer, serve } from "./serving.js";
export { definitions, tool, toolHandler, type Definition, type Level, type Registered, type Result, type ToolOptions } from "./tool.js";
