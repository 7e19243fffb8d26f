/** Reports as plain text. A read-only text has no scripts, no styles and no links of ours: what a stranger wrote stays text. */

import type { Detailed, Fault, Inspected, Story, Verified } from "./documents";
import { plain } from "./inert";

function lines(...parts: readonly (string | readonly string[])[]): string {
  return `${plain(parts.flat().join("\n"))}\n`;
}

function faultLines(fault: Fault | undefined): readonly string[] {
  if (fault === undefined) return [];
  return [`error: ${fault.message} [${fault.code}]`, ...(fault.hint === "" ? [] : [`hint:  ${fault.hint}`])];
}

export function verifiedText(file: string, found: Verified): string {
  const checks = found.checks.map((one) => `  ${one.number} ${one.ok ? "✓" : "✗"} ${one.name.padEnd(24)} ${one.detail}`);
  const who = found.publisher;
  const publisher =
    who === undefined
      ? []
      : [`integrity  ${found.integrity}`, `publisher  ${JSON.stringify(who.name)}, ${who.trusted ? `trusted: ${who.because}` : "not trusted here"}`, `           ${who.id}`];
  const alike = found.lookalikes.map((one) => `warning:   its id looks like ${one}, of another publisher`);
  const end = found.ok ? `verified: ${found.package}` : "refused";
  return lines(file, "", checks, "", publisher, alike, end, faultLines(found.error));
}

export function inspectedText(file: string, found: Inspected): string {
  return lines(
    file,
    "Nothing here was run or trusted; all of it is what the file says of itself.",
    "",
    `package    ${found.package}`,
    `name       ${found.name}`,
    `about      ${found.description}`,
    `seal       ${found.sealed ? `intact; its publisher calls itself ${JSON.stringify(found.publisher)}` : "none, or broken"}`,
    "",
    "It may",
    found.may.map((one) => `  - ${one}`),
    "",
    "Tools",
    found.tools.map((one) => `  - ${one.name} (${one.level}): ${one.description}`),
    "",
    "Its code imports",
    found.imports.map((one) => `  - ${one}`),
    "",
    "Files",
    found.files.map((one) => `  ${String(one.bytes).padStart(10)}  ${one.name}`),
    "",
    found.problems.flatMap(faultLines),
    found.warnings.map((one) => `warning: ${one}`),
  );
}

export function storyText(found: Story): string {
  const wide = Math.max(0, ...found.said.map((one) => one.topic.length));
  return lines(
    `Call ${found.call}`,
    "Arguments and answers are in the record as salted commitments only: they say nothing to whoever does not have the bytes.",
    "",
    found.said.map((one) => `  ${one.topic.padEnd(wide)}  ${one.words}  [entry ${one.entry}]`),
    "",
    "Its entries",
    found.entries.map((one) => `  ${String(one.seq).padStart(8)}  ${one.time}  ${one.kind}`),
    "",
    "To prove one of them to somebody who has nothing of MPP: MPP: Prove an Entry of the Record.",
  );
}

export function detailsText(found: Detailed): string {
  return lines(found.question.text, "", "Everything", found.details);
}
