/** The answers of `mpp --json` that the extension uses, as frozen values. */

import { BadAnswer, Fields } from "./reading";

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly level: string;
}

export interface Package {
  readonly id: string;
  readonly version: string;
  readonly alias: string;
  readonly contentHash: string;
  /** `ok`, or the code of why it is not served. */
  readonly state: string;
  readonly why: string;
  readonly publisher: { readonly id: string; readonly name: string; readonly because: string } | undefined;
  readonly tools: readonly Tool[];
  readonly may: readonly string[];
  /** What its registry last proved: active, yanked, revoked, quarantined … */
  readonly registry: { readonly name: string; readonly status: string; readonly stale: boolean } | undefined;
}

export interface Question {
  readonly id: string;
  readonly ref: string;
  readonly package: string;
  readonly tool: string;
  readonly level: string;
  readonly band: string;
  readonly score: number;
  readonly strength: string;
  readonly approvers: number;
  readonly answers: number;
  readonly text: string;
  readonly textSha256: string;
  readonly mustOpenDetails: boolean;
  readonly expires: number;
}

export interface Detailed {
  readonly question: Question;
  readonly details: string;
}

export interface Answered {
  readonly ref: string;
  readonly answer: string;
  readonly approver: string;
  readonly amr: string;
  readonly state: string;
}

export interface Entry {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly call: string;
  readonly package: string;
  readonly tool: string;
  readonly effect: string;
  readonly outcome: string;
  readonly agent: string;
}

export interface Story {
  readonly call: string;
  readonly said: readonly { readonly topic: string; readonly words: string; readonly entry: number }[];
  readonly entries: readonly { readonly seq: number; readonly time: string; readonly kind: string }[];
}

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface Verified {
  readonly ok: boolean;
  readonly checks: readonly { readonly number: number; readonly name: string; readonly ok: boolean; readonly detail: string }[];
  readonly integrity: string;
  readonly publisher: { readonly id: string; readonly name: string; readonly trusted: boolean; readonly because: string } | undefined;
  /** Ids of other publishers that this one could be mistaken for. */
  readonly lookalikes: readonly string[];
  readonly package: string;
  readonly error: Fault | undefined;
}

export interface Inspected {
  readonly package: string;
  readonly name: string;
  readonly description: string;
  readonly publisher: string;
  readonly sealed: boolean;
  readonly tools: readonly Tool[];
  readonly may: readonly string[];
  readonly imports: readonly string[];
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly problems: readonly Fault[];
  readonly warnings: readonly string[];
}

export interface Hit {
  readonly id: string;
  readonly about: string;
  readonly latest: string;
  readonly status: string;
  readonly publisher: string;
  readonly registry: string;
}

export interface Held {
  readonly verdict: string;
  readonly reason: string;
  readonly logId: string;
}

const ID = /^[0-9a-f]{32}$/;
const REF = /^[0-9a-f]{4,32}$/;

function shaped(found: string, form: RegExp, where: string): string {
  if (!form.test(found)) throw new BadAnswer(where, "has another form");
  return found;
}

export function readFault(fields: Fields): Fault {
  return { code: fields.text("code"), message: fields.text("message"), hint: fields.has("hint") ? fields.text("hint") : "" };
}

function readTool(fields: Fields): Tool {
  return { name: fields.text("name"), description: fields.text("description"), level: fields.text("security_level") };
}

export function readPackage(fields: Fields): Package {
  return {
    id: fields.text("package_id"),
    version: fields.text("version"),
    alias: fields.text("alias"),
    contentHash: fields.text("content_hash"),
    state: fields.text("state"),
    why: fields.maybe("error", readFault)?.message ?? "",
    publisher: fields.maybe("publisher", (one) => ({ id: one.text("id"), name: one.text("name"), because: one.text("because") })),
    tools: fields.has("tools") ? fields.objects("tools", readTool) : [],
    may: fields.has("capabilities_in_words") ? fields.texts("capabilities_in_words") : [],
    registry: fields.maybe("registry", (one) => ({ name: one.text("name"), status: one.text("status"), stale: one.flag("stale") })),
  };
}

