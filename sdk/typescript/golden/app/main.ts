// The tools of the golden set over the TypeScript SDK. What they do stands in sdk/golden/README.md.

import {
  ask,
  audio,
  fromBase64,
  HostError,
  http,
  image,
  kv,
  link,
  log,
  ofFolders,
  ofModel,
  ofPerson,
  optional,
  progress,
  Rejected,
  resource,
  t,
  text,
  toBase64,
  tool,
  ToolError,
  ToolResponse,
  variable,
  type ContentItem,
  type Json,
  type JsonObject,
} from "mpp-sdk";

const TRIES = 5;
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;
const ok = (fields: object): ToolResponse => ToolResponse.structured(fields, "ok");

/** A host call that is refused fails with the code of the host. */
function coded<T>(run: () => T): T {
  try {
    return run();
  } catch (fault) {
    if (fault instanceof HostError) throw new ToolError(fault.code);
    throw fault;
  }
}

tool({ name: "echo", description: "Give a value back", parameters: { value: t.any() } }, ({ value }) => ok({ value }));

tool({ name: "add", description: "Add two integers", parameters: { a: t.int64(), b: t.int64() } }, ({ a, b }) => {
  const sum = a + b;
  if (sum < LEAST || sum > MOST) throw new ToolError("the sum does not fit in 64 bits");
  return ToolResponse.structured({ sum }, `${sum}`);
});

tool({ name: "greet", description: "Greet a name", parameters: { name: optional(t.string(), "World"), times: optional(t.integer(), 1), loud: optional(t.boolean(), false) } }, ({ name, times, loud }) => {
  if (name === "") throw new ToolError("the name is empty");
  const greeting = Array.from({ length: Math.max(0, times) }, () => `Hello, ${name}${loud ? "!!!" : "!"}`).join(" ");
  return ToolResponse.structured({ greeting }, greeting);
});

tool({ name: "half", description: "Halve a number", parameters: { number: optional(t.number(), 1) } }, ({ number }) => ok({ half: number / 2 }));

tool({ name: "fail", description: "Fail with a message", parameters: { message: t.string() } }, ({ message }) => {
  throw new ToolError(message);
});

tool({ name: "reject", description: "Answer with a reply error", parameters: { code: t.integer(), message: t.string(), data: optional(t.any()) } }, ({ code, message, data }) => {
  throw new Rejected(code, message, data);
});

const CONTENT: { [kind: string]: () => ContentItem[] | ToolResponse } = {
  texts: () => [text("one"), text("two")],
  none: () => ToolResponse.of(null),
  image: () => [image(Uint8Array.from({ length: 256 }, (_, i) => i), "image/png")],
  audio: () => [audio("RIFF", "audio/wav")],
  link: () => [link("https://example.com/report", "report", { title: "The report", description: "A report", mimeType: "text/plain", size: 42 })],
  small_link: () => [link("https://example.com/", "home")],
  resource_text: () => [resource("memory://notes/1", "note", "text/plain")],
  resource_blob: () => [resource("memory://blobs/1", new Uint8Array([0, 255]), "application/octet-stream")],
  annotated: () => [text("for people", { audience: ["user"], priority: 0.5 })],
  mixed: () => ToolResponse.structured({ items: 2 }, [text("one"), image(new Uint8Array([1, 2, 3]), "image/png")]),
};
tool({ name: "content", description: "Answer with one kind of content", parameters: { kind: t.string() } }, ({ kind }) => {
  const found = CONTENT[kind];
  if (!found) throw new ToolError(`there is no kind ${kind}`);
  return found();
});

tool({ name: "binary", description: "Turn bytes around", parameters: { data: t.string() } }, ({ data }) => {
  const bytes = fromBase64(data);
  if (bytes === null) throw new ToolError("the argument 'data' is no base64");
  return ToolResponse.structured({ size: bytes.length, reversed: toBase64(Uint8Array.from(bytes).reverse()) }, `${bytes.length}`);
});

tool({ name: "nest", description: "Nest lists", parameters: { depth: t.integer({ minimum: 0, maximum: 20 }) } }, ({ depth }) => {
  let nested: Json = 0;
  for (let i = 0; i < depth; i++) nested = [nested];
  return ok({ nested });
});

tool({ name: "count", description: "Count words", parameters: { words: t.list(t.string()) } }, ({ words }) => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return ok({ counts: Object.fromEntries(counts) });
});

tool({ name: "long", description: "Answer with a long text", parameters: { size: t.integer({ minimum: 0 }) } }, ({ size }) => ToolResponse.structured({ size }, "x".repeat(size)));

