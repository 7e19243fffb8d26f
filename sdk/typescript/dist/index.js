/** Write tools for MPP in TypeScript or JavaScript. */
export { ask, InputRequired, ofFolders, ofModel, ofPerson } from "./asking.js";
export { fromBase64, textOf, toBase64 } from "./bytes.js";
export { audio, image, link, resource, text } from "./content.js";
export { ArgumentError, HostError, Rejected, ToolError } from "./errors.js";
export { hostCall } from "./host.js";
export { JsonError, parse as parseJson, write as writeJson } from "./json.js";
export { Context, ToolRequest, ToolResponse } from "./request.js";
export { objectSchema, optional, t } from "./schema.js";
export { http, HttpResponse, kv, log, progress, secret, variable } from "./services.js";
export { answer, serve } from "./serving.js";
export { definitions, tool, toolHandler } from "./tool.js";