export function readQuestion(fields: Fields): Question {
  const risk = fields.object("risk");
  const needs = fields.object("needs");
  return {
    id: shaped(fields.text("id"), ID, "id"),
    ref: shaped(fields.text("ref"), REF, "ref"),
    package: `${fields.text("package")} ${fields.text("version")}`,
    tool: fields.text("tool"),
    level: fields.text("security_level"),
    band: risk.text("band"),
    score: risk.number("score"),
    strength: needs.text("strength"),
    approvers: needs.number("approvers"),
    answers: fields.has("answers") ? fields.number("answers") : 0,
    text: fields.text("text"),
    textSha256: fields.text("text_sha256"),
    mustOpenDetails: fields.flag("must_open_details"),
    expires: fields.number("expires"),
  };
}

export function readDetailed(fields: Fields): Detailed {
  const found = fields.object("question");
  return { question: readQuestion(found), details: found.text("details") };
}

export function readAnswered(fields: Fields): Answered {
  return { ref: fields.text("ref"), answer: fields.text("answer"), approver: fields.text("approver"), amr: fields.text("amr"), state: fields.text("state") };
}

/** A text that an entry may have, from the first place that has it. */
function among(places: readonly (Fields | undefined)[], ...names: readonly string[]): string {
  for (const place of places) for (const name of names) if (place?.has(name)) return place.text(name);
  return "";
}

export function readEntry(fields: Fields): Entry {
  const body = fields.object("body");
  const facts = body.maybe("facts", (one) => one);
  const agent = body.maybe("agent", (one) => one) ?? facts?.maybe("agent", (one) => one);
  const kind = fields.text("kind");
  return {
    seq: fields.number("seq"),
    at: fields.number("at"),
    kind,
    call: fields.text("invocation"),
    package: among([body, facts], "package", "package_id"),
    tool: among([body, facts], "tool"),
    effect: kind === "decision" ? among([body], "effect") : "",
    outcome: kind === "result" ? among([body], "outcome") : kind === "refused" ? among([body], "code") : "",
    agent: among([agent], "name"),
  };
}

export function readStory(fields: Fields): Story {
  return {
    call: shaped(fields.text("call"), ID, "call"),
    said: fields.objects("story", (one) => ({ topic: one.text("topic"), words: one.text("words"), entry: one.number("entry") })),
    entries: fields.objects("entries", (one) => ({ seq: one.number("seq"), time: one.text("time"), kind: one.text("kind") })),
  };
}

export function readVerified(fields: Fields): Verified {
  return {
    ok: fields.flag("ok"),
    checks: fields.objects("checks", (one) => ({
      number: one.number("number"),
      name: one.text("name"),
      ok: one.flag("ok"),
      detail: one.has("detail") ? one.text("detail") : "",
    })),
    integrity: fields.has("integrity") ? fields.text("integrity") : "",
    publisher: fields.maybe("publisher", (one) => ({
      id: one.text("id"),
      name: one.text("name"),
      trusted: one.flag("trusted"),
      because: one.text("because"),
    })),
    lookalikes: fields.objects("lookalikes", (one) => one.text("id")),
    package: fields.has("package_id") ? `${fields.text("package_id")} ${fields.text("version")}` : "",
    error: fields.maybe("error", readFault),
  };
}

export function readInspected(fields: Fields): Inspected {
  const manifest = fields.maybe("manifest", (one) => one);
  const seal = fields.maybe("seal", (one) => ({ intact: one.flag("intact"), name: one.text("calls_itself") }));
  return {
    package: manifest === undefined ? "" : `${manifest.text("package_id")} ${manifest.text("version")}`,
    name: manifest?.text("name") ?? "",
    description: manifest?.text("description") ?? "",
    publisher: seal?.name ?? "",
    sealed: seal?.intact ?? false,
    tools: manifest?.objects("tools", readTool) ?? [],
    may: fields.texts("capabilities_in_words"),
    imports: fields.maybe("code", (one) => one.texts("imports")) ?? [],
    files: fields.objects("files", (one) => ({ name: one.text("name"), bytes: one.number("bytes") })),
    problems: fields.objects("problems", readFault),
    warnings: fields.texts("warnings"),
  };
}

export function readHeld(fields: Fields): Held {
  return { verdict: fields.text("verdict"), reason: fields.text("reason"), logId: fields.has("log_id") ? fields.text("log_id") : "" };
}

export function readHit(fields: Fields): Hit {
  return {
    id: fields.text("package_id"),
    about: fields.text("summary") || fields.text("title"),
    latest: fields.has("latest") ? fields.text("latest") : "",
    status: fields.text("status"),
    publisher: fields.text("publisher_name"),
    registry: fields.text("registry"),
  };
}
