/** What the extension asks of `mpp`, each as one process with `--json`. */

import { createHash } from "node:crypto";

import * as documents from "./documents";
import { CALLS_SHOWN, ENTRIES_READ, HITS_MAX } from "./limits";
import { BadAnswer, type Fields, readObject } from "./reading";
import type { How, Ran, Run } from "./run";

/** A refusal of `mpp`, in its own words. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = "Refused";
  }
}

export interface Filter {
  readonly package?: string;
  readonly tool?: string;
  readonly agent?: string;
  readonly decision?: string;
  readonly since?: string;
}

/** One call, out of its entries. */
export interface Call {
  readonly id: string;
  readonly at: number;
  readonly package: string;
  readonly tool: string;
  readonly agent: string;
  /** `ok`, the code of a fault, or empty while nothing ended it. */
  readonly outcome: string;
  readonly effect: string;
  readonly last: number;
}

const EMPTY = new Set(["audit.empty"]);
const HEX = /^[0-9a-f]{4,32}$/;
const WORD = /^[^\s-]\S{0,199}$/u;

/** Attack: an id that is an option of the command; ids come from rows, which other extensions can make up. */
function hex(id: string): string {
  if (!HEX.test(id)) throw new BadAnswer("id", "is no id");
  return id;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

export class Client {
  constructor(private readonly run: Run) {}

  packages(how?: How): Promise<readonly documents.Package[]> {
    return this.ask(["list", "--json"], (found) => found.objects("packages", documents.readPackage), how);
  }

  async pending(how?: How): Promise<readonly documents.Question[]> {
    const found = await this.ask(["approve", "pending", "--json"], (answer) => answer.objects("questions", documents.readQuestion), how);
    found.forEach(whole);
    return found;
  }

  async question(id: string, how?: How): Promise<documents.Detailed> {
    const found = await this.ask(["approve", "show", hex(id), "--details", "--json"], documents.readDetailed, how);
    whole(found.question);
    // Attack: a ref is short and is given away again; the whole id names one question for ever.
    if (found.question.id !== id) throw new BadAnswer("question.id", "is that of another question");
    return found;
  }

  /** A yes to this one call, signed with the key of an approver. A passphrase travels through a pipe, never as an argument. */
  async approve(id: string, key: string, passphrase: string | undefined, how: How = {}): Promise<documents.Answered> {
    const args = ["approve", "answer", hex(id), `--key=${key}`, "--json"];
    if (passphrase === undefined) return this.ask(args, documents.readAnswered, how);
    return this.ask([...args, "--passphrase-file", "/dev/stdin"], documents.readAnswered, { ...how, input: `${passphrase}\n` });
  }

  async deny(id: string, how?: How): Promise<documents.Answered> {
    return this.ask(["approve", "answer", hex(id), "--deny", "--json"], documents.readAnswered, how);
  }

  async calls(filter: Filter, how?: How): Promise<readonly Call[]> {
    const kinds = ["decision", "intent", "result", "refused"].flatMap((kind) => ["--kind", kind]);
    const words = Object.entries(filter).flatMap(([name, value]: [string, string]) => (value === "" ? [] : [`--${name}=${value}`]));
    const args = ["audit", "search", "--json", "--limit", String(ENTRIES_READ), ...kinds, ...words];
    try {
      return callsOf(await this.ask(args, (found) => found.objects("entries", documents.readEntry), how));
    } catch (fault) {
      if (fault instanceof Refused && EMPTY.has(fault.code)) return [];
      throw fault;
    }
  }

  async story(call: string, how?: How): Promise<documents.Story> {
    return this.ask(["audit", "show", hex(call), "--json"], documents.readStory, how);
  }

  prove(entry: number, file: string, how?: How): Promise<string> {
    return this.ask(["audit", "prove", String(entry), `--out=${file}`, "--json"], (found) => found.text("file"), how);
  }

  record(how?: How): Promise<documents.Held> {
    return this.report(["audit", "verify", "--json"], documents.readHeld, how);
  }

  verify(file: string, how?: How): Promise<documents.Verified> {
    return this.report(["verify", "--json", "--", file], documents.readVerified, how);
  }

  inspect(file: string, how?: How): Promise<documents.Inspected> {
    return this.report(["inspect", "--json", "--", file], documents.readInspected, how);
  }

  search(words: readonly string[], how?: How): Promise<readonly documents.Hit[]> {
    const args = ["search", "--json", "--limit", String(HITS_MAX), "--", ...words];
    return this.report(args, (found) => found.objects("packages", documents.readHit), how);
  }

  /** What was done, in words; a person who must decide is asked at a terminal, so that it is refused here. */
  install(what: string, how?: How): Promise<readonly string[]> {
    const read = (found: Fields): readonly string[] => found.objects("packages", (one) => `${one.text("package_id")} ${one.text("version")}: ${one.text("change")}`);
    return this.ask(["install", "--json", "--", what], read, how);
  }

  async doctor(how?: How): Promise<string> {
    const ran = await this.run(["doctor"], how);
    return ran.out === "" ? ran.err : ran.out;
  }

  private async ask<T>(args: readonly string[], read: (found: Fields) => T, how?: How): Promise<T> {
    const found = answered(await this.run(args, how));
    if (!found.flag("ok")) throw refusal(found);
    return read(found);
  }

  /** As ``ask``, for commands whose answer is a report also where it is not a good one. */
  private async report<T>(args: readonly string[], read: (found: Fields) => T, how?: How): Promise<T> {
    const found = answered(await this.run(args, how));
    try {
      return read(found);
    } catch (fault) {
      if (fault instanceof BadAnswer && !found.flag("ok") && found.has("error")) throw refusal(found);
      throw fault;
    }
  }
}

function answered(ran: Ran): Fields {
  if (ran.out.trim() === "") throw new Refused("editor.no_answer", `mpp ended with ${ran.code} and no answer`, ran.err.trim().slice(0, 400));
  return readObject(ran.out);
}

function refusal(found: Fields): Refused {
  const fault = documents.readFault(found.object("error"));
  return new Refused(fault.code, fault.message, fault.hint);
}

/** Attack: a text that is shown and is not the one that the answer binds. */
function whole(question: documents.Question): void {
  if (sha256(question.text) !== question.textSha256) throw new BadAnswer("question.text", "is not the text that was asked");
}

export function callsOf(entries: readonly documents.Entry[]): readonly Call[] {
  const calls = new Map<string, Call>();
  for (const one of entries) {
    if (one.call === "") continue;
    const before = calls.get(one.call);
    calls.set(one.call, {
      id: one.call,
      at: before?.at ?? one.at,
      package: before?.package || one.package,
      tool: before?.tool || one.tool,
      agent: before?.agent || one.agent,
      outcome: one.outcome || (before?.outcome ?? ""),
      effect: one.effect || (before?.effect ?? ""),
      last: one.seq,
    });
  }
  return [...calls.values()].sort((a, b) => b.last - a.last).slice(0, CALLS_SHOWN);
}

/** A filter as somebody types it: `package=com.example.* decision=deny since=7d`. */
export function readFilter(text: string): Filter {
  const names = ["package", "tool", "agent", "decision", "since"];
  const found: Record<string, string> = {};
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    const [name = "", value = ""] = word.split("=", 2);
    if (!names.includes(name) || !WORD.test(value)) throw new Refused("editor.filter", `a filter is one of ${names.join(", ")}, with = and a word`, "package=com.example.* decision=deny");
    found[name] = value;
  }
  return found;
}
