/** The rows of the three lists, as plain values; what VS Code makes of them is in extension.ts. */

import type { Call } from "./client";
import type { Package, Question } from "./documents";
import { inert, moment, plain } from "./inert";

export interface Row {
  readonly label: string;
  readonly note: string;
  readonly tip: string;
  /** The name of an icon of the editor's theme, so that it fits dark, light and high contrast. */
  readonly icon: string;
  readonly kind: "package" | "fact" | "question" | "call";
  /** The id of a question or call. */
  readonly id: string;
  readonly entry: number;
  readonly below: readonly Row[];
}

function fact(icon: string, label: string, note = ""): Row {
  return { label: inert(label), note: inert(note), tip: plain(note === "" ? label : `${label}: ${note}`), icon, kind: "fact", id: "", entry: 0, below: [] };
}

const WITHDRAWN = new Set(["yanked", "revoked", "quarantined", "removed"]);

function verdict(one: Package): Row {
  if (one.publisher === undefined) return fact("error", "not served", `${one.state}${one.why === "" ? "" : `: ${one.why}`}`);
  return fact("verified", `publisher "${one.publisher.name}"`, `trusted here: ${one.publisher.because}`);
}

function status(one: Package): readonly Row[] {
  if (one.registry === undefined) return [];
  const words = one.registry.stale ? `${one.registry.status}, and not proven anew since` : one.registry.status;
  return [fact(WITHDRAWN.has(one.registry.status) ? "error" : one.registry.stale ? "warning" : "cloud", `registry ${one.registry.name}`, words)];
}

export function packageRow(one: Package): Row {
  const gone = one.registry !== undefined && WITHDRAWN.has(one.registry.status);
  const state = gone ? (one.registry?.status ?? "") : one.state === "ok" ? "" : one.state;
  const below = [
    verdict(one),
    ...status(one),
    ...one.tools.map((tool) => fact("tools", `${one.alias}__${tool.name}`, `${tool.level}: ${tool.description}`)),
    ...one.may.map((words) => fact("shield", words)),
    fact("file-binary", "content", one.contentHash),
  ];
  return {
    label: inert(`${one.id} ${one.version}`),
    note: inert(state),
    tip: plain(`${one.id} ${one.version}\n${one.may.join("\n")}`),
    icon: one.state !== "ok" || gone ? "error" : "package",
    kind: "package",
    id: one.id,
    entry: 0,
    below,
  };
}

export function questionRow(one: Question): Row {
  return {
    label: inert(`${one.tool} of ${one.package}`),
    note: inert(`${one.ref}, ${one.level}, risk ${one.score} ${one.band}`),
    tip: plain(one.text),
    icon: "question",
    kind: "question",
    id: one.id,
    entry: 0,
    below: [],
  };
}

export function callRow(one: Call): Row {
  const end = one.outcome === "" ? "no end in the record" : one.outcome;
  return {
    label: inert(`${one.tool === "" ? "a call" : one.tool} of ${one.package === "" ? "no package" : one.package}`),
    note: inert(`${end}, ${moment(one.at)}`),
    tip: plain(`call ${one.id}\npolicy: ${one.effect === "" ? "not asked" : one.effect}\nagent: ${one.agent === "" ? "nobody named" : one.agent}\nend: ${end}`),
    icon: one.outcome === "ok" ? "pass" : one.outcome === "" ? "circle-outline" : "error",
    kind: "call",
    id: one.id,
    entry: one.last,
    below: [],
  };
}
