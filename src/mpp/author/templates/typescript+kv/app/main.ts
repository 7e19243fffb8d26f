// Keeps notes between calls, in storage of this tool alone. How much may be kept stands in manifest.json.
import { kv, optional, t, tool, ToolError } from "mpp-sdk";

const TRIES = 5;
const PREFIX = "note/";

function add(name: string, text: string): string {
  // Another call may write at the same time: store only if what was read is still there.
  for (let i = 0; i < TRIES; i++) {
    const before = kv.getText(PREFIX + name);
    const after = before === null ? text : `${before}\n${text}`;
    if (kv.set(PREFIX + name, after, { expect: before })) return `kept: ${name}`;
  }
  throw new ToolError("too many calls write this note; try again");
}

function read(name: string): string {
  const found = kv.getText(PREFIX + name);
  if (found === null) throw new ToolError(`there is no note ${name}`);
  return found;
}

// One tool for all: what is kept belongs to a tool, and no other tool of the package sees it.
tool(
  {
    name: "notes",
    description: "Keeps notes under names: adds to one, reads one, or lists all names",
    parameters: {
      action: t.choice(["add", "read", "list"], { description: "What to do" }),
      name: optional(t.string({ description: "Of the note; not for list", minLength: 1, maxLength: 100 })),
      text: optional(t.string({ description: "What add keeps", minLength: 1, maxLength: 10000 })),
    },
    securityLevel: "low",
  },
  ({ action, name, text }) => {
    if (action === "list") {
      const names = kv.list({ prefix: PREFIX }).keys.map((key) => key.slice(PREFIX.length));
      return names.join("\n") || "there are no notes";
    }
    if (name === undefined) throw new ToolError("the name is missing");
    if (action === "read") return read(name);
    if (text === undefined) throw new ToolError("the text is missing");
    return add(name, text);
  },
);
