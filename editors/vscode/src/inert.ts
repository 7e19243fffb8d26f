/** Text of strangers, made harmless before a person sees it: names, descriptions and reasons come from packages, agents and registries. */

import { LINE_CHARS_MAX } from "./limits";

/** Attack: characters that are not seen, or that turn the text around, hide what a person agrees to. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\u2028\u2029\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

function escaped(one: string): string {
  const code = (one.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
}

/** Several lines, word for word but for what is not seen. For dialogs and read-only documents, which show text as text. */
export function plain(text: string): string {
  return text.replace(UNSEEN, (one) => (one === "\n" ? one : escaped(one)));
}

/** One line for lists, messages and the status bar. */
export function inert(text: string, most: number = LINE_CHARS_MAX): string {
  // Attack: VS Code makes links of [words](command:…) in messages and icons of $(name) in lists.
  const line = plain(text).replace(/\n/g, " ").replace(/\]\(/g, "] (").replace(/\$\(/g, "$ (");
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** A moment as `mpp` writes it. */
export function moment(seconds: number): string {
  const at = new Date(seconds * 1000);
  return Number.isNaN(at.getTime()) ? "at an unknown time" : `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
