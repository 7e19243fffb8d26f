// Counts words in the files of a folder that a person grants. Which folder stands in manifest.json; without a grant there is none.
// @ts-expect-error: Node's own types are not needed for a tool
import { readdirSync, readFileSync } from "node:fs";
import { t, tool, ToolError } from "mpp-sdk";

export const place = { folder: "/workspace" };
const NAME = /^[^\0/]{1,200}$/;

tool({ name: "list_files", description: "Names the files of the folder", parameters: {}, returns: t.object({ names: t.list(t.string()) }), securityLevel: "low" }, () => {
  const names: string[] = readdirSync(place.folder);
  return { names };
});

tool({ name: "count_words", description: "Counts lines and words of a text file", parameters: { name: t.string({ description: "Its name in the folder" }) }, returns: t.object({ lines: t.integer(), words: t.integer() }), securityLevel: "low" }, ({ name }) => {
  if (!NAME.test(name) || name.startsWith(".")) throw new ToolError("that is no name of a file");
  let text: string;
  try {
    text = readFileSync(`${place.folder}/${name}`, "utf8");
  } catch (fault) {
    throw new ToolError(`${name} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
  return { lines: text === "" ? 0 : text.split("\n").length, words: text.split(/\s+/).filter(Boolean).length };
});