tool({ name: "kv_get", description: "Read a key", parameters: { key: t.string() } }, ({ key }) => {
  const value = coded(() => kv.get(key));
  return ok({ value: value === null ? null : toBase64(value) });
});

tool({ name: "kv_set", description: "Store a text under a key", parameters: { key: t.string(), value: t.string(), expect: optional(t.nullable(t.string())) } }, ({ key, value, expect }) =>
  ok({ stored: coded(() => kv.set(key, value, expect === undefined ? {} : { expect })) }),
);

tool({ name: "kv_delete", description: "Delete a key", parameters: { key: t.string() } }, ({ key }) => ok({ existed: coded(() => kv.delete(key)) }));

tool({ name: "share", description: "Store a text under a key of the package", parameters: { key: t.string(), value: t.string() } }, ({ key, value }) => ok({ stored: coded(() => kv.shared.set(key, value)) }));

tool({ name: "shared", description: "Read a key of the package", parameters: { key: t.string() } }, ({ key }) => {
  const value = coded(() => kv.shared.get(key));
  return ok({ value: value === null ? null : toBase64(value) });
});

tool({ name: "kv_list", description: "List keys", parameters: { prefix: optional(t.string()), after: optional(t.string()), limit: optional(t.integer()) } }, (given) => ok(coded(() => kv.list(given))));

tool({ name: "kv_count", description: "Count under a key", parameters: { key: t.string() } }, ({ key }) => {
  for (let i = 0; i < TRIES; i++) {
    const before = coded(() => kv.getText(key));
    const count = Number(before ?? "0") + 1;
    if (coded(() => kv.set(key, `${count}`, { expect: before }))) return ok({ count });
  }
  throw new ToolError("busy");
});

const FETCH = {
  url: t.string(),
  method: optional(t.string(), "GET"),
  headers: optional(t.list(t.list(t.string()))),
  body: optional(t.string()),
  timeout_ms: optional(t.integer()),
  redirect: optional(t.string()),
};
tool({ name: "fetch", description: "Make one HTTP request", parameters: FETCH }, ({ url, method, headers, body, timeout_ms, redirect }) => {
  const how = { method, headers: headers as [string, string][] | undefined, body, timeoutMs: timeout_ms, redirect: redirect as "follow" | "manual" | undefined };
  const found = coded(() => http.request(url, how));
  return ok({ status: found.status, url: found.url, type: found.header("content-type"), body: toBase64(found.body) });
});

tool({ name: "whoami", description: "Say who calls", parameters: {} }, (_, context) => {
  const { agent, user, tenant, invocation, tool: name } = context;
  return ok({ agent: agent.name, proof: agent.proof, user, tenant, invocation, tool: name, package: context.package.id, version: context.package.version });
});

tool({ name: "token", description: "Get a signed context for a back end", parameters: { audience: t.string() } }, ({ audience }, context) => ok({ token: coded(() => context.token(audience)) }));

tool({ name: "note", description: "Write a log line", parameters: { level: t.choice(["debug", "info", "warning", "error"]), message: t.string() } }, ({ level, message }) => {
  log[level](message);
  return "ok";
});

tool({ name: "work", description: "Report progress", parameters: { steps: t.integer() } }, ({ steps }) => {
  for (let i = 1; i <= steps; i++) progress(i, steps, `step ${i}`);
  return ok({ done: steps });
});

const QUESTIONS = {
  person: () => ofPerson("Who is it for?", { type: "object", properties: { name: { type: "string" } }, required: ["name"] }),
  model: () => ofModel("Say hello", { maxTokens: 100, systemPrompt: "Be short" }),
  folders: () => ofFolders(),
};
tool({ name: "ask", description: "Ask for more", parameters: { kind: optional(t.choice(["person", "model", "folders"]), "person"), answer: optional(t.any()) } }, ({ kind, answer }) => {
  if (answer === undefined) ask({ answer: QUESTIONS[kind]() });
  if (kind === "folders") return ok({ folders: (answer.roots as JsonObject[]).map((root) => root.uri) });
  if (kind === "model") return ToolResponse.structured({ said: answer.content.text }, answer.content.text);
  if (answer.action !== "accept") throw new ToolError("nobody said a name");
  const greeting = `Hello, ${answer.content.name}!`;
  return ToolResponse.structured({ greeting }, greeting);
});

tool({ name: "environment", description: "Read a variable", parameters: { name: t.string() } }, ({ name }) => ok({ value: variable(name) }));

tool({ name: "stderr", description: "Write to standard error", parameters: { message: t.string() } }, ({ message }) => {
  console.error(message);
  return "ok";
});
