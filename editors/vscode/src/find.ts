/** Which `mpp` is run: the one of the setting, one of the PATH, or the workspace's own once a person agreed to it. */

import { realpathSync, statSync, accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

export interface Places {
  /** The setting `mpp.path`, which only the person's own settings can have. */
  readonly setting: string;
  readonly path: string;
  readonly folders: readonly string[];
  readonly trusted: boolean;
  /** Programs of this workspace to which a person said yes. */
  readonly agreed: readonly string[];
  readonly windows: boolean;
}

export type Found =
  | { readonly kind: "found"; readonly program: string; readonly from: "setting" | "PATH" | "workspace" }
  | { readonly kind: "untrusted" }
  | { readonly kind: "missing"; readonly words: string }
  | { readonly kind: "offer"; readonly program: string };

function runnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}

export function within(file: string, folder: string): boolean {
  const way = path.relative(folder, file);
  return way === "" || (!way.startsWith("..") && !path.isAbsolute(way));
}

export function find(places: Places): Found {
  // Attack: a folder that somebody only wants to look at starts a program, by whatever way.
  if (!places.trusted) return { kind: "untrusted" };
  if (places.setting !== "") return ofSetting(places.setting);
  const name = places.windows ? "mpp.exe" : "mpp";
  const roots = places.folders.map(real);
  for (const folder of places.path.split(path.delimiter)) {
    // Attack: a PATH with "." or "node_modules/.bin", or one that leads into the workspace: its author would choose the program.
    if (!path.isAbsolute(folder)) continue;
    const program = path.join(folder, name);
    if (roots.some((root) => within(real(folder), root) || within(program, root))) continue;
    if (runnable(program)) return { kind: "found", program, from: "PATH" };
  }
  return ofWorkspace(places, name);
}

function ofSetting(setting: string): Found {
  const program = setting.startsWith("~/") ? path.join(homedir(), setting.slice(2)) : setting;
  if (!path.isAbsolute(program)) return { kind: "missing", words: "the setting mpp.path must be a whole path" };
  if (!runnable(program)) return { kind: "missing", words: "the setting mpp.path names no program" };
  return { kind: "found", program, from: "setting" };
}

function ofWorkspace(places: Places, name: string): Found {
  for (const folder of places.folders) {
    const program = path.join(folder, ".venv", places.windows ? "Scripts" : "bin", name);
    if (!runnable(program)) continue;
    // Attack: a workspace brings its own mpp, which would show whatever it likes and answer for the person. Trust in a folder alone is no yes to that.
    return places.agreed.includes(program) ? { kind: "found", program, from: "workspace" } : { kind: "offer", program };
  }
  return { kind: "missing", words: "mpp is not on the PATH" };
}
